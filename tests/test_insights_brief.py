"""The morning brief: what stands in it for whom, that it is said once a work day, and what looks odd in a month."""

import threading
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from weilianxin.areas.calendar import load_calendar, shipped_rows
from weilianxin.cases.models import Case
from weilianxin.insights import brief, rates
from weilianxin.insights.models import Morning
from weilianxin.insights.signals import signals
from weilianxin.notify.models import Message
from weilianxin.people.models import Absence
from weilianxin.programmes.reports.models import Parameter

from .support.api import Caller
from .support.world import at, make_world, photo
from .test_insights_rates import END, closed, do, rate, report

pytestmark = pytest.mark.django_db

NEXT = date(2026, 3, 11)
MORNING = at(8, 21, day=NEXT)


def lines(who, moment=MORNING):
    return {line["key"]: line["n"] for line in brief.brief(who, moment)}


def told(moment=MORNING):
    brief.send_due(moment)
    return set(Message.objects.filter(act="brief").values_list("account__name", flat=True))


def test_everybody_reads_what_is_theirs_and_who_has_nothing_reads_nothing(world, signed_in):
    report(world)  # due the day before, at eleven
    assert lines(world.worker) == lines(world.leader) == lines(world.secretary) == lines(world.duty) == {"overdue": 1}
    assert lines(world.bare_worker) == lines(world.stranger_worker) == lines(world.other_secretary) == {}
    assert lines(world.verifier) == {}
    assert told() == {"角木", "亢金", "女土", "牛金", "奎木"}
    said = Message.objects.get(account=world.duty, act="brief")
    assert "已经超期 1 件" in said.body and said.url == reverse("desk:brief")
    quiet = signed_in(world.bare_worker).get(reverse("desk:brief"))
    assert "今天没有要特别看的" in quiet.content.decode()


def test_unhappy_and_undecided_matters_stand_in_it_and_nobody_reads_of_their_own_bad_rating(world):
    bad = closed(world)
    rate(bad, world.resident, at(12), level=1)
    assert lines(world.duty)["bad"] == 1 and "bad" not in lines(world.worker)
    do(bad, "propose_exclude", world.secretary, at(14), ground="unreasonable")
    assert lines(world.duty)["pending"] == lines(world.dispatcher)["pending"] == 1
    assert "pending" not in lines(world.secretary)
    do(bad, "dispute", world.resident, at(15))
    assert lines(world.leader)["disputed"] == 1 and "pending" not in lines(world.duty)


def test_a_suspended_matter_stands_in_it_on_its_day(world):
    case = do(report(world), "accept", world.worker, at(9, 5))
    case = do(case, "start", world.worker, at(9, 10))
    plan = {"public_plan": "等雨停后重铺", "review_date": date(2026, 3, 13)}
    do(case, "suspend", world.duty, at(10), **plan)
    assert lines(world.worker) == {}
    assert lines(world.worker, at(8, 21, day=date(2026, 3, 13))) == {"review": 1}


def test_far_above_its_own_past_is_said_by_a_plain_rule(world, signed_in):
    template = report(world, code="XQ202")
    rows = []

    def came(n, moment):
        for _n in range(n):
            copy = Case.objects.get(pk=template.pk)
            copy.pk, copy.number, copy.stream = None, f"9{len(rows):08d}", f"u{len(rows):021d}"
            copy.created_at, copy.phase = moment, "done"
            rows.append(copy)

    came(8, at(9, day=date(2026, 2, 20)))  # two a week on the average
    came(4, at(9))
    Case.objects.bulk_create(rows)
    assert "unusual" not in lines(world.leader)  # five in a week are not three times two
    rows.clear()
    came(1, at(9))
    rows[0].number, rows[0].stream = "800000001", "v1"
    Case.objects.bulk_create(rows)
    found = brief.unusual(brief.Desk(world.leader, MORNING))
    assert {(row["field"], row["n"], row["mean"]) for row in found} == {("category", 6, 2.0), ("compound", 6, 2.0)}
    Case.objects.filter(number="800000001").update(sensitive=True)
    assert brief.unusual(brief.Desk(world.leader, MORNING)) == []


