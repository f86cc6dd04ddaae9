"""What alerts evaluate: the activities of companies, what is usual for them, and their limits.

    chat_usage_activity_last_day{source="production",report="chat-sessions",company_id="17",company="Northwind",
        activity="user_queries"} 61.0

An activity is a measure's figures of one company and day, added up over modes, tools or whatever its labels separate.
Generic over `exporter.domain.model.Measure`; knows no platform and no text format.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, partial
from operator import add
from statistics import median

from exporter.domain.calendars import Calendar
from exporter.domain.model import Activity, Column, Family, Measure, Sample
from exporter.metrics.company_index import CompanyIndex
from exporter.metrics.limits import NO_LIMITS, ActivityLimits, Limit
from exporter.metrics.report_view import ReportView

LABELS = ("source", "report", "company_id", "company", "activity")
LIMIT_LABELS = (*LABELS, "bound", "basis", "severity")
LAST_DAY = "chat_usage_activity_last_day"
TODAY = "chat_usage_activity_today"
LAST_WORKING_DAY = "chat_usage_activity_last_working_day"
BASELINE = "chat_usage_activity_baseline"
LIMIT = "chat_usage_activity_limit"
_ADD = "never to be added over activity; polled and cached"
HELP: Mapping[str, str] = {
    LAST_DAY: f"What alerts judge on the newest complete day, summed over mode; {_ADD}, "
    "chat_usage_report_day_timestamp_seconds tells which day.",
    TODAY: f"What alerts judge so far today, partial, may fall, summed over mode; {_ADD}.",
    LAST_WORKING_DAY: "What lower limits are compared with: the newest complete day that is a working day of the "
    f"company's calendar; {_ADD}.",
    BASELINE: "What is usual for the weekday of the newest complete day: the median of that weekday over the 6 weeks "
    f"before, holidays left out; {_ADD}.",
    LIMIT: "Limits in the activity's own unit: lower ones for the last working day, upper ones for the last day; usual "
    "ones are made from what is usual for the weekday.",
}
WEEKS = 6
FEWEST_POINTS = 3
WEEK = timedelta(days=7)


def activity_families(view: ReportView) -> tuple[Family, ...]:
    """Returns the five families of a report's activities; of stale figures the fixed limits are left."""
    companies = _companies(view)
    samples: dict[str, list[Sample]] = {name: [] for name in HELP}
    for measure in view.report.measures:
        for activity in measure.activities:
            for name, found in _samples(companies, measure, activity):
                samples[name] += found
    return tuple(
        Family(name, text, LIMIT_LABELS if name == LIMIT else LABELS, tuple(samples[name]))
        for name, text in HELP.items()
    )


@dataclass(frozen=True, slots=True)
class _Companies:
    """The companies of a report and, in their order, the limits and the calendar of each, whatever the activity."""

    index: CompanyIndex
    limits: Sequence[Mapping[str, ActivityLimits]]
    calendars: Sequence[Calendar]
    working_days: Sequence[date | None]


def _companies(view: ReportView) -> _Companies:
    index, days = CompanyIndex(view), sorted(view.day_status.published, reverse=True)
    companies = list(zip(index.all_companies, index.names, strict=True))
    calendars = [view.company_limits.calendar(*company, view.rules.calendar) for company in companies]
    return _Companies(
        index,
        [view.company_limits.limits(*company) for company in companies],
        calendars,
        [next(filter(calendar.is_working, days), None) for calendar in calendars],
    )


def _columns(index: CompanyIndex, part: str, measure: Measure, activity: Activity) -> tuple[Column, ...]:
    """Returns the columns of an activity that some held row has a figure for; without any it is nobody's 0."""
    return tuple(
        column
        for column in index.columns.get(part, frozenset())
        if column.family == measure.family
        and len(column.label_values) == len(measure.labels)
        and (not activity.label_value or column.label_values[-1] == activity.label_value)
    )


