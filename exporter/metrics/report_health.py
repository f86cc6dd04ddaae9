"""Which families exist for one report of one source: its figures, unless they are stale, and how it fares.

A line of it:

    chat_usage_report_day_timestamp_seconds{source="production",report="chat-sessions"} 1.7724096e+09
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import chain
from typing import NamedTuple

from exporter.domain import calendars
from exporter.domain.errors import OUTCOMES
from exporter.domain.model import Family, Sample
from exporter.metrics.activities import activity_families
from exporter.metrics.report_view import ReportView
from exporter.metrics.usage import usage_families
from exporter.metrics.windows import SUMS
from exporter.platforms.api import INVARIANTS

REPORT_LABELS = ("source", "report")


def families(view: ReportView) -> Iterator[Family]:
    """Yields every family of one report that has samples: figures, unless they are stale, and health.

    One after the other: the samples of all of them together would be far more than the exposition.
    """
    found = iter(()) if view.day_status.stale else usage_families(view)
    for family in chain(found, activity_families(view), _health(view)):
        if family.samples and not any(fnmatchcase(family.name, glob) for glob in view.excluded):
            yield family


# Health: one table, a line per family.


class Gauge(NamedTuple):
    """A gauge of one report: None is no sample."""

    name: str
    help: str
    value: Callable[[ReportView], float | None]


def _seconds(moment: datetime | None) -> float:
    return 0.0 if moment is None else moment.timestamp()


def _day_start(view: ReportView) -> float | None:
    day = view.day_status.last_day
    return None if day is None else calendars.start(day, view.rules.zone).timestamp()


def _companies_on_last_day(view: ReportView) -> float | None:
    day = view.day_status.last_day
    if day is None:
        return None
    return len({company for table in view.ledger.blocks[day].tables.values() for company in table.companies})


REPORT_GAUGES = (
    Gauge("chat_usage_report_up", "1 if the last poll of the report was good.", lambda v: v.health.outcome == "ok"),
    Gauge(
        "chat_usage_report_supported",
        "1 if the platform has the report, 0 if its first answer was none of it; then it is asked once a day.",
        lambda v: v.health.supported,
    ),
    Gauge(
        "chat_usage_report_day_timestamp_seconds",
        "Start of the day that the _last_day families of the report describe, in seconds since 1970.",
        _day_start,
    ),
    Gauge(
        "chat_usage_report_empty_day",
        "1 while a complete working day without a row of any company waits to be served as zeros.",
        lambda v: v.day_status.empty_day if v.report.has_days else None,
    ),
    Gauge("chat_usage_report_companies", "Companies with a row of their own on the last day.", _companies_on_last_day),
    Gauge(
        "chat_usage_report_companies_withdrawn",
        "Companies whose rows of all asked days the platform took back; they have no series until it lists them again.",
        lambda v: len(v.ledger.withdrawn),
    ),
    Gauge(
        "chat_usage_report_restated_ratio",
        "How much of a day served as complete changed at the last poll: sum of changes / sum, the largest.",
        lambda v: v.health.restated_ratio,
    ),
    Gauge(
        "chat_usage_poll_last_attempt_timestamp_seconds",
        "When the report was last polled, in seconds since 1970; 0 is never.",
        lambda v: _seconds(v.health.last_attempt),
    ),
    Gauge(
        "chat_usage_poll_last_success_timestamp_seconds",
        "When the last good poll of the report was made, in seconds since 1970; 0 is never.",
        lambda v: _seconds(v.health.last_success),
    ),
    Gauge(
        "chat_usage_poll_interval_seconds",
        "The configured time between two polls.",
        lambda v: v.health.interval.total_seconds(),
    ),
    Gauge(
        "chat_usage_poll_duration_seconds",
        "How long the last poll of the report took, from the first question to the last answer read.",
        lambda v: v.health.duration,
    ),
)
LAST_OUTCOME = Family(
    "chat_usage_poll_last_outcome",
    "1 for the outcome of the last poll of the report, 0 for the others.",
    (*REPORT_LABELS, "outcome"),
)


COVERAGE = Family(
    "chat_usage_report_window_coverage_ratio",
    "Share of the window's days that were read after their end, 0 to 1.",
    (*REPORT_LABELS, "window"),
)
RESTATEMENTS = Family(
    "chat_usage_report_restatements_total",
    "Figures (per company, day, measure and label) that changed after they were served as complete.",
    REPORT_LABELS,
    kind="counter",
)


DRIFT = Family(
    "chat_usage_schema_drift",
    "Fields of the last good answer that are not as documented: unknown, missing, or of another type.",
    (*REPORT_LABELS, "kind"),
)
DRIFTS = ("unknown", "missing", "retyped")
VIOLATIONS = Family(
    "chat_usage_invariant_violations",
    "Rows of the last good answer that cannot be true, by what they break.",
    (*REPORT_LABELS, "invariant"),
)
FIELD_INFO = Family(
    "chat_usage_field_info",
    "Always 1; what the platform says of the fields of the report.",
    (*REPORT_LABELS, "field", "unit", "description"),
)
REPORT_FAMILIES = (LAST_OUTCOME, DRIFT, VIOLATIONS, FIELD_INFO, COVERAGE, RESTATEMENTS)


def _trust(view: ReportView) -> Iterator[Family]:
    """Yields what says whether the figures can be trusted, once a poll was good."""
    labels, health = (view.source, view.report.name), view.health
    if health.last_success is not None:
        drift = (Sample((*labels, kind), float(health.drift.get(kind, 0))) for kind in DRIFTS)
        invariants = dict.fromkeys((*view.report.invariants, *INVARIANTS, *health.violations))
        broken = (Sample((*labels, name), float(health.violations.get(name, 0))) for name in invariants)
        yield DRIFT.of(drift)
        yield VIOLATIONS.of(broken)
        yield FIELD_INFO.of(Sample((*labels, *note), 1.0) for note in health.fields)


def _coverage(view: ReportView) -> tuple[Sample, ...]:
    last = view.day_status.last_day
    if last is None:
        return ()
    return tuple(
        Sample(
            (view.source, view.report.name, window.suffix.removeprefix("_")),
            sum(day in view.day_status.covered for day in window.ending(last)) / window.days,
        )
        for window in SUMS
    )


def _health(view: ReportView) -> Iterator[Family]:
    labels = (view.source, view.report.name)
    yield from _trust(view)
    yield COVERAGE.of(_coverage(view))
    yield RESTATEMENTS.of([Sample(labels, float(view.health.restatements))])
    for gauge in REPORT_GAUGES:
        value = gauge.value(view)
        samples = () if value is None else (Sample(labels, float(value)),)
        yield Family(gauge.name, gauge.help, REPORT_LABELS, samples)
    yield LAST_OUTCOME.of(Sample((*labels, each), float(view.health.outcome == each)) for each in OUTCOMES)