def test_every_line_leads_to_its_list(world, signed_in):
    case = report(world)
    client = signed_in(world.leader)
    page = client.get(reverse("desk:brief"))
    for line in page.context["lines"]:
        url = reverse("desk:brief_line", args=[line["key"]])
        assert url in page.content.decode()
        rows = client.get(url).context["rows"]
        assert len(rows) == line["n"] and rows[0].number == case.number
    assert page.context["lines"]
    for wrong in ("nothing", "unusual"):
        assert client.get(reverse("desk:brief_line", args=[wrong])).status_code == 404
    assert client.get(reverse("desk:brief_line", args=["unusual"]) + "?compound=x").status_code == 404


def test_it_is_said_once_a_day_at_its_time_and_not_to_who_is_away(world):
    report(world)
    Absence.objects.create(account=world.duty, kind="leave", since=at(0, day=NEXT), until=at(9, day=NEXT))
    assert told(at(8, 19, day=NEXT)) == set()
    assert "奎木" not in told() and "角木" in told()
    before = Message.objects.filter(act="brief").count()
    assert told(at(9, 1, day=NEXT)) >= {"奎木"}  # back before the morning was over
    assert Message.objects.filter(act="brief").count() == before + 1
    assert Morning.objects.filter(account=world.bare_worker, said=False).count() == 1
    brief.send_due(at(15, day=NEXT))
    assert Message.objects.filter(act="brief").count() == before + 1


def test_who_had_nothing_in_the_morning_is_not_told_at_noon(world):
    brief.send_due(MORNING)
    report(world, moment=MORNING)
    assert told(at(11, day=NEXT)) == set()


def test_the_time_is_the_subdistricts_and_so_is_the_calendar(world):
    report(world)
    Parameter.objects.create(key="brief_time", value="07:30")
    assert told(at(7, 31, day=NEXT))
    saturday = date(2026, 3, 14)
    assert Message.objects.filter(act="brief").exists()
    Message.objects.all().delete()
    assert told(at(8, 21, day=saturday)) == set()
    rows = [row for row in shipped_rows([2026]) if row["date"] != "2026-03-14"]
    rows.append({"date": "2026-03-14", "kind": "swap_work", "name_zh": "", "year_source": "试"})
    load_calendar(rows)
    assert "角木" in told(at(8, 21, day=saturday))


def test_a_brief_costs_as_many_queries_for_one_case_as_for_forty(world, django_assert_num_queries):
    template = report(world)
    with CaptureQueriesContext(connection) as few:
        brief.brief(world.duty, MORNING)
    for n in range(40):
        copy = Case.objects.get(pk=template.pk)
        copy.pk, copy.number, copy.stream = None, f"7{n:08d}", f"w{n:021d}"
        copy.save()
    with django_assert_num_queries(len(few)):
        brief.brief(world.duty, MORNING)


@pytest.mark.django_db(transaction=True)
def test_two_loops_in_one_minute_say_it_once():
    world = make_world()
    report(world)
    gate, wrong = threading.Barrier(4), []

    def loop():
        try:
            gate.wait()
            brief.send_due(MORNING)
        except Exception as error:
            wrong.append(error)
        finally:
            connection.close()

    loops = [threading.Thread(target=loop) for _n in range(4)]
    for thread in loops:
        thread.start()
    for thread in loops:
        thread.join(60)
    assert not wrong
    told_people = list(Message.objects.filter(act="brief").values_list("account__name", flat=True))
    assert sorted(told_people) == sorted(set(told_people)) and set(told_people) == {
        "角木",
        "亢金",
        "女土",
        "牛金",
        "奎木",
    }
    assert Morning.objects.count() == Morning.objects.values("account", "day").distinct().count()


