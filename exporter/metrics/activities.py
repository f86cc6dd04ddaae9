"""What alerts judge: the activities of companies, what is usual for them, and their limits.

    chat_usage_activity_last_day{source="production",report="chat-sessions",company_id="17",company="Northwind",
        activity="user_queries"} 61.0

An activity is a measure's figures of one company and day, added up over modes, tools or whatever its labels tell apart.
Generic over `exporter.domain.model.Measure`; knows no platform and no text format.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import add

from exporter.domain.calendars import Calendar
from exporter.domain.model import Activity, Column, Family, Measure, Sample
from exporter.ledger.ledger import Table, by_number
from exporter.metrics.limits import NO_LIMITS, CompanyLimits, Limits
from exporter.metrics.report_view import Held

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


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a report's activities are judged by: the operator's entries, and the calendar of the source."""

    company_limits: CompanyLimits
    calendar: Calendar


def activity_families(held: Held, bounds: Bounds) -> tuple[Family, ...]:
    """Returns the five families of a report's activities; of stale figures the fixed limits are left."""
    companies = _Companies(held, bounds)
    samples: dict[str, list[Sample]] = {name: [] for name in HELP}
    for measure in held.report.measures:
        for activity in measure.activities:
            for name, found in _samples(companies, measure, activity):
                samples[name] += found
    return tuple(
        Family(name, text, LIMIT_LABELS if name == LIMIT else LABELS, tuple(samples[name]))
        for name, text in HELP.items()
    )


class _Companies:
    """The companies of a report, in order, and what all activities ask of them, worked out once."""

    def __init__(self, held: Held, bounds: Bounds) -> None:
        self.held = held
        self.bounds = bounds
        first: dict[str, date] = {}
        for days in held.ledger.first_days.values():
            for company, day in days.items():
                first[company] = min(day, first.get(company, day))
        self.ids: tuple[str, ...] = tuple(sorted(first, key=by_number))
        self.first = [first[company] for company in self.ids]
        self.names = [held.ledger.names[company] for company in self.ids]
        self.limits = [bounds.company_limits.limits(*each) for each in zip(self.ids, self.names, strict=True)]
        self.calendars = [
            bounds.company_limits.calendar(company, name, bounds.calendar)
            for company, name in zip(self.ids, self.names, strict=True)
        ]
        self.working_days = [self._last_working(calendar) for calendar in self.calendars]
        self._index = {company: place for place, company in enumerate(self.ids)}
        self._places: dict[tuple[str, ...], Sequence[int | None]] = {}
        self._columns = held.ledger.columns()

    def _last_working(self, calendar: Calendar) -> date | None:
        """Returns the newest complete day that is a working day."""
        days = sorted(self.held.day_status.published, reverse=True)
        return next((day for day in days if calendar.is_working(day)), None)

    def columns(self, part: str, measure: Measure, activity: Activity) -> tuple[Column, ...]:
        """Returns the columns of an activity that some held row has a figure for."""
        return tuple(
            column
            for column in self._columns.get(part, frozenset())
            if column.family == measure.family
            and len(column.label_values) == len(measure.labels)
            and (not activity.label_value or column.label_values[-1] == activity.label_value)
        )

    def places(self, companies: tuple[str, ...]) -> Sequence[int | None]:
        """Returns where the companies of a table stand; None for those that are left out."""
        if companies not in self._places:
            self._places[companies] = [self._index.get(company) for company in companies]
        return self._places[companies]

    def table(self, part: str, day: date) -> Table | None:
        """Returns the rows of a part on a day, None if there are none."""
        block = self.held.ledger.blocks.get(day)
        table = block.tables.get(part) if block else None
        return table if table and table.companies else None


def _on_day(companies: _Companies, measure: Measure, activity: Activity, day: date) -> list[float]:
    """Returns an activity of all companies on a day; NaN is no figure.

    A mode without a row adds 0. A row that lacks the figure makes the sum unknown, but where anybody may add label
    values: a tool that a row does not name was not used.
    """
    total = [0.0 if first <= day else math.nan for first in companies.first]
    for part in companies.held.report.parts:
        table = companies.table(part, day)
        if table is None:
            continue
        silence = 0.0 if any(measure.limits) else math.nan
        rows = [0.0] * len(table.companies)
        for column in companies.columns(part, measure, activity):
            values = table.columns.get(column)
            found = [silence] * len(rows) if values is None else values
            if silence == 0.0:
                found = [0.0 if math.isnan(value) else value for value in found]
            rows = list(map(add, rows, found))
        for place, value in zip(companies.places(table.companies), rows, strict=True):
            if place is not None:
                total[place] += value
    return total


def _is_told(companies: _Companies, measure: Measure, activity: Activity) -> bool:
    """Tells whether the platform told the figure of anybody: what it never told is nobody's 0."""
    return any(companies.columns(part, measure, activity) for part in companies.held.report.parts)


