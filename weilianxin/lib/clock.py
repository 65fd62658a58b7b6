"""Limits and the work calendar: when something is due. Pure: no models, no settings, no wall clock.

A limit is written `<number><unit>`: `m` clock minutes, `ch` clock hours (紧急工作时: nights and holidays
included), `wh` work hours (only inside the windows of work days), `wd` work days (to the close of the last
window), `nd` natural days (to the end of the day). Days are days in Asia/Shanghai; moments are aware and
come back in UTC. The four kinds are those of the national city-management standards (GB/T 30428, 47678).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
DEFAULT_WINDOWS = ((time(8, 30), time(12, 0)), (time(13, 30), time(17, 30)))
UNITS = ("m", "ch", "wh", "wd", "nd")
DAY_END = time(23, 59, 59)
ONE_DAY = timedelta(days=1)
REWORK_HOURS = 4  # rework never gets less than this


@dataclass(frozen=True)
class Limit:
    """How long something may take: `Limit(2, "wh")`; `str()` gives the notation back."""

    amount: int
    unit: str

    def __post_init__(self):
        if self.unit not in UNITS or not isinstance(self.amount, int) or not 1 <= self.amount <= 99999:
            raise ValueError(f"不是时限：{self.amount}{self.unit}")

    @classmethod
    def parse(cls, text):
        """The limit written as `text`, blanks around it allowed; ValueError with a sentence for anything else."""
        match = re.fullmatch(r"\s*([0-9]{1,5})(m|ch|wh|wd|nd)\s*", text or "")
        if not match or not int(match[1]):
            raise ValueError(f"看不懂时限“{text}”：请写数字加单位 m、ch、wh、wd 或 nd，例如 2wh。")
        return cls(int(match[1]), match[2])

    def __str__(self):
        return f"{self.amount}{self.unit}"


@dataclass(frozen=True)
class WorkCalendar:
    """Which days are worked and when the doors are open.

    `days` holds the days that differ from plain Monday to Friday (True: worked). A year that is not in
    `known_years` has not been entered yet; it falls back to Monday to Friday, and `knows()` tells.
    """

    days: Mapping = field(default_factory=dict)
    windows: tuple = DEFAULT_WINDOWS
    known_years: frozenset = frozenset()

    def __post_init__(self):
        ends = [moment for window in self.windows for moment in window]
        if not ends or any(a >= b for a, b in zip(ends, ends[1:], strict=False)):
            raise ValueError("办公时段必须从早到晚排列，且不能重叠。")
        object.__setattr__(self, "windows", tuple(tuple(window) for window in self.windows))
        object.__setattr__(self, "known_years", frozenset(self.known_years))

    def is_workday(self, day: date) -> bool:
        return self.days.get(day, day.weekday() < 5)

    def knows(self, day: date) -> bool:
        """Whether the notice for this day's year has been entered."""
        return day.year in self.known_years

    def spans(self, day: date):
        """The open windows of `day` as pairs of UTC moments; none on a rest day."""
        if not self.is_workday(day):
            return []
        return [(_moment(day, opens), _moment(day, closes)) for opens, closes in self.windows]

    def close(self, day: date) -> datetime:
        """The close of the last window, whether or not the day is worked."""
        return _moment(day, self.windows[-1][1])

    def open_at(self, moment: datetime) -> bool:
        """Open at this moment? The first second of a window counts, the closing one does not."""
        return any(opens <= moment < closes for opens, closes in self.spans(_day(moment)))

    def next_opening(self, moment: datetime) -> datetime:
        """`moment` itself while open, else the next moment a window opens."""
        day = _day(moment)
        while True:
            for opens, closes in self.spans(day):
                if moment < closes:
                    return max(opens, moment.astimezone(UTC))
            day += ONE_DAY

    def work_seconds_between(self, a: datetime, b: datetime) -> float:
        """Open seconds from `a` to `b`; 0 when `b` is not later."""
        total, day, last = 0.0, _day(a), _day(b)
        while day <= last:
            for opens, closes in self.spans(day):
                total += max(0.0, (min(closes, b) - max(opens, a)).total_seconds())
            day += ONE_DAY
        return total


