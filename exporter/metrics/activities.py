"""What alerts evaluate: the activities of companies, what is usual for them, and their limits.

    chat_usage_activity_last_day{source="production",report="chat-sessions",company_id="17",company="Northwind",
        activity="user_queries"} 61.0

An activity is a measure's figures of one company and day, added up over modes, tools or whatever its labels separate.
Generic over `exporter.domain.model.Measure`; knows no platform and no text format.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property, partial
from itertools import repeat
from operator import add
from statistics import median

from exporter.domain import calendars
from exporter.domain.calendars import Calendar
from exporter.domain.model import Activity, Column, DeferredFamily, Family, Measure, Sample
from exporter.metrics import missing_limits as missing
from exporter.metrics.limits import NO_LIMITS, ActivityLimits, Limit
from exporter.metrics.missing_limits import (
    FEWEST_POINTS,
    NO_HISTORY,
    UNREAD,
    WEEK,
    WEEKS,
    Compared,
    missing_limits,
    why_missing,
)
from exporter.metrics.report_view import CompanyIndex, ReportView

LABELS = ("source", "report", "company_id", "company", "activity")
LIMIT_LABELS = (*LABELS, "bound", "basis", "severity")
LAST_DAY = "chat_usage_activity_last_day"
TODAY = "chat_usage_activity_today"
LAST_WORKING_DAY = "chat_usage_activity_last_working_day"
BASELINE = "chat_usage_activity_baseline"
LIMIT = "chat_usage_activity_limit"
WORKING_DAY = "chat_usage_company_last_working_day_timestamp_seconds"
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
    missing.FAMILY: missing.HELP,
    WORKING_DAY: "Start of the newest complete day that is a working day of the company's calendar, in seconds since "
    "1970.",
}


def activity_families(index: CompanyIndex) -> Iterator[DeferredFamily]:
    """Yields the families of a report's activities; of stale figures the fixed limits are left."""
    companies, today = _Companies(index), index.view.day_status.today
    ended, so_far = index.made_from(_judged_days(index.view)), index.made_from([today] if today else [])
    samples = cache(partial(_samples_of_ended_days, companies))
    for name, text in HELP.items():
        family = Family(name, text, label_names(name))
        if name == TODAY:
            yield DeferredFamily(family, partial(_samples_of_today, companies), so_far)
        else:
            yield DeferredFamily(family, partial(_of_family, samples, name), ended)


def _of_family(samples: Callable[[], Mapping[str, list[Sample]]], family: str) -> list[Sample]:
    return samples()[family]


def label_names(family: str) -> tuple[str, ...]:
    """Returns the labels of a family of activities."""
    return {LIMIT: LIMIT_LABELS, missing.FAMILY: missing.LABELS, WORKING_DAY: LABELS[:-1]}.get(family, LABELS)


def _judged_days(view: ReportView) -> set[date]:
    """Returns the days that activities are judged by: the last ones, by any calendar, and those that they are like."""
    calendars = {view.rules.calendar, *(each.calendar for each in view.company_limits.calendars)}
    last = {view.day_status.last_day, *(_last_working_day(view, each) for each in calendars)}
    return {day - WEEK * n for day in last if day for n in range(WEEKS + 1)}


def _last_working_day(view: ReportView, calendar: Calendar) -> date | None:
    return next(filter(calendar.is_working, sorted(view.day_status.published, reverse=True)), None)


@dataclass(frozen=True)
class _Companies:
    """The companies of a report and, in their order, the limits and the calendar of each, whatever the activity."""

    index: CompanyIndex

    @cached_property
    def limits(self) -> Sequence[Mapping[str, ActivityLimits]]:
        return list(map(self.index.view.company_limits.limits, self.index.all_companies, self.index.names))

    @cached_property
    def calendars(self) -> Sequence[Calendar]:
        index, default = self.index, self.index.view.rules.calendar
        return list(map(index.view.company_limits.calendar, index.all_companies, index.names, repeat(default)))

    @cached_property
    def working_days(self) -> Sequence[date | None]:
        last = cache(partial(_last_working_day, self.index.view))
        return list(map(last, self.calendars))


