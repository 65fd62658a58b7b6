"""What the work calendar promises: the notices as published, alarms for what is missing, no stale copies."""

import importlib.util
from datetime import date, datetime, time, timedelta

import pytest

from weilianxin.areas import calendar
from weilianxin.areas.calendar import (
    load_calendar,
    load_shipped,
    missing_years,
    set_windows,
    shipped_rows,
    work_calendar,
)
from weilianxin.areas.generation import CALENDAR, Kept
from weilianxin.areas.models import CalendarDay, Generation, WorkWindow
from weilianxin.lib.clock import DEFAULT_WINDOWS, ZONE, Limit, due_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def shipped():
    CalendarDay.objects.all().delete()
    load_shipped()


def test_the_make_up_days_of_the_notices_are_worked(shipped):
    days = work_calendar()
    for text in ("2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"):
        assert days.is_workday(date.fromisoformat(text)), text
    for text in ("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"):
        assert days.is_workday(date.fromisoformat(text)), text
        assert date.fromisoformat(text).weekday() >= 5


def test_the_holidays_of_the_notices_are_rest(shipped):
    days = work_calendar()
    for first, count in (("2025-01-28", 8), ("2025-10-01", 8), ("2026-01-01", 3), ("2026-02-15", 9), ("2026-10-01", 7)):
        start = date.fromisoformat(first)
        assert not any(days.is_workday(start + timedelta(n)) for n in range(count)), first
    assert days.is_workday(date(2026, 2, 24)) and days.is_workday(date(2026, 10, 8))


def test_every_shipped_day_changes_something_or_names_a_weekend_of_a_holiday(shipped):
    for row in shipped_rows():
        worked = date.fromisoformat(row["date"]).weekday() < 5
        assert row["kind"] == "holiday" or not worked, row


@pytest.mark.skipif(not importlib.util.find_spec("chinese_calendar"), reason="chinesecalendar is not installed")
def test_the_shipped_years_agree_with_the_package_chinesecalendar(shipped):
    import chinese_calendar

    days = work_calendar()
    for year in calendar.shipped_years():
        day = date(year, 1, 1)
        while day.year == year:
            assert days.is_workday(day) == chinese_calendar.is_workday(day), day
            day += timedelta(1)


def test_a_deadline_runs_over_the_make_up_day(shipped):
    # Friday 13 February 2026: Saturday is worked for the Spring Festival, then nine days are not.
    start = datetime(2026, 2, 13, 17, 0, tzinfo=ZONE)
    assert due_at(start, Limit(1, "wd"), work_calendar()).astimezone(ZONE).date() == date(2026, 2, 14)
    assert due_at(start, Limit(2, "wd"), work_calendar()).astimezone(ZONE).date() == date(2026, 2, 24)


def test_a_missing_year_is_told_and_from_october_the_next_one_too(shipped):
    assert missing_years(date(2026, 9, 30)) == []
    assert missing_years(date(2026, 10, 1)) == [2027]
    assert missing_years(date(2027, 1, 1)) == [2027]
    assert work_calendar().is_workday(date(2027, 3, 1)) and not work_calendar().knows(date(2027, 3, 1))


def test_a_changed_day_counts_at_the_next_call(shipped):
    assert work_calendar().is_workday(date(2026, 11, 24))
    CalendarDay.objects.create(date=date(2026, 11, 24), kind="rest", year_source="防汛停工")
    assert not work_calendar().is_workday(date(2026, 11, 24))
    CalendarDay.objects.get(date=date(2026, 11, 24)).delete()
    assert work_calendar().is_workday(date(2026, 11, 24))


def test_a_change_by_another_process_is_seen_without_anything_being_said_here(shipped):
    work_calendar()
    CalendarDay.objects.bulk_create([CalendarDay(date=date(2026, 11, 25), kind="rest", year_source="x")])
    Generation.objects.filter(name=CALENDAR).update(stamp="elsewhere")
    assert not work_calendar().is_workday(date(2026, 11, 25))


def test_the_calendar_is_read_once_while_nothing_changes(shipped, django_assert_num_queries):
    work_calendar()
    with django_assert_num_queries(1):  # the look at the stamp
        assert work_calendar() is work_calendar.__globals__["_kept"].held[1][1]


def test_nothing_is_kept_while_nobody_ever_stamped():
    Generation.objects.all().delete()
    seen = iter([1, 2])
    kept = Kept("never", lambda: next(seen))
    assert (kept.get(), kept.get()) == (1, 2)


def test_office_hours_come_from_rows_and_else_from_the_usual_ones():
    WorkWindow.objects.all().delete()
    assert work_calendar().windows == DEFAULT_WINDOWS
    set_windows([(time(9, 0), time(12, 0)), (time(14, 0), time(18, 0))])
    assert work_calendar().windows == ((time(9, 0), time(12, 0)), (time(14, 0), time(18, 0)))
    with pytest.raises(ValueError):
        set_windows([(time(9, 0), time(12, 0)), (time(11, 0), time(18, 0))])
    assert work_calendar().windows[1] == (time(14, 0), time(18, 0))


def test_entering_the_same_year_again_changes_nothing_and_a_corrected_one_takes_days_away(shipped):
    rows = shipped_rows([2026])
    assert load_calendar(rows) == 0
    assert load_calendar(rows[1:]) == 1
    assert not CalendarDay.objects.filter(date=rows[0]["date"]).exists()


@pytest.mark.parametrize("bad", [{"date": "2026-13-01"}, {"kind": "feast"}, {"date": "2026-05-02"}])
def test_one_bad_row_and_nothing_is_entered(bad):
    CalendarDay.objects.all().delete()
    good = [{"date": f"2026-05-0{n}", "kind": "holiday", "name_zh": "劳动节", "year_source": "x"} for n in (1, 2)]
    with pytest.raises(ValueError, match="2026-13-01|feast|两次"):
        load_calendar([*good, {**good[0], **bad}])
    assert not CalendarDay.objects.exists()
