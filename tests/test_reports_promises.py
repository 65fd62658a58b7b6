"""A promise once made is kept: every deadline follows from its limit, its calendar and the events, and nothing else.

Matters live through whatever may happen to them around the holidays of spring and autumn, while limits, parameters,
office hours and the calendar itself change under them. After every act the deadline is counted again, minute by
minute and day by day, from what the events say.
"""

import random
from datetime import date, datetime, timedelta

import pytest

from weilianxin.areas.calendar import edition, load_calendar, set_windows, shipped_rows, work_calendar
from weilianxin.areas.locate import locate
from weilianxin.areas.models import CalendarDay
from weilianxin.cases.access import actor_on, handler_on
from weilianxin.cases.engine import perform
from weilianxin.cases.errors import Refused
from weilianxin.cases.models import Case, Task
from weilianxin.cases.replay import replay
from weilianxin.cases.ring import ring_due
from weilianxin.lib.clock import DAY_END, ZONE, Limit
from weilianxin.programmes.reports import intake, policy
from weilianxin.programmes.reports.decisions import extras
from weilianxin.programmes.reports.flow import REPORTS
from weilianxin.programmes.reports.models import Category, LevelLimit, Parameter

from .support.world import at, photo

pytestmark = pytest.mark.django_db

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
# The moves that begin, stop or alter a clock, and those that lead to one.
CLOCKS = (
    "ask", "answer", "accept", "refuse", "contest_refusal", "recode", "dispatch", "sign", "return_order", "designate",
    "start", "recall", "suspend", "resume", "extend", "reply", "rework", "close_verified", "dispute", "transfer",
    "take_back",
)  # fmt: skip
ENDS = ("refuse", "transfer", "recall")
LIMITS = ("30m", "2ch", "26ch", "4wh", "11wh", "1wd", "3wd", "7wd", "2nd", "10nd")


def counted(start, limit, calendar, pauses):
    """When `limit` is up, counted one minute or one day at a time; None while a pause lasts."""
    if any(until is None for _since, until in pauses):
        return None

    def runs(moment):
        return not any(since <= moment < until for since, until in pauses)

    if limit.unit in ("m", "ch", "wh"):
        left = limit.amount * (1 if limit.unit == "m" else 60)
        while left:
            left -= runs(start) and (limit.unit != "wh" or calendar.open_at(start))
            start += MINUTE
        return start
    day, left = start.astimezone(ZONE).date(), limit.amount
    while left:
        day += DAY
        close = calendar.windows[-1][1] if limit.unit == "wd" else DAY_END
        end = datetime.combine(day, close, ZONE)
        left -= runs(end) and (limit.unit == "nd" or calendar.is_workday(day))
    return end


def promised(told):
    """The deadline by what the events say, counted by hand."""
    if not told.limit:
        return None
    ends = counted(told.start, Limit.parse(told.limit), edition(told.calendar), told.pauses)
    return counted(ends, Limit.parse(told.extra), edition(told.calendar), told.pauses) if ends and told.extra else ends


def _can(move):
    return lambda actor: actor.role_for(move)


class Life:
    """One matter, and everybody who may do something to it."""

    def __init__(self, world, chance, now):
        self.w, self.r, self.now = world, chance, now
        self.categories = list(Category.objects.filter(code__in=("XQ201", "XQ202", "09012")))
        self.case = intake.submit(
            world.resident, text="路面塌了一个坑。", location=locate(place=world.entrance),
            category=chance.choice(self.categories), at=now,
        )  # fmt: skip

    def data(self, move):
        r = self.r
        values = {
            "note": "说明情况",
            "category": r.choice(self.categories),
            "urgency": r.choice((None, None, "U1", "U2", "U3")),
            "unit": r.choice((self.w.property, self.w.contractor)),
            "assists": [],
            "extra": r.choice(extras(self.case)) if self.case.handle_limit else "",
            "public_plan": "等雨停后重铺",
            "review_date": (self.now + timedelta(days=r.randint(1, 12))).date(),
            "outcome": "solved",
            "reason": "R10",
            "right_channel": "12345",
            "channel": "service",
            "receiver": "窗口 值班",
            "proposed": "市政",
            "attendees": "值班长、物业",
            "no_before": "到场时已经修好",
        }
        return {name: values[name] for name in move.fields if name in values}

    def step(self, done=frozenset()):
        """Somebody does something, rather what has not been `done` yet; its name, or "" where it was refused."""
        w, r = self.w, self.r
        self.now += r.choice((MINUTE, 3 * MINUTE, 47 * MINUTE, timedelta(hours=5), timedelta(hours=23), 3 * DAY))
        ring_due(self.now)
        self.case.refresh_from_db()
        people = (w.resident, w.worker, w.leader, w.secretary, w.dispatcher, w.verifier, w.callback, w.duty)
        actors = [actor_on(self.case, account, self.now) for account in people]
        tasks = Task.objects.filter(case=self.case, state__in=("issued", "signed")).select_related("unit")
        actors += [handler_on(task, "翼火") for task in tasks]
        moves = [m for m in REPORTS.from_state(self.case.state) if m.name in CLOCKS and any(map(_can(m), actors))]
        fresh = [m for m in moves if m.name not in done] if r.random() < 0.5 else []
        move = r.choice(fresh or [m for m in moves if m.name not in ENDS or r.random() < 0.2] or moves)
        actor = r.choice(list(filter(_can(move), actors)))
        photos = [(photo(), "after")] if "photos" in move.fields else []
        try:
            self.case = perform(self.case, move.name, actor, at=self.now, photos=photos, **self.data(move))
        except Refused:
            return ""
        return move.name

    def check(self, hint):
        case = Case.objects.get(pk=self.case.pk)
        told = replay(case.events.all(), REPORTS.phases)
        assert told.state == case.state, hint
        if case.state in ("accepted", "dispatched", "working", "replied"):
            assert case.due_at == told.due == told.deadline() == promised(told), hint
        if case.state == "received":
            assert case.accept_due_at == told.accept_due == told.accept_deadline(), hint
            ends = counted(told.start, Limit.parse(told.accept), edition(told.calendar), told.pauses)
            assert case.accept_due_at == ends, hint
        return case.due_at, case.accept_due_at, case.disputable_until, case.rateable_until


