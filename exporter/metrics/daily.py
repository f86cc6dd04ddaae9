"""Held figures with their dates: one row per company, day, measure and label; pure, knows no HTTP.

A figure of the last day or of today equals the one on /metrics: zeros, small groups, limited labels.
"""

import math
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache, cached_property
from hashlib import blake2b
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from exporter.domain.model import Kind, Measure
from exporter.metrics.report_view import CompanyIndex, ReportView
from exporter.metrics.usage import NO_WINDOW, families_of, limited_part_sums


class DayState(StrEnum):
    """The state of a day (docs/concepts.md)."""

    TODAY = "today"
    SETTLING = "settling"
    EMPTY = "empty"
    PUBLISHED = "published"
    FINAL = "final"


State = Annotated[
    DayState,
    Meta(
        description="`today` runs and is partial; `settling` has ended and may still change; `empty` is a business day "
        "without any row, which waits; `published` is served as complete; `final` is not asked again but by the daily "
        "refresh pass."
    ),
]


class Evidence(StrEnum):
    """`row`: the platform listed the company on that day; `silence`: it did not, which is a zero."""

    ROW = "row"
    SILENCE = "silence"


Day = date  # Python 3.14 looks annotations up late, when a field may bear the name of its type


class DailyFigure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One figure; `labels` are the measure's own, at most two."""

    date: Day
    source: str
    report: str
    company_id: str
    company: str
    measure: Annotated[str, Meta(description="The name of its metric without the window.")]
    labels: Annotated[Mapping[str, str], Meta(max_length=2)]
    value: float
    state: State
    evidence: Evidence


class SeriesPiece(NamedTuple):
    """Some figures of a series, which comes from a part of an answer, by day, oldest first."""

    part: str
    label_values: tuple[str, ...]
    figures: Sequence[tuple[date, float]]


def measures(view: ReportView) -> Iterator[Measure]:
    """Yields the measures of a report that have windows, not all of which are excluded."""
    for measure in view.report.measures if view.report.has_days else ():
        families = families_of(measure, view.report)
        names = () if NO_WINDOW in families else [family.name for family in families.values()]
        if not all(any(fnmatchcase(name, glob) for glob in view.target.excluded) for name in names):
            yield measure


def states(view: ReportView) -> Mapping[date, DayState]:
    """Returns the held days of a report, oldest first, with their states; none if its figures are stale."""
    if view.day_status.stale or not view.report.has_days:
        return {}
    reread_since = max(view.ledger.blocks, default=date.min) - timedelta(days=view.target.rules.reread_days)
    return {day: _state(view, day, reread_since) for day in sorted(view.ledger.blocks)}


def _state(view: ReportView, day: date, reread_since: date) -> DayState:
    if day in view.day_status.published:
        return DayState.FINAL if day < reread_since else DayState.PUBLISHED
    if day == view.day_status.running:
        return DayState.TODAY
    return DayState.EMPTY if view.ledger.blocks[day].read_at >= view.target.rules.settled_at(day) else DayState.SETTLING


class DailyFigures:
    """The dated figures of one view; what companies share is computed once."""

    def __init__(self, view: ReportView) -> None:
        self.view = view
        self.states = states(view)
        self._whole = CompanyIndex(view)
        self._rows = cache(lambda part, day: frozenset(view.ledger.table(day, part).companies))
        named = zip(self._whole.all_companies, self._whole.names, strict=True) if self.states else ()
        self.companies = dict[str, str](named)  # by id, of those that have a figure on some day

    @cached_property
    def version(self) -> bytes:
        """Changes with the figures, not with a poll that changed none."""
        view, ledger = self.view, self.view.ledger
        digest = blake2b(digest_size=16)
        kept = {family: sorted((who, sorted(what)) for who, what in each.items()) for family, each in view.kept.items()}
        rules = (view.target.rules.zone.key, view.target.excluded, view.target.min_group, view.target.limits, kept)
        names = sorted(ledger.names.items()), sorted(ledger.withdrawn), view.report.measures
        digest.update(repr((view.target.source, view.report.name, rules, names)).encode())
        for day, state in self.states.items():
            digest.update(f"{day} {state}".encode())
            for part, table in sorted(ledger.blocks[day].tables.items()):
                digest.update(repr((part, table.companies, sorted(table.lost), sorted(table.columns))).encode())
                for column in sorted(table.columns):
                    digest.update(table.columns[column])
        return digest.digest()

    def figures(
        self, companies: Collection[str], wanted: Container[str], days: Container[date]
    ) -> Iterator[DailyFigure]:
        """Yields figures of some companies and families, by measure, label and day."""
        index, report = CompanyIndex(self.view, companies), self.view.report.name
        for measure in (each for each in measures(self.view) if each.family in wanted):
            for part, (source, company_id, company, *label_values), figures in self.pieces(measure, days, index):
                labels = dict(zip(measure.labels, label_values, strict=True))
                series = source, report, company_id, company, measure.family, labels
                for day, value in figures:
                    evidence = Evidence.ROW if company_id in self._rows(part, day) else Evidence.SILENCE
                    yield DailyFigure(day, *series, value, self.states[day], evidence)

    def pieces(
        self, measure: Measure, days: Container[date], index: CompanyIndex | None = None
    ) -> Iterator[SeriesPiece]:
        """Yields figures, by default of all companies; those of a series may be in several pieces, in order of days."""
        # A day that waits for its rows has no figures yet.
        left_out = {DayState.EMPTY} if measure.today else {DayState.EMPTY, DayState.TODAY}
        states = {day: state for day, state in self.states.items() if day in days and state not in left_out}
        of_kind = self._limited if any(measure.limits) else self._plain
        return of_kind(index or self._whole, measure, states)

    def _plain(self, index: CompanyIndex, measure: Measure, states: Mapping[date, DayState]) -> Iterator[SeriesPiece]:
        least = self.view.target.min_group if measure.people else 0
        for part, column in self._whole.columns_of.get(measure.family, ()) if states else ():
            by_day = []
            for day, state in states.items():
                silence = math.nan if measure.kind is Kind.AVERAGE or state is DayState.SETTLING else 0.0
                by_day.append(index.total((day,), part, (column,), silence=silence))
            for company, figures in zip(index.companies[part], zip(*by_day, strict=True), strict=True):
                first_row, dated = index.first_rows[part][company], zip(states, figures, strict=True)
                served = [(day, value) for day, value in dated if (value >= least or value == 0) and first_row <= day]
                if served:
                    own = self.view.target.source, company, self.view.ledger.names[company]
                    yield SeriesPiece(part, (*own, *column.label_values), served)

    def _limited(self, index: CompanyIndex, measure: Measure, states: Mapping[date, DayState]) -> Iterator[SeriesPiece]:
        days = {day: (day,) for day in states}
        for part in index.companies:
            for group in limited_part_sums(index, part, measure, days):
                series: dict[tuple[str, ...], list[tuple[date, float]]] = {}
                for day, samples in group.items():
                    listed = self._rows(part, day) if states[day] is DayState.SETTLING else None
                    for labels, value in samples:
                        if listed is None or labels[1] in listed:
                            series.setdefault(labels, []).append((day, value))
                yield from (SeriesPiece(part, labels, figures) for labels, figures in series.items())
