"""The numbers of a month: the three rates with what they rest on, what was left out, and the cases behind each."""

from datetime import UTC, datetime, timedelta

from django.db.models import Q
from django.http import Http404
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from weilianxin.cases.access import BLIND_ROLES, LEVELS
from weilianxin.insights import rates
from weilianxin.insights.signals import signals as odd
from weilianxin.people.models import Role
from weilianxin.people.session import staff_required

from . import lists
from .nav import render
from .reach import area_or_404, areas_of, my_posts, roles

LEVEL_OF_CODE = {6: "district", 9: "subdistrict", 12: "community", 15: "grid"}
EXCLUDED_SHOWN = 10
WATCHERS = (Role.DUTY_LEADER, Role.COMMUNITY_SECRETARY)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def own_areas(request):
    """The widest areas that the account's posts cover, all of one level; 404 for whoever looks after no cases."""
    areas = {post.area_id: post.area for post in my_posts(request) if post.role not in BLIND_ROLES}.values()
    if not areas:
        raise Http404
    widest = max(areas, key=lambda area: LEVELS.index(area.level)).level
    return sorted((area for area in areas if area.level == widest), key=lambda area: area.code)


def month_or_404(text, at):
    try:
        return rates.month_of(text, at)
    except ValueError:
        raise Http404 from None


def area_of(request, code):
    return area_or_404(request, LEVEL_OF_CODE.get(len(code), "grid"), code)


def month_words(month):
    return date_format(month.since, _("Y年n月"))


@require_safe
@staff_required
def numbers(request, code=""):
    """The rates of one area, or of all of one's own; what is not rated is never taken for a good rating."""
    at = timezone.now()
    month = month_or_404(request.GET.get("month", ""), at)
    areas = [area_of(request, code)] if code else own_areas(request)
    found = rates.board(request.account, areas, month)
    left_out = rates.listed("excluded", request.account, areas, month)
    shown = lists.rows_of(left_out.filter(sensitive=False)).order_by("-closed_at", "-pk")[:EXCLUDED_SHOWN]
    context = {
        "at": at,
        "areas": areas,
        "area": areas[0] if len(areas) == 1 else None,
        "names": "、".join(area.name for area in areas),
        "code": code or (areas[0].code if len(areas) == 1 else ""),
        "month": month,
        "month_words": month_words(month),
        "excluded": rates.exclusions(list(shown)),
        "watches": bool(roles(request) & set(WATCHERS)),
        "below": rates.BELOW[areas[0].level] if areas[0].level != "grid" else "",
        **found,
    }
    return render(request, "desk/rates.html", context)


@require_safe
@staff_required
def behind(request, code, name):
    """The cases behind one number, the newest first. Sensitive ones are counted and not listed."""
    if name not in rates.LISTS:
        raise Http404
    at = timezone.now()
    month = month_or_404(request.GET.get("month", ""), at)
    area = area_of(request, code)
    cases = rates.listed(name, request.account, [area], month)
    rows, after = by_moment(cases.filter(sensitive=False), request.GET.get("after", ""))
    context = {
        "at": at,
        "area": area,
        "month": month,
        "month_words": month_words(month),
        "label": rates.LISTS[name][2],
        "rows": rates.exclusions(lists.state_words(rows)) if name == "excluded" else lists.state_words(rows),
        "hidden": cases.filter(sensitive=True).order_by().count(),
        "after": after,
        "excluded": name == "excluded",
    }
    return render(request, "desk/rate_cases.html", context)


@require_safe
@staff_required
def signals(request):
    """What looks odd in a month, for the duty leader's subdistrict or the secretary's community."""
    at = timezone.now()
    month = month_or_404(request.GET.get("month", ""), at)
    areas = areas_of(request, Role.DUTY_LEADER) or areas_of(request, Role.COMMUNITY_SECRETARY)
    if not areas:
        raise Http404
    rows = odd(request.account, areas, month)
    lists.state_words([case for row in rows for case in row["cases"]])
    context = {
        "names": "、".join(area.name for area in areas),
        "month": month,
        "month_words": month_words(month),
        "rows": rows,
    }
    return render(request, "desk/signals.html", context)


def by_moment(cases, key, limit=lists.PAGE):
    """A page of `cases` annotated with `moment`, the newest moment first: (rows, next key)."""
    micro, _dot, pk = key.partition(".")
    if micro.isdecimal() and pk.isdecimal() and len(micro) < 17 and len(pk) < 19:
        moment = EPOCH + timedelta(microseconds=int(micro))
        cases = cases.filter(Q(moment__lt=moment) | Q(moment=moment, pk__lt=int(pk)))
    rows = list(lists.rows_of(cases).order_by("-moment", "-pk")[: limit + 1])
    more, rows = len(rows) > limit, rows[:limit]
    micro = (rows[-1].moment - EPOCH) // timedelta(microseconds=1) if more else 0
    return rows, f"{micro}.{rows[-1].pk}" if more else ""
