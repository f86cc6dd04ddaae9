"""The windows of figures: their days and family names; pure, knows no figure."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

from exporter.domain.model import Expendable, Family, Kind, Measure
from exporter.ledger.day_status import DayStatus
from exporter.platforms.api import Report

COMPANY_LABELS = ("source", "company_id", "company")


class Window(NamedTuple):
    """A window: the suffix of the family's name, words for HELP, and the number of days that it adds up."""

    suffix: str
    words: str
    day_gauge: str
    days: int = 1
    expendable: Expendable = Expendable.NEVER

    def ending(self, last: date) -> tuple[date, ...]:
        """Returns the days of the window that ends with `last`, newest first."""
        return tuple(last - timedelta(days=n) for n in range(self.days))


_DAY = "chat_usage_report_day_timestamp_seconds"
LAST_DAY = Window("_last_day", "on the last day", f"day: {_DAY}")
TODAY = Window("_today", "so far today", "as of chat_usage_poll_last_success_timestamp_seconds")
WEEK = Window("_7d", "over 7 days", f"last day: {_DAY}", 7, Expendable.WEEK)
MONTH = Window("_28d", "over 28 days", f"last day: {_DAY}", 28, Expendable.MONTH)
SUMS = (WEEK, MONTH)


def windows(measure: Measure) -> tuple[Window, ...]:
    """Returns the windows of a measure: none for a moment or level, sums only for what adds up."""
    if measure.kind in (Kind.INSTANT, Kind.LEVEL, Kind.INFO):
        return ()
    return (LAST_DAY, *((TODAY,) if measure.today else ()), *(SUMS if measure.kind is Kind.SUM else ()))


def days_by_window(measure: Measure, status: DayStatus, *, sums: bool) -> Mapping[Window, tuple[date, ...]]:
    """Returns the days of each window that may be served, newest first; windows of several days only with `sums`."""
    found: dict[Window, tuple[date, ...]] = {}
    for window in windows(measure):
        last = status.today if window is TODAY else status.last_day
        if last is not None and (window.days == 1 or sums):
            found[window] = tuple(day for day in window.ending(last) if window.days == 1 or day in status.covered)
    return found


def family_of(measure: Measure, window: Window | None, report: Report) -> Family:
    """Returns the family of a measure in a window, without samples."""
    if measure.per_subject:
        expendable = Expendable.CHANNELS
    elif any(measure.limits):
        expendable = Expendable.LIMITED_LABELS
    else:
        expendable = window.expendable if window else Expendable.NEVER
    over = f" {window.words}" if window else ""
    when = f", {window.day_gauge}" if window else ""
    text = f"{measure.help}{over} ({report.name}); cached{when}."
    name = f"{measure.family}{window.suffix}" if window else measure.family
    return Family(name, text, COMPANY_LABELS + measure.labels, expendable=expendable)
