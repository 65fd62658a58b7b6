"""The everyday loop, act by act: what is promised to residents, workers and outside units."""

from datetime import timedelta

import pytest

from weilianxin.areas.locate import locate
from weilianxin.cases.access import actor_on, handler_on
from weilianxin.cases.engine import allowed, perform
from weilianxin.cases.errors import Changed, Invalid, NotAllowed, Refused
from weilianxin.cases.models import Case, Task
from weilianxin.journal.models import Entry
from weilianxin.notify.models import Message, Outbox
from weilianxin.people.posts import note_absence
from weilianxin.programmes.reports import intake
from weilianxin.programmes.reports.models import Category

from .support.world import at, photo

pytestmark = pytest.mark.django_db

TEN = at(10)


def category(code):
    return Category.objects.get(code=code, scheme="resident")


def report(world, **more):
    facts = {
        "text": "二楼到三楼的声控灯不亮，老人晚上上楼看不见。",
        "location": locate(place=world.entrance),
        "category": category("XQ201"),
        "at": TEN,
        **more,
    }
    return intake.submit(facts.pop("account", world.resident), **facts)


def do(case, name, who, minutes=0, photos=(), **data):
    actor = who if hasattr(who, "roles") else actor_on(case, who, TEN)
    return perform(case, name, actor, at=TEN + timedelta(minutes=minutes), photos=photos, **data)


def after(owner):
    return [(photo(owner), "after")]


def before(owner):
    return [(photo(owner), "before")]


def messages(account):
    return list(Message.objects.filter(account=account).order_by("id").values_list("act", flat=True))


def test_a_report_goes_to_the_own_grid_worker_and_both_sides_are_told(world):
    case = report(world)
    assert case.state == "received" and case.grid == world.grid
    assert case.accept_due_at == TEN + timedelta(hours=2)  # two work hours
    assert messages(world.resident) == ["submitted"]
    assert messages(world.worker) == ["submitted"]
    assert messages(world.neighbour) == []


def test_the_everyday_path_ends_with_the_residents_word(world):
    case = report(world, photos=[photo(world.resident)])
    do(case, "see", world.worker, 1)
    case = do(case, "accept", world.worker, 2)
    assert case.holder == world.worker and case.handle_limit == "2wd"
    case = do(case, "dispatch", world.worker, 3, unit=world.property, assists=[], note="请修二楼的灯")
    task = Task.objects.get(case=case)
    handler = handler_on(task, "翼火")
    case = do(case, "sign", handler, 10)
    case = do(case, "reply", handler, 30, photos=after(None), outcome="solved", note="换了灯泡")
    case = do(case, "close_seen", world.worker, 40, photos=after(world.worker), outcome="solved", note="灯亮了")
    assert case.state == "closed" and case.phase == "done" and case.outcome == "solved"
    case = do(case, "rate", world.resident, 50, level=5, note="谢谢")
    assert messages(world.resident) == ["submitted", "seen", "accepted", "dispatched", "signed", "closed"]
    assert case.ratings.get().rated == world.worker
    # Every act has its line in the journal, and no line names anybody.
    assert Entry.objects.filter(stream__name=case.stream).count() == case.events.count() == case.version
    text = "".join(Entry.objects.filter(stream__name=case.stream).values_list("payload", flat=True))
    assert world.resident.phone not in text and "声控灯" not in text


def test_the_limit_is_frozen_at_acceptance(world):
    case = do(report(world), "accept", world.worker)
    due = case.due_at
    Category.objects.filter(code="XQ201").update(handle_limit="9wd")
    from weilianxin.cases.engine import deadline

    assert deadline(Case.objects.get(pk=case.pk)) == due


def test_nobody_else_may_take_on_a_report(world):
    case = report(world)
    for stranger in (world.stranger_worker, world.neighbour, world.auditor, world.admin):
        with pytest.raises(NotAllowed):
            do(case, "accept", stranger)
    assert not Case.objects.visible_to(world.stranger_worker).filter(pk=case.pk).exists()
    assert not Case.objects.visible_to(world.neighbour).filter(pk=case.pk).exists()


