"""The numbers of a month: what they count, what they rest on, what is left out, and who sees which."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from weilianxin.areas.locate import locate
from weilianxin.cases.access import actor_on
from weilianxin.cases.engine import perform
from weilianxin.cases.errors import Invalid, NotAllowed, Refused
from weilianxin.cases.models import Case, Rating
from weilianxin.insights import rates
from weilianxin.notify.models import Message
from weilianxin.programmes.reports import intake
from weilianxin.programmes.reports.alarms import ring
from weilianxin.programmes.reports.models import Category, Parameter

from .support.world import at, photo

pytestmark = pytest.mark.django_db

NEXT, LATER = date(2026, 3, 11), date(2026, 3, 12)
END = at(9, day=date(2026, 3, 31))


def do(case, name, who, moment, photos=(), **data):
    data.setdefault("note", "说明情况")
    return perform(Case.objects.get(pk=case.pk), name, actor_on(case, who, moment), at=moment, photos=photos, **data)


def report(world, moment=None, who=None, place=None, code="XQ201", **more):
    return intake.submit(
        who or world.resident,
        text="楼道的灯不亮，晚上看不清。",
        location=locate(place=place or world.entrance),
        category=Category.objects.get(code=code, scheme="resident"),
        at=moment or at(9),
        **more,
    )


def closed(world, moment=None, worker=None, outcome="solved", accepted=None, **more):
    """A report that its grid worker took on in time, did and closed."""
    moment, worker = moment or at(11), worker or world.worker
    case = report(world, moment=moment - timedelta(hours=2), **more)
    case = do(case, "accept", worker, accepted or moment - timedelta(hours=1))
    case = do(case, "start", worker, moment - timedelta(minutes=30))
    plan = {"plan_date": date(2026, 4, 1)} if outcome == "partly" else {}
    return do(case, "close_seen", worker, moment, [(photo(), "after")], outcome=outcome, no_before="无", **plan)


def rate(case, who, moment, level=5):
    return do(case, "rate", who, moment, level=level)


def numbers(who, *areas, month="2026-03", moment=END):
    return rates.board(who, list(areas), rates.month_of(month, moment))


def of(found, key):
    row = next(row for row in [*found["three"], *found["others"]] if row["key"] == key)
    return row["top"], row["of"]


def test_an_ending_is_not_a_solution_and_each_other_ending_stands_apart(world):
    for n, outcome in enumerate(("solved", "solved", "partly")):
        closed(world, at(11 + n), outcome=outcome)
    advice = closed(world, at(15), outcome="explained", kind="咨询")
    assert advice.outcome == "explained"
    found = numbers(world.duty, world.subdistrict)
    assert of(found, "solved") == (2, 4)
    assert (found["counts"]["partly"], found["counts"]["explained"], found["counts"]["cannot_now"]) == (1, 1, 0)


def test_what_was_found_on_the_round_stands_apart(world):
    closed(world)
    Case.objects.filter(pk=closed(world, at(13)).pk).update(channel="patrol")
    found = numbers(world.duty, world.subdistrict)
    assert of(found, "solved") == (1, 1) and found["counts"]["patrol"] == 1 and found["coverage"]["asked"] == 1
    assert found["counts"]["due"] == found["counts"]["answered"] == 1  # nobody waited for an answer to it


def test_nobody_who_kept_silent_counts_as_satisfied(world):
    first, second = closed(world, at(11)), closed(world, at(12))
    closed(world, at(13))
    rate(first, world.resident, at(16), level=3)
    rate(second, world.resident, at(16), level=2)
    found = numbers(world.duty, world.subdistrict)
    assert of(found, "satisfied") == (1, 2)
    coverage = found["coverage"]
    assert (coverage["covered"], coverage["asked"], coverage["called"], coverage["bad"]) == (2, 3, 0, 1)
    do(second, "uphold", world.callback, at(17))
    assert numbers(world.duty, world.subdistrict)["coverage"]["called"] == 1
    empty = numbers(world.duty, world.subdistrict, month="2026-02")
    assert [row["percent"] for row in empty["three"]] == [None, None, None]


def test_whoever_joined_a_matter_rates_for_themselves(world):
    case, joined = report(world), report(world, who=world.neighbour, moment=at(9, 1))
    do(joined, "merge", world.worker, at(9, 5), parent=case)
    case = do(case, "accept", world.worker, at(10))
    case = do(case, "start", world.worker, at(10, 5))
    case = do(case, "close_seen", world.worker, at(11), [(photo(), "after")], outcome="solved", no_before="无")
    rate(joined, world.neighbour, at(12), level=1)
    found = numbers(world.duty, world.subdistrict)
    assert of(found, "satisfied") == (0, 1) and of(found, "solved") == (1, 1)
    assert (found["coverage"]["covered"], found["coverage"]["asked"]) == (1, 2)
    assert of(found, "response") == (1, 1)  # whoever joined waits for no answer of their own


def test_who_went_before_an_answer_was_due_waited_for_none_and_who_had_waited_in_vain_did(world):
    in_time, late = report(world), report(world, who=world.neighbour, moment=at(9, 1))
    do(in_time, "withdraw", world.resident, at(10))
    do(late, "withdraw", world.neighbour, at(15))  # two work hours were promised
    found = numbers(world.duty, world.subdistrict)
    assert of(found, "response") == (0, 1)


def test_asking_late_is_an_answer_too_late_also_when_nobody_replies(world):
    in_time, late, gone = report(world), report(world, who=world.neighbour), report(world, who=world.stranger)
    do(in_time, "ask", world.worker, at(10))
    do(late, "ask", world.worker, at(15))  # two work hours were promised
    do(gone, "ask", world.worker, at(15))
    do(gone, "withdraw", world.stranger, at(16))
    found = numbers(world.duty, world.subdistrict)
    assert of(found, "response") == (0, 1)  # for those asked the clock stands still
    for case in (in_time, late):
        ring(Case.objects.get(pk=case.pk), at(9, day=date(2026, 3, 25)))
    assert set(Case.objects.exclude(pk=gone.pk).values_list("state", flat=True)) == {"refused"}
    found = numbers(world.duty, world.subdistrict)
    assert of(found, "response") == (1, 3)


def test_what_a_unit_did_without_signing_for_it_is_the_units_work(world):
    case = do(report(world), "accept", world.worker, at(9, 5))
    case = do(case, "dispatch", world.worker, at(9, 10), unit=world.property, assists=[])
    do(case, "close_seen", world.worker, at(11), [(photo(), "after")], outcome="solved", no_before="无")
    closed(world, at(13))
    found = numbers(world.duty, world.subdistrict)
    assert of(found, "own") == (1, 2) and (found["counts"]["sent"], found["counts"]["returned"]) == (1, 0)


def test_a_bad_rating_is_not_washed_away_by_doing_it_again(world):
    case = closed(world)
    rate(case, world.resident, at(12), level=1)
    case = do(case, "reopen", world.callback, at(13))
    found = numbers(world.duty, world.subdistrict)
    assert of(found, "satisfied") == (0, 1) and of(found, "solved") == (0, 0)
    case = do(case, "start", Case.objects.get(pk=case.pk).holder, at(14))
    case = do(case, "reply", case.holder, at(14, 10), [(photo(), "after")], outcome="solved")
    do(case, "close_verified", world.verifier, at(15), outcome="solved")
    found = numbers(world.duty, world.subdistrict)
    assert of(found, "satisfied") == (0, 1) and of(found, "solved") == (1, 1) and of(found, "reopening") == (1, 1)


def test_an_answer_in_time_is_counted_when_it_was_due_and_a_refusal_is_an_answer(world):
    Parameter.objects.create(key="chronic_times", value="0")  # no matter of its own for a place that comes again
    closed(world)  # accepted within an hour
    closed(world, at(16, day=NEXT), accepted=at(15, day=NEXT))
    late = report(world, moment=at(9, day=LATER))
    do(late, "accept", world.worker, at(16, day=LATER))
    gone = report(world, moment=at(9, day=LATER))
    do(gone, "refuse", world.worker, at(9, 30, day=LATER), reason="R01", right_channel="110")
    report(world, moment=at(9, day=LATER))
    found = numbers(world.duty, world.subdistrict)
    assert of(found, "response") == (3, 5)
    month = rates.month_of("2026-03", END)
    unanswered = rates.listed("unanswered", world.duty, [world.subdistrict], month)
    assert unanswered.count() == 2
    not_yet = numbers(world.duty, world.subdistrict, moment=at(9, 30, day=LATER))
    assert of(not_yet, "response") == (2, 2)  # what is still in time is not due


def test_a_month_is_a_month_of_the_place_and_none_is_to_come(world):
    closed(world, at(17, day=date(2026, 3, 31)))
    assert of(numbers(world.duty, world.subdistrict, moment=at(9, day=date(2026, 4, 2))), "solved") == (1, 1)
    assert of(
        numbers(world.duty, world.subdistrict, month="2026-04", moment=at(9, day=date(2026, 4, 2))), "solved"
    ) == (
        0,
        0,
    )
    for wrong in ("2026-13", "2026-05", "1999-01", "2026-3", "x", "٢٠٢٦-03", "2026-03-01"):
        with pytest.raises(ValueError):
            rates.month_of(wrong, END)


# Left out


def tried(case, who, *moments, reached="no"):
    for moment in moments:
        case = do(case, "call", who, moment, reached=reached)
    return case


def test_leaving_out_takes_two_people_and_stands_beside_the_numbers(world, signed_in):
    case, other = closed(world), closed(world, at(12))
    case = do(case, "propose_exclude", world.secretary, at(14), ground="force", note="台风停工三天")
    assert Message.objects.filter(act="asked_for", account=world.duty).exists()
    with pytest.raises(NotAllowed):
        do(do(other, "propose_exclude", world.duty, at(14), ground="force"), "exclude", world.duty, at(15))
    assert of(numbers(world.duty, world.subdistrict), "solved") == (2, 2)  # proposed is not decided
    case = do(case, "exclude", world.duty, at(15), note="")
    found = numbers(world.duty, world.subdistrict)
    assert of(found, "solved") == (1, 1) and found["counts"]["excluded"] == 1
    row = rates.exclusions(
        list(rates.listed("excluded", world.duty, [world.subdistrict], rates.month_of("2026-03", END)))
    )
    assert [(r.excluded, r.proposed.actor, r.agreed.actor) for r in row] == [("force", world.secretary, world.duty)]
    page = signed_in(world.duty).get(reverse("desk:rates") + "?month=2026-03").content.decode()
    assert case.number in page and "不可抗力" in page and "牛金提议，奎木同意" in page
    with pytest.raises(Refused):
        do(case, "propose_exclude", world.secretary, at(16), ground="force")


def test_what_is_done_again_is_counted_again(world):
    case = closed(world)
    case = do(case, "propose_exclude", world.secretary, at(14), ground="unreasonable")
    case = do(case, "exclude", world.duty, at(15), note="")
    case = do(case, "dispute", world.resident, at(16))
    assert Case.objects.get(pk=case.pk).excluded == ""


def test_a_declined_exclusion_stays_counted(world):
    case = do(closed(world), "propose_exclude", world.callback, at(14), ground="unreasonable")
    case = do(case, "decline", world.dispatcher, at(15))
    assert (case.pending, case.excluded) == ("", "") and of(numbers(world.duty, world.subdistrict), "solved") == (1, 1)


def test_not_reached_means_three_calls_on_two_days_and_no_sign_of_life_since(world):
    def refused(case, moment):
        with pytest.raises(Invalid) as refusal:
            do(case, "propose_exclude", world.callback, moment, ground="unreached")
        assert refusal.value.field == "ground"

    case = tried(closed(world), world.callback, at(14), at(15), at(16))
    refused(case, at(17))  # three, on one day
    other = tried(closed(world, at(12)), world.callback, at(16), at(9, day=NEXT), at(9, 10, day=NEXT))
    refused(other, at(10, day=NEXT))  # twice within half an hour is once
    case = tried(case, world.callback, at(9, day=NEXT))
    case = do(case, "propose_exclude", world.callback, at(10, day=NEXT), ground="unreached")
    case = do(case, "decline", world.duty, at(10, 30, day=NEXT))
    refused(tried(case, world.callback, at(11, day=NEXT), reached="yes"), at(12, day=NEXT))
    other = tried(other, world.callback, at(11, day=NEXT))
    rate(other, world.resident, at(12, day=NEXT), level=1)
    refused(other, at(13, day=NEXT))


# Who sees which, and what it costs


def test_one_sees_the_numbers_of_ones_own_reach(world, signed_in):
    closed(world)
    assert of(numbers(world.other_secretary, world.other_community), "solved") == (0, 0)
    page = signed_in(world.secretary)
    assert page.get(reverse("desk:rates_of", args=[world.grid.code])).status_code == 200
    assert page.get(reverse("desk:rates_of", args=[world.other_community.code])).status_code == 404
    assert page.get(reverse("desk:rate_cases", args=[world.grid.code, "nothing"])).status_code == 404
    assert page.get(reverse("desk:rates") + "?month=2999-01").status_code == 404
    leaders = signed_in(world.leader).get(reverse("desk:rates") + "?month=2026-03").content.decode()
    assert "第一网格" in leaders and world.other_community.name not in leaders


def test_sensitive_matters_are_counted_and_not_listed(world, signed_in):
    open_one, secret = closed(world), closed(world, at(12))
    Case.objects.filter(pk=secret.pk).update(sensitive=True)
    found = numbers(world.duty, world.subdistrict)
    assert of(found, "solved") == (2, 2)
    url = reverse("desk:rate_cases", args=[world.subdistrict.code, "solved"]) + "?month=2026-03"
    page = signed_in(world.duty).get(url).content.decode()
    assert open_one.number in page and secret.number not in page and "其中保密的 1 件不列出" in page


def test_every_number_leads_to_as_many_cases(world):
    first = closed(world)
    rate(first, world.resident, at(12), level=2)
    closed(world, at(13), outcome="partly")
    report(world, moment=at(9, day=NEXT))
    found, month = numbers(world.duty, world.subdistrict)["counts"], rates.month_of("2026-03", END)

    def behind(name):
        return rates.listed(name, world.duty, [world.subdistrict], month).count()

    for name in set(rates.LISTS) & set(found):
        assert behind(name) == found[name], name
    assert behind("unanswered") == found["due"] - found["answered"] == 1
    assert behind("unrated") == found["asked"] - found["covered"] == 1
    assert behind("uncalled") == found["bad"] - found["called"] == 1
    assert behind("untimely") == found["dated"] - found["timely"]


def test_pages_are_turned_by_the_moment_and_each_case_stands_once(world, signed_in):
    template = closed(world)
    rows = []
    for n in range(64):
        copy = Case.objects.get(pk=template.pk)
        copy.pk, copy.number, copy.stream = None, f"260310-9{n:03d}", f"copy{n:020d}"
        copy.closed_at = template.closed_at + timedelta(minutes=n // 3)  # several in one moment
        rows.append(copy)
    Case.objects.bulk_create(rows)
    client, seen = signed_in(world.duty), []
    url = reverse("desk:rate_cases", args=[world.subdistrict.code, "ended"])
    query = "?month=2026-03"
    while True:
        response = client.get(url + query)
        seen += [case.number for case in response.context["rows"]]
        if not response.context["after"]:
            break
        query = f"?month=2026-03&after={response.context['after']}"
    assert len(seen) == len(set(seen)) == 65


def test_ten_times_as_many_cases_cost_as_many_queries(world, signed_in, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    template = closed(world)
    Rating.objects.create(case=template, closing=1, level=1, subdistrict=world.subdistrict, at=at(12))
    Case.objects.filter(pk=closed(world, at(13)).pk).update(excluded="force")
    client = signed_in(world.duty)
    urls = [
        reverse("desk:rates") + "?month=2026-03",
        reverse("desk:rate_cases", args=[world.subdistrict.code, "ended"]) + "?month=2026-03",
    ]
    for url in urls:
        client.get(url)
        with CaptureQueriesContext(connection) as few:
            client.get(url)
        rows = []
        for n in range(40):
            copy = Case.objects.get(pk=template.pk)
            copy.pk, copy.number, copy.stream = (
                None,
                f"260310-{urls.index(url) + 7}{n:03d}",
                f"c{urls.index(url)}{n:020d}",
            )
            copy.grid, copy.excluded = world.grids[n % 4], "force" if n % 2 else ""
            rows.append(copy)
        Case.objects.bulk_create(rows)
        with django_assert_num_queries(len(few)):
            client.get(url)


def test_now_is_the_month_one_begins_with(world, signed_in):
    page = signed_in(world.duty).get(reverse("desk:rates"))
    assert page.context["month"].key == timezone.localdate().strftime("%Y-%m")
