"""Many people and one event, one letter and two events, one place again and again."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from weilianxin.areas.locate import locate
from weilianxin.cases.access import SYSTEM_ACTOR, actor_on
from weilianxin.cases.cards import open_matters
from weilianxin.cases.engine import deadline, perform
from weilianxin.cases.errors import Invalid, NotAllowed, Refused
from weilianxin.cases.models import Case, Rating, Sample
from weilianxin.cases.replay import replay
from weilianxin.notify.models import Message
from weilianxin.programmes.reports import intake
from weilianxin.programmes.reports.deliveries import waiting
from weilianxin.programmes.reports.flow import REPORTS
from weilianxin.programmes.reports.models import Category, Parameter
from weilianxin.programmes.reports.screening import near

from .support.world import at, client_for, photo, resident

pytestmark = pytest.mark.django_db


def category(code="XQ201"):
    return Category.objects.get(code=code, scheme="resident")


def report(world, who=None, moment=None, **more):
    facts = {
        "text": "水管爆了，楼道里全是水。",
        "location": locate(place=world.entrance),
        "category": category(),
        **more,
    }
    return intake.submit(who or world.resident, at=moment or at(9), **facts)


def do(case, name, who, moment, photos=(), **data):
    data.setdefault("note", "说明情况")
    return perform(case, name, actor_on(case, who, moment), at=moment, photos=photos, **data)


def join(world, case, who, moment):
    place = locate(place=world.entrance)
    token = next(row["token"] for row in near(category(), place, moment) if row["case"].pk == case.pk)
    return intake.join(who, token, at=moment)


def neighbours(world, count):
    return [resident(f"邻居{n}", f"1380002{n:04d}", world.entrance) for n in range(count)]


def closed(world, moment, by=None, **more):
    by = by or world.worker
    case = do(report(world, moment=moment, **more), "accept", by, moment)
    pictures = [(photo(), "before"), (photo(), "after")]
    return do(case, "close_seen", by, moment + timedelta(hours=1), pictures, outcome="solved")


# Many people


def test_the_tenth_person_makes_it_urgent_with_the_tighter_promise_and_everybody_is_told(world):
    Parameter.objects.update_or_create(key="urgent_heads", defaults={"value": "4"})
    case = do(report(world), "accept", world.worker, at(9, 5))
    before = case.due_at
    joined = [join(world, case, who, at(9, 10 + n)) for n, who in enumerate(neighbours(world, 3))]
    case.refresh_from_db()
    assert (case.headcount, case.urgency, case.events.filter(act="rise").count()) == (4, "U1", 1)
    assert case.due_at == deadline(case) < before
    told = replay(case.events.all(), REPORTS.phases)
    assert told.due == case.due_at
    heard = Message.objects.filter(act="risen")
    assert {m.account_id for m in heard} >= {c.reporter_id for c in joined} | {world.worker.pk, world.duty.pk}
    # An urgent matter is not closed by the worker alone any more.
    with pytest.raises(NotAllowed):
        do(case, "close_seen", world.worker, at(10), [(photo(), "after")], outcome="solved", no_before="拍不了")
    # That one leaves again takes nothing back.
    do(joined[0], "split_out", world.leader, at(10, 5))
    case.refresh_from_db()
    assert (case.headcount, case.urgency) == (3, "U1")


def test_where_the_number_is_nought_nothing_rises_by_itself(world):
    Parameter.objects.update_or_create(key="urgent_heads", defaults={"value": "0"})
    case = report(world)
    for n, who in enumerate(neighbours(world, 11)):
        join(world, case, who, at(9, 1 + n))
    case.refresh_from_db()
    assert (case.headcount, case.urgency) == (12, "U2")


def test_before_anybody_took_it_on_the_time_to_take_it_on_becomes_shorter(world):
    Parameter.objects.update_or_create(key="urgent_heads", defaults={"value": "2"})
    case = report(world)
    join(world, case, world.neighbour, at(9, 1))
    after = Case.objects.get(pk=case.pk)
    assert after.urgency == "U1" and after.accept_due_at <= at(9, 30) < case.accept_due_at


@pytest.mark.django_db(transaction=True)
def test_ten_who_join_at_once_are_ten_and_it_rises_once(world):
    Parameter.objects.update_or_create(key="urgent_heads", defaults={"value": "5"})
    case, people, failed = report(world), neighbours(world, 10), []

    def one(who):
        try:
            join(world, case, who, at(9, 1))
        except Exception as error:  # the thread's own; told by the assertion below
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(who,)) for who in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    case.refresh_from_db()
    assert not failed and connection.vendor
    assert (case.headcount, case.urgency, case.events.filter(act="rise").count()) == (11, "U1", 1)
    assert case.events.count() == case.version


def test_one_word_reaches_everybody_once_and_names_nobody(world):
    case = do(report(world), "accept", world.worker, at(9, 5))
    with pytest.raises(Refused):
        do(case, "broadcast", world.worker, at(9, 6), note="抢修队十点到，请先关好水阀。")
    others = [join(world, case, who, at(9, 10)) for who in neighbours(world, 3)]
    case = do(case, "broadcast", world.worker, at(9, 20), note="抢修队十点到，找13800000011。")
    heard = Message.objects.filter(act="broadcast")
    assert sorted(m.account_id for m in heard) == sorted([world.resident.pk, *(c.reporter_id for c in others)])
    for message in heard.exclude(account=world.resident):
        assert "13800000011" not in message.body and world.resident.name not in message.body
    page = client_for(others[0].reporter).get(reverse("reports:matter", args=[others[0].number])).content.decode()
    assert "角木告诉大家" in page and "抢修队十点到" in page


def test_whoever_was_put_with_another_matter_by_mistake_is_taken_out_and_nothing_remains(world):
    case, wrong = report(world), report(world, world.neighbour, at(9, 1), text="三楼的水表不走字。")
    wrong = do(wrong, "merge", world.dispatcher, at(9, 5), parent=case)
    wrong = do(wrong, "split_out", world.dispatcher, at(9, 10), note="不是同一件事")
    case.refresh_from_db()
    assert (case.headcount, wrong.state, wrong.parent, wrong.outcome) == (1, "received", None, "")
    assert wrong.accept_due_at == deadline(wrong, limit=wrong.accept_limit)


def test_a_neighbour_who_is_not_satisfied_is_called_back_and_gets_a_matter_of_their_own(world):
    case = report(world)
    mine = join(world, case, world.neighbour, at(9, 2))
    case = do(Case.objects.get(pk=case.pk), "accept", world.worker, at(9, 5))
    case = do(case, "close_seen", world.worker, at(10), [(photo(), "before"), (photo(), "after")], outcome="solved")
    mine = do(Case.objects.get(pk=mine.pk), "rate", world.neighbour, at(11), level=1, note="我家还在漏")
    mine = do(mine, "split_out", world.neighbour, at(11, 5), note="我家还在漏")
    assert (mine.state, mine.holder) == ("received", world.leader)
    assert Rating.objects.get(case=mine).callback_result == "reopened"


def test_what_somebody_joined_stands_on_their_first_page_as_long_as_it_is_not_over_for_them(world):
    case = report(world)
    mine = join(world, case, world.neighbour, at(9, 2))

    def on_first_page(moment):
        return [(card["case"].pk, card["turn"]) for card in open_matters(world.neighbour, moment)]

    (card,) = open_matters(world.neighbour, at(9, 3))
    assert (card["case"].pk, card["turn"]) == (mine.pk, False)
    assert world.worker.name in card["who_more"]  # who takes it up, as for whoever reported it first
    case = do(Case.objects.get(pk=case.pk), "accept", world.worker, at(9, 5))
    assert on_first_page(at(9, 6)) == [(mine.pk, False)]
    case = do(case, "close_seen", world.worker, at(10), [(photo(), "before"), (photo(), "after")], outcome="solved")
    assert on_first_page(at(10, 1)) == [(mine.pk, True)]
    do(case, "rate", world.resident, at(10, 30), level=5)
    assert on_first_page(at(10, 31)) == [(mine.pk, True)]  # another's word is not theirs
    assert on_first_page(case.disputable_until + timedelta(seconds=1)) == []
    do(Case.objects.get(pk=mine.pk), "rate", world.neighbour, at(11), level=5)
    assert on_first_page(at(11, 1)) == []


def test_the_first_page_costs_the_same_with_one_matter_joined_and_with_four(world):
    costs = []
    for n, code in enumerate(("XQ201", "XQ202", "06010", "XQ203")):
        case = report(world, moment=at(9, n), category=category(code))
        do(
            report(world, world.neighbour, at(9, n), category=category(code)),
            "merge",
            world.neighbour,
            at(9, n),
            parent=case,
        )
        with CaptureQueriesContext(connection) as asked:
            assert len(open_matters(world.neighbour, at(10))) == n + 1
        costs.append(len(asked))
    assert len(set(costs)) == 1


# One letter, two events


def test_two_matters_in_one_letter_become_two_with_the_clock_of_the_letter(world):
    text = "水管爆了，楼道里全是水。另外二楼的声控灯也不亮。"
    case = report(world, text=text, photos=[photo(world.resident)])
    case = do(case, "accept", world.worker, at(9, 5))
    case = do(case, "carve", world.worker, at(9, 30), category=category("XQ202"), note="二楼的声控灯也不亮。")
    new = Case.objects.get(category="XQ202")
    assert (new.reporter, new.place, new.state, new.clock_from) == (world.resident, case.place, "received", at(9))
    assert new.accept_due_at == deadline(new, limit=new.accept_limit)
    assert [use.photo for use in new.photos.all()] == [use.photo for use in case.photos.all()]
    assert case.events.get(act="carve").data["number"] == new.number
    assert new.events.get(seq=1).data["carved"] == case.number
    told = Message.objects.filter(account=world.resident, act="carved")
    assert told.count() == 1 and case.number in told.get().body and new.number in told.get().body
    assert not Message.objects.filter(account=world.resident, act="submitted", body__contains=new.number).exists()
    assert replay(new.events.all(), REPORTS.phases).accept_due == new.accept_due_at
    page = client_for(world.resident).get(reverse("reports:matter", args=[case.number])).content.decode()
    assert new.number in page


def test_what_goes_to_the_police_or_to_mediation_is_not_carved(world):
    case = do(report(world), "accept", world.worker, at(9, 5))
    with pytest.raises(Invalid) as refusal:
        do(
            case,
            "carve",
            world.worker,
            at(9, 30),
            category=Category.objects.filter(channel_out="mediation").first(),
            note="邻居吵架。",
        )
    assert refusal.value.field == "category"


def test_what_is_taken_out_of_a_report_is_screened_like_any_other(world):
    before = closed(world, at(9) - timedelta(days=6), category=category("06010"))
    case = do(report(world), "accept", world.worker, at(9, 5))
    said = "二楼有人家里好像漏气，还有人要去上访。"
    case = do(case, "carve", world.worker, at(9, 30), category=category("06010"), note=said)
    new = Case.objects.get(category="06010", state="received")
    assert (new.urgency, new.sensitive, new.recurs_of) == ("U1", True, before)
    assert new.accept_due_at == deadline(new, limit=new.accept_limit) <= at(9, 30)
    assert {group for group, _said in new.report.screening} == {"gas", "petition"}
    # What was dangerous days ago is not cured by a shorter limit now.
    late = at(9) + timedelta(days=3)
    do(case, "carve", world.worker, late, category=category("06010"), note="三楼也好像漏气。")
    stale = Case.objects.get(category="06010", created_at=late)
    assert stale.urgency == "U2" and stale.report.screening[0][0] == "gas"


def test_what_only_the_discipline_office_may_read_is_not_carved(world):
    case = do(report(world), "accept", world.worker, at(9, 5))
    with pytest.raises(intake.IntegrityElsewhere):
        do(case, "carve", world.worker, at(9, 30), category=category("XQ202"), note="修灯的人收红包才来修。")
    kept = report(world, moment=at(10), text="水管爆了；修灯的人没有收红包，灯不亮。", not_integrity=True)
    kept = do(kept, "accept", world.worker, at(10, 5))
    do(kept, "carve", world.worker, at(10, 30), category=category("XQ202"), note="修灯的人没有收红包，灯不亮。")
    assert Case.objects.filter(category="XQ202").count() == 1


def test_a_letter_of_another_channel_is_handed_back_once_by_the_case_it_became(world):
    facts = {"text": "水管爆了。另外二楼的声控灯不亮。", "location": locate(place=world.entrance)}
    case = intake.submit(
        None, at=at(9), category=category(), channel="hotline", source="hotline", source_no="H1", **facts
    )
    case = do(case, "accept", world.worker, at(9, 5))
    do(case, "carve", world.worker, at(9, 30), category=category("06010"), note="二楼的声控灯也不亮。")
    new = Case.objects.get(category="06010")
    assert (new.channel, new.report.source, new.report.source_no) == ("hotline", "", "")
    pictures = [(photo(), "before"), (photo(), "after")]
    for part in (case, do(new, "accept", world.worker, at(9, 35))):
        do(part, "close_seen", world.worker, at(10), pictures, outcome="solved")
    assert [row.case_id for row in waiting(Case.objects.all())] == [case.pk]


# One place, again and again


def test_the_third_time_at_one_place_asks_for_its_cause_once(world):
    first = closed(world, at(9))
    second = closed(world, at(9) + timedelta(days=20))
    assert not Case.objects.filter(channel="source").exists()
    third = do(report(world, moment=at(9) + timedelta(days=60)), "accept", world.worker, at(9) + timedelta(days=60))
    source = Case.objects.get(channel="source")
    assert (source.holder, source.reporter, source.place) == (world.secretary, None, third.place)
    numbers = source.events.get(seq=1).data["cases"]
    assert set(numbers) == {first.number, second.number, third.number}
    assert Message.objects.filter(account=world.secretary, body__contains=source.number).exists()
    # It is found by those above, not by residents as a matter like theirs, and the fourth time adds none.
    moment = at(10) + timedelta(days=60)
    assert source.pk not in [row["case"].pk for row in near(category(), locate(place=world.entrance), moment)]
    assert "源头治理" in client_for(world.secretary).get(reverse("desk:chronic")).content.decode()
    do(report(world, world.neighbour, moment), "accept", world.worker, moment)
    assert Case.objects.filter(channel="source").count() == 1
    source = do(source, "accept", world.secretary, moment)
    assert source.handle_limit == "20wd" and source.due_at == deadline(source)
    assert replay(source.events.all(), REPORTS.phases).due == source.due_at


def test_elsewhere_of_another_kind_or_long_ago_is_not_the_same_place_again(world):
    closed(world, at(9))
    closed(world, at(9) + timedelta(days=1), world.bare_backup, location=locate(place=world.park))
    closed(world, at(9) + timedelta(days=2), category=category("06010"))
    late = at(9) + timedelta(days=200)
    do(report(world, moment=late), "accept", world.worker, late)
    assert not Case.objects.filter(channel="source").exists()


def test_what_is_clean_for_the_photo_is_looked_at_again_three_days_later_by_somebody_else(world):
    Category.objects.filter(code="XQ201").update(recheck_days=3)
    case = closed(world, at(9))
    sample = Sample.objects.get(case=case)
    assert sample.drawn_at == case.closed_at + timedelta(days=3)
    with pytest.raises(Refused):
        do(case, "pass_sample", world.verifier, at(12))
    with pytest.raises(NotAllowed):
        do(case, "pass_sample", world.secretary if case.closer == world.secretary else world.worker, at(12))
    case = do(case, "reopen", world.verifier, case.closed_at + timedelta(days=3), note="又堆回来了")
    assert case.state == "accepted" and case.holder == world.leader


def test_only_the_house_itself_raises_it(world):
    case = report(world)
    with pytest.raises(NotAllowed):
        do(case, "rise", world.duty, at(9, 5))
    assert perform(case, "rise", SYSTEM_ACTOR, at=at(9, 5)).urgency == "U1"