def test_an_urgent_matter_is_closed_by_another_person_than_who_handled_it(world):
    case = report(world, category=category("XQ202"), text="下水道堵了，污水外溢到楼道里。")
    case = do(case, "accept", world.worker, 1)
    assert "close_seen" not in [m.name for m in allowed(case, actor_on(case, world.worker, TEN), at=TEN)]
    case = do(case, "start", world.worker, 2)
    case = do(case, "reply", world.worker, 3, photos=after(world.worker), outcome="solved", note="通了")
    with pytest.raises(NotAllowed):
        do(case, "close_seen", world.worker, 4, photos=after(world.worker), outcome="solved", note="通了")
    case = do(case, "close_verified", world.verifier, 5, outcome="solved", note="看过了，通了")
    assert case.closer == world.verifier


def test_closing_needs_a_picture_of_after_but_for_advice(world):
    case = do(report(world), "accept", world.worker, 1)
    with pytest.raises(Invalid) as refusal:
        do(case, "close_seen", world.worker, 2, outcome="solved", note="好了")
    assert refusal.value.field == "photos"
    with pytest.raises(Invalid) as refusal:
        do(case, "close_seen", world.worker, 2, photos=after(world.worker), outcome="solved", note="好了")
    assert refusal.value.field == "no_before"
    advice = report(world, category=category("XQ903"), kind="表扬", text="感谢保洁阿姨每天打扫。")
    advice = do(advice, "accept", world.worker, 3)
    assert do(advice, "close_seen", world.worker, 4, outcome="explained", note="已转告").state == "closed"


def test_a_dispute_goes_to_a_named_person_above_the_closer_with_half_the_limit(world):
    case = do(report(world), "accept", world.worker, 1)
    shots = before(world.worker) + after(world.worker)
    case = do(case, "close_seen", world.worker, 2, photos=shots, outcome="solved", note="修好了")
    case = do(case, "dispute", world.resident, 30, note="晚上还是不亮")
    assert case.state == "accepted" and case.outcome == ""
    assert case.holder == world.leader and case.handle_limit == "1wd" and case.reopened == 1
    assert "disputed" in messages(world.leader) and "disputed" in messages(world.resident)
    # Old pictures do not prove the new closing, and not the same person closes again.
    case = do(case, "start", world.leader, 40)
    with pytest.raises(Invalid):
        do(case, "reply", world.leader, 41, outcome="solved", note="又修了")
    case = do(case, "reply", world.leader, 42, photos=after(world.leader), outcome="solved", note="又修了")
    with pytest.raises(NotAllowed):
        do(case, "close_verified", world.leader, 43, outcome="solved", note="好了")
    case = do(case, "close_verified", world.verifier, 44, outcome="solved", note="晚上看过")
    with pytest.raises(Refused):
        do(case, "dispute", world.resident, 50, note="还是不行")


def test_a_dispute_after_the_window_is_told_what_to_do_instead(world):
    case = do(report(world), "accept", world.worker, 1)
    shots = before(world.worker) + after(world.worker)
    case = do(case, "close_seen", world.worker, 2, photos=shots, outcome="solved", note="修好了")
    with pytest.raises(Refused, match="再报一件"):
        do(case, "dispute", world.resident, 31 * 24 * 60, note="还是不亮")


def test_a_refusal_names_the_right_channel_and_can_be_looked_at_again_by_another(world):
    case = report(world)
    with pytest.raises(Invalid):
        do(case, "refuse", world.worker, 1, reason="R09", right_channel="", note="")
    with pytest.raises(NotAllowed):
        do(case, "refuse", world.worker, 1, reason="R10", right_channel="12345", note="")
    case = do(case, "refuse", world.worker, 1, reason="R09", right_channel="逐月街道", note="在隔壁街道")
    assert case.state == "refused" and case.next_due_at is None
    case = do(case, "contest_refusal", world.resident, 5, note="就在我们小区")
    assert case.holder == world.leader
    with pytest.raises(NotAllowed):
        do(case, "accept", world.worker, 6)
    assert do(case, "accept", world.leader, 7).state == "accepted"


