"""The work calendar of this place: which days are worked and when the doors are open.

The days come from the yearly notice of the State Council, one CSV for each year in `data/`; an
administrator can import a year or correct a day. A year that is missing falls back to Monday to Friday,
and `missing_years()` tells, so that it is an alarm and never a crash.
"""

import csv
import hashlib
import json
from datetime import date, time
from functools import lru_cache
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from weilianxin.areas.generation import CALENDAR, Kept, stamp
from weilianxin.areas.models import CalendarDay, CalendarEdition, DayKind, WorkWindow
from weilianxin.lib.clock import DEFAULT_WINDOWS, WorkCalendar

DATA = Path(__file__).resolve().parent / "data"
WORKED = {DayKind.WORK, DayKind.SWAP_WORK}
NOTICE_MONTH = 10  # from October on the notice for the next year is due


def work_calendar():
    """The calendar as lib.clock wants it. A change is seen at the next call, in this process and in others."""
    return _kept.get()[1]


def keep_edition():
    """Keep the calendar as it stands now and return its name: what is promised by it is counted by it ever after.

    Inside the transaction of the promise.
    """
    name, calendar = _kept.get()
    CalendarEdition.objects.bulk_create([CalendarEdition(name=name, content=_content(calendar))], ignore_conflicts=True)
    return name


def edition(name):
    """The calendar that was kept under `name`; the one in force where nothing was kept ("")."""
    now, calendar = _kept.get()
    return calendar if name in ("", now) else _edition(name)


@lru_cache(maxsize=64)  # an edition never changes, and its name says what is in it
def _edition(name):
    content = CalendarEdition.objects.values_list("content", flat=True).get(pk=name)
    return WorkCalendar(
        days={date.fromisoformat(day): worked for day, worked in content["days"].items()},
        windows=tuple(tuple(time.fromisoformat(moment) for moment in window) for window in content["windows"]),
        known_years=frozenset(content["years"]),
    )


def office_hours(at):
    """(whether the office is open, when it opens next)."""
    calendar = work_calendar()
    return (True, None) if calendar.open_at(at) else (False, calendar.next_opening(at))


def missing_years(today):
    """The years whose notice has not been entered: this year and, from October, the next."""
    years = [today.year] + ([today.year + 1] if today.month >= NOTICE_MONTH else [])
    known = work_calendar().known_years
    return [year for year in years if year not in known]


def shipped_years():
    """The years whose notice comes with the software."""
    return sorted(int(path.stem.removeprefix("calendar_")) for path in DATA.glob("calendar_*.csv"))


def shipped_rows(years=None):
    """The days of the notices that come with the software, as rows for `load_calendar`."""
    rows = []
    for year in shipped_years() if years is None else years:
        with open(DATA / f"calendar_{year}.csv", encoding="utf-8", newline="") as lines:
            rows += csv.DictReader(lines)
    return rows


def load_shipped():
    """Enter the shipped years that nothing is known of yet; returns those years. Safe to call at every start."""
    known = work_calendar().known_years
    years = [year for year in shipped_years() if year not in known]
    load_calendar(shipped_rows(years))
    return years


@transaction.atomic
def load_calendar(rows):
    """Enter `rows` (mappings of date, kind, name_zh, year_source) and return how many days were new or changed.

    `date` is a date or YYYY-MM-DD, `kind` a DayKind. Every year that occurs is replaced as a whole, so a
    corrected notice also takes days away. ValueError with a sentence if a row is wrong; then nothing changes.
    """
    days = {}
    for row in rows:
        day = _day(row)
        if day.date in days:
            raise ValueError(_("%(date)s 出现了两次。") % {"date": day.date})
        days[day.date] = day
    years = {day.year for day in days}
    held = {day.date: day for year in years for day in CalendarDay.objects.filter(date__year=year)}
    gone = [day for day in held if day not in days]
    changed = [day for key, day in days.items() if key not in held or _facts(held[key]) != _facts(day)]
    if gone or changed:
        CalendarDay.objects.filter(date__in=gone).delete()
        CalendarDay.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["date"],
            update_fields=["kind", "name_zh", "year_source"],
        )
        stamp(CALENDAR)
    return len(gone) + len(changed)


@transaction.atomic
def set_windows(windows):
    """The office hours of a work day: pairs of times in order. ValueError with a sentence if they overlap."""
    WorkCalendar(windows=tuple(windows))  # refuses what is not in order
    WorkWindow.objects.all().delete()
    WorkWindow.objects.bulk_create(
        WorkWindow(opens=opens, closes=closes, position=n) for n, (opens, closes) in enumerate(windows)
    )
    stamp(CALENDAR)


def _day(row):
    when = row["date"]
    try:
        when = when if isinstance(when, date) else date.fromisoformat(str(when).strip())
    except ValueError:
        raise ValueError(_("看不懂日期“%(text)s”，请写成 2026-10-01。") % {"text": when}) from None
    kind = str(row["kind"]).strip()
    if kind not in DayKind.values:
        raise ValueError(
            _("%(date)s 的类别“%(kind)s”不对，请用 holiday、swap_work、work 或 rest。") % {"date": when, "kind": kind}
        )
    return CalendarDay(
        date=when, kind=kind, name_zh=(row.get("name_zh") or "")[:40], year_source=(row.get("year_source") or "")[:80]
    )


def _facts(day):
    return day.kind, day.name_zh, day.year_source


def _load():
    days = dict(CalendarDay.objects.values_list("date", "kind"))
    windows = tuple(WorkWindow.objects.values_list("opens", "closes")) or DEFAULT_WINDOWS
    calendar = WorkCalendar(
        days={day: kind in WORKED for day, kind in days.items()},
        windows=windows,
        known_years=frozenset(day.year for day in days),
    )
    said = json.dumps(_content(calendar), sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16], calendar


def _content(calendar):
    """The calendar in plain values, the same for the same calendar."""
    return {
        "days": {day.isoformat(): worked for day, worked in sorted(calendar.days.items())},
        "windows": [[moment.isoformat("minutes") for moment in window] for window in calendar.windows],
        "years": sorted(calendar.known_years),
    }


_kept = Kept(CALENDAR, _load)
