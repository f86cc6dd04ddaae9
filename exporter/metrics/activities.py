"""Activities of companies, which alerts evaluate, their baselines and limits; pure.

chat_usage_activity_last_day{source="production",report="chat-sessions",company_id="17",company="Northwind",
activity="user_queries"} 61.0
An activity is the sum of a measure's figures of one company and day over modes, tools or other labels, or a share of
7 days' figures.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property, partial
from itertools import repeat
from statistics import median

from exporter.domain import calendars
from exporter.domain.calendars import ONE_DAY, Calendar
from exporter.domain.model import Family, Sample
from exporter.metrics.activity_figures import ActivityFigures, OnDay, activity_figures
from exporter.metrics.limits import (
    FEWEST_POINTS,
    MISSING,
    MISSING_HELP,
    MISSING_LABELS,
    NO_HISTORY,
    NO_LIMITS,
    UNREAD,
    WEEK,
    WEEKS,
    ActivityLimits,
    Compared,
    Limit,
    missing_limits,
    why_missing,
)
from exporter.metrics.report_view import CompanyIndex, DeferredFamily, ReportView

LABELS = ("source", "report", "company_id", "company", "activity")
LIMIT_LABELS = (*LABELS, "bound", "basis", "severity")
LAST_DAY = "chat_usage_activity_last_day"
TODAY = "chat_usage_activity_today"
LAST_WORKING_DAY = "chat_usage_activity_last_working_day"
BASELINE = "chat_usage_activity_baseline"
LIMIT = "chat_usage_activity_limit"
WORKING_DAY = "chat_usage_company_last_working_day_timestamp_seconds"
_ADD = "never sum over activity"
HELP: Mapping[str, str] = {
    LAST_DAY: f"Activity on the last day (shares: 7 days); {_ADD}; day: chat_usage_report_day_timestamp_seconds.",
    TODAY: f"Activity so far today; {_ADD}; cached.",
    LAST_WORKING_DAY: f"Activity on the last business day of the company's calendar; {_ADD}; cached.",
    BASELINE: f"Median of the last day's weekday over 6 weeks, without holidays; {_ADD}; cached.",
    LIMIT: "Limits in the activity's unit; lower ones are for the last business day, upper ones for the last day.",
    MISSING: MISSING_HELP,
    WORKING_DAY: "Start of the company's last business day, in seconds since 1970.",
}


def activity_families(index: CompanyIndex) -> Iterator[DeferredFamily]:
    """Yields the families of a report's activities; of stale figures only the fixed limits."""
    companies, today, judged_days = _Companies(index), index.view.day_status.today, _judged_days(index.view)
    samples = cache(partial(_samples_of_ended_days, companies))
    for name, text in HELP.items():
        family = Family(name, text, label_names(name, teams=index.view.company_limits.names_teams))
        if name == TODAY:
            yield DeferredFamily(family, partial(_samples_of_today, companies), frozenset([today] if today else []))
        else:
            yield DeferredFamily(family, partial(_of_family, samples, name), judged_days)


def _of_family(samples: Callable[[], Mapping[str, list[Sample]]], family: str) -> list[Sample]:
    return samples()[family]


def label_names(family: str, *, teams: bool = False) -> tuple[str, ...]:
    """Returns the labels of an activity family; limits have `team` if any entry sets one."""
    limits = (*LIMIT_LABELS, "team") if teams else LIMIT_LABELS
    return {LIMIT: limits, MISSING: MISSING_LABELS, WORKING_DAY: LABELS[:-1]}.get(family, LABELS)