def test_asking_stops_the_clock_and_is_possible_twice(world):
    case = report(world)
    for turn in (1, 2):
        case = do(case, "ask", world.worker, turn * 10, note="请问是几楼？")
        assert case.phase == "waiting" and case.accept_due_at is None
        case = do(case, "answer", world.resident, turn * 10 + 5, note="三楼")
    assert case.state == "received"
    assert case.accept_due_at == TEN + timedelta(hours=3, minutes=40)  # ten minutes of waiting do not count
    with pytest.raises(Refused):
        do(case, "ask", world.worker, 40, note="还有呢？")


def test_neighbours_who_join_keep_their_notices_and_ratings(world):
    parent = report(world)
    from weilianxin.programmes.reports.screening import near

    found = near(category("XQ201"), locate(place=world.entrance), TEN)
    assert [row["case"] for row in found] == [parent]
    child = intake.join(world.neighbour, found[0]["token"], at=TEN + timedelta(minutes=5))
    parent.refresh_from_db()
    assert child.state == "merged" and child.parent == parent and parent.headcount == 2
    parent = do(parent, "accept", world.worker, 10)
    assert messages(world.neighbour) == ["accepted"]
    with pytest.raises(Refused):
        do(parent, "withdraw", world.resident, 11)
    shots = before(world.worker) + after(world.worker)
    parent = do(parent, "close_seen", world.worker, 20, photos=shots, outcome="solved", note="修好了")
    child = Case.objects.get(pk=child.pk)
    do(child, "rate", world.neighbour, 30, level=2, note="慢")
    assert "rated_badly" in messages(world.callback)


def test_a_property_company_returns_a_task_with_a_reason_and_who_else(world):
    case = do(report(world), "accept", world.worker, 1)
    case = do(case, "dispatch", world.worker, 2, unit=world.property, assists=[], note="")
    handler = handler_on(Task.objects.get(case=case), "翼火")
    with pytest.raises(Invalid):
        do(case, "return_order", handler, 3, note="不归我们", proposed="")
    case = do(case, "return_order", handler, 3, note="不归我们", proposed="市政")
    assert case.state == "accepted" and case.holder == world.worker and case.unit is None


def test_a_grid_worker_sends_only_to_units_of_the_compound(world):
    case = do(report(world), "accept", world.worker, 1)
    with pytest.raises(NotAllowed):
        do(case, "dispatch", world.worker, 2, unit=world.emergency, assists=[], note="")


def test_late_matters_climb_one_step_at_a_time_and_stay_with_their_holder(world):
    from weilianxin.cases.ring import ring_due

    case = do(report(world), "accept", world.worker, 1)
    assert ring_due(case.alarm_at) == 1
    assert "reminder" in messages(world.worker)
    case.refresh_from_db()
    assert ring_due(case.due_at) == 1
    assert "overdue" in messages(world.worker) and "overdue" in messages(world.resident)
    assert "escalated" in messages(world.leader) and "escalated" not in messages(world.secretary)
    case.refresh_from_db()
    ring_due(case.alarm_at)
    assert "escalated" in messages(world.secretary)
    case.refresh_from_db()
    assert case.holder == world.worker and case.state == "accepted"


def test_nobody_answering_ends_a_question_with_a_reason(world):
    from weilianxin.cases.ring import ring_due

    case = do(report(world), "ask", world.worker, 1, note="请问是几楼？")
    ring_due(case.alarm_at)
    case.refresh_from_db()
    assert case.state == "refused" and case.report.refusal_code == "R08"
    assert "refused" in messages(world.resident)


def test_a_complaint_about_staff_is_not_seen_by_the_one_it_is_about(world):
    case = report(world, kind="投诉", about="worker", category=category("XQ902"), text="网格员态度很差，说话难听。")
    assert not Case.objects.visible_to(world.worker).filter(pk=case.pk).exists()
    assert Case.objects.visible_to(world.secretary).filter(pk=case.pk).exists()
    assert messages(world.worker) == []


