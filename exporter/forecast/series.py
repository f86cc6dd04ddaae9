"""Forecasts series by running one made-up company with every figure through the whole pipeline; pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import product

from msgspec import Struct

from exporter.domain import calendars
from exporter.domain.model import Column, Days, Family, Reading, Row
from exporter.exposition.board import DROPPED, REASONS, SERIES
from exporter.exposition.telemetry import Telemetry
from exporter.ledger.ledger import Asked, Ledger, fold
from exporter.metrics.report_health import UNMATCHED, families, source_families
from exporter.metrics.report_view import Health
from exporter.platforms.api import Report
from exporter.polling.render import source_view, view
from exporter.polling.target import ReportState, Target

GOOD = "200"
SeriesCounts = Mapping[str, int]
"""Series by family name."""


class Size(Struct, frozen=True):
    """Assumed companies of a source, and channels of a company."""

    companies: int
    channels: int = 0


def once(target: Target, size: Size, now: datetime) -> SeriesCounts:
    """Counts the series of a source that do not depend on its reports."""
    health = Health(target.interval, last_attempt=now)
    state = ReportState(_held(target, target.reports[0], size, now), health, listed={})
    info = source_view(target, {"": state})
    own = _of_everybody(source_families(info), size.companies)
    return {**own, UNMATCHED.name: len(info.unmatched), SERIES.name: 1, DROPPED.name: len(REASONS)}


def served(target: Target, report: Report, size: Size, now: datetime) -> SeriesCounts:
    """Counts the series of a report if every company had all figures on each held day."""
    health = Health(target.interval, last_attempt=now, last_success=now, duration=0.0, outcome="ok", history=True)
    discoveries = report.assumed_discoveries(calendars.day_at(now, target.rules.zone), size.channels)
    state = ReportState(_held(target, report, size, now), health, discoveries=discoveries)
    return _of_everybody(families(view(target, report, state, now)), size.companies)


def _of_everybody(families_of_one: Iterable[Family], companies: int) -> SeriesCounts:
    return {
        family.name: len(family.samples) * (companies if "company_id" in family.label_names else 1)
        for family in families_of_one
    }


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
            caps = (1 if cap is None else cap + 1 for cap in target.limits.caps(measure))
            counts = (
                min(count, size.channels) if measure.per_subject and not place else count
                for place, count in enumerate(caps)
            )
            for values in product(*(map(str, range(count)) for count in counts)):
                yield Column(measure.family, values)


def live_series(targets: Iterable[Target]) -> Mapping[tuple[str, str], Counter[str]]:
    """Returns the live series by source and report (both empty for the process) after one good answer each."""
    telemetry = Telemetry()
    for target in targets:
        for report in target.reports:
            telemetry.expect(target.source, report.name)
            telemetry.observer(target.source).request(report.name, GOOD, 0.0)
    found: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for metric in telemetry.served():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        for sample in metric.samples:
            place = sample.labels.get("source", ""), sample.labels.get("report", "")
            found[place][name] += 1
    return found
