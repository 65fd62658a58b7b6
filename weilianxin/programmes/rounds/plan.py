"""The rules of the rounds: what is due where, what a visit or a check does to it, and what is forgotten when."""

import csv
from datetime import timedelta
from pathlib import Path

from django.db import connections, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from weilianxin.areas.models import Place, PlaceKind
from weilianxin.cases.errors import Changed, Invalid
from weilianxin.cases.flow import SYSTEM
from weilianxin.files.store import claim, erase_photo
from weilianxin.journal import log

from .models import (
    Answer,
    Check,
    CheckPhoto,
    HouseholdClass,
    KeyHousehold,
    Outcome,
    Parameter,
    Plan,
    Template,
    Visit,
)

DATA = Path(__file__).parent / "data"
STREAM = "rounds"
# key: (default, least, most, what it means). Numbers are proposals that every subdistrict may change, not law.
PARAMETERS = {
    "household_days": (182, 7, 730, gettext_lazy("每一户多少天走访一次")),
    "retry_days": (3, 1, 30, gettext_lazy("没人在家，几天后再去")),
    "keep_days": (365, 30, 1825, gettext_lazy("重点户结束后多少天删除")),
    "visit_days": (1825, 365, 3650, gettext_lazy("走访和检查记录保存多少天")),
}
# Why a place is not checked any more: codes, because the journal keeps them for ever.
END_REASONS = {
    "mistaken": gettext_lazy("排错了地方或检查表"),
    "gone": gettext_lazy("这里拆了，或者不用了"),
    "others": gettext_lazy("改由别人检查"),
    "needless": gettext_lazy("情况变了，不用再查"),
}
AHEAD, LATE = timedelta(days=7), timedelta(days=7)  # reminded before; shown to the grid leader after
LONGEST_RETRY = 30
BATCH = 2000


def number(key):
    """The value in force; the shipped one where nobody changed it."""
    row = Parameter.objects.filter(pk=key).first()
    return row.value if row else PARAMETERS[key][0]


def rhythm(plan):
    """Every how many days this comes round; for a key household the shortest of its classes."""
    if plan.template_id:
        return plan.template.every_days
    if plan.key_id:
        days = plan.key.classes.values_list("every_days", flat=True)
        return min(days, default=number("household_days"))
    return number("household_days")


def running():
    """Plans that still come round: of places there still are, of lists in use, one visit for a door."""
    more = Plan.objects.filter(place=OuterRef("place"), key__isnull=False, until__isnull=True)
    return (
        Plan.objects.filter(until__isnull=True)
        .exclude(template__is_active=False)
        .exclude(Q(key__isnull=True, template__isnull=True) & Exists(more))
        .filter(Q(place__valid_to__isnull=True) | Q(place__valid_to__gt=timezone.localdate()))
    )


def dwellings():
    """Where a household lives: rooms, and buildings and entrances that nothing lies below, such as a bare house."""
    inside = Place.objects.current().filter(parent=OuterRef("pk"))
    bare = Q(kind__in=(PlaceKind.BUILDING, PlaceKind.ENTRANCE)) & ~Exists(inside)
    return Place.objects.current().filter(Q(kind=PlaceKind.ROOM) | bare)


def title(plan):
    """What a list says. A key household looks like any other: which one it is stands on no list."""
    if plan.template_id:
        return _("检查：%(name)s") % {"name": plan.template.name}
    return _("走访")


# A visit


def visit(plan, account, *, due, outcome, note="", noticed="", next_try=None, was=None, at=None):
    """What came of a visit; moves the plan on. Returns the Visit.

    `due` is the day for which the visitor saw it planned: Changed where somebody was there meanwhile, or where it comes
    round no more. Invalid for an outcome that is none, words too long, or a next try that lies not within the next
    thirty days. `was` is when it was, where that is not when it is written down: everything counts from it, and only
    the journal's moment stays `at`.
    """
    at = at or timezone.now()
    was = was or at
    day = timezone.localdate(was)
    if outcome not in Outcome.values:
        raise Invalid(_("请选这次走访怎么样。"), "outcome")
    for field, words in (("note", note), ("noticed", noticed)):
        if len(words) > 500:
            raise Invalid(_("写得太长了，最多 %(n)s 个字。") % {"n": 500}, field)
    if outcome == Outcome.NOBODY:
        # A phone without a network may come with it so late that the next try would be over: then it is today's.
        next_try = next_try or max(day + timedelta(days=number("retry_days")), timezone.localdate(at))
        if not day < next_try <= day + timedelta(days=LONGEST_RETRY):
            raise Invalid(_("下次去的日子要在明天到 %(n)s 天之内。") % {"n": LONGEST_RETRY}, "next_try")
    with transaction.atomic():
        plan = _locked(plan, due)
        done = Visit.objects.create(
            plan=plan,
            key=plan.key,
            place=plan.place,
            by=account,
            planned_for=plan.due_on,
            at=was,
            outcome=outcome,
            note=note,
            noticed=noticed,
            next_try=next_try if outcome == Outcome.NOBODY else None,
        )
        if outcome == Outcome.NOBODY:
            Plan.objects.filter(pk=plan.pk).update(due_on=next_try, tries=plan.tries + 1)
        else:
            # Whoever was met was met as a household too, however many plans lead to the door.
            rows = Plan.objects.filter(place=plan.place, template__isnull=True, until__isnull=True)
            for row in rows.select_related("key"):
                _next(row, day, was)
        log.append(STREAM, "visit", account.ref, {"visit": done.ref, "outcome": outcome}, at=at)
    return done


