"""Activities of companies, which alerts evaluate, their baselines and limits; pure.

chat_usage_activity_last_day{source="s",report="chat-sessions",company_id="17",company="N",activity="user_queries"} 61.0
An activity sums up a measure's figures of a company and day over all labels, or is a share of 7 days' figures.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cache, cached_property, partial
from typing import NamedTuple

from exporter.domain import calendars
from exporter.domain.calendars import ONE_DAY, Calendar
from exporter.domain.model import Family, Sample
from exporter.metrics.activity_figures import ActivityFigures, OnDay, activity_figures
from exporter.metrics.limits import NO_LIMITS, ActivityLimits, Limit
from exporter.metrics.report_view import CompanyIndex, DeferredFamily, ReportView

NO_HISTORY, FEW_WEEKS, UNREAD = "no_history", "few_weeks", "unread"
WEEKS = 6
FEWEST_POINTS = 3
WEEK = timedelta(days=7)
LABELS = ("source", "report", "company_id", "company", "activity")
LAST_DAY = "chat_usage_activity_last_day"
TODAY = "chat_usage_activity_today"
LAST_WORKING_DAY = "chat_usage_activity_last_working_day"
BASELINE = "chat_usage_activity_baseline"
LIMIT = "chat_usage_activity_limit"
MISSING = "chat_usage_activity_limit_missing"
WORKING_DAY = "chat_usage_company_last_working_day_timestamp_seconds"
_ADD = "never sum over activity"
HELP: Mapping[str, str] = {
    LAST_DAY: f"Activity on the last day (shares: 7 days); {_ADD}; day: chat_usage_report_day_timestamp_seconds.",
    TODAY: f"Activity so far today; {_ADD}; cached.",
    LAST_WORKING_DAY: f"Activity on the last business day of the company's calendar; {_ADD}; cached.",
    BASELINE: f"Median of the last day's weekday over 6 weeks, without holidays; {_ADD}; cached.",
    LIMIT: "Limits in the activity's unit; lower ones are for the last business day, upper ones for the last day.",
    MISSING: "Companies without a configured limit in force, by reason: "
    f"{NO_HISTORY}, {FEW_WEEKS} (below {FEWEST_POINTS}), {UNREAD}.",
    WORKING_DAY: "Start of the company's last business day, in seconds since 1970.",
}


def activity_families(index: CompanyIndex) -> Iterator[DeferredFamily]:
    """Yields the families of a report's activities; of stale figures only the fixed limits."""
    samples, view = _Samples(index), index.view
    judged_days, today = _judged_days(view), view.day_status.today
    for family in empty_families(teams=samples.has_teams):
        if family.name == TODAY:
            yield DeferredFamily(family, samples.of_today, frozenset([today] if today else []))
        else:
            yield DeferredFamily(family, partial(samples.of_family, family.name), judged_days)


def empty_families(*, teams: bool) -> list[Family]:
    """Returns the families of activities without samples; those of limits have `team` if any entry sets one."""
    labels = {
        LIMIT: (*LABELS, "bound", "basis", "severity", *(("team",) if teams else ())),
        MISSING: ("source", "report", "activity", "reason"),
        WORKING_DAY: LABELS[:-1],
    }
    return [Family(name, text, labels.get(name, LABELS)) for name, text in HELP.items()]