def shake(world, chance, now):
    """The house changes its mind about something."""
    what = chance.randrange(5)
    if what == 0:
        Category.objects.filter(scheme="resident").update(handle_limit=chance.choice(LIMITS))
    elif what == 1:
        for urgency in ("U1", "U2", "U3"):
            limits = {"accept_limit": chance.choice(LIMITS), "handle_limit": chance.choice(LIMITS)}
            LevelLimit.objects.update_or_create(pk=urgency, defaults=limits)
    elif what == 2:
        for key in ("return_limit", "sign_limit", "answer_limit"):
            Parameter.objects.update_or_create(key=key, defaults={"value": chance.choice(LIMITS)})
        Parameter.objects.update_or_create(key="dispute_days", defaults={"value": str(chance.randint(5, 60))})
    elif what == 3:
        days = {now.date() + chance.randint(-2, 20) * DAY for _n in range(6)}
        kinds = ("holiday", "swap_work", "work", "rest")
        kept = [{"date": str(d.date), "kind": d.kind} for d in CalendarDay.objects.exclude(date__in=days)]
        load_calendar(kept + [{"date": str(day), "kind": chance.choice(kinds)} for day in sorted(days)])
    else:
        begin, end = chance.choice((8, 9)), chance.choice((16, 17, 20))
        set_windows([(at(begin).time(), at(12).time()), (at(13, 30).time(), at(end).time())])
    policy.new_version(world.admin, "改了", now)


@pytest.mark.parametrize("begin", [date(2026, 2, 9), date(2026, 9, 22)])
def test_every_deadline_follows_from_limit_calendar_and_events_whatever_the_house_changes(world, begin):
    chance, done = random.Random(str(begin)), set()
    seldom = {"contest_refusal", "designate", "dispute", "take_back", "transfer"}
    for _life in range(10):
        load_calendar(shipped_rows())
        life = Life(world, chance, at(9, 5, day=begin + timedelta(days=chance.randint(0, 6))))
        for step in range(25):
            act = life.step(done)
            done.add(act)
            before = life.check(f"{life.case.number} step {step}: {act}")
            if step % 3 == 0:
                shake(world, chance, life.now)
                assert life.check(f"{life.case.number} step {step}: the house changed") == before
    assert not set(CLOCKS) - seldom - done, set(CLOCKS) - done


def report(world, who, moment):
    category = Category.objects.get(code="XQ201", scheme="resident")
    where = locate(place=world.entrance)
    return intake.submit(who, text="灯不亮了，晚上看不见。", location=where, category=category, at=moment)


def test_a_matter_keeps_the_calendar_of_its_promise_when_the_notice_is_corrected_while_it_waits(world):
    monday = date(2026, 9, 28)
    case = report(world, world.resident, at(9, day=monday))
    case = perform(case, "accept", actor_on(case, world.worker), at=at(9, 10, day=monday))
    case = perform(case, "start", actor_on(case, world.worker), at=at(9, 10, day=monday))
    plan = {"public_plan": "等材料到了再修", "review_date": date(2026, 10, 9), "note": "缺料"}
    Case.objects.filter(pk=case.pk).update(handle_limit="5wd")
    case = perform(case, "suspend", actor_on(case, world.duty), at=at(10, day=date(2026, 9, 29)), **plan)
    # Somebody takes the make-up Saturday away: whoever was promised something before still has it counted.
    load_calendar([row for row in shipped_rows() if row["date"] != "2026-10-10"])
    assert not work_calendar().is_workday(date(2026, 10, 10))
    case = perform(case, "resume", actor_on(case, world.duty), at=at(9, day=date(2026, 10, 9)))
    assert case.due_at == at(17, 30, day=date(2026, 10, 14))
    new = report(world, world.neighbour, at(9, day=date(2026, 10, 9)))
    new = perform(new, "accept", actor_on(new, world.worker), at=at(9, 10, day=date(2026, 10, 9)))
    assert new.calendar != case.calendar


def test_what_a_unit_may_return_and_a_resident_may_rate_is_not_shortened_afterwards(world):
    case = report(world, world.resident, at(9))
    case = perform(case, "accept", actor_on(case, world.worker), at=at(9, 5))
    case = perform(case, "dispatch", actor_on(case, world.worker), at=at(9, 10), unit=world.property, note="请看")
    Parameter.objects.update_or_create(key="return_limit", defaults={"value": "1m"})
    Parameter.objects.update_or_create(key="rating_days", defaults={"value": "1"})
    task = Task.objects.select_related("unit").get(case=case)
    case = perform(case, "return_order", handler_on(task, "翼火"), at=at(11), note="不归我们", proposed="市政")
    assert case.state == "accepted"
    case = perform(case, "close_seen", actor_on(case, world.worker), at=at(14), outcome="solved", note="换好了",
                   photos=[(photo(), "before"), (photo(), "after")])  # fmt: skip
    Parameter.objects.update_or_create(key="rating_days", defaults={"value": "15"})
    with pytest.raises(Refused):
        perform(case, "rate", actor_on(case, world.resident), at=at(15) + 2 * DAY, level=5)
