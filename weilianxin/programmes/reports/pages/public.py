"""大家的事: what was reviewed for the public, as a list and on a map. Nothing here leads back to a person."""

import base64
import hashlib
from collections import Counter
from datetime import timedelta
from urllib.parse import urlencode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.conf import settings
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from weilianxin.areas.models import Area, Level, PlaceKind
from weilianxin.cases.models import CasePhoto, Rating
from weilianxin.files.serve import photo_response
from weilianxin.lib.maps import rings
from weilianxin.portal import maps

from .. import catalogue
from ..models import About, Report
from ..words import RATINGS
from .matters import key_of, parse_key

PAGE = 20
MAP_DAYS = 180  # what the map counts
MOST_NAMES = 12  # more names than these cannot be read on a phone


def published():
    """The reports anybody may read: reviewed, never sensitive, never of somebody whom only the centre may know."""
    return Report.objects.filter(
        published_at__isnull=False,
        case__sensitive=False,
        case__anonymity__in=("N0", "N1"),
        case__state="closed",
        category__public__in=("yes", "limited"),
    )


# Addresses of public pages: the row's number under a key of the installation, so that it tells neither order nor count.


def _box():
    key = hashlib.sha256(f"public-token\x00{settings.SECRET_KEY}".encode()).digest()[:16]
    return Cipher(algorithms.AES(key), modes.ECB())  # one block each, and the zeros in it prove that it is ours


def token(case):
    seal = _box().encryptor()
    block = seal.update(bytes(8) + case.pk.to_bytes(8, "big")) + seal.finalize()
    return f"{case.number[-4:]}-{base64.urlsafe_b64encode(block).decode().rstrip('=')}"


def behind(text):
    """The report behind a token, or None."""
    sealed = text.partition("-")[2]
    try:
        block = base64.urlsafe_b64decode(sealed + "==")
        opening = _box().decryptor()
        plain = opening.update(block) + opening.finalize()
    except ValueError:
        return None
    if len(plain) != 16 or any(plain[:8]) or plain[8] > 127:
        return None
    report = _rows().filter(pk=int.from_bytes(plain[8:], "big")).first()
    return report if report is not None and token(report.case) == text else None  # one page, one address


def _rows():
    rating = Rating.objects.filter(case=OuterRef("case_id"), closing=OuterRef("case__closings")).values("level")[:1]
    return (
        published()
        .select_related("case__compound", "case__place", "case__unit", "case__grid", "category", "public_community")
        .annotate(level=Subquery(rating))
    )


@require_safe
def public(request):
    """The list, newest review first, and the map beside it."""
    return _page(request, "list")


@require_safe
def public_map(request):
    """The same with the map on top."""
    return _page(request, "map")


def _page(request, first):
    communities = list(Area.objects.filter(level=Level.COMMUNITY).current().order_by("code"))
    chosen = next((c for c in communities if c.code == request.GET.get("community", "")), None)
    columns = [(code, name) for code, name, rows in catalogue.by_column() if rows[0].public != "never"]
    column = next((code for code, _name in columns if code == request.GET.get("column", "")), "")
    filters = {"public_community": chosen} if chosen else {"public_community__in": communities}
    if column:
        filters["category__column_code"] = column
    before = request.GET.get("before", "")
    page, older = listed(before, **filters)
    drawing, counted, ended = _map(communities, chosen, column)
    context = {
        "tab": "public",
        "first": first,
        "items": [item(report) for report in page],
        "communities": communities,
        "community": chosen,
        "columns": columns,
        "column": column,
        "map": drawing,
        "counted": counted,
        "total": sum(ended.values()),
        "solved": ended["solved"],
        "partly": ended["partly"],
        "others": sum(ended.values()) - ended["solved"] - ended["partly"],
        "waiting": waiting().filter(**{"case__community": chosen} if chosen else {}).count(),
        "days": MAP_DAYS,
        "older": _address(first, chosen, column, before=older) if older else "",
        "newest": _address(first, chosen, column) if before else "",
    }
    return render(request, "reports/public.html", context)


