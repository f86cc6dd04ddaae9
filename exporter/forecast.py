"""What a configuration will cost before anything is asked: polls and requests per day, the peak, series per family.

Pure. Nothing is listed by hand: requests come from `Report.plan`, moments from the schedule, and series from the road
itself: one invented company that has every figure travels it, and what it has then counts once per company.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from exporter import calendars
from exporter.drawing import source_view, view
from exporter.families import Health, families
from exporter.judge import days_to_ask, history_to_ask, pieces
from exporter.ledger import Asked, Ledger, fold
from exporter.memory import State
from exporter.model import Column, Days, Family, Reading, Row
from exporter.page import cardinality, write
from exporter.question import Watch
from exporter.roster import source_families
from exporter.schedule import SPREAD, Cadence
from exporter.source import Report
from exporter.succession import longest_piece
from exporter.telemetry import Telemetry

DAY = timedelta(hours=24)
MINUTE = timedelta(minutes=1)
A_YEAR_OF_DAYS = 366
GOOD = "200"

Series = Mapping[str, int]
"""How many series each family has, by its name."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something happens in 24 hours: `expected` is the mean over many days, `most` the bound of each."""

    expected: float
    most: int

    def times(self, expected: int, most: int) -> "Rate":
        """Returns how often something happens that goes with each of these, usually and at most."""
        return Rate(self.expected * expected, self.most * most)

    def plus(self, other: "Rate") -> "Rate":
        """Returns how often either happens."""
        return Rate(self.expected + other.expected, self.most + other.most)


PASSES = Rate(1.0, 2)
"""Passes over the past: one after each flip; 24 hours may hold two flips, or a start and a flip."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One source as it is configured; `requests_per_minute` is also the burst."""

    watch: Watch
    cadence: Cadence
    requests_per_minute: int


@dataclass(frozen=True, slots=True)
class ReportForecast:
    """One report: `calls` per 24 hours, `peak` in calls within one minute, `series` without the live ones' codes."""

    name: str
    calls: Rate
    peak: int
    series: Series


@dataclass(frozen=True, slots=True)
class SourceForecast:
    """One source: `series` are those that it has once, whatever its reports."""

    name: str
    polls: Rate
    peak: int
    reports: tuple[ReportForecast, ...]
    series: Series

    @property
    def calls(self) -> Rate:
        """The calls of all reports."""
        return _sum(report.calls for report in self.reports)


@dataclass(frozen=True, slots=True)
class Forecast:
    """All sources for so many companies each; `series` are those of the process."""

    companies: int
    sources: tuple[SourceForecast, ...]
    series: Series

    @property
    def calls(self) -> Rate:
        """The calls of all sources."""
        return _sum(source.calls for source in self.sources)

    @property
    def total_series(self) -> int:
        """The series of the whole page, but `chat_usage_field_info`: what a platform says of itself is not foreseen."""
        of_reports = (report.series for source in self.sources for report in source.reports)
        everywhere = (self.series, *(source.series for source in self.sources), *of_reports)
        return sum(sum(series.values()) for series in everywhere)


def forecast(plans: Sequence[Plan], companies: int, now: datetime) -> Forecast:
    """Foresees what `plans` cost with so many companies per source; counts in the midnights of a year from `now`."""
    live = _live(plans)
    sources = tuple(_source(plan, companies, now, live) for plan in plans)
    return Forecast(companies, sources, live("", ""))


def polls(cadence: Cadence, now: datetime) -> Rate:
    """Returns how many polls begin in 24 hours, the one at a start included.

    An interval poll begins up to `jitter` late, equally likely at any moment, and the next one counts from there.
    """
    interval = DAY / (cadence.interval * (1 + cadence.jitter / 2))
    return Rate(interval + len(cadence.delays()), most_polls(cadence, DAY, now))


