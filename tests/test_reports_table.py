"""Every row of the table of a report: who may and who may not, and every condition with what it refuses.

Whatever is added to the table is tested here by its name, or this file fails.
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction

from weilianxin.areas.locate import locate
from weilianxin.cases.access import Actor, actor_on, handler_on
from weilianxin.cases.engine import perform
from weilianxin.cases.errors import Changed, NotAllowed, Refused
from weilianxin.cases.flow import REPORTER, SYSTEM, Doing
from weilianxin.cases.models import Case, Event, Task
from weilianxin.lib.programme import programme
from weilianxin.programmes.reports import afterwards, decisions, guards, intake, policy, threads
from weilianxin.programmes.reports.flow import REPORTS
from weilianxin.programmes.reports.models import Category, Parameter, Report, Thread
from weilianxin.programmes.reports.screening import near, recurring

from .support.world import at, photo

pytestmark = pytest.mark.django_db

MOVES = {move.name: move for move in REPORTS.moves}
NAMED = {**vars(guards), **vars(decisions), **vars(afterwards)}
CONDITIONS = {
    next((name for name, value in NAMED.items() if value is condition), condition.__name__): condition
    for move in REPORTS.moves
    for condition in (*move.when, *move.guards)
}


def report(world, state="received"):
    case = intake.submit(
        world.resident, text="二楼的灯不亮了，老人看不见。", location=locate(place=world.entrance),
        category=Category.objects.get(code="XQ201", scheme="resident"), at=at(9),
    )  # fmt: skip
    return put(
        case, state=state, phase=REPORTS.phases[state], holder=world.worker, handle_limit="2wd", clock_from=at(9)
    )


def put(case, **facts):
    """The case as it would be with these facts, however it came to them."""
    Case.objects.filter(pk=case.pk).update(**facts)
    return Case.objects.get(pk=case.pk)


@pytest.mark.parametrize("name", MOVES)
def test_only_the_posts_of_the_row_may(world, name):
    move = MOVES[name]
    case = report(world, move.sources[0])
    people = [
        world.worker, world.backup, world.leader, world.secretary, world.dispatcher, world.verifier, world.callback,
        world.duty, world.admin, world.auditor, world.stranger_worker, world.other_leader, world.resident,
        world.neighbour,
    ]  # fmt: skip
    refused = 0
    for account in people:
        actor = actor_on(case, account, at(9, 5))
        if actor.role_for(move) is None:
            refused += 1
            with pytest.raises(NotAllowed):
                perform(case, name, actor, at=at(9, 5))
    assert refused >= 3
    after = Case.objects.get(pk=case.pk)
    assert (after.state, after.version) == (case.state, case.version)


@pytest.mark.parametrize("name", [name for name, move in MOVES.items() if len(move.sources) < len(REPORTS.phases)])
def test_from_no_other_state(world, name):
    move = MOVES[name]
    case = report(world)
    actor = Actor(account=world.duty, roles=frozenset(move.roles))
    for state, phase in REPORTS.phases.items():
        if state not in move.sources:
            case = put(case, state=state, phase=phase)
            with pytest.raises(Changed):
                perform(case, name, actor, at=at(9, 5))


# Every condition: facts of the case, who acts, what the form says, what was done before, the outside unit's task.
REFUSES = {
    "somebody_to_ask": {"case": {"reporter": None}},
    "ordinary_urgency": {"case": {"urgency": "U1"}},
    "rounds_left": {"case": {"asked": 2}},
    "note_needed": {"data": {"note": "好"}},
    "not_skipping_the_named_person": {
        "case": {"contested": 1, "state": "received"},
        "holder": "leader",
        "who": "worker",
    },
    "has_category": {"report": {"category": None}},
    "refusal_reason": {"data": {"reason": "R99"}},
    "contestable": {"report": {"refusal_code": "R01"}},
    "channel_named": {"data": {"channel": "integrity"}},
    "receiver_named": {"data": {"receiver": ""}},
    "mergeable": {"data": {"parent": None}},
    "no_meeting_waits": {"case": {"pending": "meeting"}},
    "unit_in_reach": {"data": {"unit": None}},
    "meeting_waits": {"case": {"pending": ""}},
    "attendees_named": {"data": {"attendees": ""}},
    "lead_task": {"task": {"state": "done"}},
    "named_person": {"task": {}, "named": " "},
    "is_holder": {"holder": "leader", "who": "worker"},
    "still_returnable": {"task": {"designated": True}},
    "proposed_holder": {"data": {"proposed": ""}},
    "not_an_emergency": {"case": {"urgency": "U0"}},
    "plan_told": {"data": {"public_plan": "等"}},
    "review_day": {"data": {"review_date": None}},
    "lead_if_handler": {"task": {"part": "assist"}},
    "outcome_named": {"data": {"outcome": "withdrawn"}},
    "evidence_after": {},
    "not_the_handler": {"before": ("reply", "leader"), "who": "leader"},
    "one_may_close": {"case": {"urgency": "U1"}},
    "outcome_one_may_claim": {"data": {"outcome": "explained"}},
    "real_category": {"case": {"category": "XQ999"}},
    "evidence_both": {},
    "another_pair_of_eyes": {"before": ("start", "leader"), "who": "leader"},
    "inside_window": {"case": {"disputable_until": at(9)}},
    "disputed_once": {"before": ("dispute", "resident"), "who": "resident"},
    "not_closer_nor_rated": {"closer": "leader", "who": "leader"},
    "reason_to_look": {"case": {"reopened": 1}},
    "withdrawable": {"case": {"urgency": "U0"}},
    "void_proposed_by_another": {"case": {"pending": "void"}, "before": ("propose_void", "duty"), "who": "duty"},
    "unseen": {"case": {"seen_at": at(9)}},
    "may_listen": {"case": {"sound": None}},
    "once_a_day": {"before": ("urge", "leader"), "who": "leader", "role": "grid_leader"},
    "nothing_pending": {"case": {"pending": "extend"}},
    "extendable": {"case": {"extended": 1}},
    "extra_named": {"data": {"extra": "99nd"}},
    "designated_once": {"task": {"designated": False}},
    "nobody_joined": {"case": {"headcount": 2}},
    "decision_waits": {"case": {"pending": "meeting"}},
    "assists_named": {"data": {"assists": []}},
    "somebody_joined": {"case": {"headcount": 1}},
    "carvable": {"case": {"channel": "source"}},
    "new_category": {"data": {"category": None}},
    "words_of_the_new": {"data": {"note": "灯"}},
    "not_secret": {"case": {"sensitive": True}},
    "secret_by_hand": {"case": {"sensitive": False}},
    "rating_window": {"case": {"rateable_until": at(9), "state": "closed"}},
    "level_named": {"data": {"level": 9}},
    "rating_waits": {},
    "sample_waits": {},
    "publishable": {"case": {"sensitive": True}},
    "public_title": {"data": {"public_title": "灯"}},
    "public_text": {"data": {"public_text": ""}},
    "is_public": {"report": {"published_at": None}},
    "still_named": {"case": {"anonymity": "N2"}},
    "assist_task": {"task": {"part": "lead"}},
    "assist_issued": {"task": {"part": "assist", "state": "signed"}},
    "assist_open": {"task": {"part": "assist", "state": "done"}},
    "lead_open": {},
    "live_link": {},
    "still_counted": {"case": {"excluded": "force"}},
    "ground_named": {"data": {"ground": "unreached"}},
    "exclusion_proposed_by_another": {
        "case": {"pending": "exclude"},
        "before": ("propose_exclude", "duty"),
        "who": "duty",
    },
    "urgency_one_may_set": {"data": {"urgency": "U3"}, "who": "worker"},
    "not_taken_from_the_named_person": {"case": {"reopened": 1}, "holder": "leader", "who": "worker"},
    "no_dispute_to_bury": {"case": {"reopened": 1}},
    "own_hands_in_the_centre": {"holder": "leader", "who": "duty", "role": "duty_leader"},
    "dispatched_by_no_higher_post": {"before": ("dispatch", "leader"), "role": "grid_leader", "who": "worker"},
    "nothing_else_pending": {"case": {"pending": "meeting"}},
    "call_told": {"data": {"call": "nobody"}},
}
# What takes whatever the form says.
TAKES_ALL = {"note_optional"}


def test_every_condition_of_the_table_is_refused_below():
    assert set(CONDITIONS) - TAKES_ALL == set(REFUSES)


@pytest.mark.parametrize("name", REFUSES)
def test_the_condition_refuses(world, name):
    told, case = REFUSES[name], report(world, "accepted")
    facts = {"accept_limit": "2wh", **told.get("case", {})}
    for field in ("holder", "closer"):
        if field in told:
            facts[field] = getattr(world, told[field])
    case = put(case, **facts)
    Report.objects.filter(pk=case.pk).update(**(told.get("report") or {"kind": "求助"}))
    if "before" in told:
        act, who = told["before"]
        Event.objects.create(
            case=case, seq=90, at=at(9, 3), act=act, to_state=case.state, actor=getattr(world, who),
            role=told.get("role", "x"),
        )  # fmt: skip
    who = getattr(world, told.get("who", "duty"))
    actor = actor_on(case, who, at(9, 5))
    if "task" in told:
        task = Task.objects.create(case=case, unit=world.property, issued_at=at(9, 1), **told["task"])
        actor = handler_on(task, told.get("named", "翼火"))
    move = next(m for m in REPORTS.moves if CONDITIONS[name] in (*m.when, *m.guards))
    doing = Doing(
        case=case, move=move, actor=actor, at=at(9, 5), data=dict(told.get("data", {})),
        facts=programme("reports").situation(case), role=actor.role_for(move) or (told.get("role") or "duty_leader"),
    )  # fmt: skip
    with pytest.raises(Refused) as refusal:
        CONDITIONS[name](doing)
    assert str(refusal.value)


def closed(world, moment, **more):
    case = put(report(world), state="accepted", phase="active", created_at=moment, clock_from=moment)
    pictures = [(photo(), "before"), (photo(), "after")]
    said = {"outcome": "solved", "note": "换好了"}
    return perform(case, "close_seen", actor_on(case, world.worker, moment), at=moment, photos=pictures, **said)


def around(world):
    """How many matters like theirs a neighbour is shown an hour and a half later, twenty metres further on."""
    case = report(world)
    shifted = replace(locate(place=world.entrance), place=None, lat=case.lat + 0.0002)
    return len(near(Category.objects.get(code="XQ201", scheme="resident"), shifted, at(10, 30)))


def at_the_entrance(world):
    report(world)
    here = replace(locate(place=world.entrance), cell=None)
    return len(near(Category.objects.get(code="XQ201", scheme="resident"), here, at(10, 30)))


def again(world):
    closed(world, at(9) - timedelta(days=3))
    place = locate(place=world.entrance)
    return recurring(Category.objects.get(code="XQ201", scheme="resident"), place, at(9)) is not None


def third(world):
    for days in (40, 20):
        closed(world, at(9) - timedelta(days=days))
    case = report(world)
    perform(case, "accept", actor_on(case, world.worker, at(9, 5)), at=at(9, 5))
    return Case.objects.filter(channel="source").count()


def cause(world):
    case = put(report(world), channel="source", sight="community")
    return perform(case, "accept", actor_on(case, world.secretary, at(9, 5)), at=at(9, 5)).handle_limit


def met_by(world):
    case = put(report(world, "dispatched"), returned=1, due_at=at(9) + timedelta(days=9))
    task = Task.objects.create(case=case, unit=world.property, issued_at=at(9, 1))
    said = {"note": "不归我们管", "proposed": "市政"}
    return perform(case, "return_order", handler_on(task, "翼火"), at=at(9, 10), **said).next_due_at


def latest_review(world):
    case = put(report(world, "working"), due_at=at(9) + timedelta(days=9))
    plan = {"public_plan": "等雨停后重铺", "review_date": (at(9) + timedelta(days=5)).date(), "note": "下雨"}
    try:
        return perform(case, "suspend", actor_on(case, world.duty, at(9, 5)), at=at(9, 5), **plan).state
    except Refused:
        return "too far"


def asked_again(world):
    case = put(report(world), asked=1)
    try:
        return perform(case, "ask", actor_on(case, world.worker, at(9, 5)), at=at(9, 5), note="几楼的灯？").state
    except Refused:
        return "enough"


def too_long(world):
    try:
        intake.submit(world.resident, text="灯" * 200, location=locate(place=world.entrance), at=at(9))
    except Refused as refusal:
        return str(refusal)
    return "taken"


def answered_by(world):
    message = threads.say(threads.thread_for(world.resident), world.resident, "在吗？", at=at(9))
    return Thread.objects.get(pk=message.thread_id).answer_due_at


# A number or limit of the subdistrict, another value for it, and what is different then.
DIFFERENCE = {
    "ask_rounds": ("1", asked_again),
    "meeting_limit": ("3wd", met_by),
    "review_days": ("3", latest_review),
    "duplicate_metres": ("10", around),
    "duplicate_hours": ("1", around),
    "entrance_hours": ("1", at_the_entrance),
    "recur_days": ("2", again),
    "chronic_times": ("4", third),
    "chronic_days": ("30", third),
    "source_limit": ("5wd", cause),
    "check_limit": ("9wd", lambda world: policy.check_by(at(9))),
    "thread_limit": ("30m", answered_by),
    "text_most": ("100", too_long),
}


@pytest.mark.parametrize("key", DIFFERENCE)
def test_a_changed_number_of_the_subdistrict_makes_a_difference(world, key):
    value, look = DIFFERENCE[key]
    with transaction.atomic():
        before = look(world)
        transaction.set_rollback(True)
    Parameter.objects.update_or_create(key=key, defaults={"value": value})
    assert look(world) != before


def test_every_number_of_the_subdistrict_is_named_by_a_test():
    here = Path(__file__)
    told = "".join(path.read_text(encoding="utf-8") for path in here.parent.glob("test_*.py") if path != here)
    assert [key for key in policy.PARAMETERS if f'"{key}"' not in told and key not in DIFFERENCE] == []


def test_reporter_and_house_are_no_posts():
    assert not {REPORTER, SYSTEM} & {role for move in REPORTS.moves for role in move.roles if role.startswith("grid")}
