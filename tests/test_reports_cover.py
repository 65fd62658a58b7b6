"""While somebody is away: who stands in hears of it, does the work, and nothing that was promised moves."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from weilianxin.areas.locate import locate
from weilianxin.cases.access import actor_on, handler_on
from weilianxin.cases.engine import perform
from weilianxin.cases.errors import NotAllowed
from weilianxin.cases.models import Case
from weilianxin.cases.ring import ring_due
from weilianxin.notify.models import Message, Outbox
from weilianxin.people.models import Post, Role
from weilianxin.people.posts import assign, note_absence
from weilianxin.programmes.reports import intake
from weilianxin.programmes.reports.models import Category

from .support.world import BEGINNING, at, client_for, staff

pytestmark = pytest.mark.django_db


def do(case, name, who, moment, **data):
    return perform(Case.objects.get(pk=case.pk), name, actor_on(case, who, moment), at=moment, **data)


def accepted(world, **more):
    case = intake.submit(
        world.resident,
        text="楼道的灯不亮，晚上看不清。",
        location=locate(place=world.entrance),
        category=Category.objects.get(code="XQ201", scheme="resident"),
        at=at(9),
        **more,
    )
    return do(case, "accept", world.worker, at(9, 30))


def away(world):
    return note_absence(world.worker, "sick", at(10), at(20, day=date(2026, 3, 20)), by=world.admin, at=at(10))


def told(account, since=None):
    rows = Message.objects.filter(account=account)
    return [row.act for row in (rows.filter(created_at__gte=since) if since else rows)]


def test_what_comes_of_a_matter_reaches_whoever_stands_in(world):
    case = accepted(world)
    due = case.due_at
    away(world)
    before = len(told(world.worker))
    do(case, "append", world.resident, at(11), note="水越来越大", photos=[])
    ring_due(due + timedelta(minutes=1))
    assert "appended" in told(world.backup) and "overdue" in told(world.backup)
    assert len(told(world.worker)) == before
    case.refresh_from_db()
    assert case.holder == world.worker and case.due_at == due  # cover moves nothing that was promised
    page = client_for(world.resident).get(reverse("reports:matter", args=[case.number])).content.decode()
    assert world.worker.name in page  # who holds it is still said


def test_whoever_stands_in_begins_the_work_of_the_one_who_is_away(world):
    case = accepted(world)
    with pytest.raises(NotAllowed):
        do(case, "start", world.backup, at(9, 45))
    away(world)
    due = case.due_at
    case = do(case, "start", world.backup, at(11))
    assert case.state == "working" and case.holder == world.backup and case.due_at == due


def test_nobody_stands_in_for_a_matter_about_themselves_or_one_they_closed(world):
    case = accepted(world)
    Case.objects.filter(pk=case.pk).update(closer=world.backup)
    away(world)
    do(case, "append", world.resident, at(11), note="还是不亮", photos=[])
    assert "appended" not in told(world.backup) and "appended" in told(world.worker)


def test_of_two_grids_each_has_its_own_cover(world):
    assign(world.worker, Role.GRID_WORKER, world.second_grid, at(8), by=world.admin)
    case = accepted(world)
    away(world)
    do(case, "append", world.resident, at(11), note="水越来越大", photos=[])
    assert "appended" in told(world.backup)


def test_who_stands_in_is_told_when_the_absence_is_noted(world):
    admin = client_for(world.admin)
    day = timezone.localdate() + timedelta(days=2)
    url = reverse("desk:admin_person_act", args=[world.worker.ref, "absence"])
    for _again in range(2):
        answer = admin.post(url, {"kind": "leave", "since": day, "until": day + timedelta(days=1), "_key": "leave-1"})
        assert answer.status_code == 302
    message = Message.objects.get(account=world.backup, act="absence")
    assert world.worker.name in message.body and f"{day.month}月{day.day}日" in message.body
    assert Outbox.objects.filter(account=world.backup, act="absence", channel="sms").count() == 1
    assert [world.backup.name in row.body for row in Message.objects.filter(account=world.leader, act="absence")] == [
        True
    ]
    assert not Message.objects.filter(account=world.worker, act="absence").exists()


def test_nobody_stands_in_who_does_not_see_the_matter(world):
    Post.objects.create(account=world.secretary, role="grid_leader", area=world.grid, since=BEGINNING)
    case = intake.submit(
        world.resident,
        text="网格员上门的态度很差，说话不算数。",
        location=locate(place=world.entrance),
        category=Category.objects.get(code="XQ902", scheme="resident"),
        kind="投诉",
        about="leader",
        at=at(9),
    )
    case = do(case, "accept", world.secretary, at(9, 30))
    assert case.holder == world.secretary and case.sight == "community"
    note_absence(world.secretary, "sick", at(10), at(20), by=world.admin, at=at(10))
    do(case, "append", world.resident, at(11), note="又来过一次", photos=[])
    assert "appended" in told(world.secretary)
    assert not Message.objects.filter(account__in=(world.worker, world.backup), act="appended").exists()


def test_whoever_stands_in_for_the_named_person_begins_what_was_disputed(world):
    second = staff("轸水", Role.COMMUNITY_SECRETARY, world.community)
    case = accepted(world)
    Case.objects.filter(pk=case.pk).update(reopened=1, holder=world.secretary, closer=world.worker)
    with pytest.raises(NotAllowed):
        do(case, "start", second, at(9, 45))
    note_absence(world.secretary, "sick", at(10), at(20), by=world.admin, at=at(10))
    with pytest.raises(NotAllowed):
        do(case, "start", world.worker, at(10, 30))
    assert do(case, "start", second, at(10, 30)).holder == second


def test_the_centre_says_of_no_unit_that_its_work_is_done(world):
    case = do(accepted(world), "dispatch", world.dispatcher, at(9, 40), unit=world.property, assists=[], note="请处理")
    task = case.tasks.get(part="lead")
    case = perform(case, "sign", handler_on(task, "翼火"), at=at(10), note="")
    with pytest.raises(NotAllowed):
        do(case, "reply", world.dispatcher, at(11), photos=[], outcome="solved", note="好了")