def test_the_api_says_what_the_pages_say(world):
    report(world)
    closed(world)
    caller = Caller(world.duty)
    items = caller.get("/desk/brief").json()["items"]
    assert [(line["key"], line["count"]) for line in items] == [("overdue", 1)]
    said = caller.get("/desk/rates", month="2026-03").json()
    assert said["month"] == "2026-03" and said["areas"] == [world.subdistrict.code]
    solved = next(row for row in said["rates"] if row["key"] == "solved")
    assert (solved["top"], solved["of"], solved["percent"]) == (1, 1, 100.0)
    assert said["coverage"]["asked"] == 1 and said["coverage"]["covered"] == 0
    mine = Caller(world.secretary)
    assert mine.get("/desk/rates", area=world.other_community.code).status_code == 404
    assert mine.get("/desk/rates", month="2026-13").status_code == 404
    assert Caller(world.resident).get("/desk/rates").status_code == 403


# What looks odd


def odd(who, *areas):
    return {row["kind"]: row for row in signals(who, list(areas), rates.month_of("2026-03", END))}


def test_an_ordinary_month_shows_nothing(world):
    for n in range(3):
        rate(closed(world, at(10 + n)), world.resident, at(16))
    assert odd(world.duty, world.subdistrict) == {}


def test_many_ratings_of_one_account_in_an_hour_are_shown_without_a_name(world, signed_in):
    cases = [closed(world, at(10, n * 7), anonymity="N0" if n else "N2") for n in range(5)]
    for n, case in enumerate(cases):
        rate(case, world.resident, at(16, n * 10))
    row = odd(world.duty, world.subdistrict)["ratings"]
    assert row["n"] == 5 and "41 分钟里评了 5 件" in row["words"] and world.resident.name not in row["words"]
    mine = odd(world.secretary, world.community)["ratings"]
    assert len(mine["cases"]) == 4 and mine["more"] == 1  # N2 beside its neighbours would say who it was
    assert odd(world.other_secretary, world.other_community) == {}
    shown = [closed(world, at(11, n), who=world.neighbour) for n in range(4)]
    for n, case in enumerate(shown):
        rate(case, world.neighbour, at(17, n))
    assert odd(world.duty, world.subdistrict)["ratings"]["n"] == 5  # four are not five


def test_a_rating_seconds_after_the_closing_is_shown(world):
    first, second = closed(world), closed(world, at(12))
    rate(first, world.resident, at(11) + timedelta(seconds=20))
    rate(second, world.resident, at(12, 5))
    assert [case.pk for case in odd(world.duty, world.subdistrict)["hasty"]["cases"]] == [first.pk]


def test_explaining_in_the_last_minutes_is_shown(world):
    late = closed(world, at(11), outcome="explained", kind="咨询")
    early = closed(world, at(11, 30), outcome="explained", kind="咨询")
    Case.objects.filter(pk=late.pk).update(due_at=at(11, 10))
    Case.objects.filter(pk=early.pk).update(due_at=at(17))
    row = odd(world.secretary, world.community)["last"]
    assert [case.pk for case in row["cases"]] == [late.pk] and "角木" in row["words"]


def test_many_small_matters_closed_alone_on_one_day_and_within_minutes_are_shown(world):
    Parameter.objects.create(key="odd_self_closed", value="3")
    last = date(2026, 3, 31)
    for n in range(3):
        closed(world, at(11 + n, day=last), accepted=at(10 + n, 58, day=last) - timedelta(minutes=30))
    rows = {
        row["kind"]: row
        for row in signals(world.duty, [world.subdistrict], rates.month_of("2026-03", at(9, day=date(2026, 4, 1))))
    }
    assert rows["alone"]["n"] == 3 and "月末" in rows["alone"]["words"] and "quick" not in rows


def test_one_photo_for_several_closings_is_shown_and_sensitive_matters_are_not(world, signed_in):
    cases = [closed(world, at(10 + n)) for n in range(3)]
    same = photo().original_hash
    for case in cases[:2]:
        use = case.photos.get(stage="after").photo
        use.original_hash = same
        use.save()
    Case.objects.filter(pk=cases[0].pk).update(sensitive=True)
    row = odd(world.duty, world.subdistrict)["photo"]
    assert (row["n"], row["more"], [case.pk for case in row["cases"]]) == (2, 1, [cases[1].pk])
    page = signed_in(world.duty).get(reverse("desk:signals") + "?month=2026-03").content.decode()
    assert cases[1].number in page and cases[0].number not in page
    assert signed_in(world.leader).get(reverse("desk:signals")).status_code == 404


