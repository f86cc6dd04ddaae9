"""Ranges of days, when a day starts and ends, and whether it is a business day; pure, with aware datetimes.

A day starts at its local midnight and ends when the next one starts: after 23 or 25 hours when clocks change, after
0 hours when a zone crosses the date line (Pacific/Apia, 2011-12-30).
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
        return map(date.fromordinal, range(self.first.toordinal(), self.last.toordinal() + 1))

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last

    def pieces(self, longest: int) -> tuple["Days", ...]:
        """Cuts the days into pieces of at most `longest` days, newest first."""
        days = list(self)
        return tuple(Days(days[max(end - longest, 0)], days[end - 1]) for end in range(len(days), 0, -longest))


def start(day: date, zone: ZoneInfo) -> datetime:
    """Returns the moment (UTC) at which `day` starts in `zone`: the first of two midnights, or a jump over midnight."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def end(day: date, zone: ZoneInfo) -> datetime:
    return start(day + ONE_DAY, zone)


def day_at(moment: datetime, zone: ZoneInfo) -> date:
    """Returns the day of `moment`; a later moment never has an earlier day."""
    day = moment.astimezone(zone).date()
    if moment >= end(day, zone):  # clocks are set back over midnight and show yesterday's date again (St John's, 2010)
        return day + ONE_DAY
    if moment < start(day, zone):  # clocks are set forward over midnight (Toronto, 1919)
        return day - ONE_DAY
    return day


def next_midnight(moment: datetime, zone: ZoneInfo) -> datetime:
    return end(day_at(moment, zone), zone)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Business days are all but the weekdays in `weekend` (Monday is 0) and the dates in `holidays`."""

    weekend: frozenset[int] = frozenset({5, 6})
    holidays: frozenset[date] = frozenset()

    def is_working(self, day: date) -> bool:
        return day.weekday() not in self.weekend and day not in self.holidays
