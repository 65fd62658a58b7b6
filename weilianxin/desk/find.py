"""Finding a case by number, place or words; and the lists of what is still to be looked at again."""

import unicodedata

from django.db.models import Q
from django.utils import timezone
from django.views.decorators.http import require_safe

from weilianxin.cases.models import Case
from weilianxin.lib.numbers import case_number, parse_case_number
from weilianxin.people.models import Role
from weilianxin.people.session import staff_required

from . import lists
from .home import done_word
from .nav import render
from .reach import require

WORDS, LONGEST = 4, 60


@require_safe
@staff_required
def search(request):
    """Cases the account may see whose number is this, or whose title and place hold every word."""
    asked = unicodedata.normalize("NFKC", request.GET.get("q", "")).strip()[:LONGEST]
    rows, before = [], ""
    if asked:
        rows, before = lists.newest(found(request.account, asked), request.GET.get("before", ""))
        lists.state_words(rows)
    context = {"at": timezone.now(), "q": asked, "rows": rows, "before": before}
    return render(request, "desk/search.html", context)


def found(account, asked):
    cases = lists.rows_of(Case.objects.visible_to(account))
    try:
        return cases.filter(number=case_number(*parse_case_number(asked)))
    except ValueError:
        pass
    # Sensitive matters are opened by their number, not come across by a word.
    match = Q(sensitive=False)
    for word in asked.split()[:WORDS]:
        where = Q(place_text__icontains=word) | Q(place__full_name__icontains=word)
        match &= Q(title__icontains=word) | where | Q(number__startswith=word)
    return cases.filter(match)


@require_safe
@staff_required
def callbacks(request):
    """Bad ratings to call back, oldest first."""
    require(request, Role.CALLBACK_OFFICER, Role.COMMUNITY_SECRETARY, Role.DUTY_LEADER)
    at = timezone.now()
    rows, after = lists.oldest(lists.waiting_callbacks(request.account, at), request.GET.get("after", ""))
    lists.state_words([rating.case for rating in rows])
    context = {"at": at, "rows": lists.with_due(rows, "at"), "after": after, "done": done_word(request)}
    return render(request, "desk/callbacks.html", context)


@require_safe
@staff_required
def samples(request):
    """Closings drawn for a look by another person, oldest first."""
    require(request, Role.CENTRE_VERIFIER, Role.GRID_LEADER, Role.COMMUNITY_SECRETARY, Role.DUTY_LEADER)
    at = timezone.now()
    rows, after = lists.oldest(lists.waiting_samples(request.account, at), request.GET.get("after", ""))
    lists.state_words([sample.case for sample in rows])
    context = {"at": at, "rows": lists.with_due(rows, "drawn_at"), "after": after, "done": done_word(request)}
    return render(request, "desk/samples.html", context)


@require_safe
@staff_required
def chronic(request):
    """重复高发: what came back at one place so often that its cause is somebody's matter, what is due first on top."""
    require(request, Role.COMMUNITY_SECRETARY, Role.CENTRE_DISPATCHER, Role.DUTY_LEADER)
    at = timezone.now()
    cases = Case.objects.visible_to(request.account).open().filter(channel="source")
    rows, after = lists.soonest(cases, request.GET.get("after", ""))
    context = {"at": at, "rows": lists.state_words(rows), "after": after}
    return render(request, "desk/chronic.html", context)


@require_safe
@staff_required
def verify(request):
    """What handlers say is done and another person must look at; and the samples."""
    require(request, Role.CENTRE_VERIFIER, Role.COMMUNITY_SECRETARY, Role.DUTY_LEADER)
    at = timezone.now()
    cases = Case.objects.visible_to(request.account).filter(state__in=lists.states_for(Role.CENTRE_VERIFIER))
    rows, after = lists.soonest(cases, request.GET.get("after", ""))
    drawn = list(lists.waiting_samples(request.account, at).order_by("id")[:10])
    lists.state_words([sample.case for sample in drawn])
    context = {
        "at": at,
        "rows": lists.with_photos(lists.state_words(rows)),
        "after": after,
        "samples": lists.with_due(drawn, "drawn_at"),
        "done": done_word(request),
    }
    return render(request, "desk/verify.html", context)
