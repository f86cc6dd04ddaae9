"""The held figures with their dates, from what was published: one row per company, day, measure and label. Pure.

A figure of the last day or of today is the one on /metrics, made by the same rules: zeros need evidence, small groups
are not told, open labels keep their limits. Knows no HTTP and no format.
"""

import math
from array import array
from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property
from hashlib import blake2b

import msgspec

from exporter.domain import calendars
from exporter.domain.model import Column, Kind, Measure, Sample
from exporter.ledger.ledger import Ledger, Table, by_number
from exporter.metrics.label_limits import Span, capped
from exporter.metrics.limited_labels import some_at_once
from exporter.metrics.report_health import View
from exporter.metrics.report_view import Known
from exporter.metrics.windows import describe, windows

DATED = (Kind.SUM, Kind.DISTINCT, Kind.AVERAGE)
"""The kinds whose figures belong to one day; a moment or a level does not."""


class DayState(StrEnum):
    """How far a day has come (docs/days.md)."""

    TODAY = "today"
    SETTLING = "settling"
    EMPTY = "empty"
    PUBLISHED = "published"
    FINAL = "final"


class Evidence(StrEnum):
    """What a figure rests on: the company has a row on that day, or its silence is a zero."""

    ROW = "row"
    SILENCE = "silence"


class Dated(msgspec.Struct, frozen=True):
    """One figure; `labels` are the measure's own, name and value, at most two."""

    date: date
    source: str
    report: str
    company_id: str
    company: str
    measure: str
    labels: Mapping[str, str]
    value: float
    state: DayState
    evidence: Evidence


def measures(view: View) -> Iterator[Measure]:
    """Yields the measures of a report whose figures have days, without those whose every family is unwanted."""
    for measure in view.report.measures if view.report.has_days else ():
        names = [describe(measure, window, view.report)[0] for window in windows(measure)]
        if measure.kind in DATED and not all(any(fnmatchcase(name, glob) for glob in view.excluded) for name in names):
            yield measure


def states(view: View) -> Mapping[date, DayState]:
    """Returns the held days of a report, oldest first, with their states; none if its figures are stale."""
    if view.day_status.stale or not view.report.has_days:
        return {}
    reread_since = max(view.ledger.blocks, default=date.min) - timedelta(days=view.rules.reread_days)
    return {day: _state(view, day, reread_since) for day in sorted(view.ledger.blocks)}


def _state(view: View, day: date, reread_since: date) -> DayState:
    if day in view.day_status.published:
        return DayState.FINAL if day < reread_since else DayState.PUBLISHED
    if day == view.day_status.today:
        return DayState.TODAY
    settled_at = calendars.end(day, view.rules.zone) + view.rules.settle
    return DayState.EMPTY if view.ledger.blocks[day].read_at >= settled_at else DayState.SETTLING


