"""Every bad word is answered once: by a call-back, by reopening, or by a dispute that was taken up meanwhile."""

import pytest
from django.utils import timezone

from weilianxin.cases.access import actor_on
from weilianxin.cases.engine import allowed, perform
from weilianxin.cases.models import Case, Rating, Sample
from weilianxin.desk.lists import waiting_callbacks, waiting_samples

from .test_resident_pages import closed, do, picture, report

pytestmark = pytest.mark.django_db


def joined(world):
    """A closed matter and the one of a neighbour who joined it."""
    case, other = report(world, photos=[picture(world.resident)]), report(world, account=world.neighbour)
    do(other, "merge", world.neighbour, parent=case)
    do(case, "accept", world.worker)
    after = [(picture(world.worker), "after")]
    do(case, "close_seen", world.worker, photos=after, outcome="solved", note="灯换好了。")
    return Case.objects.get(pk=case.pk), Case.objects.get(pk=other.pk)


def offered(case, account):
    return {move.name for move in allowed(case, actor_on(case, account))}


def waiting(world):
    return list(waiting_callbacks(world.callback, timezone.now()).values_list("case", flat=True))


def test_who_joined_is_called_back_by_somebody_who_did_none_of_the_work(world):
    _case, other = joined(world)
    do(other, "rate", world.neighbour, level=1, note="还是黑的")
    assert waiting(world) == [other.pk]
    assert "uphold" not in offered(other, world.worker)
    perform(other, "uphold", actor_on(other, world.callback), note="电话里说好了")
    assert waiting(world) == [] and Rating.objects.get().callback_result == "upheld"


def test_the_bad_word_of_who_joined_reopens_the_matter_itself(world):
    case, other = joined(world)
    assert "reopen" not in offered(case, world.callback)
    do(other, "rate", world.neighbour, level=2, note="还是黑的")
    do(case, "reopen", world.callback, note="去看过，三楼没亮")
    rating = Rating.objects.get()
    assert waiting(world) == [] and (rating.callback_result, rating.callback_by) == ("reopened", world.callback)


def test_a_dispute_answers_the_bad_words_before_it(world):
    case = closed(world)
    do(case, "rate", world.resident, level=1, note="还是黑的")
    assert waiting(world) == [case.pk]
    do(Case.objects.get(pk=case.pk), "dispute", world.resident, note="三楼没亮")
    assert waiting(world) == [] and Rating.objects.get().callback_result == "reopened"


def test_who_leaves_a_matter_to_have_their_own_waits_for_no_call_back(world):
    _case, other = joined(world)
    do(other, "rate", world.neighbour, level=1, note="还是黑的")
    do(Case.objects.get(pk=other.pk), "split_out", world.neighbour, note="我家门口的没人管")
    assert waiting(world) == []


def test_who_withdraws_what_they_joined_waits_for_no_call_back(world):
    case, other = joined(world)
    do(case, "rate", world.resident, level=1, note="还是黑的")
    do(other, "rate", world.neighbour, level=1, note="还是黑的")
    do(Case.objects.get(pk=other.pk), "withdraw", world.neighbour)
    assert waiting(world) == [case.pk]  # the word of another goes on waiting
    assert Rating.objects.get(case=other).callback_result == "withdrawn"


def test_what_is_voided_waits_for_no_call_back_and_no_check(world):
    case = closed(world)
    Sample.objects.update_or_create(
        case=case,
        closing=case.closings,
        defaults={"drawn_at": case.closed_at, "community": case.community, "subdistrict": case.subdistrict},
    )
    do(case, "rate", world.resident, level=1, note="还是黑的")
    checks = waiting_samples(world.verifier, timezone.now())
    assert waiting(world) == [case.pk] and checks.count() == 1
    do(Case.objects.get(pk=case.pk), "propose_void", world.dispatcher, note="试用时报的")
    do(Case.objects.get(pk=case.pk), "void", world.duty)
    assert waiting(world) == [] and checks.all().count() == 0
    assert Rating.objects.get().callback_result == "void"
    sample = Sample.objects.get()
    assert (sample.passed, sample.checked_by) == (None, None)  # nobody looked
