"""Activities of companies, which alerts evaluate, their baselines and limits; pure.

chat_usage_activity_last_day{source="s",report="chat-sessions",company_id="17",company="N",activity="user_queries"} 61.0
An activity sums up a measure's figures of a company and day over all labels, or is a share of 7 days' figures.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import date, timedelta
from functools import cache, cached_property, partial
from typing import NamedTuple

from msgspec import Struct

from exporter.domain import calendars
from exporter.domain.calendars import ONE_DAY, Calendar
from exporter.domain.model import Activity, Family, Measure, Sample
from exporter.metrics.activity_figures import ActivityFigures, OnDay, activity_figures
from exporter.metrics.limits import NO_LIMITS, ActivityLimits, Limit
from exporter.metrics.report_view import CompanyIndex, DeferredFamily, ReportView

NO_HISTORY, FEW_WEEKS, UNREAD = "no_history", "few_weeks", "unread"  # why a limit is not in force
WEEKS = 6  # before a day, of whose weekday a baseline is the median
FEWEST_POINTS = 3  # known figures that a baseline needs
WEEK = timedelta(days=7)
LABELS = ("source", "report", "company_id", "company", "activity")
LAST_DAY = "chat_usage_activity_last_day"
TODAY = "chat_usage_activity_today"
LAST_WORKING_DAY = "chat_usage_activity_last_working_day"
BASELINE = "chat_usage_activity_baseline"
LIMIT = "chat_usage_activity_limit"
MISSING = "chat_usage_activity_limit_missing"
WORKING_DAY = "chat_usage_company_last_working_day_timestamp_seconds"
_ADD, _DAY = "never sum over activity", "chat_usage_report_day_timestamp_seconds"
ACTIVITY_FAMILIES = (
    Family(LAST_DAY, f"Activity on the last day (shares: 7 days); {_ADD}; day: {_DAY}.", LABELS),
    Family(TODAY, f"Activity so far today; {_ADD}; cached.", LABELS),
    Family(LAST_WORKING_DAY, f"Activity on the last business day of the company's calendar; {_ADD}; cached.", LABELS),
    Family(BASELINE, f"Median of the last day's weekday over 6 weeks, without holidays; {_ADD}; cached.", LABELS),
    Family(
        LIMIT,
        "Limits in the activity's unit; lower ones are for the last business day, upper ones for the last day.",
        (*LABELS, "bound", "basis", "severity", "team"),  # `team` only if any entry sets one
    ),
    Family(
        MISSING,
        f"Companies without a configured limit in force, by reason: {NO_HISTORY}, {FEW_WEEKS} (below {FEWEST_POINTS}), "
        f"{UNREAD}.",
        ("source", "report", "activity", "reason"),
    ),
    Family(WORKING_DAY, "Start of the company's last business day, in seconds since 1970.", LABELS[:-1]),
)


def activity_families(index: CompanyIndex) -> Iterator[DeferredFamily]:
    """Yields the families of a report's activities; of stale figures only the fixed limits."""
    view, limits = index.view, index.view.target.company_limits
    published = sorted(view.day_status.published, reverse=True)
    used = {view.target.rules.calendar, *(each.calendar for each in limits.calendars)}
    working_days = {each: next(filter(each.is_working, published), None) for each in used}
    evaluated_days = _evaluated_days(view, working_days.values())
    today, has_teams = view.day_status.today, any(each.team for each in limits.thresholds)
    samples = _EndedDays(index, view, working_days, has_teams)
    for family in ACTIVITY_FAMILIES:
        if family.name == TODAY:
            yield DeferredFamily(family, partial(_of_today, index), frozenset([today] if today else []))
        else:
            labels = tuple(each for each in family.label_names if has_teams or each != "team")
            of_family = partial(samples.of_family, family.name)
            yield DeferredFamily(replace(family, label_names=labels), of_family, evaluated_days)