@pytest.mark.parametrize(
    "about, accused, level, taker",
    [
        ("worker", "worker", "community", "secretary"),
        ("leader", "leader", "community", "secretary"),
        ("community", "secretary", "subdistrict", "dispatcher"),
        ("office", None, "subdistrict", "dispatcher"),
    ],
)
def test_a_complaint_about_one_of_ours_goes_past_them_to_those_above(world, about, accused, level, taker):
    who = getattr(world, accused) if accused else None
    if about == "leader":  # whoever is away is still the one it is about
        note_absence(who, "leave", at(8), at(20), by=world.admin, at=at(8))
    case = report(world, kind="投诉", about=about, category=category("XQ902"), text="办事拖拉，说话难听。")
    assert (case.about_account, case.sight) == (who, level)
    seen = {name for name in ("worker", "leader", "secretary", "dispatcher") if reaches(getattr(world, name), case)}
    below = {"worker", "leader"} | ({"secretary"} if level == "subdistrict" else set())
    assert seen == {"worker", "leader", "secretary", "dispatcher"} - below
    assert "submitted" in messages(getattr(world, taker))
    assert not any(messages(getattr(world, name)) for name in below)
    assert case.report.wanted.startswith("投诉：") and (who is None or who.name in case.report.wanted)


def reaches(account, case):
    return Case.objects.visible_to(account).filter(pk=case.pk).exists()


def test_integrity_matters_are_never_kept(world):
    with pytest.raises(intake.IntegrityElsewhere):
        report(world, category=category("XQI01"), kind="举报", text="有人收了红包。")
    with pytest.raises(intake.IntegrityElsewhere):
        report(world, text="他向住户索贿，每家两百。")
    assert not Case.objects.exists()


def test_danger_in_the_words_shows_the_numbers_and_shortens_the_limit(world):
    from weilianxin.programmes.reports.screening import screen

    found = screen("楼道里好像着火了，有人被困", at=TEN)
    assert [number for number, _why in found.dial] == ["119"]
    case = report(world, text="楼道灯坏了，刚才有人晕倒在地上。")
    assert case.urgency == "U1" and case.accept_limit == "30m"


def test_the_last_edit_of_two_is_refused(world):
    case = report(world)
    seen = case.version
    actor = actor_on(case, world.worker, TEN)
    perform(case, "recode", actor, at=TEN, seen_version=seen, category=category("01037"), urgency=None, place=None)
    with pytest.raises(Changed):
        perform(case, "recode", actor, at=TEN, seen_version=seen, category=category("XQ201"), urgency=None, place=None)


def test_a_refused_act_leaves_nothing_behind(world):
    case = report(world)
    counts = Entry.objects.count(), Message.objects.count(), Outbox.objects.count()
    with pytest.raises(Refused):
        do(case, "refuse", world.worker, 1, reason="R10", right_channel="12345", note="不管")
    assert counts == (Entry.objects.count(), Message.objects.count(), Outbox.objects.count())


def test_a_withdrawn_report_cuts_the_link_and_is_over(world):
    case = do(report(world), "accept", world.worker, 1)
    case = do(case, "dispatch", world.worker, 2, unit=world.property, assists=[], note="")
    case = do(case, "withdraw", world.resident, 3)
    assert case.outcome == "withdrawn" and Task.objects.get(case=case).link_revoked_at


def test_a_receipt_can_be_kept_and_checked_offline(world, signed_in):
    from weilianxin.journal import checkpoint
    from weilianxin.journal.receipts import check_receipt

    case = report(world)
    checkpoint.seal(TEN + timedelta(hours=1))
    answer = signed_in(world.resident).get(f"/matters/{case.number}/receipt.json")
    paper = answer.json()
    assert list(check_receipt(paper, checkpoint.public_keys())) == []
    assert world.resident.phone not in answer.content.decode()
    assert signed_in(world.neighbour).get(f"/matters/{case.number}/receipt.json").status_code == 404
    published = signed_in(world.neighbour).get("/checkpoints.json").json()["checkpoints"]
    assert paper["checkpoint"] == published[0]
