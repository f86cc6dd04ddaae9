"""Forecasts polls and requests per day, the peak, and series per family; pure.

Requests come from `Report.plan`, times from the schedule. Series are those of one made-up company with every figure,
which runs through the whole pipeline.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import product
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from exporter.domain import calendars
from exporter.domain.model import Column, Days, Family, Reading, Row
from exporter.exposition.series_limit import DROPPED, REASONS, SERIES
from exporter.exposition.telemetry import Telemetry
from exporter.ledger.day_status import days_to_ask, days_to_refresh
from exporter.ledger.ledger import Asked, Ledger, fold
from exporter.metrics.report_health import UNMATCHED, families, source_families
from exporter.metrics.report_view import source_view, view
from exporter.metrics.target import Health, ReportState, Target
from exporter.platforms.api import Report, Request
from exporter.polling.poll_result import longest_piece
from exporter.polling.schedule import SPREAD, delays

DAY = timedelta(hours=24)
MINUTE = timedelta(minutes=1)
SeriesCounts = Mapping[str, int]
"""Series by family name."""


class Size(Struct, frozen=True):
    """Assumed companies of a source, and channels of a company."""

    companies: int
    channels: int = 0


class Rate(Struct, frozen=True):
    """Events in 24 hours: `expected` is the mean of many days, `most` the maximum."""

    expected: float
    most: int

    def __mul__(self, times: int) -> "Rate":
        return Rate(self.expected * times, self.most * times)

    def __add__(self, other: "Rate") -> "Rate":
        return Rate(self.expected + other.expected, self.most + other.most)


NEVER = Rate(0.0, 0)
PASSES = Rate(1.0, 2)
"""Refresh passes: one after each midnight; 24 hours may include two, or one and a start."""


class ReportForecast(Struct, frozen=True):
    """One report: `calls` per 24 hours, `peak` in calls per minute; `series` assume that all answers have status 200.

    `most_in_parts` is the maximum of calls per 24 hours if each component must be requested on its own.
    """

    name: str
    calls: Rate
    most_in_parts: int
    peak: int
    series: SeriesCounts


class SourceForecast(Struct, frozen=True):
    """One source; `series` are those that do not depend on its reports."""

    name: str
    polls: Rate
    peak: int
    reports: tuple[ReportForecast, ...]
    series: SeriesCounts

    @property
    def calls(self) -> Rate:
        return sum((report.calls for report in self.reports), NEVER)


class Forecast(Struct, frozen=True):
    """All sources, each of this `size`; `series` are those of the process."""

    size: Size
    sources: tuple[SourceForecast, ...]
    series: SeriesCounts

    @property
    def calls(self) -> Rate:
        return sum((source.calls for source in self.sources), NEVER)

    @property
    def most_in_parts(self) -> int:
        return sum(report.most_in_parts for source in self.sources for report in source.reports)

    @property
    def total_series(self) -> int:
        """All series except `chat_usage_field_info`, which depends on the platform's answers."""
        of_reports = (report.series for source in self.sources for report in source.reports)
        everywhere = (self.series, *(source.series for source in self.sources), *of_reports)
        return sum(sum(series.values()) for series in everywhere)


def forecast(targets: Sequence[Target], size: Size, now: datetime) -> Forecast:
    """Forecasts the cost of sources of this size, over the midnights of a year from `now`."""
    live, sources = _live_series(targets), list[SourceForecast]()
    for each in targets:
        own = replace(size, companies=min(size.companies, 1)) if each.one_company else size
        reports = tuple(_report(each, report, own, now, live[each.source, report.name]) for report in each.reports)
        peak = min(sum(report.peak for report in reports), most_requests_in_a_minute(each.requests_per_minute))
        series = _source_series(each, own, now)
        sources.append(SourceForecast(each.source, polls(each, now), peak, reports, series))
    named = size if any(each.one_company for each in targets) else replace(size, channels=0)
    return Forecast(named, tuple(sources), live["", ""])


def polls(target: Target, now: datetime) -> Rate:
    """Returns how many polls start in 24 hours, including the one at the start of the process.

    An interval poll starts up to `jitter` late, uniformly, and the next interval starts then.
    """
    interval = DAY / (target.interval * (1 + target.jitter / 2))
    return Rate(interval + len(delays(target)), most_polls(target, DAY, now))


