"""The rounds of the made-up 望星街道: households in their rhythm, some key ones, checklists due and gone through."""

import random
from datetime import timedelta
from pathlib import Path

from django.db import transaction
from django.utils import timezone, translation

from weilianxin.areas.models import Area, Level, Place, PlaceKind
from weilianxin.files.intake import receive
from weilianxin.files.store import store
from weilianxin.people.posts import on_duty

from . import plan as rules
from .models import HouseholdClass, KeyHousehold, Plan, Template

SEED = 20261126
REASONS = {
    "alone": "一个人住，子女在外地，腿脚不便",
    "empty_nest": "老两口，子女每月回来一次",
    "disabled": "出门要坐轮椅，单元没有坡道",
    "poor": "靠低保生活，冬天常关窗烧炉子",
    "child": "跟奶奶住，放学后没人看",
}
NOTES = ("身体还好，药按时吃。", "说晚上楼道灯暗。", "女儿来接走住几天，周日回。", "血压高一点，劝去社区量。")
STORY = "330102098001"  # the community that the story of the demo is about
PHOTOS = Path(__file__).parents[1] / "reports" / "data" / "demo_photos"
BAD = {"exits": ("stairs-before.jpg", "三楼转角堆着纸箱"), "old": ("wall-before.jpg", "西墙墙皮鼓起来了")}


def seed(at=None):
    """Fill in the rounds of the story's community, and plan every household of the subdistrict. A few seconds."""
    at = at or timezone.now()
    chance = random.Random(SEED)
    with translation.override("zh-hans"), transaction.atomic():
        while rules.spread(at, 5000):
            pass
        classes = {one.code: one for one in HouseholdClass.objects.all()}
        for grid in Area.objects.current().filter(level=Level.GRID, community__code=STORY).order_by("code"):
            duty = on_duty(grid, at)
            if duty is not None:
                _grid(grid, duty.account, classes, chance, at)


def _grid(grid, worker, classes, chance, at):
    today = timezone.localdate(at)
    rooms = list(Place.objects.filter(grid=grid, kind=PlaceKind.ROOM).order_by("pk"))
    if not rooms:
        return
    for n, code in enumerate(REASONS):
        room = rooms[(n * 47 + 11) % len(rooms)]
        if KeyHousehold.objects.filter(place=room).exists():
            continue
        key = rules.enter(
            room,
            [classes[code]],
            worker,
            since=today - timedelta(days=90),
            reason=REASONS[code],
            ground="consent",
            ground_note="登记时本人当面同意",
            first=today - timedelta(days=30),
            at=at - timedelta(days=90),
        )
        day = at - timedelta(days=chance.randint(13, 20))
        note = chance.choice(NOTES)
        rules.visit(key.plan, worker, due=key.plan.due_on, outcome="met", note=note, at=day)
    # Some doors are due these days: two today, one since last week, one where nobody was at home.
    few = [room for room in rooms[5::61] if not KeyHousehold.objects.filter(place=room).exists()][:5]
    for room, days in zip(few, (0, 0, -9, 3, 5), strict=False):
        Plan.objects.filter(place=room, key=None, template=None).update(due_on=today + timedelta(days=days))
    if few:
        plan = Plan.objects.get(place=few[0], key=None, template=None)
        rules.visit(plan, worker, due=today, outcome="nobody", next_try=today + timedelta(days=1), at=at)
        Plan.objects.filter(pk=plan.pk).update(due_on=today)
    buildings = list(Place.objects.filter(grid=grid, kind=PlaceKind.BUILDING).order_by("pk")[:3])
    for place, code in zip(buildings, ("exits", "old", "exits"), strict=False):
        plan = rules.plan_check(place, Template.objects.get(pk=code), today - timedelta(days=35), worker, at)
        if place is not buildings[0]:
            _gone_through(plan, worker, at - timedelta(days=chance.randint(28, 33)))
    Plan.objects.filter(place__in=buildings[1:], template__isnull=False).update(due_on=today)


def _gone_through(plan, worker, at):
    drawing, note = BAD[plan.template_id]
    (prepared,) = receive([(PHOTOS / drawing).read_bytes()])
    photo = store(prepared, worker, at)
    items = plan.template.items
    answers = {item["code"]: ("good", "") for item in items} | {items[0]["code"]: ("bad", note)}
    rules.check(plan, worker, due=plan.due_on, answers=answers, photos={items[0]["code"]: photo.ref}, at=at)
