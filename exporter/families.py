"""Which lines exist: metric families of one report of one source, made from its ledger, judgement and health.

Generic over `exporter.model.Measure`; knows no platform and no text format. A line of it:

    paradigm_user_queries_last_day{source="production",company_id="17",company="Northwind",mode="chat"} 61.0
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import NamedTuple

from exporter import calendars
from exporter.errors import OUTCOMES
from exporter.judge import DayRules, Judgement
from exporter.ledger import Ledger, Table, by_number
from exporter.model import Column, Family, Kind, Measure, Sample
from exporter.source import Report

COMPANY_LABELS = ("source", "company_id", "company")
REPORT_LABELS = ("source", "report")


class Window(NamedTuple):
    """A window of a measure: the suffix of the family's name and the words of its HELP line."""

    suffix: str
    words: str
    day_gauge: str


LAST_DAY = Window(
    "_last_day",
    "on the newest complete day",
    "chat_usage_report_day_timestamp_seconds tells which day",
)
TODAY = Window(
    "_today",
    "so far today, partial, may fall",
    "chat_usage_poll_last_success_timestamp_seconds tells as of when",
)


def windows(measure: Measure) -> tuple[Window, ...]:
    """Returns the windows that a measure is served in; none for a moment."""
    return () if measure.kind is Kind.INSTANT else (LAST_DAY, TODAY)


def describe(measure: Measure, window: Window | None, report: Report) -> tuple[str, str]:
    """Returns name and HELP of a measure's family in a window."""
    if window is None:
        return measure.family, f"{measure.help}, by the report {report.name}; polled and cached."
    return (
        f"{measure.family}{window.suffix}",
        f"{measure.help} {window.words}, by the report {report.name}; polled and cached, {window.day_gauge}.",
    )


@dataclass(frozen=True, slots=True)
class Health:
    """How polling a report goes: moments are None before the first; `outcome` is that of the last poll."""

    interval: timedelta
    last_attempt: datetime | None = None
    last_success: datetime | None = None
    duration: float | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class View:
    """All that the families of one report of one source are made from."""

    source: str
    report: Report
    ledger: Ledger
    judgement: Judgement
    health: Health
    rules: DayRules
    excluded: tuple[str, ...] = ()


def families(view: View) -> tuple[Family, ...]:
    """Returns every family of one report that has samples: figures, unless they are stale, and health."""
    figures = () if view.judgement.stale else tuple(_figures(view))
    return tuple(
        family
        for family in (*figures, *_health(view))
        if family.samples and not any(fnmatchcase(family.name, glob) for glob in view.excluded)
    )


# Figures: one family per measure and window.


def _figures(view: View) -> Iterator[Family]:
    first_days = view.ledger.first_days()
    days = {LAST_DAY: view.judgement.last_day, TODAY: view.judgement.today}
    for measure in view.report.measures:
        label_names = COMPANY_LABELS + measure.labels
        if measure.kind is Kind.INSTANT:
            name, text = describe(measure, None, view.report)
            yield Family(name, text, label_names, tuple(_newest(view, measure, first_days)))
        for window in windows(measure):
            day = days[window]
            if day is not None:
                name, text = describe(measure, window, view.report)
                yield Family(name, text, label_names, tuple(_on_day(view, measure, day, first_days)))


def _columns(view: View, measure: Measure) -> Iterator[tuple[str, Column]]:
    """Yields the columns of a measure that some held row has a figure for, with the part that they belong to.

    What the platform never told of anybody, as older releases lack a field, is nobody's 0.
    """
    held = view.ledger.columns()
    for part, columns in view.report.parts.items():
        known = held.get(part, frozenset())
        yield from ((part, column) for column in columns if column.family == measure.family and column in known)


