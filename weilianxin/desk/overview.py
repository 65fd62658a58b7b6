"""How areas stand: one grid for its leader, a community by its grids, the subdistrict by its communities."""

from datetime import timedelta

from django.db.models import Count, Q
from django.db.models.functions import TruncWeek
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from weilianxin.areas.models import Area
from weilianxin.cases import cards
from weilianxin.cases.models import Case
from weilianxin.insights import rates
from weilianxin.people.models import Role, Unit
from weilianxin.people.posts import on_duty_many
from weilianxin.people.session import staff_required

from . import charts, lists
from .day import overdue
from .maps import drawn
from .nav import render
from .reach import area_or_404, roles

WEEKS = 8
BELOW = {"subdistrict": "community", "community": "grid"}


@require_safe
@staff_required
def grid(request, code):
    """The leader's view: what is due, what nobody has opened, what is late or disputed, who is on duty."""
    area = area_or_404(request, "grid", code)
    at = timezone.now()
    visible = Case.objects.visible_to(request.account).filter(grid=area)
    rows, after = lists.soonest(visible.open(), request.GET.get("after", ""))
    counts = lists.counted(visible, "grid", at).get(area.pk, lists.NOTHING)
    here = Q(case__grid=area)
    context = {
        "at": at,
        "area": area,
        "counts": counts,
        "rows": lists.state_words(rows),
        "after": after,
        "unseen": lists.state_words(list(lists.rows_of(visible.filter(lists.unseen(at))).order_by("id")[:20])),
        "disputed": lists.state_words(
            list(lists.rows_of(visible.open().filter(Q(reopened__gt=0) | Q(contested__gt=0))).order_by("id")[:20])
        ),
        "callbacks": lists.with_due(
            lists.waiting_callbacks(request.account, at).filter(here).order_by("id")[:20], "at"
        ),
        "samples": lists.with_due(
            lists.waiting_samples(request.account, at).filter(here).order_by("id")[:20], "drawn_at"
        ),
        "rounds": overdue(request.account, area, at),
        "duty": on_duty_many([area], at).get(area.pk),
        "posts": holders(area, at),
        "weeks": weeks(visible, at),
        "property": list(
            Unit.objects.filter(kind="property_company", is_active=True, compounds__grid=area).distinct()[:10]
        ),
        "map": open_map([{"area": area, "label": area.name, "on": True}], visible, at),
    }
    return render(request, "desk/grid.html", context)


@require_safe
@staff_required
def community(request, code):
    return board(request, area_or_404(request, "community", code))


def board(request, area, held=(), done=""):
    """One area by the areas below it, with what is late first. The number of queries does not depend on the data."""
    at = timezone.now()
    level, below = area.level, BELOW.get(area.level, "grid")
    visible = Case.objects.visible_to(request.account).filter(**{level: area})
    counts = lists.counted(visible, below, at)
    children = list(Area.objects.current().filter(level=below, **{level: area}).order_by("code"))
    duty = on_duty_many(children, at) if below == "grid" else {}
    table = [
        {"area": child, "counts": counts.get(child.pk, lists.NOTHING), "duty": duty.get(child.pk)} for child in children
    ]
    nowhere = counts.get(None)
    rows, after = lists.soonest(visible.filter(lists.late(at)), request.GET.get("after", ""), limit=10)
    waiting = visible.filter(cards.to_judge(at), state="closed", reporter__isnull=False)
    context = {
        "at": at,
        "area": area,
        "below": below,
        "table": sorted(table, key=lambda r: (-r["counts"]["overdue"], -r["counts"]["open"], r["area"].code)),
        "nowhere": nowhere,
        "totals": lists.totals(counts),
        "confirming": waiting.filter(ratings__isnull=True)[:1000].count(),
        "month": rates.total(rates.figures(request.account, [area], rates.month_of("", at))),
        "late": lists.state_words(rows),
        "after": after,
        "may_urge": bool(roles(request) & {Role.GRID_LEADER, Role.CENTRE_DISPATCHER, Role.DUTY_LEADER}),
        "held": held,
        "done": done,
        "map": overdue_map(table),
        "chart": charts.drawn(charts.per_day(visible, at)),
        "grid_page": below == "grid",
    }
    return render(request, "desk/board.html", context)


def holders(area, at):
    """Who holds a post in this grid now."""
    return list(area.posts.at(at).select_related("account").order_by("role", "id"))


def companies(area):
    """The property companies of the compounds in this grid."""
    units = Unit.objects.filter(kind="property_company", is_active=True, compounds__grid=area)
    return list(units.distinct().order_by("id")[:10])


def weeks(visible, at):
    """The grid's own last weeks: received, closed, solved. Never beside another grid's."""
    monday = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    since = monday - timedelta(days=monday.weekday(), weeks=WEEKS - 1)

    def per_week(field, **counts):
        # As on the month's page: what the grid found itself nobody asked for, and what ended otherwise is no closing.
        rows = visible.exclude(phase="void").exclude(channel="patrol")
        rows = rows.filter(**{f"{field}__gte": since}).annotate(week=TruncWeek(field)).values("week")
        found = rows.annotate(**counts).order_by("week")
        return {timezone.localtime(row["week"]).date(): row for row in found}

    came = per_week("created_at", n=Count("id"))
    closings = Q(outcome__in=rates.CLOSINGS)
    ended = per_week("closed_at", n=Count("id", filter=closings), solved=Count("id", filter=Q(outcome="solved")))
    out = []
    for n in range(WEEKS):
        day = (since + timedelta(weeks=n)).date()
        out.append(
            {
                "day": day,
                "came": came.get(day, {}).get("n", 0),
                "closed": ended.get(day, {}).get("n", 0),
                "solved": ended.get(day, {}).get("solved", 0),
            }
        )
    return out


def open_map(areas, visible, at):
    """The boundary with a pin for each open matter; those that are sensitive are left out."""
    rows = visible.open().filter(sensitive=False, lat__isnull=False).order_by("id")[:100]
    pins = [
        {
            "lat": case.lat,
            "lon": case.lon,
            "label": case.number,
            "kind": "late" if case.next_due_at and case.next_due_at < at and not case.paused else "open",
        }
        for case in rows
    ]
    picture = drawn(areas, pins)
    if picture:
        late = sum(pin["kind"] == "late" for pin in picture["pins"])
        picture["alt"] = _("%(grid)s地图：在办 %(n)s 件，超期 %(late)s 件") % {
            "grid": areas[0]["label"],
            "n": len(picture["pins"]),
            "late": late,
        }
    return picture


def overdue_map(table):
    """Areas hatched by how much is late: none, one, more."""
    areas = []
    for row in table:
        n = row["counts"]["overdue"]
        areas.append(
            {
                "area": row["area"],
                "label": row["area"].name,
                "fill": "none" if n == 0 else ("some" if n == 1 else "many"),
                "words": _("超期 %(n)s") % {"n": n} if n else _("无超期"),
            }
        )
    picture = drawn(areas)
    if picture:
        late = [f"{entry['label']} {entry['words']}" for entry in areas if entry["fill"] != "none"]
        picture["hatched"] = bool(late)
        picture["alt"] = _("哪里超期：%(list)s") % {"list": "、".join(late) if late else _("都没有")}
    return picture
