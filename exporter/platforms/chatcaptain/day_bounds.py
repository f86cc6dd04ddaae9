"""A local day as instants: the limits of requests, and the buckets of answers; no clock."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from exporter.domain import calendars

BUCKET = 86400
"""Seconds of a bucket, whatever clocks do: a day of 25 hours begins a second one."""
_MILLISECOND = timedelta(milliseconds=1)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?", re.ASCII)
_EPOCHS = (946_684_800, 4_102_444_800)
"""The years 2000 to 2100 in seconds: a number between them, or 1000 times them, is a moment."""


def is_time(value: object) -> bool:
    """Returns whether a text is a date or a date-time; "2024" is neither."""
    return isinstance(value, str) and bool(_TIME.fullmatch(value))


def is_epoch(value: object) -> bool:
    """Returns whether a number can be a moment in seconds or milliseconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    first, last = _EPOCHS
    return first <= value < last or first * 1000 <= value < last * 1000


class LocalDay(NamedTuple):
    day: date
    zone: ZoneInfo

    @property
    def limits(self) -> tuple[str, str]:
        """The first and the last millisecond, in UTC; the end is inclusive, as in the documented samples.

        A day that a zone skipped has no millisecond of its own and is asked for as one moment.
        """
        first = calendars.start(self.day, self.zone)
        return _written(first), _written(max(first, calendars.end(self.day, self.zone) - _MILLISECOND))

    def begins(self, moment: float) -> bool:
        """Returns whether a bucket that starts then is one of this day, cut at its midnight."""
        since = moment - calendars.start(self.day, self.zone).timestamp()
        return moment < calendars.end(self.day, self.zone).timestamp() and since >= 0 and since % BUCKET == 0

    def moment(self, value: object) -> float | None:
        """Reads a bucket's start in seconds since 1970: ISO with an offset, an epoch, or a date of this zone."""
        if is_epoch(value) and isinstance(value, int | float):
            return float(value) if value < _EPOCHS[1] else value / 1000
        try:
            if isinstance(value, str) and _DATE.fullmatch(value):
                return calendars.start(date.fromisoformat(value), self.zone).timestamp()
            when = datetime.fromisoformat(value) if isinstance(value, str) and is_time(value) else None
        except (ValueError, OverflowError):
            return None
        return when.timestamp() if when is not None and when.tzinfo is not None else None


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