def _samples(companies: _Companies, measure: Measure, activity: Activity) -> Iterator[tuple[str, list[Sample]]]:
    held, status = companies.held, companies.held.day_status
    limits = [each.get(activity.name, NO_LIMITS) for each in companies.limits]
    if not _is_told(companies, measure, activity):
        return
    writer = _Writer(companies, activity.name, held.min_group if measure.people else 0)
    if status.stale or status.last_day is None:
        yield LIMIT, list(writer.fixed(limits))
        return
    days = _Days(lambda day: _on_day(companies, measure, activity, day))
    last = status.last_day
    yield LAST_DAY, list(writer.figures(days.of(last)))
    if status.today is not None and measure.today:
        yield TODAY, list(writer.figures(days.of(status.today)))
    working = [
        days.of(day)[place] if day and each.has_lower else math.nan
        for place, (day, each) in enumerate(zip(companies.working_days, limits, strict=True))
    ]
    yield LAST_WORKING_DAY, list(writer.figures(working))
    yield LIMIT, list(writer.fixed(limits))
    if held.sums:
        of_last = [last] * len(companies.ids)
        usual = _baselines(companies, days, of_last)
        yield BASELINE, list(writer.figures(usual))
        yield LIMIT, list(writer.upper(limits, usual))
        of_working = usual if companies.working_days == of_last else _baselines(companies, days, companies.working_days)
        yield LIMIT, list(writer.lower(limits, of_working))


class _Days:
    """The figures of an activity by day, worked out once each."""

    def __init__(self, work_out: Callable[[date], list[float]]) -> None:
        self._work_out = work_out
        self._known: dict[date, list[float]] = {}

    def of(self, day: date) -> list[float]:
        if day not in self._known:
            self._known[day] = self._work_out(day)
        return self._known[day]


def _baselines(companies: _Companies, days: _Days, of: Sequence[date | None]) -> list[float]:
    """Returns what is usual for each company on the weekday of a day of its own; NaN where that is not known."""
    covered = companies.held.day_status.covered
    known: dict[tuple[date | None, int], Sequence[tuple[float, ...]]] = {}  # most share their day and their calendar
    found = []
    for place, (day, calendar) in enumerate(zip(of, companies.calendars, strict=True)):
        rows = known.get((day, id(calendar)))
        if rows is None:
            earlier = [day - WEEK * n for n in range(1, WEEKS + 1)] if day else []
            columns = [days.of(each) for each in earlier if each in covered and each not in calendar.holidays]
            rows = known[day, id(calendar)] = list(zip(*columns, strict=True)) or [()] * len(of)
        found.append(_median(rows[place]))
    return found


def _median(row: Sequence[float]) -> float:
    points = [point for point in row if not math.isnan(point)]
    if len(points) < FEWEST_POINTS:
        return math.nan
    points.sort()
    middle = len(points) // 2
    return points[middle] if len(points) % 2 else (points[middle - 1] + points[middle]) / 2


class _Writer:
    """Makes the samples of one activity; what tells of fewer people than `least` is left out, but 0 is told."""

    def __init__(self, companies: _Companies, activity: str, least: int) -> None:
        held = companies.held
        self._labels = [
            (held.source, held.report.name, company, name, activity)
            for company, name in zip(companies.ids, companies.names, strict=True)
        ]
        self._least = least

    def _may_be_told(self, value: float) -> bool:
        return value >= self._least or value == 0

    def figures(self, values: Sequence[float]) -> Iterator[Sample]:
        """Yields the values that are figures."""
        for labels, value in zip(self._labels, values, strict=True):
            if self._may_be_told(value):
                yield Sample(labels, value)

    def fixed(self, limits: Sequence[Limits]) -> Iterator[Sample]:
        """Yields the limits that hang on no figure."""
        for labels, each in zip(self._labels, limits, strict=True):
            for bound, basis, severity, value in each.limits:
                if basis == "fixed":
                    yield Sample((*labels, bound, basis, severity), value)

    def lower(self, limits: Sequence[Limits], usual: Sequence[float]) -> Iterator[Sample]:
        """Yields the shares of the usual; of a usual under `min_baseline` there is none."""
        for labels, each, baseline in zip(self._labels, limits, usual, strict=True):
            if baseline >= each.min_baseline and self._may_be_told(baseline):
                for bound, basis, severity, ratio in each.of("lower", "usual"):
                    yield Sample((*labels, bound, basis, severity), ratio * baseline)

    def upper(self, limits: Sequence[Limits], usual: Sequence[float]) -> Iterator[Sample]:
        """Yields the multiples of the usual, which counts as `min_baseline` at least."""
        for labels, each, baseline in zip(self._labels, limits, usual, strict=True):
            if self._may_be_told(baseline):
                for bound, basis, severity, ratio in each.of("upper", "usual"):
                    yield Sample((*labels, bound, basis, severity), ratio * max(baseline, each.min_baseline))