def _activities(companies: _Companies) -> Iterator[tuple[Measure, Activity, Mapping[str, Sequence[Column]]]]:
    """Yields the activities of a report, with the columns by part that some held row has a figure for."""
    report = companies.index.view.report
    for measure in report.measures:
        for activity in measure.activities:
            yield measure, activity, {part: _columns(companies.index, part, measure, activity) for part in report.parts}


def _samples_of_today(companies: _Companies) -> Iterator[Sample]:
    """Yields what activities have so far today."""
    view = companies.index.view
    if view.day_status.stale or view.day_status.last_day is None or view.day_status.today is None:
        return
    for measure, activity, columns in _activities(companies):
        if measure.today and any(columns.values()):
            figures = _on_day(companies.index, columns, any(measure.limits), view.day_status.today)
            yield from _served(companies, measure, activity.name, figures)


def _samples_of_ended_days(companies: _Companies) -> Mapping[str, list[Sample]]:
    """Returns the samples of all families but today's, by family."""
    view = companies.index.view
    samples: dict[str, list[Sample]] = {name: [] for name in HELP}
    if any(measure.activities for measure in view.report.measures) and not view.day_status.stale:
        samples[WORKING_DAY] = list(_working_days(companies))
    for measure, activity, columns in _activities(companies):
        # Without a column that some held row has a figure for it is nobody's 0.
        for name, found in _samples(companies, measure, activity.name, columns) if any(columns.values()) else ():
            samples[name] += found
        if not any(columns.values()) and not view.day_status.stale:
            limited = (UNREAD for each in companies.limits if each.get(activity.name, NO_LIMITS).limits)
            samples[missing.FAMILY] += missing_limits(view, activity.name, limited)
    return samples


def _working_days(companies: _Companies) -> Iterator[Sample]:
    """Yields when the last working day of each company began, in the zone of the source."""
    view = companies.index.view
    start = cache(lambda day: calendars.start(day, view.rules.zone).timestamp())
    every = zip(companies.index.all_companies, companies.index.names, companies.working_days, strict=True)
    for company, name, day in every:
        if day is not None:
            yield Sample((view.source, view.report.name, company, name), start(day))


def _columns(index: CompanyIndex, part: str, measure: Measure, activity: Activity) -> Sequence[Column]:
    return [
        column
        for column in index.columns.get(part, ())
        if column.family == measure.family
        and len(column.label_values) == len(measure.labels)
        and (not activity.label_value or column.label_values[-1] == activity.label_value)
    ]


def _samples(
    companies: _Companies, measure: Measure, activity: str, columns: Mapping[str, Sequence[Column]]
) -> Iterator[tuple[str, list[Sample]]]:
    """Yields the samples of one activity, by family; figures about fewer people than may be served are left out."""
    index, view = companies.index, companies.index.view
    least = view.min_group if measure.people else 0
    limits, labels = [each.get(activity, NO_LIMITS) for each in companies.limits], _labels(companies, activity)
    fixed = ([limit for limit in each.limits if limit.basis == "fixed"] for each in limits)
    yield LIMIT, _limit_samples(labels, fixed)
    if view.day_status.stale or view.day_status.last_day is None:
        waiting = (NO_HISTORY for each in limits if each.limits and not view.day_status.stale)
        yield missing.FAMILY, list(missing_limits(view, activity, waiting))
        return
    figures, usual = _figures(companies, measure, limits, columns, view.day_status.last_day)
    for name, values in figures.items():
        yield name, list(_served(companies, measure, activity, values))
    for bound, baselines in usual.items():
        served = (each if each >= least or each == 0 else math.nan for each in baselines)
        yield LIMIT, _limit_samples(labels, (each.usual(bound, of) for each, of in zip(limits, served, strict=True)))
    unknown = [math.nan] * len(limits)
    compared = map(
        Compared,
        limits,
        companies.calendars,
        index.first_days,
        zip(repeat(view.day_status.last_day), companies.working_days, strict=False),
        zip(figures[LAST_DAY], figures[LAST_WORKING_DAY], strict=True),
        zip(usual.get("upper", unknown), usual.get("lower", unknown), strict=True),
    )
    why = (why_missing(each, history=view.health.history) for each in compared)
    yield missing.FAMILY, list(missing_limits(view, activity, why))