class DailyFigures:
    """The dated figures of one view; what all companies share is worked out once."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.states = states(view)
        self._whole = Known(view.held)
        self.companies: Mapping[str, str] = (
            {company: view.ledger.names[company] for part in self._whole.companies.values() for company in part}
            if self.states
            else {}
        )
        """Names by id, of those that have a figure on some day."""

    @cached_property
    def version(self) -> bytes:
        """What changes with the figures, and not with a poll that changed none."""
        held, ledger = self.view.held, self.view.ledger
        digest = blake2b(digest_size=16)
        kept = {family: sorted((who, sorted(what)) for who, what in each.items()) for family, each in held.kept.items()}
        rules = (self.view.rules.zone.key, self.view.excluded, held.min_group, held.limits, kept)
        names = sorted(ledger.names.items()), sorted(ledger.withdrawn)
        digest.update(repr((held.source, held.report.name, rules, names)).encode())
        for day, state in self.states.items():
            digest.update(f"{day} {state}".encode())
            for part, table in sorted(ledger.blocks[day].tables.items()):
                digest.update(repr((part, table.companies, sorted(table.columns))).encode())
                for column in sorted(table.columns):
                    digest.update(table.columns[column])
        return digest.digest()

    def figures(self, companies: Iterable[str], wanted: Container[str], days: Container[date]) -> Iterator[Dated]:
        """Yields the figures of some companies in some measures (by family), by measure and label, then by day."""
        ledger = _narrowed(self.view.ledger, sorted(companies, key=by_number), wanted)
        known = Known(replace(self.view.held, ledger=ledger))
        yield from self._figures(known, (each for each in measures(self.view) if each.family in wanted), days)

    def of_all(self, chosen: Iterable[Measure], days: Container[date]) -> Iterator[Dated]:
        """Yields the figures of all companies in some measures, one measure after the other."""
        yield from self._figures(self._whole, chosen, days)

    def _figures(self, known: Known, chosen: Iterable[Measure], days: Container[date]) -> Iterator[Dated]:
        states = {day: state for day, state in self.states.items() if day in days}
        for measure in chosen:
            yield from (self._open if any(measure.limits) else self._closed)(known, measure, states)

    def _closed(self, known: Known, measure: Measure, states: Mapping[date, DayState]) -> Iterator[Dated]:
        for part, column in self._whole.columns(measure):
            if part not in known.companies:
                continue
            for day, state in _told(states, measure):
                table = known.table(day, part)
                silence = math.nan if measure.kind is Kind.AVERAGE or state is DayState.SETTLING else 0.0
                values = _values(table, column, known.companies[part], silence)
                here = frozenset(table.companies)
                for sample in known.samples(part, column, values, day):
                    yield self._dated(sample, measure, day, state, here)

    def _open(self, known: Known, measure: Measure, states: Mapping[date, DayState]) -> Iterator[Dated]:
        for part, companies in known.companies.items():
            for some in some_at_once(companies):
                yield from self._open_of(known, measure, part, some, states)

    def _open_of(
        self, known: Known, measure: Measure, part: str, some: Sequence[str], states: Mapping[date, DayState]
    ) -> Iterator[Dated]:
        held, uses = known.held, known.uses(part, measure, some)
        kept, caps = held.kept.get(measure.family, {}), held.limits.caps(measure)
        for day, state in _told(states, measure):
            here, span = frozenset(known.table(day, part).companies), Span((day,), day)
            for company in (each for each in some if each in uses):
                if state is DayState.SETTLING and company not in here:
                    continue
                for labels, value in capped(uses[company], kept.get(company, frozenset()), caps, span, measure):
                    sample = Sample((held.source, company, held.ledger.names[company], *labels), value)
                    yield self._dated(sample, measure, day, state, here)

    def _dated(self, sample: Sample, measure: Measure, day: date, state: DayState, here: Container[str]) -> Dated:
        source, company_id, company, *labels = sample.label_values
        return Dated(
            date=day,
            source=source,
            report=self.view.report.name,
            company_id=company_id,
            company=company,
            measure=measure.family,
            labels=dict(zip(measure.labels, labels, strict=True)),
            value=sample.value,
            state=state,
            evidence=Evidence.ROW if company_id in here else Evidence.SILENCE,
        )


def _narrowed(ledger: Ledger, companies: Sequence[str], families: Container[str]) -> Ledger:
    """Returns what is held of some companies, sorted, in some families; finds them in a table without walking it."""
    blocks = {
        day: replace(block, tables={part: _only(table, companies, families) for part, table in block.tables.items()})
        for day, block in ledger.blocks.items()
    }
    names = {company: ledger.names[company] for company in companies if company in ledger.names}
    return Ledger(blocks, names, ledger.withdrawn & names.keys())


def _only(table: Table, companies: Sequence[str], families: Container[str]) -> Table:
    places = [bisect_left(table.companies, by_number(company), key=by_number) for company in companies]
    here = [
        (place, company)
        for place, company in zip(places, companies, strict=True)
        if table.companies[place : place + 1] == (company,)
    ]
    columns = {
        column: array("d", [values[place] for place, _ in here])
        for column, values in table.columns.items()
        if column.family in families
    }
    return Table(tuple(company for _, company in here), columns)


def _told(states: Mapping[date, DayState], measure: Measure) -> Iterator[tuple[date, DayState]]:
    """Yields the days that a measure may have figures on; a day that waits for its rows has none yet."""
    for day, state in states.items():
        if state is not DayState.EMPTY and (measure.today or state is not DayState.TODAY):
            yield day, state


def _values(table: Table, column: Column, companies: Sequence[str], silence: float) -> Sequence[float]:
    """Returns the figures of one day in the order of `companies`; `silence` for those without a row."""
    rows = dict.fromkeys(table.companies, math.nan)  # a row without this figure says nothing about it
    rows.update(zip(table.companies, table.columns.get(column, ()), strict=False))
    return [rows.get(company, silence) for company in companies]
