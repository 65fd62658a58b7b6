"""Nobody gets round the second person: urgency, refusals, disputes, designations, evidence, and who is told."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from weilianxin.areas.locate import locate
from weilianxin.cases.access import actor_on
from weilianxin.cases.errors import Invalid, NotAllowed, Refused
from weilianxin.cases.links import issue_link, task_behind
from weilianxin.cases.models import Case
from weilianxin.cases.ring import ring_due
from weilianxin.files.models import Photo
from weilianxin.notify.models import Message, Outbox
from weilianxin.people.models import Post, Unit
from weilianxin.people.posts import end_absence, note_absence
from weilianxin.programmes.reports import intake, screening, threads
from weilianxin.programmes.reports.decisions import extras
from weilianxin.programmes.reports.flow import REPORTS
from weilianxin.programmes.reports.forms import ASK
from weilianxin.programmes.reports.models import Category

from .support.world import BEGINNING, at, client_for, photo
from .test_reports_waiting import do, handler, report, returned_twice, working

pytestmark = pytest.mark.django_db


def pair():
    return [(photo(), "before"), (photo(), "after")]


def closed(world, who=None, case=None):
    case = case or do(report(world), "accept", world.worker, at(9, 5))
    return do(case, "close_seen", who or world.worker, at(9, 30), pair(), outcome="solved")


# Urgency


@pytest.mark.parametrize("act", ["accept", "recode"])
def test_only_the_centre_calls_a_matter_less_urgent_with_a_reason_and_loosens_no_promise(world, act):
    case = report(world)
    due = case.accept_due_at
    for who in (world.worker, world.leader):
        with pytest.raises(Invalid) as refusal:
            do(case, act, who, at(9, 5), urgency="U3")
        assert refusal.value.field == "urgency"
    with pytest.raises(Invalid) as refusal:
        do(case, act, world.dispatcher, at(9, 5), urgency="U3", note="")
    assert refusal.value.field == "note"
    case = do(case, act, world.dispatcher, at(9, 6), urgency="U3", note="只是建议换个颜色")
    assert case.urgency == "U3" and (act == "accept" or case.accept_due_at == due)


def test_a_form_offers_a_grid_worker_no_lower_urgency(world):
    case = report(world)
    for who, offered in ((world.worker, ["U0", "U1", "U2"]), (world.dispatcher, ["U0", "U1", "U2", "U3"])):
        field = ASK["urgency"](case, REPORTS.move("accept"), actor_on(case, who, at(9, 1)))
        assert [value for value, _label in field.choices] == offered


# Refusals and disputes


def test_whoever_refused_decides_nothing_about_the_contest(world):
    case = do(report(world), "refuse", world.secretary, at(9, 10), reason="R01", right_channel="12345")
    case = do(case, "contest_refusal", world.resident, at(9, 20))
    assert case.holder != world.secretary
    for act, more in (
        ("accept", {}),
        ("refuse", {"reason": "R01", "right_channel": "12345"}),
        ("transfer", {"channel": "service", "receiver": "派出所"}),
    ):
        with pytest.raises(NotAllowed):
            do(case, act, world.secretary, at(9, 30), **more)
    assert do(case, "accept", case.holder, at(9, 30)).state == "accepted"


def test_a_disputed_matter_is_taken_from_whom_it_was_given_to_by_the_centre_alone(world):
    case = do(closed(world), "dispute", world.resident, at(10))
    assert case.holder == world.leader
    for who, act, more in (
        (world.worker, "dispatch", {"unit": world.property}),
        (world.worker, "start", {}),
        (world.backup, "dispatch", {"unit": world.property}),
        (world.secretary, "start", {}),
    ):
        with pytest.raises(NotAllowed):
            do(case, act, who, at(10, 5), **more)
    assert do(case, "dispatch", world.dispatcher, at(10, 6), unit=world.property).holder == world.dispatcher


def test_who_closed_a_disputed_matter_does_not_start_it_anew(world):
    case = do(closed(world, world.leader), "dispute", world.resident, at(10))
    assert case.holder == world.secretary
    with pytest.raises(NotAllowed):
        do(case, "start", world.leader, at(10, 5))
    assert do(case, "start", world.secretary, at(10, 5)).state == "working"


# Tasks


def test_a_task_is_taken_back_by_the_post_that_gave_it_or_one_above(world):
    case = do(
        do(report(world), "accept", world.worker, at(9, 5)), "dispatch", world.leader, at(9, 10), unit=world.property
    )
    with pytest.raises(NotAllowed):
        do(case, "recall", world.worker, at(9, 20))
    assert do(case, "recall", world.leader, at(9, 20)).holder == world.leader
    own = do(
        do(report(world), "accept", world.worker, at(9, 5)), "dispatch", world.worker, at(9, 10), unit=world.property
    )
    assert do(own, "recall", world.backup, at(9, 20)).state == "accepted", "who covers for them may"


def test_what_a_meeting_decided_is_undone_by_the_centre_alone(world):
    meeting = {"unit": world.property, "attendees": "值班长、物业、市政"}
    case = do(returned_twice(world), "designate", world.duty, at(10, 10), **meeting)
    for who in (world.worker, world.leader):
        with pytest.raises(NotAllowed):
            do(case, "recall", who, at(10, 20))
    assert do(case, "recall", world.dispatcher, at(10, 20)).state == "accepted"


def test_more_time_is_not_given_over_a_meeting_that_waits(world):
    case = returned_twice(world)
    with pytest.raises(Refused, match="另一项"):
        do(case, "extend", world.dispatcher, at(10, 5), extra=extras(case)[0])
    case.refresh_from_db()
    assert case.pending == "meeting"


def test_who_designated_does_not_close_what_four_eyes_must_see(world):
    case = do(report(world, urgency="U1"), "accept", world.worker, at(9, 5))
    Case.objects.filter(pk=case.pk).update(pending="meeting")
    meeting = {"unit": world.property, "attendees": "值班长、物业"}
    case = do(case, "designate", world.duty, at(9, 10), **meeting)
    case = do(case, "sign", handler(case), at(9, 11))
    case = do(case, "reply", handler(case), at(9, 12), pair()[1:], outcome="solved")
    with pytest.raises(NotAllowed):
        do(case, "close_verified", world.duty, at(9, 13), outcome="solved")
    assert do(case, "close_verified", world.verifier, at(9, 14), outcome="solved").state == "closed"


# Evidence, time and calls


def test_what_was_sent_back_needs_a_new_photo(world):
    case = working(world)
    case = do(case, "reply", handler(case), at(9, 30), pair()[1:], outcome="solved")
    case = do(case, "rework", world.verifier, at(9, 40))
    with pytest.raises(Invalid) as refusal:
        do(case, "reply", handler(case), at(9, 50), outcome="solved")
    assert refusal.value.field == "photos"
    assert do(case, "reply", handler(case), at(9, 55), pair()[1:], outcome="solved").state == "replied"


def test_more_time_is_at_most_as_long_again(world):
    case = report(world)
    for limit, offered in (
        ("30m", ["30m"]), ("2ch", ["2ch"]), ("6ch", ["4ch", "6ch"]), ("1wd", ["4wh", "1wd"]), ("8wd", ["4wd", "8wd"]),
    ):  # fmt: skip
        case.handle_limit = limit
        assert extras(case) == offered


def test_three_calls_around_one_midnight_do_not_say_that_nobody_was_reached(world):
    case = closed(world)
    night = at(23, 50)
    for minutes in (0, 35, 70):
        do(case, "call", world.callback, night + timedelta(minutes=minutes), reached="no")
    with pytest.raises(Invalid) as refusal:
        do(case, "propose_exclude", world.callback, night + timedelta(hours=2), ground="unreached")
    assert refusal.value.field == "ground"
    do(case, "call", world.callback, night + timedelta(hours=12, minutes=5), reached="no")
    do(case, "propose_exclude", world.callback, night + timedelta(hours=13), ground="unreached")


# Who joined, and who is complained about


def test_who_joined_rated_and_went_alone_rates_their_own_closing_too(world):
    parent = report(world)
    token = next(row["token"] for row in screening.near(parent.report.category, locate(place=world.entrance), at(9)))
    child = intake.join(world.neighbour, token, at=at(9, 2))
    closed(world, case=do(parent, "accept", world.worker, at(9, 5)))
    child = do(child, "rate", world.neighbour, at(10), level=1)
    child = do(child, "split_out", world.neighbour, at(10, 5))
    child = do(child, "accept", child.holder, at(10, 10))
    child = do(child, "start", child.holder, at(10, 11))
    child = do(child, "reply", world.leader, at(10, 12), pair()[1:], outcome="solved")
    child = do(child, "close_verified", world.verifier, at(10, 20), outcome="solved")
    do(child, "rate", world.neighbour, at(11), level=3)
    assert sorted(child.ratings.values_list("level", flat=True)) == [1, 3]


def test_a_category_that_is_never_public_hides_what_joined_as_well(world):
    parent = report(world)
    token = next(row["token"] for row in screening.near(parent.report.category, locate(place=world.entrance), at(9)))
    child = intake.join(world.neighbour, token, at=at(9, 2))
    hidden = Category.objects.get(code="XQ702")
    do(parent, "recode", world.worker, at(9, 5), category=hidden, place=None, urgency=None)
    child.refresh_from_db()
    assert child.sensitive and child.title == hidden.name_zh


def test_who_is_complained_about_is_told_nothing_whatever_other_post_they_hold(world):
    Post.objects.create(account=world.worker, role="centre_verifier", area=world.subdistrict, since=BEGINNING)
    case = report(world, kind="投诉", about="worker", text="网格员态度不好，叫了三次都不来。")
    assert case.about_account == world.worker
    case = do(case, "accept", world.secretary, at(9, 10))
    case = do(case, "start", world.secretary, at(9, 11))
    do(case, "reply", world.secretary, at(9, 12), pair()[1:], outcome="explained")
    told = Message.objects.filter(body__contains=case.number)
    assert told.filter(account=world.verifier).exists() and not told.filter(account=world.worker).exists()


# Another place


def test_who_no_longer_reaches_a_moved_matter_hands_it_over_and_the_next_one_is_told(world):
    case = do(report(world), "accept", world.worker, at(9, 5))
    park = locate(place=world.bare_entrance)
    case = do(case, "recode", world.dispatcher, at(9, 10), place=park, category=None, urgency=None)
    assert (case.grid, case.holder) == (world.grid_without_property, world.bare_worker)
    assert Message.objects.filter(account=world.bare_worker, body__contains=case.number).exists()
    near = do(report(world), "accept", world.leader, at(9, 5))
    near = do(near, "recode", world.dispatcher, at(9, 10), place=park, category=None, urgency=None)
    assert near.holder == world.leader, "who reaches the new place as well keeps it"


def test_words_that_name_no_place_of_the_list_take_nothing_away_from_the_one_that_is_known(world):
    case = do(report(world), "accept", world.worker, at(9, 5))
    words = locate(text="东门岗亭后面", area=case.grid)
    assert words.place is None
    case = do(case, "recode", world.worker, at(9, 10), place=words, category=None, urgency=None)
    assert (case.place, case.grid, case.place_text) == (world.entrance, world.grid, "东门岗亭后面")
    assert case.lat is not None and case.holder == world.worker


# Joining


def test_words_of_violence_do_not_disappear_in_a_neighbours_matter(world):
    parent = report(world)
    token = next(row["token"] for row in screening.near(parent.report.category, locate(place=world.entrance), at(9)))
    with pytest.raises(Refused):
        intake.join(world.neighbour, token, text="灯也不亮，我老公往死里打我，不敢出门。", at=at(9, 2))
    with pytest.raises(Refused):  # a danger that the other matter has not
        intake.join(world.neighbour, token, text="这里着火了，有人被困在里面。", at=at(9, 2))
    assert Case.objects.count() == 1
    child = intake.join(world.neighbour, token, text="我们这一层的灯也不亮了。", at=at(9, 2))
    assert child.parent == parent


# Taking back


def test_what_comes_back_was_answered_when_it_was_handed_on_and_no_unit_returned_it(world):
    case = report(world)
    case = do(case, "transfer", world.leader, at(9, 5), channel="service", receiver="综合窗口", note="归窗口办")
    handed_on = case.closed_at
    case = do(case, "take_back", world.dispatcher, at(17), note="窗口说不归他们")
    assert (case.accepted_at, case.returned, case.state) == (handed_on, 0, "accepted")


def test_a_matter_of_the_office_has_an_end_in_the_house(world):
    more = {"code": "XQ902", "kind": "投诉", "about": "office", "text": "窗口的人态度很差，叫我来回跑了三趟。"}
    for who in (world.duty, world.dispatcher):
        case = do(report(world, **more), "accept", world.dispatcher, at(9, 5))
        if who == world.duty:
            with pytest.raises(NotAllowed):  # what the duty leader did the dispatcher does not say is done
                do(do(case, "start", who, at(9, 10)), "reply", world.dispatcher, at(9, 30), outcome="explained")
            case.refresh_from_db()
        else:
            case = do(case, "start", who, at(9, 10))
        case = do(case, "reply", who, at(10), [(photo(), "after")], outcome="explained")
        with pytest.raises(NotAllowed):
            do(case, "close_verified", who, at(11), outcome="explained")
        assert do(case, "close_verified", world.verifier, at(11), outcome="explained").state == "closed"


def test_who_closed_gets_a_disputed_matter_back_by_no_other_way(world):
    other = report(world, text="六楼的灯也不亮了，晚上看不见。")
    case = do(closed(world), "dispute", world.resident, at(10))
    with pytest.raises(Refused):
        do(case, "merge", world.worker, at(10, 5), parent=other)
    case = do(case, "start", world.leader, at(10, 10))
    with pytest.raises(NotAllowed):
        do(case, "recall", world.worker, at(10, 20))
    case.refresh_from_db()
    assert case.holder == world.leader and case.state == "working"


def test_who_closed_does_not_close_what_was_taken_out_of_it_as_not_solved(world):
    parent = report(world)
    token = next(row["token"] for row in screening.near(parent.report.category, locate(place=world.entrance), at(9)))
    child = intake.join(world.neighbour, token, at=at(9, 2))
    closed(world, case=do(parent, "accept", world.worker, at(9, 5)))
    child = do(child, "split_out", world.neighbour, at(10))
    child = do(child, "accept", world.leader, at(10, 10))
    with pytest.raises(NotAllowed):
        do(child, "close_seen", world.worker, at(11), pair(), outcome="solved")
    assert do(child, "close_seen", world.leader, at(11), pair(), outcome="solved").closer == world.leader


def test_who_refused_does_not_ask_the_contest_into_silence(world):
    case = do(report(world), "refuse", world.worker, at(9, 10), reason="R09", right_channel="逐月街道")
    case = do(case, "contest_refusal", world.resident, at(9, 20))
    with pytest.raises(NotAllowed):
        do(case, "ask", world.worker, at(9, 30), note="在哪里？")
    assert do(case, "ask", world.dispatcher, at(9, 30), note="在哪里？").state == "asking"


def test_what_somebody_held_who_has_no_post_there_any_more_is_whoever_s_turn_it_is(world):
    case, disputed = (do(report(world), "accept", world.worker, at(9, 5)) for _two in range(2))
    disputed = do(closed(world, case=disputed), "dispute", world.resident, at(10))
    assert disputed.holder == world.leader
    Post.objects.filter(account__in=(world.worker, world.leader)).update(until=at(10, 30))
    Post.objects.create(account=world.stranger_worker, role="grid_leader", area=world.grid, since=at(10, 30))
    do(case, "append", world.resident, at(11), note="水越来越大", photos=[])
    assert not Message.objects.filter(account=world.worker, act="appended").exists()
    assert Message.objects.filter(account=world.backup, act="appended").exists()
    assert do(case, "start", world.backup, at(11)).holder == world.backup
    assert do(disputed, "start", world.stranger_worker, at(11)).holder == world.stranger_worker


# Requests, clocks, and units


def test_who_objects_or_wants_more_time_is_answered_although_work_has_begun(world):
    case = returned_twice(world)
    case = do(case, "designate", world.duty, at(11), unit=world.contractor, attendees="值班长、物业")
    case = do(case, "object", handler(case), at(11, 10), note="不是我们的设施")
    case = do(case, "sign", handler(case), at(11, 20))
    assert case.pending == "objection"
    assert do(case, "decline", world.duty, at(11, 30), note="先办").pending == ""
    plain = do(report(world), "accept", world.worker, at(9, 5))
    plain = do(plain, "ask_extend", world.worker, at(9, 10))
    plain = do(plain, "start", world.worker, at(9, 20))
    assert plain.pending == "extend"
    assert do(plain, "extend", world.dispatcher, at(9, 30), extra=extras(plain)[0]).extended == 1


def test_what_becomes_urgent_late_is_promised_from_then_on(world):
    case = do(report(world), "accept", world.worker, at(9, 5))
    late = case.due_at - timedelta(hours=1)
    after = do(case, "recode", world.worker, late, urgency="U1", category=None, place=None)
    assert after.urgency == "U1" and late < after.due_at == case.due_at  # its own day comes first
    early = do(report(world), "accept", world.worker, at(9, 5))
    soon = do(early, "recode", world.worker, at(11), urgency="U1", category=None, place=None)
    assert at(11) < soon.due_at < early.due_at


def test_a_unit_is_told_to_go_on(world):
    case = working(world)
    plan = {"public_plan": "等雨停后重铺", "review_date": (at(9) + timedelta(days=40)).date(), "note": "雨季"}
    case = do(case, "suspend", world.duty, at(12), **plan)
    Outbox.objects.all().delete()
    do(case, "resume", world.duty, at(13) + timedelta(days=35))
    row = Outbox.objects.get(act="resumed", channel="sms")
    task = case.tasks.get(part="lead")
    assert "接着办" in row.body and task.link_until > at(13) + timedelta(days=60)


def test_a_request_reaches_somebody_also_when_the_one_who_decides_is_away(world):
    note_absence(world.dispatcher, "leave", at(8), at(20), by=world.admin, at=at(8))
    case = do(report(world), "accept", world.worker, at(9, 5))
    do(case, "ask_extend", world.worker, at(9, 10))
    assert Message.objects.filter(account=world.duty, act="asked_for").count() == 1
    other = do(report(world), "propose_void", world.duty, at(9, 5))
    assert other.pending == "void"
    Message.objects.all().delete()
    end_absence(world.dispatcher.absences.get(), at(9, 20), world.admin)
    do(report(world), "propose_void", world.duty, at(9, 30))
    assert Message.objects.filter(account=world.dispatcher, act="asked_for").count() == 1


def test_links_of_a_stopped_unit_are_dead(world):
    case = working(world)
    task = case.tasks.select_related("unit").get(part="lead")
    path = issue_link(task, at(12))
    token = path.rstrip("/").rsplit("/", 1)[-1]
    assert task_behind(token, at(12, 1)) == task
    Unit.objects.filter(pk=task.unit_id).update(is_active=False)
    assert task_behind(token, at(12, 1)) is None
    with pytest.raises(Refused, match="停用"):
        do(case, "relink", world.worker, at(12, 5))


def test_an_ordinary_lateness_does_not_climb_over_the_weekend(world):
    friday = date(2026, 3, 13)
    case = do(report(world, moment=at(9, day=friday)), "accept", world.worker, at(9, 5, day=friday))
    Case.objects.filter(pk=case.pk).update(next_due_at=at(17, 30, day=friday), alarm_at=at(17, 30, day=friday))
    for hour in range(0, 63):  # until Monday, half past eight
        ring_due(at(17, 31, day=friday) + timedelta(hours=hour))
    assert case.events.filter(act="escalate").count() == 1
    case.refresh_from_db()
    assert case.alarm_at >= at(8, 30, day=date(2026, 3, 16))
    ring_due(at(17, 30, day=date(2026, 3, 16)))
    assert case.events.filter(act="escalate").count() == 2


def test_a_message_nobody_answered_reaches_somebody_also_without_a_leader(world):
    threads.say(threads.thread_for(world.resident, at(9)), world.resident, "楼下的灯坏了", (), at(9))
    note_absence(world.leader, "leave", at(8), at(20), by=world.admin, at=at(8))
    assert threads.ring_due(at(18)) == 1
    assert Message.objects.filter(account=world.backup, act="thread_message").exists()


def test_pictures_are_chosen_for_the_public_by_the_numbers_they_are_shown_with(world):
    case = closed(world)
    first = case.photos.filter(stage="before").order_by("pk").first()
    field = ASK["public_photos"](case, REPORTS.move("publish"), None)
    assert [label for _pk, label in field.choices] == ["办前 1", "办后 1"]
    Photo.objects.filter(pk=first.photo_id).update(erased_at=at(10))
    field = ASK["public_photos"](case, REPORTS.move("publish"), None)
    assert [label for _pk, label in field.choices] == ["办后 1"]


def test_the_board_waits_for_the_word_of_those_who_can_give_one(world):
    now = timezone.now()
    case = do(report(world, moment=now - timedelta(days=1)), "accept", world.worker, now - timedelta(hours=20))
    do(case, "close_seen", world.worker, now - timedelta(hours=19), pair(), outcome="solved")

    def board():
        page = client_for(world.secretary).get(reverse("desk:community", args=[world.community.code]))
        return page.context["confirming"]

    assert board() == 1
    Case.objects.filter(pk=case.pk).update(rateable_until=now - timedelta(hours=1))
    assert board() == 0
    Case.objects.filter(pk=case.pk).update(rateable_until=now + timedelta(days=1), reporter=None)
    assert board() == 0