def _figures(
    companies: _Companies,
    measure: Measure,
    limits: Sequence[ActivityLimits],
    columns: Mapping[str, Sequence[Column]],
    last_day: date,
) -> tuple[Mapping[str, list[float]], Mapping[str, list[float]]]:
    """Returns the figures of an activity by family, and what is usual by the bound of the limits made from it."""
    view, days = companies.index.view, companies.working_days
    on_day = cache(partial(_on_day, companies.index, columns, any(measure.limits)))
    figures, usual = {LAST_DAY: on_day(last_day)}, dict[str, list[float]]()
    figures[LAST_WORKING_DAY] = [
        on_day(day)[place] if day and any(limit.bound == "lower" for limit in each.limits) else math.nan
        for place, (day, each) in enumerate(zip(days, limits, strict=True))
    ]
    if view.health.history:
        last = [last_day] * len(limits)
        figures[BASELINE] = usual["upper"] = _baselines(companies, on_day, last)
        usual["lower"] = usual["upper"] if days == last else _baselines(companies, on_day, days)
    return figures, usual


def _labels(companies: _Companies, activity: str) -> Sequence[tuple[str, ...]]:
    view, every = companies.index.view, zip(companies.index.all_companies, companies.index.names, strict=True)
    return [(view.source, view.report.name, company, name, activity) for company, name in every]


def _served(companies: _Companies, measure: Measure, activity: str, figures: Iterable[float]) -> Iterator[Sample]:
    """Yields figures, but not those about fewer people than may be served."""
    least = companies.index.view.min_group if measure.people else 0
    for own, figure in zip(_labels(companies, activity), figures, strict=True):
        if figure >= least or figure == 0:
            yield Sample(own, figure)


def _limit_samples(labels: Sequence[tuple[str, ...]], limits: Iterable[Iterable[Limit]]) -> list[Sample]:
    return [
        Sample((*own, *place), value)
        for own, of_company in zip(labels, limits, strict=True)
        for *place, value in of_company
    ]


def _on_day(index: CompanyIndex, columns: Mapping[str, Sequence[Column]], limited: bool, day: date) -> list[float]:
    """Returns the columns of an activity, by part, added up by company on a day; NaN is no figure.

    A mode without a row adds 0. A row that lacks the figure makes the sum unknown, but where anybody may add label
    values: a tool that a row does not name was not used.
    """
    total = [0.0 if first <= day else math.nan for first in index.first_days]
    for part, of_part in columns.items():
        if not index.view.ledger.table(day, part).companies:
            continue
        rows = [0.0] * len(index.companies[part])
        for column in of_part:
            found = index.on_day(day, part, column, 0.0)
            if limited:
                found = [0.0 if math.isnan(value) else value for value in found]
            rows = list(map(add, rows, found))
        if lost := index.view.ledger.table(day, part).lost:
            here = index.companies[part]
            rows = [math.nan if company in lost else value for company, value in zip(here, rows, strict=True)]
        for place, value in zip(index.places[part], rows, strict=True):
            total[place] += value
    return total


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
        points = [point for point in rows[place] if not math.isnan(point)]
        found.append(median(points) if len(points) >= FEWEST_POINTS else math.nan)
    return found