def _on_day(index: CompanyIndex, columns: Mapping[str, Sequence[Column]], limited: bool, day: date) -> list[float]:
    """Returns the columns of an activity, by part, added up by company on a day; NaN is no figure.

    A mode without a row adds 0. A row that lacks the figure makes the sum unknown, but where anybody may add label
    values: a tool that a row does not name was not used.
    """
    total = [0.0 if first <= day else math.nan for first in index.first_days]
    for part, of_part in columns.items():
        if not index.table(day, part).companies:
            continue
        rows = [0.0] * len(index.companies[part])
        for column in of_part:
            found = index.on_day(day, part, column, 0.0)
            if limited:
                found = [0.0 if math.isnan(value) else value for value in found]
            rows = list(map(add, rows, found))
        for place, value in zip(index.places[part], rows, strict=True):
            total[place] += value
    return total


def _samples(companies: _Companies, measure: Measure, activity: Activity) -> Iterator[tuple[str, list[Sample]]]:
    index, view, status = companies.index, companies.index.view, companies.index.view.day_status
    columns = {part: _columns(index, part, measure, activity) for part in view.report.parts}
    if not any(columns.values()):
        return
    limits = [each.get(activity.name, NO_LIMITS) for each in companies.limits]
    writer = _Writer(index, activity.name, view.min_group if measure.people else 0)
    yield LIMIT, list(writer.limits(each.fixed() for each in limits))
    if status.stale or status.last_day is None:
        return
    on_day = cache(partial(_on_day, index, columns, any(measure.limits)))
    last = status.last_day
    yield LAST_DAY, list(writer.figures(on_day(last)))
    if status.today is not None and measure.today:
        yield TODAY, list(writer.figures(on_day(status.today)))
    working = [
        on_day(day)[place] if day and each.has_lower else math.nan
        for place, (day, each) in enumerate(zip(companies.working_days, limits, strict=True))
    ]
    yield LAST_WORKING_DAY, list(writer.figures(working))
    if view.health.history:
        of_last = [last] * len(limits)
        usual = _baselines(companies, on_day, of_last)
        yield BASELINE, list(writer.figures(usual))
        yield LIMIT, list(writer.limits(map(ActivityLimits.upper, limits, map(writer.served, usual))))
        of_working = (
            usual if companies.working_days == of_last else _baselines(companies, on_day, companies.working_days)
        )
        yield LIMIT, list(writer.limits(map(ActivityLimits.lower, limits, map(writer.served, of_working))))


def _baselines(companies: _Companies, on_day: Callable[[date], list[float]], of: Sequence[date | None]) -> list[float]:
    """Returns what is usual for each company on the weekday of a day of its own; NaN where that is not known."""
    covered = companies.index.view.day_status.covered
    known: dict[tuple[date | None, int], Sequence[tuple[float, ...]]] = {}  # most share their day and their calendar
    found = []
    for place, (day, calendar) in enumerate(zip(of, companies.calendars, strict=True)):
        rows = known.get((day, id(calendar)))
        if rows is None:
            earlier = [day - WEEK * n for n in range(1, WEEKS + 1)] if day else []
            columns = [on_day(each) for each in earlier if each in covered and each not in calendar.holidays]
            rows = known[day, id(calendar)] = list(zip(*columns, strict=True)) or [()] * len(of)
        found.append(_median(rows[place]))
    return found


def _median(row: Sequence[float]) -> float:
    points = [point for point in row if not math.isnan(point)]
    return median(points) if len(points) >= FEWEST_POINTS else math.nan


class _Writer:
    """Makes the samples of one activity; what is about fewer people than `least` is left out, but 0 is served."""

    def __init__(self, index: CompanyIndex, activity: str, least: int) -> None:
        source, report = index.view.source, index.view.report.name
        self._labels = [
            (source, report, company, name, activity)
            for company, name in zip(index.all_companies, index.names, strict=True)
        ]
        self._least = least

    def served(self, value: float) -> float:
        """Returns a value if it may be served, else NaN."""
        return value if value >= self._least or value == 0 else math.nan

    def figures(self, values: Sequence[float]) -> Iterator[Sample]:
        """Yields the values that may be served."""
        for labels, value in zip(self._labels, values, strict=True):
            if value >= self._least or value == 0:
                yield Sample(labels, value)

    def limits(self, found: Iterable[Iterable[Limit]]) -> Iterator[Sample]:
        """Yields the limits of each company."""
        for labels, limits in zip(self._labels, found, strict=True):
            for bound, basis, severity, value in limits:
                yield Sample((*labels, bound, basis, severity), value)