def _evaluated_days(view: ReportView, last_working_days: Iterable[date | None]) -> Set[date]:
    """Returns the days that alerts evaluate, by any calendar, and the same weekdays before; for shares all days."""
    has_shares = any(each.share_of for measure in view.report.measures for each in measure.activities)
    step, last = ONE_DAY if has_shares else WEEK, {view.day_status.last_day, *last_working_days}
    return {day - step * n for day in last if day for n in range((WEEKS + 1) * WEEK // step)}


def _of_today(index: CompanyIndex) -> Iterator[Sample]:
    """Yields the activities of the running day; a share has none."""
    status = index.view.day_status
    if status.stale or status.last_day is None or status.today is None:
        return
    for measure in index.view.report.measures:
        for activity in measure.activities:
            columns = index.columns_with(measure, activity.label_value)
            if measure.today and not activity.share_of and any(columns.values()):
                yield from _served(index, measure, activity, index.on_day(status.today, measure, columns))


def _served(index: CompanyIndex, measure: Measure, activity: Activity, figures: Iterable[float]) -> Iterator[Sample]:
    """Yields the known figures, except those of small groups of people."""
    source, report = index.view.target.source, index.view.report.name
    least = index.view.target.min_group if measure.people else 0
    for company, name, figure in zip(index.all_companies, index.names, figures, strict=True):
        if figure >= least or figure == 0:
            yield Sample((source, report, company, name, activity.name), figure)


class _Side(NamedTuple):
    """What upper or lower limits are compared with: each company's day, its figure on that day and its baseline."""

    days: Sequence[date | None]
    figures: Sequence[float]
    baselines: Sequence[float]


_Point = tuple[date | None, float, float]  # day, figure and baseline of one company; NaN is unknown


class _EndedDays(Struct, frozen=True, dict=True):
    """The samples of a report's activities on ended days; lists are parallel to its companies, NaN is unknown.

    `last_working_days` are by calendar.
    """

    index: CompanyIndex
    view: ReportView
    last_working_days: Mapping[Calendar, date | None]
    has_teams: bool

    @cached_property
    def _labels(self) -> Sequence[tuple[str, ...]]:
        own = self.view.target.source, self.view.report.name
        return [(*own, *each) for each in zip(self.index.all_companies, self.index.names, strict=True)]

    @cached_property
    def _limits(self) -> Sequence[Mapping[str, ActivityLimits]]:
        return list(map(self.view.target.company_limits.limits, self.index.all_companies, self.index.names))

    @cached_property
    def _calendars(self) -> Sequence[Calendar]:
        own = map(self.view.target.company_limits.calendar, self.index.all_companies, self.index.names)
        return [each or self.view.target.rules.calendar for each in own]

    @cached_property
    def _working_days(self) -> Sequence[date | None]:
        return [self.last_working_days[calendar] for calendar in self._calendars]

    def of_family(self, name: str) -> Sequence[Sample]:
        """Returns the samples of any family but that of today."""
        return self._by_family[name]

    @cached_property
    def _by_family(self) -> Mapping[str, list[Sample]]:
        samples: dict[str, list[Sample]] = {family.name: [] for family in ACTIVITY_FAMILIES}
        if any(measure.activities for measure in self.view.report.measures) and not self.view.day_status.stale:
            samples[WORKING_DAY] += self._starts()
        for each in activity_figures(self.index):
            for family, found in self._of_activity(each):
                samples[family] += found
        return samples

    def _starts(self) -> Iterator[Sample]:
        """Yields when each company's last business day began, in the source's zone."""
        start = cache(lambda day: calendars.start(day, self.view.target.rules.zone).timestamp())
        for own, day in zip(self._labels, self._working_days, strict=True):
            if day is not None:
                yield Sample(own, start(day))

    def _of_activity(self, found: ActivityFigures) -> Iterator[tuple[str, Iterable[Sample]]]:
        name, status = found.activity.name, self.view.day_status
        limits = [each.get(name, NO_LIMITS) for each in self._limits]
        if found.on_day is None or status.stale or status.last_day is None:
            if found.on_day:
                yield LIMIT, self._limit_samples(name, (each.fixed() for each in limits))
            if not status.stale:
                reason = NO_HISTORY if found.on_day else UNREAD
                yield MISSING, self._missing_samples(name, (reason for each in limits if each.limits))
            return
        upper, lower = self._sides(cache(found.on_day), limits, status.last_day)
        figures = {LAST_DAY: upper.figures, LAST_WORKING_DAY: lower.figures, BASELINE: upper.baselines}
        for family, values in figures.items():
            yield family, _served(self.index, found.measure, found.activity, values)
        if not any(each.limits for each in limits):
            return
        if found.volume:
            upper, lower = (each._replace(figures=_of_each(found.volume, each.days)) for each in (upper, lower))
            volumes = zip(limits, upper.figures, lower.figures, strict=True)
            limits = [each.of_volumes(found.activity.min_volume, *of) for each, *of in volumes]
        yield LIMIT, self._limit_samples(name, (each.fixed() for each in limits))
        least = self.view.target.min_group if found.measure.people else 0
        for bound, side in (("upper", upper), ("lower", lower)):
            baselines = [each if each >= least or each == 0 else math.nan for each in side.baselines]
            usual = (each.usual(bound, baseline) for each, baseline in zip(limits, baselines, strict=True))
            yield LIMIT, self._limit_samples(name, usual)
        why = partial(self._why_missing, is_share=bool(found.volume))
        sides = zip(*upper, strict=True), zip(*lower, strict=True)
        yield MISSING, self._missing_samples(name, map(why, limits, self._calendars, self.index.first_days, *sides))

    def _sides(self, on_day: OnDay, limits: Sequence[ActivityLimits], last_day: date) -> tuple[_Side, _Side]:
        """Returns what upper and what lower limits are compared with."""
        last, days = [last_day] * len(limits), self._working_days
        limited_below = (any(limit.bound == "lower" for limit in each.limits) for each in limits)
        compared = [day if is_limited else None for day, is_limited in zip(days, limited_below, strict=True)]
        upper = lower = [math.nan] * len(limits)
        if self.view.health.history:
            upper = self._baselines(on_day, last)
            if any(limit[:2] == ("lower", "usual") for each in limits for limit in each.limits):
                lower = upper if days == last else self._baselines(on_day, days)
        return _Side(last, on_day(last_day), upper), _Side(days, _of_each(on_day, compared), lower)

    def _baselines(self, on_day: OnDay, days: Sequence[date | None]) -> list[float]:
        """Returns each company's baseline for the weekday of its own day."""
        covered = self.view.day_status.covered

        @cache  # most companies share their day and their calendar
        def weeks_before(day: date | None, calendar: Calendar) -> Sequence[tuple[float, ...]]:
            earlier = [day - WEEK * n for n in range(1, WEEKS + 1)] if day else []
            columns = [on_day(each) for each in earlier if each in covered and each not in calendar.holidays]
            return list(zip(*columns, strict=True)) or [()] * len(days)

        found = []
        for place, of_company in enumerate(zip(days, self._calendars, strict=True)):
            points = sorted(point for point in weeks_before(*of_company)[place] if not math.isnan(point))
            half = len(points) // 2
            # The median, without the module statistics, which takes 0.15 MiB.
            found.append((points[half] + points[~half]) / 2 if len(points) >= FEWEST_POINTS else math.nan)
        return found

    def _limit_samples(self, activity: str, limits: Iterable[Iterable[Limit]]) -> Iterator[Sample]:
        for own, of_company in zip(self._labels, limits, strict=True):
            for bound, basis, severity, team, value in of_company:
                yield Sample((*own, activity, bound, basis, severity, *((team,) if self.has_teams else ())), value)

    def _why_missing(
        self, limits: ActivityLimits, calendar: Calendar, first: date, upper: _Point, lower: _Point, *, is_share: bool
    ) -> str | None:
        """Returns why a limit of a company is not in force; None if all are, or none is configured.

        `first` is the day of its first row. Figures of shares are their volumes.
        """
        bases, history = {(limit.bound, limit.basis) for limit in limits.limits}, self.view.health.history
        if bases and is_share and not history:
            return NO_HISTORY
        for bound, (day, figure, baseline) in (("upper", upper), ("lower", lower)):
            if bound not in {each for each, _ in bases}:
                continue
            if day is None or day < first:
                return FEW_WEEKS
            if math.isnan(figure):
                return UNREAD
            if (bound, "usual") in bases and math.isnan(baseline):
                return _why_no_baseline(day, first, calendar, is_share=is_share) if history else NO_HISTORY
        return None

    def _missing_samples(self, activity: str, reasons: Iterable[str | None]) -> Iterator[Sample]:
        """Yields how many companies lack a limit, by reason; None: a company lacks none."""
        for reason, count in sorted(Counter(filter(None, reasons)).items()):
            yield Sample((self.view.target.source, self.view.report.name, activity, reason), float(count))


def _of_each(on_day: OnDay, days: Iterable[date | None]) -> list[float]:
    """Returns each company's figure on its own day; NaN without one."""
    return [on_day(day)[place] if day else math.nan for place, day in enumerate(days)]


def _why_no_baseline(day: date, first: date, calendar: Calendar, *, is_share: bool) -> str:
    if is_share:
        return FEW_WEEKS  # a week without volume has no share
    earlier = (day - WEEK * n for n in range(1, WEEKS + 1))
    there = [each for each in earlier if each >= first and each not in calendar.holidays]
    return UNREAD if len(there) >= FEWEST_POINTS else FEW_WEEKS