def _judged_days(view: ReportView) -> set[date]:
    """Returns the days that alerts evaluate, by any calendar, and the same weekdays before.

    Shares also need the days between.
    """
    calendars = {view.rules.calendar, *(each.calendar for each in view.company_limits.calendars)}
    last = {view.day_status.last_day, *(_last_working_day(view, each) for each in calendars)}
    has_shares = any(each.share_of for measure in view.report.measures for each in measure.activities)
    step = ONE_DAY if has_shares else WEEK
    return {day - step * n for day in last if day for n in range((WEEKS + 1) * WEEK // step)}


def _last_working_day(view: ReportView, calendar: Calendar) -> date | None:
    return next(filter(calendar.is_working, sorted(view.day_status.published, reverse=True)), None)


@dataclass(frozen=True)
class _Companies:
    """The companies of a report and, in parallel, their limits and calendars."""

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


def _samples_of_today(companies: _Companies) -> Iterator[Sample]:
    view = companies.index.view
    if view.day_status.stale or view.day_status.last_day is None or view.day_status.today is None:
        return
    for judged in activity_figures(companies.index):
        if judged.measure.today and judged.on_day and not judged.activity.share_of:
            yield from _served(companies, judged, judged.on_day(view.day_status.today))


def _samples_of_ended_days(companies: _Companies) -> Mapping[str, list[Sample]]:
    view = companies.index.view
    samples: dict[str, list[Sample]] = {name: [] for name in HELP}
    if any(measure.activities for measure in view.report.measures) and not view.day_status.stale:
        samples[WORKING_DAY] = list(_working_days(companies))
    for judged in activity_figures(companies.index):
        name = judged.activity.name
        if judged.on_day:
            for family, found in _samples(companies, judged, judged.on_day):
                samples[family] += found
        elif not view.day_status.stale:
            limited = (UNREAD for each in companies.limits if each.get(name, NO_LIMITS).limits)
            samples[MISSING] += missing_limits((view.source, view.report.name, name), limited)
    return samples


def _working_days(companies: _Companies) -> Iterator[Sample]:
    """Yields when each company's last business day began, in the source's zone."""
    view = companies.index.view
    start = cache(lambda day: calendars.start(day, view.rules.zone).timestamp())
    every = zip(companies.index.all_companies, companies.index.names, companies.working_days, strict=True)
    for company, name, day in every:
        if day is not None:
            yield Sample((view.source, view.report.name, company, name), start(day))


def _samples(companies: _Companies, judged: ActivityFigures, on_day: OnDay) -> Iterator[tuple[str, list[Sample]]]:
    """Yields the samples of one activity, by family, without small groups."""
    index, view, activity = companies.index, companies.index.view, judged.activity.name
    least, report = view.min_group if judged.measure.people else 0, (view.source, view.report.name, activity)
    limits, labels = [each.get(activity, NO_LIMITS) for each in companies.limits], _labels(companies, activity)
    if view.day_status.stale or view.day_status.last_day is None:
        yield LIMIT, _limit_samples(view, labels, (each.fixed() for each in limits))
        waiting = (NO_HISTORY for each in limits if each.limits and not view.day_status.stale)
        yield MISSING, list(missing_limits(report, waiting))
        return
    last_days = [view.day_status.last_day] * len(limits)
    figures, usual = _figures(companies, cache(on_day), limits, view.day_status.last_day)
    for name, values in figures.items():
        yield name, list(_served(companies, judged, values))
    if not any(each.limits for each in limits):
        return
    seen = figures[LAST_DAY], figures[LAST_WORKING_DAY]
    if judged.volume:
        seen = _of_each(judged.volume, last_days), _of_each(judged.volume, companies.working_days)
        limits = [each.of_volumes(judged.activity.min_volume, *of) for each, *of in zip(limits, *seen, strict=True)]
    yield LIMIT, _limit_samples(view, labels, (each.fixed() for each in limits))
    for bound, baselines in usual.items():
        served = (each if each >= least or each == 0 else math.nan for each in baselines)
        of_usual = (each.usual(bound, of) for each, of in zip(limits, served, strict=True))
        yield LIMIT, _limit_samples(view, labels, of_usual)
    unknown = [math.nan] * len(limits)
    compared = map(
        Compared,
        limits,
        companies.calendars,
        index.first_days,
        zip(last_days, companies.working_days, strict=True),
        zip(*seen, strict=True),
        zip(usual.get("upper", unknown), usual.get("lower", unknown), strict=True),
    )
    why = (why_missing(each, history=view.health.history, is_share=bool(judged.volume)) for each in compared)
    yield MISSING, list(missing_limits(report, why))


def _figures(
    companies: _Companies, on_day: OnDay, limits: Sequence[ActivityLimits], last_day: date
) -> tuple[Mapping[str, list[float]], Mapping[str, list[float]]]:
    """Returns the figures of an activity by family, and the baselines by bound."""
    view, days = companies.index.view, companies.working_days
    figures, usual = {LAST_DAY: on_day(last_day)}, dict[str, list[float]]()
    judged = (
        day if any(limit.bound == "lower" for limit in each.limits) else None
        for day, each in zip(days, limits, strict=True)
    )
    figures[LAST_WORKING_DAY] = _of_each(on_day, judged)
    if view.health.history:
        last = [last_day] * len(limits)
        figures[BASELINE] = usual["upper"] = _baselines(companies, on_day, last)
        if any(limit[:2] == ("lower", "usual") for each in limits for limit in each.limits):
            usual["lower"] = usual["upper"] if days == last else _baselines(companies, on_day, days)
    return figures, usual


def _of_each(on_day: OnDay, days: Iterable[date | None]) -> list[float]:
    """Returns each company's figure on its own day; NaN without one."""
    return [on_day(day)[place] if day else math.nan for place, day in enumerate(days)]


def _labels(companies: _Companies, activity: str) -> Sequence[tuple[str, ...]]:
    view, every = companies.index.view, zip(companies.index.all_companies, companies.index.names, strict=True)
    return [(view.source, view.report.name, company, name, activity) for company, name in every]


def _served(companies: _Companies, judged: ActivityFigures, figures: Iterable[float]) -> Iterator[Sample]:
    """Drops figures of small groups."""
    least = companies.index.view.min_group if judged.measure.people else 0
    for own, figure in zip(_labels(companies, judged.activity.name), figures, strict=True):
        if figure >= least or figure == 0:
            yield Sample(own, figure)


def _limit_samples(
    view: ReportView, labels: Sequence[tuple[str, ...]], limits: Iterable[Iterable[Limit]]
) -> list[Sample]:
    teams = view.company_limits.names_teams
    return [
        Sample((*own, bound, basis, severity, *((team,) if teams else ())), value)
        for own, of_company in zip(labels, limits, strict=True)
        for bound, basis, severity, team, value in of_company
    ]


def _baselines(companies: _Companies, on_day: OnDay, of: Sequence[date | None]) -> list[float]:
    """Returns each company's baseline for the weekday of its own day; NaN if unknown."""
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