def _on_day(view: View, measure: Measure, day: date, first_days: Mapping[str, Mapping[str, date]]) -> Iterator[Sample]:
    """Yields the figures of one day; without a row it is 0 from the company's first row on, if silence counts."""
    silence = math.nan if measure.kind is Kind.AVERAGE else 0.0
    for part, column in _columns(view, measure):
        table = view.ledger.blocks[day].tables.get(part, Table())
        values = table.columns.get(column)
        rows = dict(zip(table.companies, values, strict=True)) if values is not None else {}
        absent = dict.fromkeys(table.companies, math.nan)  # a row without this figure
        for company, first in sorted(first_days.get(part, {}).items(), key=lambda item: by_number(item[0])):
            value = rows.get(company, absent.get(company, silence))
            if first <= day and not math.isnan(value):
                yield _sample(view, company, column, value)


def _newest(view: View, measure: Measure, first_days: Mapping[str, Mapping[str, date]]) -> Iterator[Sample]:
    """Yields the largest held moment of each company."""
    for part, column in _columns(view, measure):
        newest: dict[str, float] = {}
        for block in view.ledger.blocks.values():
            table = block.tables.get(part, Table())
            for company, value in zip(table.companies, table.columns.get(column, ()), strict=False):
                if value > newest.get(company, -math.inf):
                    newest[company] = value
        for company in sorted(newest, key=by_number):
            if company in first_days.get(part, {}):
                yield _sample(view, company, column, newest[company])


def _sample(view: View, company: str, column: Column, value: float) -> Sample:
    return Sample((view.source, company, view.ledger.names[company], *column.label_values), value)


# Health: one table, a line per family.


class Gauge(NamedTuple):
    """A gauge of one report: None is no sample."""

    name: str
    help: str
    value: Callable[[View], float | None]


def _seconds(moment: datetime | None) -> float:
    return 0.0 if moment is None else moment.timestamp()


def _day_start(view: View) -> float | None:
    day = view.judgement.last_day
    return None if day is None else calendars.start(day, view.rules.zone).timestamp()


def _companies_on_last_day(view: View) -> float | None:
    day = view.judgement.last_day
    if day is None:
        return None
    return len({company for table in view.ledger.blocks[day].tables.values() for company in table.companies})


REPORT_GAUGES = (
    Gauge("chat_usage_report_up", "1 if the last poll of the report was good.", lambda v: v.health.outcome == "ok"),
    Gauge(
        "chat_usage_report_day_timestamp_seconds",
        "Start of the day that the _last_day families of the report describe, in seconds since 1970.",
        _day_start,
    ),
    Gauge(
        "chat_usage_report_empty_day",
        "1 while a complete working day without a row of any company waits to be served as zeros.",
        lambda v: v.judgement.empty_day,
    ),
    Gauge(
        "chat_usage_report_companies",
        "Companies with a row of their own on the last day.",
        _companies_on_last_day,
    ),
    Gauge(
        "chat_usage_report_companies_withdrawn",
        "Companies whose rows of all asked days the platform took back; they have no series until it lists them again.",
        lambda v: len(v.ledger.withdrawn),
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
LAST_OUTCOME = "chat_usage_poll_last_outcome"
LAST_OUTCOME_HELP = "1 for the outcome of the last poll of the report, 0 for the others."
SETTLE = "chat_usage_settle_seconds"
SETTLE_HELP = "How long after its end a day of the source is complete, as configured."


def source_families(source: str, rules: DayRules) -> tuple[Family, ...]:
    """Returns the families that a source has once, whatever its reports do."""
    return (Family(SETTLE, SETTLE_HELP, ("source",), (Sample((source,), rules.settle.total_seconds()),)),)


def _health(view: View) -> Iterator[Family]:
    labels = (view.source, view.report.name)
    for gauge in REPORT_GAUGES:
        value = gauge.value(view)
        samples = () if value is None else (Sample(labels, float(value)),)
        yield Family(gauge.name, gauge.help, REPORT_LABELS, samples)
    yield Family(
        LAST_OUTCOME,
        LAST_OUTCOME_HELP,
        (*REPORT_LABELS, "outcome"),
        tuple(Sample((*labels, outcome), float(view.health.outcome == outcome)) for outcome in OUTCOMES),
    )
