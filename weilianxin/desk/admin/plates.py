"""QR plates: issue them for a compound, print them, take one out of use or replace it."""

from django.db.models import Count, Exists, OuterRef, Q
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from weilianxin.areas import plates
from weilianxin.areas.models import Place, PlaceKind, Plate
from weilianxin.people.session import admin_required

from .frame import attempt, note, page, paged

SHEET = 24  # plates on one page for printing
PLATED = (PlaceKind.ENTRANCE, PlaceKind.PUBLIC)


def with_plates(places):
    """`places` with whether a plate is in use on each."""
    return places.annotate(has_plate=Exists(Plate.objects.filter(place=OuterRef("pk"), revoked_at=None)))


def around(place):
    """Where plates hang in a compound: at its entrances, or at buildings without one; a public place is its own."""
    if place.kind == PlaceKind.PUBLIC:
        return Place.objects.filter(pk=place.pk)
    inside = Place.objects.current().filter(compound=place)
    bare = Q(kind=PlaceKind.BUILDING) & ~Exists(
        Place.objects.current().filter(parent=OuterRef("pk"), kind=PlaceKind.ENTRANCE)
    )
    return inside.filter(Q(kind=PlaceKind.ENTRANCE) | bare)


def found(pk):
    return get_object_or_404(
        Place.objects.current().select_related("community", "grid"),
        pk=pk,
        kind__in=(PlaceKind.COMPOUND, PlaceKind.PUBLIC),
    )


@require_safe
@admin_required
def compounds(request):
    """Compounds and public places, each with how many plates are in use."""
    rows = Place.objects.current().filter(kind__in=(PlaceKind.COMPOUND, PlaceKind.PUBLIC)).select_related("community")
    words = request.GET.get("q", "").strip()[:40]
    if words:
        rows = rows.filter(Q(full_name__icontains=words) | Q(aliases__icontains=words))
    rows, older, newest = paged(rows, request)
    counts = dict(
        Plate.objects.filter(revoked_at=None, place__compound__in=rows)
        .values_list("place__compound")
        .annotate(n=Count("pk"))
    )
    counts |= dict(Plate.objects.filter(revoked_at=None, place__in=rows).values_list("place").annotate(n=Count("pk")))
    for row in rows:
        row.plates_in_use = counts.get(row.pk, 0)
    return page(request, "desk/admin/plates.html", {"rows": rows, "older": older, "newest": newest, "q": words})


@require_safe
@admin_required
def compound(request, pk):
    """Every entrance of a compound with its plate."""
    place = found(pk)
    rows, older, newest = paged(with_plates(around(place)), request)
    hanging = {p.place_id: p for p in Plate.objects.filter(place__in=rows, revoked_at=None).order_by("-pk")}
    for row in rows:
        row.plate = hanging.get(row.pk)
    bare = with_plates(around(place)).filter(has_plate=False)[:1000].count()
    context = {"place": place, "rows": rows, "older": older, "newest": newest, "bare": bare}
    return page(request, "desk/admin/compound.html", context)


@require_safe
@admin_required
def sheet(request, pk):
    """The plates of a compound to print, in the order of the buildings."""
    place = found(pk)
    rows = Plate.objects.filter(place__in=around(place), revoked_at=None).select_related("place")
    rows, older, newest = paged(rows, request, SHEET)
    for plate in rows:
        plate.svg = plates.qr_svg(plate, plate.place.full_name)
    context = {"place": place, "rows": rows, "older": older, "newest": newest}
    return page(request, "desk/admin/sheet.html", context)


@require_POST
@admin_required
def issue(request, pk):
    """A plate for every entrance of the compound that has none."""
    place = found(pk)

    def act():
        made = plates.issue_missing(around(place), timezone.now())
        note(request, "plates_issued", place=place.pk, made=made)
        return reverse("desk:admin_compound", args=[pk]) + "?done=issued"

    return attempt(request, act)[0]


@require_POST
@admin_required
def change(request, code, what):
    """Take a plate out of use, or replace it by one with a new code."""
    plate = get_object_or_404(Plate.objects.select_related("place"), code=code)
    if what not in ("revoke", "reissue"):
        raise Http404
    base = plate.place.compound_id or plate.place_id

    def act():
        (plates.revoke if what == "revoke" else plates.reissue)(plate, timezone.now())
        note(request, f"plate_{what}", plate=plate.pk, place=plate.place_id)
        return reverse("desk:admin_compound", args=[base]) + f"?done={what}"

    return attempt(request, act)[0]