def due_at(start, limit, calendar, pauses=()):
    """When `limit`, running from `start`, is up; None while a pause is open, for then nothing is due.

    `pauses` are pairs (from, to) of moments, `to` None while the pause lasts; they may overlap. Hours and
    minutes count unpaused time only. A day counts only if the clock is not paused at its end (for a work
    day: at its close); the day of `start` never counts, so a matter of a rest day counts from the next day.
    The answer depends on nothing but the arguments, so a deadline can always be recomputed.
    """
    if start.tzinfo is None:
        raise ValueError("时间必须带时区。")
    if any(until is None for _since, until in pauses):
        return None
    pauses = _merged(pauses)
    if limit.unit in ("m", "ch"):
        seconds = limit.amount * (60 if limit.unit == "m" else 3600)
        return _spend(seconds, start.astimezone(UTC), _forever(start), pauses)
    if limit.unit == "wh":
        return _spend(limit.amount * 3600, start.astimezone(UTC), _windows_from(start, calendar), pauses)
    work = limit.unit == "wd"
    day, left = _day(start), limit.amount
    paused = _PausedAt(pauses)
    while left:
        day += ONE_DAY
        if work and not calendar.is_workday(day):
            continue
        end = calendar.close(day) if work else _moment(day, DAY_END)
        left -= not paused(end)
    return end


def earlier(limit_a, limit_b, start, calendar):
    """Whichever of two limits is up first from `start`; the first on a tie; a missing one (None) gives way."""
    if limit_a is None or limit_b is None:
        return limit_a or limit_b
    return limit_b if due_at(start, limit_b, calendar) < due_at(start, limit_a, calendar) else limit_a


def half(limit):
    """The limit for rework: half the original in its own unit, rounded up, and never less than four hours.

    Four work hours for what is counted in work time, four clock hours for what runs day and night.
    """
    if limit.unit == "m":
        if limit.amount <= 2 * REWORK_HOURS * 60:
            return Limit(REWORK_HOURS, "ch")
        return Limit(-(-limit.amount // 2), "m")
    if limit.unit in ("ch", "wh"):
        return Limit(max(REWORK_HOURS, -(-limit.amount // 2)), limit.unit)
    if limit == Limit(1, "wd"):
        return Limit(REWORK_HOURS, "wh")
    return Limit(-(-limit.amount // 2), limit.unit)


def _day(moment):
    return moment.astimezone(ZONE).date()


def _moment(day, clock):
    return datetime.combine(day, clock, ZONE).astimezone(UTC)


def _merged(pauses):
    """Pauses in order, overlapping and touching ones made one, empty ones dropped."""
    merged = []
    for since, until in sorted((since.astimezone(UTC), until.astimezone(UTC)) for since, until in pauses):
        if until <= since:
            continue
        if merged and since <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], until)
        else:
            merged.append([since, until])
    return merged


class _PausedAt:
    """Answers for moments that only move forward, so a long pause list is walked once."""

    def __init__(self, pauses):
        self.pauses, self.next = pauses, 0

    def __call__(self, moment):
        while self.next < len(self.pauses) and self.pauses[self.next][1] <= moment:
            self.next += 1
        return self.next < len(self.pauses) and self.pauses[self.next][0] <= moment


def _forever(start):
    yield start.astimezone(UTC), datetime.max.replace(tzinfo=UTC)


def _windows_from(start, calendar):
    day = _day(start)
    while True:
        yield from calendar.spans(day)
        day += ONE_DAY


def _spend(seconds, start, spans, pauses):
    """The moment at which `seconds` have run inside `spans`, from `start`, outside `pauses`."""
    left = timedelta(seconds=seconds)
    first = 0
    for opens, closes in spans:
        at = max(opens, start)
        while first < len(pauses) and pauses[first][1] <= at:
            first += 1
        index = first
        while at < closes:
            until = closes
            if index < len(pauses) and pauses[index][0] < closes:
                until = pauses[index][0]
            if until > at:
                if left <= until - at:
                    return at + left
                left -= until - at
            if until == closes:
                break
            at = max(at, pauses[index][1])
            index += 1
