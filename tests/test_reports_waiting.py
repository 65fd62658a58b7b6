"""What happens beside the everyday path: waiting, more time, a joint meeting, voiding, secrecy, the police."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from weilianxin.areas.locate import locate
from weilianxin.cases.access import actor_on, handler_on
from weilianxin.cases.engine import deadline, perform
from weilianxin.cases.errors import Invalid, NotAllowed, Refused
from weilianxin.cases.models import Case, Event, Task
from weilianxin.cases.replay import replay
from weilianxin.cases.ring import ring_due
from weilianxin.journal.models import Entry
from weilianxin.journal.verify import verify
from weilianxin.notify.models import Message, Outbox
from weilianxin.programmes.reports import intake, policy
from weilianxin.programmes.reports.flow import REPORTS
from weilianxin.programmes.reports.models import Category, LevelLimit

from .support.world import at, photo

pytestmark = pytest.mark.django_db


def report(world, code="XQ201", moment=None, **more):
    facts = {"text": "路面塌了一个坑，雨天看不见。", "location": locate(place=world.entrance), **more}
    category = Category.objects.get(code=code, scheme="resident")
    return intake.submit(facts.pop("account", world.resident), category=category, at=moment or at(9), **facts)


def do(case, name, who, moment, photos=(), **data):
    actor = who if hasattr(who, "roles") else actor_on(case, who, moment)
    data.setdefault("note", "说明情况")
    return perform(case, name, actor, at=moment, photos=photos, **data)


def dispatched(world, moment=None, unit=None, **more):
    case = do(report(world, **more), "accept", world.worker, moment or at(9, 5))
    return do(case, "dispatch", world.dispatcher, moment or at(9, 10), unit=unit or world.property)


def handler(case, name="翼火"):
    task = Task.objects.filter(case=case, part="lead").select_related("unit").latest("id")
    return handler_on(task, name)


def working(world, **more):
    case = dispatched(world, **more)
    return do(case, "sign", handler(case), at(9, 20))


def suspended(world, case=None):
    plan = {"public_plan": "等雨停后重铺这一段路面", "review_date": date(2026, 3, 17)}
    return do(case or working(world), "suspend", world.dispatcher, at(10), **plan)


def returned_twice(world):
    case = dispatched(world)
    case = do(case, "return_order", handler(case), at(9, 30), proposed="市政")
    case = do(case, "dispatch", world.dispatcher, at(9, 40), unit=world.contractor)
    return do(case, "return_order", handler(case, "轸水"), at(10), proposed="物业")


def told(case, act):
    return Message.objects.filter(act=act, body__contains=case.number)


# Waiting


def test_a_suspended_matter_stands_still_and_runs_on_from_where_it_stood(world):
    case = working(world)
    limit, due = case.handle_limit, case.due_at
    case = suspended(world, case)
    assert (case.state, case.phase, case.due_at) == ("suspended", "waiting", None)
    assert case.next_due_at == case.alarm_at == policy.end_of(date(2026, 3, 17))
    assert told(case, "suspended").filter(account=world.resident).exists()
    case = do(case, "resume", world.dispatcher, at(10, day=date(2026, 3, 12)))
    assert case.due_at == deadline(case) > due and case.handle_limit == limit and case.review_at is None
    assert told(case, "resumed").filter(account=world.resident).exists()


def test_over_a_holiday_with_make_up_days_only_work_days_are_counted(world):
    # 28 September 2026 is a Monday; 1 to 7 October are holidays and Saturday 10 October is worked in their stead.
    begin = at(9, day=date(2026, 9, 28))
    case = do(report(world, moment=begin), "accept", world.worker, begin)
    Case.objects.filter(pk=case.pk).update(handle_limit="5wd")
    case.refresh_from_db()
    case = do(case, "start", world.worker, begin)
    plan = {"public_plan": "等材料到了再修", "review_date": date(2026, 10, 9)}
    case = do(case, "suspend", world.duty, at(10, day=date(2026, 9, 29)), **plan)
    case = do(case, "resume", world.duty, at(9, day=date(2026, 10, 9)))
    # 30 September stood still; then 9, 10 (worked), 12, 13, 14 October.
    assert case.due_at == at(17, 30, day=date(2026, 10, 14))


def test_when_its_day_has_come_it_goes_on_by_itself(world):
    case = suspended(world)
    ring_due(policy.end_of(date(2026, 3, 17)) - timedelta(minutes=1))
    case.refresh_from_db()
    assert case.state == "suspended"
    ring_due(policy.end_of(date(2026, 3, 17)))
    case.refresh_from_db()
    assert case.state == "working" and case.due_at == deadline(case) and not case.pauses.filter(until=None).exists()


def test_an_emergency_is_never_suspended_and_a_plan_has_a_near_day(world):
    case = working(world)
    far = {"public_plan": "以后再说吧，先放着", "review_date": date(2026, 12, 30)}
    with pytest.raises(Invalid) as refusal:
        do(case, "suspend", world.dispatcher, at(10), **far)
    assert refusal.value.field == "review_date"
    with pytest.raises(Invalid):
        do(case, "suspend", world.dispatcher, at(10), review_date=date(2026, 3, 17))
    Case.objects.filter(pk=case.pk).update(urgency="U0")
    with pytest.raises(Refused):
        do(case, "suspend", world.dispatcher, at(10), public_plan="等雨停", review_date=date(2026, 3, 17))


def test_whoever_works_on_it_may_ask_and_the_centre_decides(world):
    case = working(world)
    with pytest.raises(NotAllowed):
        do(case, "suspend", world.worker, at(10), public_plan="等雨停再修", review_date=date(2026, 3, 17))
    case = do(case, "ask_suspend", handler(case), at(10))
    assert case.pending == "suspend" and told(case, "asked_for").filter(account=world.dispatcher).exists()
    with pytest.raises(Refused):
        do(case, "ask_extend", world.worker, at(10))
    case = do(case, "decline", world.dispatcher, at(11), note="雨已经停了")
    assert case.pending == "" and Outbox.objects.filter(act="declined", address=world.property.phone).exists()


def test_anybody_may_read_what_waits_until_when_and_what_is_planned(world):
    case = suspended(world)
    page = Client().get(reverse("reports:public_waiting")).content.decode()
    assert "等雨停后重铺这一段路面" in page and world.compound.full_name in page and "3月17日" in page
    for secret in (case.number, "6幢", world.resident.name, case.title):
        assert secret not in page
    do(case, "seal", world.secretary, at(11))
    assert "等雨停" not in Client().get(reverse("reports:public_waiting")).content.decode()


# More time


def test_a_promise_is_put_off_once_with_its_reason_and_before_it_is_broken(world):
    case = working(world)
    limit, due = case.handle_limit, case.due_at
    with pytest.raises(Invalid) as refusal:
        do(case, "extend", world.dispatcher, at(10), extra="99wd")
    assert refusal.value.field == "extra"
    case = do(case, "extend", world.dispatcher, at(10), extra=limit, note="配件要从外地来")
    assert case.due_at == deadline(case) > due and case.handle_limit == limit
    assert told(case, "extended").get(account=world.resident).body.count("配件要从外地来") == 1
    assert set(Task.objects.filter(case=case).values_list("due_at", flat=True)) == {case.due_at}
    with pytest.raises(Refused):
        do(case, "extend", world.dispatcher, at(11), extra=limit)


def test_what_is_late_already_gets_no_more_time(world):
    case = working(world)
    with pytest.raises(Refused):
        do(case, "extend", world.dispatcher, case.due_at, extra=case.handle_limit)
    with pytest.raises(Refused):
        do(case, "ask_extend", world.worker, case.due_at)


def test_a_request_is_no_longer_needed_once_the_case_has_moved_on(world):
    case = working(world)
    case = do(case, "ask_extend", handler(case), at(10))
    assert case.pending == "extend"
    case = do(case, "reply", handler(case), at(11), photos=[(photo(world.worker), "after")], outcome="solved")
    assert case.pending == ""


# Nobody signs, nobody wants it


def test_an_unsigned_task_is_brought_to_mind_once_on_both_sides(world):
    case = dispatched(world, code="XQ202", unit=world.contractor)
    task = Task.objects.get(case=case, part="lead")
    assert case.alarm_at == task.sign_due_at < case.due_at
    ring_due(task.sign_due_at)
    case.refresh_from_db()
    assert Outbox.objects.filter(act="unsigned", address=world.contractor.phone).count() == 1
    assert told(case, "reminder").filter(account=world.dispatcher).count() == 1
    assert task.sign_due_at < case.alarm_at <= case.due_at
    ring_due(case.alarm_at)
    assert Outbox.objects.filter(act="unsigned").count() == 1


def test_the_second_return_leads_to_a_joint_meeting_whose_word_cannot_be_returned(world):
    case = returned_twice(world)
    assert (case.state, case.pending, case.returned) == ("accepted", "meeting", 2)
    assert case.next_due_at == policy.limit_end("1wd", at(10)) < case.due_at
    for account in (world.dispatcher, world.duty):
        assert told(case, "returned").filter(account=account).exists()
    with pytest.raises(Refused) as refusal:
        do(case, "dispatch", world.dispatcher, at(10, 30), unit=world.property)
    assert "会办" in str(refusal.value)
    with pytest.raises(Invalid):
        do(case, "designate", world.duty, at(11), unit=world.property)
    case = do(case, "designate", world.duty, at(11), unit=world.property, attendees="值班长、物业、市政")
    assert (case.state, case.pending, case.holder) == ("dispatched", "", world.duty)
    assert case.next_due_at == case.due_at
    assert told(case, "dispatched").filter(account=world.resident).count() == 3
    with pytest.raises(Refused) as refusal:
        do(case, "return_order", handler(case), at(11, 10), proposed="市政")
    assert "指定" in str(refusal.value)


def test_a_designated_unit_may_object_once_and_works_on_meanwhile(world):
    case = do(returned_twice(world), "designate", world.duty, at(11), unit=world.property, attendees="值班长、物业")
    case = do(case, "object", handler(case), at(11, 30), note="这段路不在小区里")
    assert case.pending == "objection" and case.state == "dispatched"
    assert told(case, "asked_for").filter(account=world.duty).exists()
    case = do(case, "decline", world.duty, at(12), note="红线图在小区内")
    with pytest.raises(Refused):
        do(case, "object", handler(case), at(13))
    with pytest.raises(Refused):  # what was only dispatched may be returned
        other = working(world)
        do(other, "object", handler(other), at(10))


def test_another_unit_can_be_asked_to_assist_while_the_lead_stays(world):
    case = do(working(world), "assist", world.worker, at(10), assists=[world.contractor])
    parts = dict(Task.objects.filter(case=case).values_list("unit__name_zh", "part"))
    assert parts == {world.property.name_zh: "lead", world.contractor.name_zh: "assist"}
    assert case.unit == world.property and Outbox.objects.filter(act="assist", address=world.contractor.phone).exists()


# Voiding, secrecy, the police


def test_voiding_takes_two_people_and_leaves_every_list_but_not_the_journal(world):
    case = do(report(world), "propose_void", world.dispatcher, at(10), note="演练时填的")
    with pytest.raises(NotAllowed):
        do(case, "void", world.dispatcher, at(11))
    case = do(case, "void", world.duty, at(11))
    assert (case.state, case.phase, case.alarm_at, case.next_due_at) == ("void", "void", None, None)
    assert not Case.objects.open().filter(pk=case.pk).exists()
    assert Entry.objects.filter(stream__name=case.stream).count() == 3 and verify() == []


def test_nothing_that_neighbours_joined_is_voided_before_they_are_out_of_it(world):
    case = report(world)
    do(report(world, account=world.neighbour), "merge", world.neighbour, at(9, 30), parent=case)
    with pytest.raises(Refused):
        do(case, "propose_void", world.dispatcher, at(10))


def test_a_police_report_is_one_tap_leaves_its_receipt_and_is_not_told_to_the_reporter(world):
    case = do(report(world), "police_report", world.worker, at(9, 30), receiver="110 接警台", note="")
    assert case.sensitive and told(case, "police").filter(account=world.duty).exists()
    event = Event.objects.get(case=case, act="police_report")
    assert event.internal and event.data["receiver"] == "110 接警台" and event.actor == world.worker
    assert Entry.objects.filter(stream__name=case.stream, action="police_report").exists()
    assert not Message.objects.filter(account=world.resident, act="police").exists()


def test_what_is_sealed_leaves_the_public_and_only_the_duty_leader_opens_it_again(world):
    case = do(report(world), "accept", world.worker, at(9, 5))
    shots = [(photo(world.worker), "before"), (photo(world.worker), "after")]
    case = do(case, "close_seen", world.worker, at(9, 30), photos=shots, outcome="solved", note="修好了。")
    case = do(case, "publish", world.secretary, at(10), public_title="路面修好了", public_text="补平了一个坑。")
    assert "路面修好了" in Client().get(reverse("reports:public")).content.decode()
    case = do(case, "seal", world.secretary, at(11))
    assert "路面修好了" not in Client().get(reverse("reports:public")).content.decode()
    with pytest.raises(NotAllowed):
        do(case, "unseal", world.secretary, at(12))
    assert not do(case, "unseal", world.duty, at(12)).sensitive


# What was promised


def test_no_changed_limit_rule_or_calendar_alters_a_running_promise(world):
    case = working(world)
    case = do(case, "extend", world.dispatcher, at(10), extra=case.handle_limit)
    due = case.due_at
    LevelLimit.objects.update_or_create(pk="U2", defaults={"handle_limit": "1wd"})
    Category.objects.update(handle_limit="1wd")
    policy.new_version(world.admin, "更紧")
    case.refresh_from_db()
    assert case.due_at == due == deadline(case)
    told = replay(case.events.all(), REPORTS.phases)
    assert (told.state, told.due) == (case.state, due)


def test_the_events_alone_say_where_a_case_stands_and_what_is_promised(world):
    case = suspended(world)
    case = do(case, "resume", world.dispatcher, at(10, day=date(2026, 3, 13)))
    case = do(
        case, "reply", handler(case), at(11, day=date(2026, 3, 13)), photos=[(photo(), "after")], outcome="solved"
    )
    case = do(case, "rework", world.verifier, at(12, day=date(2026, 3, 13)), note="坑边还翘着")
    told = replay(case.events.all(), REPORTS.phases)
    assert (told.state, told.due, told.limit) == (case.state, case.due_at, case.handle_limit)
    assert told.deadline() == case.due_at


def test_whoever_was_asked_to_assist_is_told_when_the_matter_goes_elsewhere(world):
    case = do(working(world), "assist", world.worker, at(10), assists=[world.contractor])
    do(case, "transfer", world.leader, at(11), channel="police", receiver="派出所 值班室")
    told_to = Outbox.objects.filter(act="recalled").values_list("address", flat=True)
    assert set(told_to) == {world.property.phone, world.contractor.phone}
    assert not Task.objects.filter(case=case, state__in=("issued", "signed")).exists()
