"""今天: everything a grid worker goes out for today, as one list in the shortest sensible order, and on the map."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from weilianxin.lib import walk
from weilianxin.lib.maps import bounds, rings
from weilianxin.lib.programme import programmes
from weilianxin.people.posts import on_duty_many
from weilianxin.people.session import staff_required

from . import lists
from .maps import drawn
from .nav import render
from .reach import GRID_ROLES, areas_of, require, work_of

MOST = 60  # stops of a day
SHOWN = 20  # late ones on the page of a grid
LATE = timedelta(days=7)
URGENT, OVERDUE, TODAY = range(3)  # walked in this order, each by the shortest way


@dataclass
class Item:
    """One line of the day. `n` is its number on the way, None where it has no point or its place is not to be shown."""

    ref: str  # a case's number, or the ref of a programme's stop
    kind: str
    title: str
    where: str
    url: str
    due: date | datetime
    window: int
    point: tuple | None
    tries: int = 0
    case: object = None
    n: int | None = None


def serving(request, at):
    """The grids whose turn this account has now: its own, and those of somebody who is away."""
    duties = on_duty_many(areas_of(request, *GRID_ROLES), at)
    return [duty.area for duty in duties.values() if duty.account.pk == request.account.pk]


def today(request, at, start=None):
    """What waits for this account today, in the order to walk it: a mapping for the page and the API.

    Urgent matters come first, then what is overdue, then the rest; within each the shortest way. `start` (lat, lon) is
    where one is, kept nowhere; without it the middle of the grids. The number of queries does not depend on the rows.
    """
    grids = serving(request, at)
    found = _matters(request, grids, at)
    found += _stops(request.account, grids, timezone.localdate(at), MOST + 1)
    more, found = len(found) > MOST, found[:MOST]
    start = start or _middle(grids)
    groups = [[item for item in found if item.window == window] for window in (URGENT, OVERDUE, TODAY)]
    walked = [[item for item in group if item.point] for group in groups]
    way = [walked[g][i] for g, i in walk.ordered([[item.point for item in group] for group in walked], start)]
    for n, item in enumerate(way, 1):
        item.n = n
    # What has no point stands at the end of its window.
    items = sorted(found, key=lambda item: (item.window, item.n is None, item.n or 0))
    points = [item.point for item in way]
    return {
        "items": items,
        "more": more,
        "grids": grids,
        "metres": round(walk.length(points, start)),
        "way": ([start] if start and points else []) + points,
        "walked": way,
    }


def _matters(request, grids, at):
    end = lists.ends_today(at)
    mine = work_of(request).filter(Q(grid__in=grids) | Q(holder=request.account))
    due = mine.filter(Q(next_due_at__lte=end) | Q(urgency__in=("U0", "U1")), phase__in=("new", "active"))
    rows = lists.state_words(lists.rows_of(due).soonest_first(urgent=True)[: MOST + 1])
    return [
        Item(
            ref=case.number,
            kind="matter",
            title=case.title,
            where=case.where or _("地点不明"),
            url=reverse("desk:case", args=[case.number]),
            due=case.next_due_at,
            window=_window(case, at),
            # A sensitive matter is on no map, not even on one's own.
            point=(case.lat, case.lon) if case.lat is not None and not case.sensitive else None,
            case=case,
        )
        for case in rows
    ]


def _window(case, at):
    if case.urgency in ("U0", "U1"):
        return URGENT
    return OVERDUE if case.next_due_at and case.next_due_at < at else TODAY


def _stops(account, grids, until, most):
    found = [stop for plug in programmes() for stop in (plug.stops(account, grids, until, most) if grids else ())]
    found.sort(key=lambda stop: (stop.due, stop.ref))
    return [
        Item(
            ref=stop.ref,
            kind=stop.kind,
            title=stop.title,
            where=stop.where,
            url=stop.url,
            due=stop.due,
            window=OVERDUE if stop.due < until else TODAY,
            point=(stop.lat, stop.lon) if stop.lat is not None else None,
            tries=stop.tries,
        )
        for stop in found[:most]
    ]


def overdue(account, grid, at):
    """What of the rounds of a grid is more than a week late and this account may see: for its leader's page."""
    return _stops(account, [grid], timezone.localdate(at) - LATE - timedelta(days=1), SHOWN)


def _middle(grids):
    window = bounds([point for grid in grids for ring in rings(grid.geometry) for point in ring])
    if window is None:
        return None
    west, south, east, north = window
    return (south + north) / 2, (west + east) / 2


def far(metres):
    """A distance in words."""
    if metres < 1000:
        return _("%(n)s 米") % {"n": round(metres, -1)}
    return _("%(n)s 公里") % {"n": f"{metres / 1000:.1f}"}


def map_of(day):
    """The grids with the way as a line, and a numbered pin where one stops; a door behind another has no second pin."""
    pins, seen = [], set()
    for item in day["walked"]:
        if item.point not in seen:
            seen.add(item.point)
            kind = "open" if item.window == TODAY else "late"
            pins.append({"lat": item.point[0], "lon": item.point[1], "kind": kind, "mark": item.n})
    picture = drawn([{"area": grid, "label": grid.name, "on": True} for grid in day["grids"]], pins, way=day["way"])
    if picture:
        words = {"n": len(day["walked"]), "far": far(day["metres"])}
        picture["alt"] = _("今天的路线：%(n)s 站，直线约 %(far)s") % words
    return picture


def here(request):
    """Where the phone says one is, or None: sent in a form, so that it stands in no address and no log."""
    try:
        lat, lon = float(request.POST.get("lat", "")), float(request.POST.get("lon", ""))
    except ValueError:
        return None
    return (lat, lon) if -90 <= lat <= 90 and -180 <= lon <= 180 else None


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def page(request):
    """The day; with the form of where one stands the same page from there."""
    require(request, *GRID_ROLES)
    at, start = timezone.now(), here(request)
    day = today(request, at, start)
    context = {
        **day,
        "at": at,
        "far": far(day["metres"]),
        "map": map_of(day) if day["walked"] else None,
        "from_here": start is not None,
        "sections": [
            (heading, rows)
            for window, heading in enumerate((_("先去：紧急"), _("已经逾期"), _("今天")))
            if (rows := [item for item in day["items"] if item.window == window])
        ],
        "done": request.GET.get("done", "") == "1",
    }
    return render(request, "desk/day.html", context)