def test_closing_within_minutes_again_and_again_is_shown(world):
    for n in range(3):
        case = do(report(world, moment=at(9 + n)), "accept", world.worker, at(9 + n, 10))
        do(case, "close_seen", world.worker, at(9 + n, 15), [(photo(), "after")], outcome="solved", no_before="无")
    row = odd(world.duty, world.subdistrict)["quick"]
    assert row["n"] == 3 and "角木受理后 10 分钟内就办结" in row["words"]


# A threshold of the subdistrict, a higher or lower one, and the sign that then is none any more.
THRESHOLDS = [
    ("odd_ratings", "6", "ratings"), ("odd_rating_seconds", "10", "hasty"), ("odd_last_minutes", "5", "last"),
    ("odd_self_closed", "9", "alone"), ("odd_quick_minutes", "2", "quick"), ("odd_quick_times", "7", "quick"),
]  # fmt: skip


def test_from_where_on_something_looks_odd_is_the_subdistricts_to_say(world):
    Parameter.objects.create(key="odd_self_closed", value="3")
    said = {"outcome": "solved", "no_before": "无"}
    for n in range(5):
        case = do(report(world, moment=at(9 + n)), "accept", world.worker, at(9 + n, 10))
        case = do(case, "close_seen", world.worker, at(9 + n, 15), [(photo(), "after")], **said)
        rate(case, world.resident, at(15, n) if n else at(9, 15) + timedelta(seconds=30))
    rate(closed(world, at(11)), world.resident, at(15, 30))
    late = closed(world, at(11), outcome="explained", kind="咨询")
    Case.objects.filter(pk=late.pk).update(due_at=at(11, 10))
    kinds = {kind for _key, _value, kind in THRESHOLDS}
    assert kinds <= set(odd(world.duty, world.subdistrict))
    for key, value, kind in THRESHOLDS:
        before = Parameter.objects.filter(key=key).values_list("value", flat=True).first()
        Parameter.objects.update_or_create(key=key, defaults={"value": value})
        assert kind not in odd(world.duty, world.subdistrict), key
        Parameter.objects.filter(key=key).delete() if before is None else Parameter.objects.filter(key=key).update(
            value=before
        )


@pytest.mark.parametrize(("key", "value"), [("unusual_least", "7"), ("unusual_times", "4")])
def test_what_is_unusual_is_the_subdistricts_to_say(world, key, value):
    template, rows = report(world, code="XQ202"), []
    for n in range(13):
        copy = Case.objects.get(pk=template.pk)
        copy.pk, copy.number, copy.stream = None, f"9{n:08d}", f"u{n:021d}"
        copy.created_at, copy.phase = at(9, day=date(2026, 2, 20)) if n < 8 else at(9), "done"
        rows.append(copy)
    Case.objects.bulk_create(rows)
    assert brief.unusual(brief.Desk(world.leader, MORNING))
    Parameter.objects.update_or_create(key=key, defaults={"value": value})
    assert brief.unusual(brief.Desk(world.leader, MORNING)) == []


def test_looking_for_what_is_odd_costs_the_same_however_much_there_is(world, django_assert_num_queries):
    template = closed(world)

    def more(digit, count):
        for n in range(count):
            copy = Case.objects.get(pk=template.pk)
            copy.pk, copy.number, copy.stream = None, f"{digit}{n:08d}", f"x{digit}{n:020d}"
            copy.accepted_at = copy.closed_at - timedelta(minutes=3)
            copy.save()

    more(6, 11)
    with CaptureQueriesContext(connection) as few:
        assert set(odd(world.duty, world.subdistrict)) == {"alone", "quick"}
    more(7, 40)
    with django_assert_num_queries(len(few)):
        assert odd(world.duty, world.subdistrict)["quick"]["n"] == 51
