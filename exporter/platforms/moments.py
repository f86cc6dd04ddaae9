"""Reads moments as reporting APIs write them: ISO 8601, or seconds or milliseconds since 1970."""

import re
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time
from typing import TypeGuard
from zoneinfo import ZoneInfo

from exporter.domain import calendars
from exporter.platforms import json_values

_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?", re.ASCII)
_FIRST, _LAST = 946_684_800, 4_102_444_800
"""The years 2000 to 2100 in seconds: a number between them, or 1000 times them, is a moment."""


def is_date_time(value: object) -> bool:
    """Returns whether a text is a date or a date-time; "2024" is neither."""
    return isinstance(value, str) and bool(_DATE_TIME.fullmatch(value))


def is_epoch(value: object) -> TypeGuard[float]:
    """Returns whether a number can be a moment in seconds or milliseconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return _FIRST <= value < _LAST or _FIRST * 1000 <= value < _LAST * 1000


def moment(value: object, zone: ZoneInfo) -> datetime | None:
    """Reads a moment; a date is its midnight in the zone, and a date-time without an offset is no moment."""
    when = _parsed(value)
    if when is None or when.tzinfo is not None:
        return when
    return calendars.start(when.date(), zone) if json_values.day(value) else None


def day(value: object, zone: ZoneInfo) -> date | None:
    """Reads the day of a row: a date, or the moment at which the day begins in the zone."""
    when = _parsed(value)
    if when is None:
        return None
    if when.tzinfo is None:
        return when.date() if when.time() == time.min else None
    found = when.astimezone(zone).date()
    return found if calendars.start(found, zone) == when else None


def _parsed(value: object) -> datetime | None:
    """Reads a date or date-time, with or without an offset, or an epoch; of a year that has others around it."""
    try:
        if isinstance(value, str):
            when = datetime.fromisoformat(value)
            return when if MINYEAR < when.year < MAXYEAR else None
    except ValueError:
        return None
    return datetime.fromtimestamp(value if value < _LAST else value / 1000, UTC) if is_epoch(value) else None
