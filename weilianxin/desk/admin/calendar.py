"""The work calendar: the year's days that differ from Monday to Friday, and the office hours."""

import calendar as months
from datetime import date, time

from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from weilianxin.areas.calendar import (
    load_calendar,
    missing_years,
    set_windows,
    shipped_rows,
    shipped_years,
    work_calendar,
)
from weilianxin.areas.models import CalendarDay, DayKind
from weilianxin.cases.errors import Invalid
from weilianxin.cases.forms import Field
from weilianxin.people.session import admin_required

from .frame import attempt, filled, note, page, taken, typed

MARKS = {
    DayKind.WORK: gettext_lazy("班"),
    DayKind.SWAP_WORK: gettext_lazy("班"),
    DayKind.REST: gettext_lazy("休"),
    DayKind.HOLIDAY: gettext_lazy("假"),
}
KINDS = [
    (DayKind.HOLIDAY, gettext_lazy("节假日")),
    (DayKind.SWAP_WORK, gettext_lazy("调休上班")),
    (DayKind.REST, gettext_lazy("休息日")),
    (DayKind.WORK, gettext_lazy("工作日")),
]


def day_fields():
    return [
        Field("date", "date", _("哪一天"), required=True),
        Field("kind", "choice", _("这天"), required=True, choices=KINDS),
        Field("name_zh", "text", _("名称"), most=40, help=_("例如：国庆节")),
        Field("year_source", "text", _("依据"), required=True, most=80, help=_("例如：国务院办公厅的放假通知")),
    ]


def sheets(year, days):
    """Twelve months, each with its weeks; a day is (number, kind, mark) and 0 outside the month."""
    found = []
    for month in range(1, 13):
        weeks = []
        for week in months.Calendar().monthdayscalendar(year, month):
            row = []
            for number in week:
                day = days.get(date(year, month, number)) if number else None
                row.append((number, day.kind if day else "", MARKS[day.kind] if day else ""))
            weeks.append(row)
        found.append({"number": month, "weeks": weeks})
    return found


def show(request, year, *, refusal=None, failed=""):
    today = timezone.localdate()
    days = {day.date: day for day in CalendarDay.objects.filter(date__year=year).order_by("date")}
    fields = day_fields()
    if failed == "day":
        filled(fields, request, refusal=refusal)
    shown = work_calendar().windows
    context = {
        "year": year,
        "before": year - 1,
        "after": year + 1,
        "months": sheets(year, days),
        "days": [(day, MARKS[day.kind]) for day in days.values()],
        "missing": missing_years(today),
        "shipped": year in shipped_years() and not days,
        "fields": fields,
        "hours": typed(request, "hours", 200)
        if failed == "hours"
        else " ".join(f"{a:%H:%M}-{b:%H:%M}" for a, b in shown),
    }
    return page(request, "desk/admin/calendar.html", context, refusal=refusal)


def within(year):
    if not 2000 <= year <= 2100:
        raise Http404
    return year


@require_safe
@admin_required
def this_year(request):
    return show(request, timezone.localdate().year)


@require_safe
@admin_required
def one_year(request, year):
    return show(request, within(year))


@require_POST
@admin_required
def act(request, year, what):
    """Change the calendar: enter or remove a day, take the shipped year, set the office hours."""
    within(year)
    deed = ACTS.get(what)
    if deed is None:
        raise Http404

    def do():
        return reverse("desk:admin_calendar_year", args=[deed(request, year)]) + "?done=saved"

    answer, refusal = attempt(request, do)
    return answer if answer is not None else show(request, year, refusal=refusal, failed=what)


def a_date(text, field):
    try:
        found = parse_date(text)
    except ValueError:
        found = None
    if found is None or not 2000 <= found.year <= 2100:
        raise Invalid(_("请写日期，例如 2026-10-01。"), field)
    return found


def enter(request, year):
    given = taken(day_fields(), request)
    when = a_date(given["date"], "date")
    row = {"kind": given["kind"], "name_zh": given["name_zh"], "year_source": given["year_source"]}
    CalendarDay.objects.update_or_create(date=when, defaults=row)
    note(request, "calendar_day", date=when, kind=given["kind"])
    return when.year


def remove(request, year):
    when = a_date(typed(request, "date", 10), "date")
    row = CalendarDay.objects.filter(date=when).first()
    if row is not None:
        row.delete()
        note(request, "calendar_day_removed", date=when)
    return year


def take_shipped(request, year):
    if year not in shipped_years():
        raise Invalid(_("这一年没有自带的日历。"))
    note(request, "calendar_loaded", year=year, changed=load_calendar(shipped_rows([year])))
    return year


def hours(request, year):
    """Office hours written as 08:30-12:00 13:30-17:30."""
    windows = []
    for part in typed(request, "hours", 200).replace("，", " ").replace("—", "-").split():
        opens, dash, closes = part.partition("-")
        try:
            windows.append((time.fromisoformat(opens), time.fromisoformat(closes)))
        except ValueError:
            raise Invalid(_("请这样写：08:30-12:00 13:30-17:30"), "hours") from None
    if not windows:
        raise Invalid(_("请这样写：08:30-12:00 13:30-17:30"), "hours")
    try:
        set_windows(windows)
    except ValueError as problem:
        raise Invalid(str(problem), "hours") from None
    note(request, "office_hours", windows=[f"{a:%H:%M}-{b:%H:%M}" for a, b in windows])
    return year


ACTS = {"day": enter, "remove": remove, "shipped": take_shipped, "hours": hours}