def _judged_days(view: ReportView) -> set[date]:
    """Returns the days that alerts evaluate, by any calendar, and the same weekdays before; for shares all days."""
    calendars = {view.target.rules.calendar, *(each.calendar for each in view.target.company_limits.calendars)}
    last = {view.day_status.last_day, *(_last_working_day(view, each) for each in calendars)}
    has_shares = any(each.share_of for measure in view.report.measures for each in measure.activities)
    step = ONE_DAY if has_shares else WEEK
    return {day - step * n for day in last if day for n in range((WEEKS + 1) * WEEK // step)}


def _last_working_day(view: ReportView, calendar: Calendar) -> date | None:
    return next(filter(calendar.is_working, sorted(view.day_status.published, reverse=True)), None)


class _Side(NamedTuple):
    """What limits of one bound are compared with: each company's day, its figure then and its baseline."""

    days: Sequence[date | None]
    figures: Sequence[float]
    baselines: Sequence[float]


_Point = tuple[date | None, float, float]  # the same of one company; NaN is unknown


class _Samples:
    """The samples of a report's activities by family; lists are parallel to its companies, NaN is unknown."""

    def __init__(self, index: CompanyIndex) -> None:
        self._index, self._view = index, index.view
        self._report = index.view.target.source, index.view.report.name
        self.has_teams = any(each.team for each in index.view.target.company_limits.thresholds)

    @cached_property
    def _labels(self) -> Sequence[tuple[str, ...]]:
        return [(*self._report, *each) for each in zip(self._index.all_companies, self._index.names, strict=True)]

    @cached_property
    def _limits(self) -> Sequence[Mapping[str, ActivityLimits]]:
        return list(map(self._view.target.company_limits.limits, self._index.all_companies, self._index.names))

    @cached_property
    def _calendars(self) -> Sequence[Calendar]:
        own = map(self._view.target.company_limits.calendar, self._index.all_companies, self._index.names)
        return [each or self._view.target.rules.calendar for each in own]

    @cached_property
    def _working_days(self) -> Sequence[date | None]:
        return list(map(cache(partial(_last_working_day, self._view)), self._calendars))

    def of_today(self) -> Iterator[Sample]:
        status = self._view.day_status
        if status.stale or status.last_day is None or status.today is None:
            return
        for judged in activity_figures(self._index):
            if judged.measure.today and judged.on_day and not judged.activity.share_of:
                yield from self._served(judged, judged.on_day(status.today))

    def of_family(self, name: str) -> Sequence[Sample]:
        """Returns the samples of any family but TODAY."""
        return self._of_ended_days[name]

    @cached_property
    def _of_ended_days(self) -> Mapping[str, list[Sample]]:
        samples: dict[str, list[Sample]] = {name: [] for name in HELP}
        if any(measure.activities for measure in self._view.report.measures) and not self._view.day_status.stale:
            samples[WORKING_DAY] += self._starts()
        for judged in activity_figures(self._index):
            for family, found in self._of_activity(judged):
                samples[family] += found
        return samples

    def _starts(self) -> Iterator[Sample]:
        """Yields when each company's last business day began, in the source's zone."""
        start = cache(lambda day: calendars.start(day, self._view.target.rules.zone).timestamp())
        for own, day in zip(self._labels, self._working_days, strict=True):
            if day is not None:
                yield Sample(own, start(day))

    def _of_activity(self, judged: ActivityFigures) -> Iterator[tuple[str, Iterable[Sample]]]:
        name, status = judged.activity.name, self._view.day_status
        limits = [each.get(name, NO_LIMITS) for each in self._limits]
        if judged.on_day is None or status.stale or status.last_day is None:
            if judged.on_day:
                yield LIMIT, self._numbers(name, (each.fixed() for each in limits))
            if not status.stale:
                reason = NO_HISTORY if judged.on_day else UNREAD
                yield MISSING, self._missing(name, (reason for each in limits if each.limits))
            return
        upper, lower = self._sides(cache(judged.on_day), limits, status.last_day)
        figures = {LAST_DAY: upper.figures, LAST_WORKING_DAY: lower.figures, BASELINE: upper.baselines}
        for family, values in figures.items():
            yield family, self._served(judged, values)
        if not any(each.limits for each in limits):
            return
        if judged.volume:
            upper, lower = (each._replace(figures=_of_each(judged.volume, each.days)) for each in (upper, lower))
            volumes = zip(limits, upper.figures, lower.figures, strict=True)
            limits = [each.of_volumes(judged.activity.min_volume, *of) for each, *of in volumes]
        yield LIMIT, self._numbers(name, (each.fixed() for each in limits))
        for bound, side in (("upper", upper), ("lower", lower)):
            baselines = zip(limits, self._shown(judged, side.baselines), strict=True)
            yield LIMIT, self._numbers(name, (each.usual(bound, baseline) for each, baseline in baselines))
        why = partial(self._why_missing, is_share=bool(judged.volume))
        sides = zip(*upper, strict=True), zip(*lower, strict=True)
        yield MISSING, self._missing(name, map(why, limits, self._calendars, self._index.first_days, *sides))

    def _sides(self, on_day: OnDay, limits: Sequence[ActivityLimits], last_day: date) -> tuple[_Side, _Side]:
        """Returns what upper and what lower limits are compared with."""
        last, days = [last_day] * len(limits), self._working_days
        limited_below = (any(limit.bound == "lower" for limit in each.limits) for each in limits)
        judged = [day if is_limited else None for day, is_limited in zip(days, limited_below, strict=True)]
        upper = lower = [math.nan] * len(limits)
        if self._view.health.history:
            upper = self._baselines(on_day, last)
            if any(limit[:2] == ("lower", "usual") for each in limits for limit in each.limits):
                lower = upper if days == last else self._baselines(on_day, days)
        return _Side(last, on_day(last_day), upper), _Side(days, _of_each(on_day, judged), lower)

    def _baselines(self, on_day: OnDay, days: Sequence[date | None]) -> list[float]:
        """Returns each company's baseline for the weekday of its own day."""
        covered = self._view.day_status.covered

        @cache  # most companies share their day and their calendar
        def weeks_before(day: date | None, calendar: Calendar) -> Sequence[tuple[float, ...]]:
            earlier = [day - WEEK * n for n in range(1, WEEKS + 1)] if day else []
            columns = [on_day(each) for each in earlier if each in covered and each not in calendar.holidays]
            return list(zip(*columns, strict=True)) or [()] * len(days)

        found = []
        for place, of_company in enumerate(zip(days, self._calendars, strict=True)):
            points = [point for point in weeks_before(*of_company)[place] if not math.isnan(point)]
            found.append(_median(points) if len(points) >= FEWEST_POINTS else math.nan)
        return found

    def _shown(self, judged: ActivityFigures, figures: Iterable[float]) -> list[float]:
        """Returns figures without those of small groups."""
        least = self._view.target.min_group if judged.measure.people else 0
        return [figure if figure >= least or figure == 0 else math.nan for figure in figures]

    def _served(self, judged: ActivityFigures, figures: Iterable[float]) -> Iterator[Sample]:
        for own, figure in zip(self._labels, self._shown(judged, figures), strict=True):
            if not math.isnan(figure):
                yield Sample((*own, judged.activity.name), figure)

    def _numbers(self, activity: str, limits: Iterable[Iterable[Limit]]) -> Iterator[Sample]:
        for own, of_company in zip(self._labels, limits, strict=True):
            for bound, basis, severity, team, value in of_company:
                yield Sample((*own, activity, bound, basis, severity, *((team,) if self.has_teams else ())), value)

    def _why_missing(
        self, limits: ActivityLimits, calendar: Calendar, first: date, upper: _Point, lower: _Point, *, is_share: bool
    ) -> str | None:
        """Returns why a limit of a company is not in force; None if all are, or none is configured.

        `first` is the day of its first row; of shares, figures are volumes.
        """
        bases, history = {(limit.bound, limit.basis) for limit in limits.limits}, self._view.health.history
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

    def _missing(self, activity: str, reasons: Iterable[str | None]) -> Iterator[Sample]:
        """Yields how many companies lack limits, by reason; None: a company lacks none."""
        for reason, count in sorted(Counter(filter(None, reasons)).items()):
            yield Sample((*self._report, activity, reason), float(count))


def _of_each(on_day: OnDay, days: Iterable[date | None]) -> list[float]:
    """Returns each company's figure on its own day; NaN without one."""
    return [on_day(day)[place] if day else math.nan for place, day in enumerate(days)]


def _why_no_baseline(day: date, first: date, calendar: Calendar, *, is_share: bool) -> str:
    if is_share:
        return FEW_WEEKS  # a week without volume has no share
    earlier = (day - WEEK * n for n in range(1, WEEKS + 1))
    there = [each for each in earlier if each >= first and each not in calendar.holidays]
    return UNREAD if len(there) >= FEWEST_POINTS else FEW_WEEKS


def _median(points: Sequence[float]) -> float:
    """The same as of the module statistics, which takes 0.15 MiB."""
    ordered, half = sorted(points), len(points) // 2
    return (ordered[half] + ordered[~half]) / 2
