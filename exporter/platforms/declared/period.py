"""Writes the days of requests; no clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from exporter.domain import calendars
from exporter.domain.calendars import ONE_DAY
from exporter.domain.model import Days


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

    def pieces(self, days: Days) -> tuple[Days, ...]:
        """Returns the days of each request, newest first."""
        return days.pieces(self.at_most or len(days))

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
