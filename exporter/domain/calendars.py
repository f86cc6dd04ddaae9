"""Ranges of days, when a day starts and ends, and whether it is a working day; pure, aware datetimes, no clock.

A day starts at its local midnight and ends where the next one starts: after 23 or 25 hours when clocks change, after
none when a zone jumps over the date line (Pacific/Apia, 2011-12-30).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Days:
    """The calendar days from `first` to `last`, both included; never empty."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"{self.last} is before {self.first}")

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=n) for n in range(len(self)))

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last


def start(day: date, zone: ZoneInfo) -> datetime:
    """Returns the moment (UTC) at which `day` starts in `zone`: a jump over midnight, or the first of two midnights."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def end(day: date, zone: ZoneInfo) -> datetime:
    return start(day + ONE_DAY, zone)


def day_at(moment: datetime, zone: ZoneInfo) -> date:
    """Returns the day that `moment` belongs to; never falls while `moment` rises."""
    day = moment.astimezone(zone).date()
    if moment >= end(day, zone):  # set back over midnight, clocks show yesterday's date again (St John's, 2010)
        return day + ONE_DAY
    if moment < start(day, zone):  # set forward over midnight from before it (Toronto, 1919)
        return day - ONE_DAY
    return day


def next_midnight(moment: datetime, zone: ZoneInfo) -> datetime:
    return end(day_at(moment, zone), zone)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days people work: `weekend` holds weekdays (Monday is 0), `holidays` dates."""

    weekend: frozenset[int] = frozenset({5, 6})
    holidays: frozenset[date] = frozenset()

    def is_working(self, day: date) -> bool:
        return day.weekday() not in self.weekend and day not in self.holidays


@dataclass(frozen=True, slots=True)
class CompanyCalendar:
    """The calendar of the companies that a selector matches."""

    company: str
    calendar: Calendar