def _locked(plan, due):
    rows = Plan.objects.select_for_update(of=("self",)).select_related("place", "key", "template")
    plan = rows.filter(pk=plan.pk).first()
    if plan is None or not running().filter(pk=plan.pk).exists():
        raise Changed
    if plan.due_on != due:
        raise Changed({"who": _("同事"), "act": title(plan)})
    return plan


def _next(plan, today, at):
    due = today + timedelta(days=rhythm(plan))
    Plan.objects.filter(pk=plan.pk).update(due_on=due, tries=0, done_at=at)


# A check


def check(plan, account, *, due, answers, photos, at=None):
    """A checklist gone through. `answers`: {code: (answer, note)}, `photos`: {code: ref sent ahead}. Returns the Check.

    Every item of the list is answered, and what is not good is photographed; Invalid otherwise, Changed as in `visit`.
    """
    at = at or timezone.now()
    with transaction.atomic():
        plan = _locked(plan, due)
        items = []
        for item in plan.template.items:
            answer, note = answers.get(item["code"], ("", ""))
            if answer not in Answer.values:
                raise Invalid(_("这一项还没有选。"), f"a_{item['code']}")
            if len(note) > 200:
                raise Invalid(_("写得太长了，最多 %(n)s 个字。") % {"n": 200}, f"n_{item['code']}")
            if answer == Answer.BAD and not photos.get(item["code"]):
                raise Invalid(_("不好的地方请拍一张照片。"), f"p_{item['code']}")
            items.append({**item, "answer": answer, "note": note})
        bad = [item["code"] for item in items if item["answer"] == Answer.BAD]
        refs = [photos[code] for code in bad]
        rows = {photo.ref: photo for photo in claim(account, refs, at)}
        done = Check.objects.create(
            template=plan.template,
            place=plan.place,
            by=account,
            planned_for=plan.due_on,
            at=at,
            items=items,
            bad=len(bad),
        )
        CheckPhoto.objects.bulk_create(
            [CheckPhoto(check_done=done, photo=rows[photos[code]], item=code) for code in bad]
        )
        _next(plan, timezone.localdate(at), at)
        log.append(STREAM, "check", account.ref, {"check": done.ref, "bad": len(bad)}, at=at)
    return done


def plan_check(place, template, due_on, by, at=None):
    """A place gets a checklist that comes round, also one that was ended there. Journalled. Returns the Plan; Invalid
    where it has it already."""
    at = at or timezone.now()
    with transaction.atomic():
        facts = {"place": place, "template": template}
        plan, new = Plan.objects.select_for_update().get_or_create(**facts, defaults={"due_on": due_on})
        if not new and plan.until is None:
            raise Invalid(_("这个地方已经有这张检查表了。"), "place")
        plan.due_on, plan.until = due_on, None
        plan.save(update_fields=["due_on", "until"])
        log.append(STREAM, "check_planned", by.ref, {"plan": plan.ref, "template": template.pk}, at=at)
    return plan


def end_check(plan, by, *, due, reason, at=None):
    """A place loses a checklist; what was checked stays. Journalled with the reason, one of END_REASONS: Invalid
    without one, Changed as in `visit`."""
    at = at or timezone.now()
    if reason not in END_REASONS:
        raise Invalid(_("请选为什么不再检查。"), "reason")
    with transaction.atomic():
        plan = _locked(plan, due)
        Plan.objects.filter(pk=plan.pk).update(until=timezone.localdate(at))
        log.append(STREAM, "check_ended", by.ref, {"plan": plan.ref, "reason": reason}, at=at)


# Key households


def enter(place, classes, by, *, since, reason, ground, ground_note="", first=None, at=None):
    """A household becomes a key household and is visited in the rhythm of its classes, first on the day `first`.

    The journal says who entered one and when, never which or why. Invalid where the household is one already, and for
    a sensitive class without a note on what it rests on. Returns the KeyHousehold.
    """
    at = at or timezone.now()
    if not classes:
        raise Invalid(_("请至少选一类。"), "classes")
    if any(one.sensitive for one in classes) and not ground_note:
        raise Invalid(_("这一类是敏感个人信息，请写明谁在什么时候同意的，或者依据哪条规定。"), "ground_note")
    with transaction.atomic():
        row, new = KeyHousehold.objects.get_or_create(
            place=place,
            until=None,
            defaults={
                "since": since,
                "reason": reason,
                "ground": ground,
                "ground_note": ground_note,
                "entered_by": by,
            },
        )
        if not new:
            raise Invalid(_("这一户已经登记过了。"), "place")
        row.classes.set(classes)
        Plan.objects.create(place=place, key=row, due_on=first or timezone.localdate(at))
        log.append(STREAM, "key_entered", by.ref, {"key": row.ref}, at=at)
    return row