def listed(before="", **filters):
    """(a page of the public reports, the key of the next one or ""), newest review first."""
    rows = _rows().filter(**filters).order_by("-published_at", "-pk")
    moment, pk = parse_key(before)
    if moment is not None:
        rows = rows.filter(Q(published_at__lt=moment) | Q(published_at=moment, pk__lt=pk))
    page = list(rows[: PAGE + 1])
    more, page = len(page) > PAGE, page[:PAGE]
    return page, key_of(page[-1].published_at, page[-1].pk) if more else ""


def _address(first, community, column, **more):
    asked = {"community": community.code if community else "", "column": column, **more}
    asked = urlencode({key: value for key, value in asked.items() if value})
    return reverse("reports:public" if first == "list" else "reports:public_map") + (f"?{asked}" if asked else "")


def item(report):
    """What the public reads of one report: the tail of its number, the month, the compound or road at most."""
    case = report.case
    return {
        "url": reverse("reports:public_detail", args=[token(case)]),
        "title": report.public_title,
        "text": report.public_text,
        "tail": case.number[-4:],
        "month": timezone.localtime(case.created_at),
        "category": report.category.name if report.category else "",
        "place": coarse(case),
        "community": report.public_community.name if report.public_community else "",
        "unit": case.unit.name if case.unit_id else case.grid.name if case.grid_id else "",
        "outcome": case.outcome,
        "outcome_word": case.get_outcome_display(),
        "took": case.closed_at - case.created_at if case.closed_at else None,
        "kept": bool(case.due_at and case.closed_at and case.closed_at <= case.due_at),
        "late": bool(case.due_at and case.closed_at and case.closed_at > case.due_at),
        "level": report.level,
        "rating": RATINGS.get(report.level, ""),
    }


def coarse(case):
    """The compound, or the name of a public place; never a building."""
    if case.compound_id:
        return case.compound.full_name
    if case.place_id and case.place.kind == PlaceKind.PUBLIC:
        return case.place.full_name
    return ""


