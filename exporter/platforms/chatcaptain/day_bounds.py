"""A local day as instants: the limits of requests, and the buckets of answers; no clock."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from exporter.domain import calendars

BUCKET = timedelta(days=1)
"""The length of a bucket, even when clocks change: a day of 25 hours begins a second one."""
_MILLISECOND = timedelta(milliseconds=1)


class LocalDay(NamedTuple):
    day: date
    zone: ZoneInfo

    @property
    def limits(self) -> tuple[str, str]:
        """The first and the last millisecond, in UTC; the end is inclusive, as in the documented samples.

        A day that a zone skipped has no millisecond of its own and is requested as one moment.
        """
        first = calendars.start(self.day, self.zone)
        return _written(first), _written(max(first, calendars.end(self.day, self.zone) - _MILLISECOND))

    def begins(self, moment: datetime) -> bool:
        """Returns whether a bucket that starts then is one of this day, cut at its midnight."""
        start = calendars.start(self.day, self.zone)
        return start <= moment < calendars.end(self.day, self.zone) and not (moment - start) % BUCKET


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