def most_polls(cadence: Cadence, span: timedelta, now: datetime) -> int:
    """Returns the most polls that can begin within any `span`, its end excluded."""
    return -(-span // cadence.interval) + _most_after_midnights(cadence, span, now)


def most_requests_in_a_minute(requests_per_minute: int) -> int:
    """Returns the most requests that the rate limit lets through in a minute.

    After a quiet minute that is a whole burst, and what is refilled before the next minute begins.
    """
    return 2 * requests_per_minute - 1


def _most_after_midnights(cadence: Cadence, span: timedelta, now: datetime) -> int:
    """Counts in the midnights of a year, so that days of 23 and 25 hours count as they are."""
    reach = max(cadence.delays().values(), default=timedelta(0)) + DAY
    midnights = _midnights(now - reach, now + A_YEAR_OF_DAYS * DAY, cadence.zone)
    earliest = sorted(midnight + delay for midnight in midnights for delay in cadence.delays().values())
    most = first = 0
    for last, moment in enumerate(earliest):
        while moment - earliest[first] >= span + SPREAD:  # the first one as late, the last one as early as can be
            first += 1
        most = max(most, last + 1 - first)
    return most


def _midnights(since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    midnight = calendars.next_midnight(since, zone)
    while midnight < until:
        yield midnight
        midnight = calendars.next_midnight(midnight, zone)


def _source(plan: Plan, companies: int, now: datetime, live: Callable[[str, str], Series]) -> SourceForecast:
    watch, cap = plan.watch, most_requests_in_a_minute(plan.requests_per_minute)
    rate, at_once = polls(plan.cadence, now), most_polls(plan.cadence, MINUTE, now)
    reports, together = [], 0
    for report in watch.reports:
        recent, past = _requests(plan, report, companies, now)
        calls = rate.times(*recent).plus(PASSES.times(*past))
        peak = at_once * recent[1] + past[1]
        series = Counter(_served(watch, report, companies, now)) + Counter(live(watch.source, report.name))
        reports.append(ReportForecast(report.name, calls, min(peak, cap), series))
        together += peak
    return SourceForecast(watch.source, rate, min(together, cap), tuple(reports), _own(watch, companies, now))


def _requests(plan: Plan, report: Report, companies: int, now: datetime) -> tuple[tuple[int, int], tuple[int, int]]:
    """Counts the requests of one poll and of one pass over the past: usually, and if every filter is refused."""
    watch = plan.watch
    recent = days_to_ask(Ledger(), now, watch.rules)
    past = history_to_ask(recent, watch.rules) if report.has_days else None
    longest = longest_piece(report, report.day_bytes * companies)
    return _count(watch, report, (recent,)), _count(watch, report, pieces(past, longest) if past else ())


def _count(watch: Watch, report: Report, ranges: Iterable[Days]) -> tuple[int, int]:
    requests = [request for days in ranges for request in report.plan(days, watch.scope)]
    return len(requests), len(requests) + sum(request.instead is not None for request in requests)


def _own(watch: Watch, companies: int, now: datetime) -> Series:
    """Counts what a source has once: per company its name, and the series that count its series."""
    state = State(_held(watch, watch.reports[0], now), Health(watch.interval), listed={})
    own = source_families(source_view(watch, {"": state}))
    counts = cardinality({(watch.source, ""): [write(family) for family in own]}, frozenset())
    return _of_everybody((*own, *counts), companies)


def _served(watch: Watch, report: Report, companies: int, now: datetime) -> Series:
    """Counts what the page would have of a report if every company had all figures on each held day."""
    health = Health(watch.interval, last_attempt=now, last_success=now, duration=0.0, outcome="ok", history=True)
    return _of_everybody(families(view(watch, report, State(_held(watch, report, now), health), now)), companies)


def _of_everybody(families_of_one: Iterable[Family], companies: int) -> Series:
    """Counts each series of the one company as often as there are companies."""
    return {
        family.name: len(family.samples) * (companies if "company_id" in family.label_names else 1)
        for family in families_of_one
    }


def _held(watch: Watch, report: Report, now: datetime) -> Ledger:
    """Returns the ledger of one company with a row of everything in each part on each day."""
    today, keep = calendars.day_at(now, watch.rules.zone), watch.rules.keep_days
    days = Days(today - timedelta(days=keep), today)
    figure = float(max(1, watch.min_group))  # every group may be told
    rows = tuple(
        Row(part, day, "1", dict.fromkeys((*columns, *_open_columns(watch, report)), figure))
        for part, columns in report.parts.items()
        for day in days
    )
    reading = Reading({"1": "one"}, frozenset(report.parts), rows)
    return fold(Ledger(), reading, Asked(days, today, now, keep), lambda _id, _name: True)


def _open_columns(watch: Watch, report: Report) -> Iterator[Column]:
    """Yields as many values of open labels as are kept, and one that is not."""
    for measure in report.measures:
        if any(measure.limits):
            for n in range(watch.limits.values[measure.limits[-1]] + 1):
                yield Column(measure.family, ("",) * (len(measure.labels) - 1) + (str(n),))


def _live(plans: Iterable[Plan]) -> Callable[[str, str], Series]:
    """Returns the live series by source and report, of the process where both are empty, after one good answer each."""
    telemetry = Telemetry()
    for plan in plans:
        for report in plan.watch.reports:
            telemetry.expect(plan.watch.source, report.name)
            telemetry.observer(plan.watch.source).request(report.name, GOOD, 0.0)
    found: dict[tuple[str, str], Counter[str]] = {}
    for metric in telemetry.served().collect():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        for sample in metric.samples:
            place = sample.labels.get("source", ""), sample.labels.get("report", "")
            found.setdefault(place, Counter())[name] += 1
    return lambda source, report: found.get((source, report), Counter())


def _sum(rates: Iterable[Rate]) -> Rate:
    rates = tuple(rates)
    return Rate(sum(rate.expected for rate in rates), sum(rate.most for rate in rates))