def _map(communities, chosen, column):
    """(drawing, [(area, how many)], how many by outcome) of the communities, or of the grids of the chosen one."""
    since = timezone.now() - timedelta(days=MAP_DAYS)
    rows = published().filter(published_at__gte=since, public_community__in=[chosen] if chosen else communities)
    if column:
        rows = rows.filter(category__column_code=column)
    ended = Counter(dict(rows.values_list("case__outcome").annotate(n=Count("pk"))))
    by = "case__grid" if chosen else "public_community"
    counts = Counter(dict(rows.values(key=F(by)).annotate(n=Count("pk")).values_list("key", "n")))
    if chosen:
        areas = list(Area.objects.filter(level=Level.GRID, community=chosen).current().order_by("code"))
        drawn, owner = areas, {area.pk: area.pk for area in areas}
    else:
        areas = communities
        drawn = [c for c in communities if c.geometry]
        if not drawn:  # communities without a shape of their own are drawn as their grids
            drawn = list(Area.objects.filter(level=Level.GRID, community__in=communities).current().order_by("code"))
        owner = {area.pk: area.community_id if area.level == Level.GRID else area.pk for area in drawn}
    most = max(counts.values(), default=0)
    named = {area.pk: area for area in areas}
    shapes, middles = [], {}
    for n, area in enumerate(drawn):
        over, count = named.get(owner[area.pk]), counts[owner[area.pk]]
        middle = middle_of(area.geometry)
        if over is not None and middle is not None:
            middles.setdefault(over.pk, []).append((*middle, n))
        shade = min(5, 1 + count * 4 // most) if count and most else 0
        shapes.append({"geometry": area.geometry, "name": "", "shade": shade, "on": False})
    if len(areas) <= MOST_NAMES:
        for pk, points in middles.items():
            shapes[points[len(points) // 2][2]]["name"] = named[pk].name
    drawing = maps.draw(shapes, [pin(counts[pk], points) for pk, points in middles.items() if counts[pk]])
    return drawing, [(area, counts[area.pk]) for area in areas], ended


def middle_of(geometry):
    """(lat, lon) where the map writes the name of a shape, so that its number stands just above; None without one."""
    ring = max(rings(geometry), key=len, default=None)
    if not ring:
        return None
    return sum(p[1] for p in ring) / len(ring), sum(p[0] for p in ring) / len(ring)


def pin(count, middles):
    lat = sum(point[0] for point in middles) / len(middles)
    lon = sum(point[1] for point in middles) / len(middles)
    return {"lat": lat, "lon": lon, "kind": "done", "mark": str(count)}


def waiting():
    """What anybody may read of suspended matters: never sensitive ones, nor those about a person or one of ours, nor of
    those whom only the centre may know."""
    return Report.objects.filter(
        about__in=(About.THING, About.UNIT),
        case__sight="grid",
        case__state="suspended",
        case__sensitive=False,
        case__anonymity__in=("N0", "N1"),
        category__public__in=("yes", "limited"),
    )


@require_safe
def public_waiting(request):
    """限期解决: what has to wait, why not here but how it will be solved, and until when; the next day first."""
    rows = waiting().select_related("case__compound", "case__place", "case__community", "case__holder", "category")
    rows = rows.order_by("case__review_at", "pk")
    moment, pk = parse_key(request.GET.get("before", ""))
    if moment is not None:
        rows = rows.filter(Q(case__review_at__gt=moment) | Q(case__review_at=moment, pk__gt=pk))
    page = list(rows[: PAGE + 1])
    more, page = len(page) > PAGE, page[:PAGE]
    items = [
        {
            "title": report.category.name,
            "place": coarse(report.case),
            "community": report.case.community.name if report.case.community_id else "",
            "plan": report.public_plan,
            "until": report.case.review_at,
            "since": report.case.created_at,
            "tail": report.case.number[-4:],
        }
        for report in page
    ]
    older = f"?before={key_of(page[-1].case.review_at, page[-1].pk)}" if more else ""
    return render(request, "reports/waiting.html", {"tab": "public", "items": items, "older": older})


@require_safe
def public_detail(request, token):
    """One reviewed report with the photos that were chosen for the public one by one."""
    report = behind(token)
    if report is None:
        raise Http404
    rows = CasePhoto.objects.filter(case=report.case, public=True).select_related("photo")[:20]
    photos = [
        {
            "url": reverse("reports:public_photo", args=[token, row.photo.ref, "picture"]),
            "thumb": reverse("reports:public_photo", args=[token, row.photo.ref, "thumb"]),
            "alt": _("办好以后的照片") if row.stage == CasePhoto.AFTER else _("办之前的照片"),
            "caption": _("办后") if row.stage == CasePhoto.AFTER else _("办前"),
            "after": row.stage == CasePhoto.AFTER,
        }
        for row in rows
    ]
    steps = report.case.events.filter(
        internal=False, act__in=("submit", "accept", "dispatch", "sign", "start", "close_seen", "close_verified")
    ).values_list("act", "at")
    context = {"tab": "public", "item": item(report), "photos": photos, "lines": [step(*row) for row in steps]}
    return render(request, "reports/public_detail.html", context)


def step(act, at):
    titles = {
        "submit": _("居民报事"),
        "accept": _("网格签收"),
        "dispatch": _("交给承办单位"),
        "sign": _("承办单位接手"),
        "start": _("开始处理"),
    }
    return {"title": titles.get(act, _("核实办结")), "day": timezone.localtime(at)}


@require_safe
def public_photo(request, token, ref, variant):
    """A photo chosen for the public, of a report that is public now."""
    report = behind(token)
    row = CasePhoto.objects.filter(case=report.case, public=True, photo__ref=ref).first() if report else None
    if row is None:
        raise Http404
    return photo_response(row.photo, variant, request)
