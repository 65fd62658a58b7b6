"""What the three steps of a report share."""

from urllib.parse import urlencode

from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from weilianxin.people.models import Unit

from .. import screening
from ..models import Category, Kind


def usual_kind(category):
    """What people usually want when they choose this category."""
    if category is not None and category.column_code == "ADV":
        return Kind.IDEA if "建议" in category.name_zh else Kind.QUESTION
    return Kind.HELP


def dials(text):
    """The numbers to dial that the words ask for, with the reason, before anything is saved."""
    found = {}
    for group, number in screening.noticed(text or ""):
        if group in screening.DANGERS:
            found.setdefault(number, str(screening.DANGERS[group]))
    return tuple(found.items())


def category_of(code):
    if not code:
        return None
    return Category.objects.current().filter(scheme="resident", kind="matter", code=code).first()


def is_integrity(text):
    """Whether the words are of the kind that only the discipline office may keep."""
    return any(group == "integrity" for group, _dial in screening.noticed(text or ""))


def to_sign_in_and_back(request, step="reports:send"):
    """Signing in leads back to the step, by default the third, where the draft waits."""
    return HttpResponseRedirect(reverse("portal:signin") + "?" + urlencode({"next": reverse(step)}))


def office():
    """The subdistrict's own discipline office, or None."""
    return Unit.objects.filter(kind="discipline_inspection", is_active=True).order_by("pk").first()


def integrity_page(request, text, status=422, *, field="text", again="", photos=False):
    """What is said about integrity is not saved, not even as a draft: only this answer still holds the words.

    Whoever says that it is nothing of the kind sends the same form once more, or that of `again`, with the words in
    `field`. `photos` that came with the words are not kept either, and have to be chosen again.
    """
    left_out = {"csrfmiddlewaretoken", "_key", "not_integrity", field}
    context = {
        "office": office(),
        "text": text,
        "field": field,
        "again": again or request.path,
        "photos": photos or bool(request.FILES.getlist("photos")),
        "kept": [(name, value) for name, value in request.POST.items() if name not in left_out],
    }
    response = render(request, "reports/integrity.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response