def most_polls(target: Target, span: timedelta, now: datetime) -> int:
    """Returns the maximum of polls that can start within any `span`, without its end."""
    after_midnight = _most_after_midnight(target.rules.zone, tuple(delays(target).values()), span, now)
    return -(-span // target.interval) + after_midnight


@cache
def _most_after_midnight(zone: ZoneInfo, delays: Sequence[timedelta], span: timedelta, now: datetime) -> int:
    """Returns the maximum of polls after midnight within any `span` of a year, because days may have 23 or 25 hours."""
    first_day = calendars.day_at(now - max(delays) - DAY, zone)
    last_day = calendars.day_at(now + 366 * DAY, zone) - calendars.ONE_DAY
    midnights = [calendars.end(day, zone) for day in Days(first_day, last_day)]
    earliest = sorted(midnight + delay for midnight in midnights for delay in delays)
    most, first = 0, 0
    for last, moment in enumerate(earliest):
        while moment - earliest[first] >= span + SPREAD:  # the first one as late, the last one as early as possible
            first += 1
        most = max(most, last + 1 - first)
    return most


def most_requests_in_a_minute(requests_per_minute: int) -> int:
    """Returns the maximum that the rate limit allows: a whole burst, and a minute's refill."""
    return 2 * requests_per_minute - 1


def _report(target: Target, report: Report, size: Size, now: datetime, live: Counter[str]) -> ReportForecast:
    scope, rules, rate = target.scope, target.rules, polls(target, now)
    recent = days_to_ask(Ledger(), now, rules)
    past = days_to_refresh(recent, rules) if report.has_days else None
    pieces = past.pieces(longest_piece(report, report.day_bytes * size.companies)) if past else ()

    def planned(days_of_each: Sequence[Days], *, at_worst: bool = False) -> list[Request]:
        discoveries = report.assumed_discoveries(recent.last, size.channels, at_worst=at_worst)
        return [request for days in days_of_each for request in report.plan(days, scope, discoveries)]

    def most_in_parts(days_of_each: Sequence[Days]) -> int:
        return sum(1 + len(request.parts) for request in planned(days_of_each, at_worst=True))

    first = report.plan(recent, scope)
    once_a_day = sum(bool(request.discovery) for request in first)
    at_most = once_a_day + any(request.instead for request in first)  # with a filter that the key may not use
    per_poll, per_pass = len(planned([recent])), len(planned(pieces))
    others = Rate(PASSES.expected * once_a_day, PASSES.most * at_most)
    calls = rate * per_poll + PASSES * per_pass + others
    in_parts = rate.most * most_in_parts([recent]) + PASSES.most * most_in_parts(pieces) + others.most
    peak = most_polls(target, MINUTE, now) * per_poll + per_pass + at_most
    cap = most_requests_in_a_minute(target.requests_per_minute)
    series = Counter(report_series(target, report, size, now)) + live
    return ReportForecast(report.name, calls, in_parts, min(peak, cap), series)


def _source_series(target: Target, size: Size, now: datetime) -> SeriesCounts:
    """Counts the series of a source that do not depend on its reports."""
    health = Health(target.interval, last_attempt=now)
    state = ReportState(_held(target, target.reports[0], size, now), health, listed={})
    info = source_view(target, {"": state})
    own = _of_everybody(source_families(info), size.companies)
    return {**own, UNMATCHED.name: len(info.unmatched), SERIES.name: 1, DROPPED.name: len(REASONS)}


def report_series(target: Target, report: Report, size: Size, now: datetime) -> SeriesCounts:
    """Counts the series of a report if every company had all figures on each held day."""
    health = Health(target.interval, last_attempt=now, read_at=now, duration=0.0, outcome="ok", history=True)
    discoveries = report.assumed_discoveries(calendars.day_at(now, target.rules.zone), size.channels)
    state = ReportState(_held(target, report, size, now), health, discoveries=discoveries)
    return _of_everybody(families(view(target, report, state, now)), size.companies)


def _of_everybody(families_of_one: Iterable[Family], companies: int) -> SeriesCounts:
    return {family.name: len(family.samples) * (companies if family.has_companies else 1) for family in families_of_one}


def _held(target: Target, report: Report, size: Size, now: datetime) -> Ledger:
    """Returns the ledger of one company with a row of everything in each part on each day."""
    today, keep = calendars.day_at(now, target.rules.zone), target.rules.keep_days
    days = Days(today - timedelta(days=keep), today)
    figure = 1e9  # large enough for privacy.min_group and for the baselines of limits
    rows = tuple(
        Row(part, day, "1", dict.fromkeys((*columns, *_limited_columns(target, report, size)), figure))
        for part, columns in report.parts.items()
        for day in days
    )
    reading = Reading({"1": "one"}, frozenset(report.parts), rows)
    return fold(Ledger(), reading, Asked(days, today, now, keep), lambda _id, _name: True)


def _limited_columns(target: Target, report: Report, size: Size) -> Iterator[Column]:
    """Yields one value more than each limited label keeps; of channels, as many as there are."""
    for measure in report.measures:
        if any(measure.limits):
            counts = [1 if cap is None else cap + 1 for cap in target.limits.caps(measure)]
            if measure.per_subject:
                counts[0] = min(counts[0], size.channels)
            for values in product(*(map(str, range(count)) for count in counts)):
                yield Column(measure.family, values)


def _live_series(targets: Iterable[Target]) -> Mapping[tuple[str, str], Counter[str]]:
    """Returns the live series by source and report (both empty for the process) after one good answer each."""
    telemetry = Telemetry()
    for target in targets:
        for report in target.reports:
            telemetry.expect(target.source, report.name)
            telemetry.request(target.source, report.name, "200", 0.0)
    found: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for metric in telemetry.served():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        for sample in metric.samples:
            place = sample.labels.get("source", ""), sample.labels.get("report", "")
            found[place][name] += 1
    return found