def end(household, by, at=None):
    """The care ends: it is visited like every household again, and the row falls out after the time for keeping."""
    at = at or timezone.now()
    with transaction.atomic():
        today = timezone.localdate(at)
        if KeyHousehold.objects.filter(pk=household.pk, until__isnull=True).update(until=today):
            Plan.objects.filter(key=household).update(until=today)
            log.append(STREAM, "key_ended", by.ref, {"key": household.ref}, at=at)


def read(household, by, at=None):
    """Note that somebody opened what is kept about a household (sensitive data: every reading is on record)."""
    log.append(STREAM, "key_read", by.ref, {"key": household.ref}, at=at)


# By itself


def keep(at=None):
    """Plan every household there is, and forget what was kept long enough; for the work loop."""
    at = at or timezone.now()
    spread(at)
    forget(at)


def spread(at, most=BATCH):
    """Give households without one their plan; returns how many. A staircase comes due within the same week, and the
    staircases and bare houses of a grid are spread evenly over the rhythm."""
    days, today = number("household_days"), timezone.localdate(at)
    planned = Plan.objects.filter(place=OuterRef("pk"), key__isnull=True, template__isnull=True)
    homes = dwellings().filter(~Exists(planned), grid__isnull=False).order_by("pk")[:most]
    rows = []
    for pk, kind, parent in homes.values_list("pk", "kind", "parent_id"):
        together = parent if kind == PlaceKind.ROOM and parent else pk
        rows.append(Plan(place_id=pk, due_on=today + timedelta(days=(together * 37 + pk % 7) % days)))
    Plan.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def forget(at, most=BATCH):
    """Delete key households that ended long ago with all words about them, and records older than they are kept."""
    today = timezone.localdate(at)
    ended = KeyHousehold.objects.filter(until__lt=today - timedelta(days=number("keep_days")))
    drop(ended[:most], at)
    old = at - timedelta(days=number("visit_days"))
    Visit.objects.filter(pk__in=list(Visit.objects.filter(at__lt=old).values_list("pk", flat=True)[:most])).delete()
    for row in Check.objects.filter(at__lt=old)[:most]:
        with transaction.atomic():
            photos = [use.photo for use in row.photos.select_related("photo")]
            row.delete()
            for photo in photos:
                erase_photo(photo, at)


def drop(households, at):
    """Delete these key households with their plans and visits; the journal keeps that there was one."""
    for row in households:
        with transaction.atomic():
            log.append(STREAM, "key_dropped", SYSTEM, {"key": row.ref}, at=at)
            row.delete()


def erase_person(account, at):
    """Called inside the transaction that erases `account`: what is kept about the household where the person lives or
    lived goes wholly. Where one lives is one's own word, so the door is visited the next day like any other: whoever
    still needs care is entered anew."""
    places = list(account.dwellings.values_list("place_id", flat=True))
    tomorrow = timezone.localdate(at) + timedelta(days=1)
    cared = KeyHousehold.objects.filter(place__in=places, until__isnull=True)
    for place in dwellings().filter(pk__in=cared.values("place")):
        Plan.objects.update_or_create(place=place, key=None, template=None, defaults={"due_on": tomorrow})
    drop(KeyHousehold.objects.filter(place__in=places), at)
    Visit.objects.filter(place__in=places).update(note="", noticed="")


def load(using="default"):
    """The shipped classes and checklists, where there are none of their codes; what stands is never touched."""
    with (DATA / "classes.csv").open(encoding="utf-8", newline="") as source:
        rows = [
            HouseholdClass(position=n, **{**row, "sensitive": row["sensitive"] == "1"})
            for n, row in enumerate(csv.DictReader(source))
        ]
    HouseholdClass.objects.using(using).bulk_create(rows, ignore_conflicts=True)
    lists = {}
    with (DATA / "checklists.csv").open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            items = lists.setdefault(tuple(row[k] for k in ("code", "name_zh", "name_en", "every_days")), [])
            items.append({"code": f"i{len(items) + 1}", "zh": row["item_zh"], "en": row["item_en"]})
    rows = [
        Template(code=code, name_zh=zh, name_en=en, every_days=days, items=items, position=n)
        for n, ((code, zh, en, days), items) in enumerate(lists.items())
    ]
    Template.objects.using(using).bulk_create(rows, ignore_conflicts=True)


def after_migrate(using, **_signal):
    """The tables of data are there after every migration."""
    if Template._meta.db_table in connections[using].introspection.table_names():
        load(using)
