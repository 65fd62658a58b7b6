"""What the three steps of a report share."""

from django.shortcuts import render

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


def integrity_page(request, text, status=422):
    """What is said about integrity is not saved, not even as a draft: only this answer still holds the words."""
    office = Unit.objects.filter(kind="discipline_inspection", is_active=True).order_by("pk").first()
    response = render(request, "reports/integrity.html", {"office": office, "text": text}, status=status)
    response["Cache-Control"] = "no-store"
    return response
