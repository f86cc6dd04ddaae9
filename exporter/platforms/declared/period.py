"""Writes the days of requests and reads those of answers; no clock."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from exporter.domain import calendars
from exporter.domain.calendars import ONE_DAY
from exporter.domain.model import Days
from exporter.platforms import json_values

_FIRST, _LAST = 946_684_800, 4_102_444_800
"""The years 2000 to 2100 in seconds: a number between them, or 1000 times them, is a moment."""


class Form(Enum):
    """How a day's bound is written."""

    DATE = "date"  # 2026-03-01
    MOMENT = "moment"  # 2026-03-01T00:00:00Z
    SECONDS = "seconds"  # since 1970
    MILLISECONDS = "milliseconds"


@dataclass(frozen=True, slots=True)
class Period:
    """The parameters for the days of a request: `first` and `last`, or the one `day`.

    `end` is "exclusive" if `last` is the start of the day after, else "inclusive". `at_most` bounds the days of
    one request.
    """

    first: str | None = None
    last: str | None = None
    day: str | None = None
    format: Form = Form.DATE
    end: str = "inclusive"
    at_most: int | None = None

    def pieces(self, days: Days) -> Iterator[Days]:
        """Yields the days of each request, newest first."""
        longest = timedelta(days=(self.at_most or len(days)) - 1)
        last = days.last
        while last >= days.first:
            first = max(days.first, last - longest)
            yield Days(first, last)
            last = first - ONE_DAY

    def params(self, days: Days, zone: ZoneInfo, *, one_more: bool = False) -> Mapping[str, str]:
        """Writes the bounds of `days`, with `one_more` day if the platform turned out to exclude the last one."""
        last, is_inclusive = days.last + ONE_DAY * one_more, self.end == "inclusive"
        is_the_day = is_inclusive and self.format is Form.DATE
        end = self._written(last if is_the_day else last + ONE_DAY, zone, before=is_inclusive)
        first = self._written(days.first, zone)
        return {name: bound for name, bound in ((self.first, first), (self.last, end), (self.day, first)) if name}

    def _written(self, day: date, zone: ZoneInfo, *, before: bool = False) -> str:
        """Writes the date, or the midnight that begins it, or the moment just `before` that."""
        if self.format is Form.DATE:
            return day.isoformat()
        start = calendars.start(day, zone).astimezone(UTC)
        if self.format is Form.SECONDS:
            return str(int(start.timestamp()) - before)
        if self.format is Form.MILLISECONDS:
            return str(int(start.timestamp()) * 1000 - before)
        moment = start - timedelta(milliseconds=before)
        return f"{moment:%Y-%m-%dT%H:%M:%S}{'.999' if before else ''}Z"


def read_day(value: object, zone: ZoneInfo) -> date | None:
    """Reads the day of a row: a date, or the moment at which it begins in the zone, else None.

    A moment is a date-time, with or without an offset, or a number of seconds or milliseconds since 1970.
    """
    if isinstance(value, str) and (day := json_values.day(value)):
        return day
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
        else:
            seconds, _ = json_values.number(value)
            scale = next((each for each in (1, 1000) if _FIRST <= (seconds or 0) / each < _LAST), None)
            if seconds is None or scale is None:
                return None
            moment = datetime.fromtimestamp(seconds / scale, UTC)
        if moment.tzinfo is None:
            return moment.date() if moment.time() == time.min else None
        day = moment.astimezone(zone).date()
        return day if calendars.start(day, zone) == moment else None
    except (ValueError, OverflowError):
        return None
