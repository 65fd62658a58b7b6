"""Step 2 of 我要报事: where it is, whichever way comes easiest."""

from django.db import transaction
from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from weilianxin.cases.errors import Invalid
from weilianxin.cases.once import first_answer, once
from weilianxin.people.posts import on_duty

from . import drafts, places
from .steps import dials, to_sign_in_and_back


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def place(request):
    """Where it is: whichever way comes easiest."""
    if request.method == "POST" and (repeated := first_answer(request)) is not None:
        return repeated
    draft = drafts.find(request)
    if draft is None or not draft.data.get("text"):
        lost = request.method == "POST" and request.account is None  # the session, on the way from the first step
        return to_sign_in_and_back(request, "reports:place") if lost else HttpResponseRedirect(reverse("reports:new"))
    if request.method != "POST":
        return where_page(request, draft, draft.data)
    do = request.POST.get("do", "next")
    said = places.read(request.POST)
    if do == "choose":
        said["where"] = "choose"
    data = {**draft.data, **said}
    problem = None
    if do == "next":
        try:
            places.location(data, request.account)
        except Invalid as refusal:
            problem = refusal

    def act():
        draft.data = data
        draft.save()
        if do == "back":
            return reverse("reports:new")
        return reverse("reports:place") + "#choose" if do == "choose" else reverse("reports:send")

    if problem is None:
        return once(request, act)
    with transaction.atomic():
        act()
    return where_page(request, draft, data, problem=str(problem), field=problem.field, status=problem.status)


def where_page(request, draft, data, *, problem="", field="", status=200):
    own, plate = places.entrance_of(request.account), places.plate_place(data)
    where = data.get("where") or ("plate" if plate else "home" if own else "choose")
    found = duty = None
    if not problem:
        try:
            found = places.location({**data, "where": where}, request.account)
            duty = on_duty(found.grid, timezone.now()) if found.grid else None
        except Invalid:
            found = None
    context = {
        "step": 2,
        "draft": draft,
        "data": data,
        "where": where,
        "own": own,
        "plate": plate,
        "floors": places.FLOORS,
        "found": found,
        "duty": duty,
        "dial": dials(data.get("text", "")),
        "problem": problem,
        "field": field,
        **places.choices(data),
    }
    return render(request, "reports/where.html", context, status=status)
