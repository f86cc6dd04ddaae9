"""Why configured limits are not in force, by company; pure."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from exporter.domain.calendars import Calendar
from exporter.domain.model import Sample
from exporter.metrics.limits import ActivityLimits
from exporter.metrics.report_view import ReportView

FAMILY = "chat_usage_activity_limit_missing"
LABELS = ("source", "report", "activity", "reason")
NO_HISTORY, FEW_WEEKS, UNREAD = "no_history", "few_weeks", "unread"
HELP = f"Companies without a configured limit in force, by reason: {NO_HISTORY}, {FEW_WEEKS} (below 3), {UNREAD}."
WEEKS = 6
FEWEST_POINTS = 3
WEEK = timedelta(days=7)


class Compared(NamedTuple):
    """What a company's limits are compared with or made from; NaN is unknown.

    `first` is the day of its first row; `figures` (of shares: volumes) are those of last day and last working
    day, `baselines` parallel.
    """

    limits: ActivityLimits
    calendar: Calendar
    first: date
    days: tuple[date, date | None]
    figures: tuple[float, float]
    baselines: tuple[float, float]


def missing_limits(view: ReportView, activity: str, reasons: Iterable[str | None]) -> Iterator[Sample]:
    """Yields how many companies lack limits of an activity, by reason; None is a company without any."""
    for reason, count in sorted(Counter(filter(None, reasons)).items()):
        yield Sample((view.source, view.report.name, activity, reason), float(count))


def why_missing(compared: Compared, *, history: bool, is_share: bool = False) -> str | None:
    """Returns why a limit of a company is not in force; None if all are, or none is configured."""
    bases = {(limit.bound, limit.basis) for limit in compared.limits.limits}
    if bases and is_share and not history:
        return NO_HISTORY
    for place, bound in enumerate(("upper", "lower")):
        if bound not in {each for each, _ in bases}:
            continue
        day = compared.days[place]
        if day is None or day < compared.first:
            return FEW_WEEKS
        if math.isnan(compared.figures[place]):
            return UNREAD
        if (bound, "usual") in bases and math.isnan(compared.baselines[place]):
            return _why_no_baseline(compared, day, is_share=is_share) if history else NO_HISTORY
    return None


def _why_no_baseline(compared: Compared, day: date, *, is_share: bool) -> str:
    if is_share:
        return FEW_WEEKS  # of a week without any volume there is no share
    earlier = (day - WEEK * n for n in range(1, WEEKS + 1))
    there = [each for each in earlier if each >= compared.first and each not in compared.calendar.holidays]
    return UNREAD if len(there) >= FEWEST_POINTS else FEW_WEEKS
