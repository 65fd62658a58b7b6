"""QR plates: issue them for a compound, download sheets to print, take one out of use or replace it."""

from django.db.models import Count, Exists, OuterRef, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from weilianxin.areas import plates
from weilianxin.areas.models import Area, Place, PlaceKind, Plate
from weilianxin.channels.wechat import configured
from weilianxin.people.session import admin_required

from .. import minicodes, sheets
from ..cli_plates import file_name
from .frame import attempt, note, page, paged

MOST_BUILDINGS = 300


def with_plates(places):
    """`places` with whether a plate is in use on each."""
    return places.annotate(has_plate=Exists(Plate.objects.filter(place=OuterRef("pk"), revoked_at=None)))


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
    return compound_page(request, found(pk))


def compound_page(request, place, refusal=None):
    rows, older, newest = paged(with_plates(plates.around(place)), request)
    hanging = {p.place_id: p for p in Plate.objects.filter(place__in=rows, revoked_at=None).order_by("-pk")}
    for row in rows:
        row.plate = hanging.get(row.pk)
    inside = Place.objects.current().filter(parent=place, kind=PlaceKind.BUILDING).order_by("pk")
    context = {
        "place": place,
        "rows": rows,
        "older": older,
        "newest": newest,
        "bare": with_plates(plates.around(place)).filter(has_plate=False)[:1000].count(),
        "parts": inside[:MOST_BUILDINGS],
        **choices(request),
    }
    return page(request, "desk/admin/compound.html", context, refusal=refusal)


@require_safe
@admin_required
def sheet(request, pk):
    """The plates of a compound, or with `part` of a building or an entrance in it, as PDF in the size asked for."""
    place = chosen = found(pk)
    part = request.GET.get("part", "")
    if part:
        if not part.isdecimal() or len(part) > 18:
            raise Http404
        chosen = get_object_or_404(Place.objects.current().filter(compound=place), pk=int(part))
    try:
        return pdf(request, chosen, chosen.full_name)
    except sheets.BadSheet as refusal:
        return compound_page(request, place, refusal)


@require_safe
@admin_required
def area_sheet(request, code):
    """The plates of a grid, a community or more as PDF in the size asked for."""
    area = get_object_or_404(Area.objects.current(), code=code)
    try:
        return pdf(request, area, area.name_zh)
    except sheets.BadSheet as refusal:
        context = {"area": area, **choices(request)}
        return page(request, "desk/admin/area_sheet.html", context, refusal=refusal)


def choices(request):
    """What the form for a download asks."""
    plain = request.GET.get("mini") == "no"
    return {"sizes": sheets.SIZES, "chosen": request.GET.get("size", ""), "mini": configured(), "plain": plain}


def pdf(request, where, name):
    size = request.GET.get("size") or next(iter(sheets.SIZES))
    rows = list(plates.hanging(where)[: sheets.MOST + 1])
    plain = request.GET.get("mini") == "no" or len(rows) > sheets.MOST or size not in sheets.SIZES
    made = sheets.draw(rows, size, mini={} if plain else minicodes.mini_codes(rows))
    kept = f"{file_name(name)}-{size}.pdf"
    headers = {"Content-Disposition": content_disposition_header(True, kept), "Cache-Control": "no-store"}
    return HttpResponse(made, content_type="application/pdf", headers=headers)


@require_safe
@admin_required
def history(request, pk):
    """All plates that ever hung at a place, the newest first."""
    kinds = (PlaceKind.ENTRANCE, PlaceKind.BUILDING, PlaceKind.PUBLIC)
    place = get_object_or_404(Place.objects.select_related("compound"), pk=pk, kind__in=kinds)
    rows = place.plates.select_related("replaces").order_by("-pk")[:100]
    return page(request, "desk/admin/plate_history.html", {"place": place, "rows": rows, "up": place.compound or place})


@require_POST
@admin_required
def issue(request, pk):
    """A plate for every entrance of the compound that has none."""
    place = found(pk)

    def act():
        made = plates.issue_missing(plates.around(place), timezone.now())
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
