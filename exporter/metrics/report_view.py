"""The input of the families of one report and of one source, by their state; knows no name of a family, no window."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from itertools import product
from operator import add

from msgspec import Struct, structs

from exporter.domain.model import Column, Family, Measure, Sample
from exporter.domain.selectors import Entry, unmatched
from exporter.ledger.day_status import DayStatus, day_status
from exporter.ledger.ledger import Ledger
from exporter.ledger.table import in_order
from exporter.metrics.label_limits import Kept, keep_labels
from exporter.metrics.target import Health, ReportState, Target
from exporter.platforms.api import NO_DISCOVERIES, Discoveries, Report


class ReportView(Struct, frozen=True):
    """The held days of one report of one source, with their status, health and the values `kept` of limited labels."""

    target: Target
    report: Report
    ledger: Ledger
    day_status: DayStatus
    health: Health
    kept: Mapping[str, Kept] = {}
    discoveries: Discoveries = NO_DISCOVERIES


def view(target: Target, report: Report, state: ReportState, now: datetime) -> ReportView:
    """Returns the held days of a report with their status now."""
    status = day_status(state.ledger, now, state.health.read_at, target.rules)
    if not report.has_days:
        status = structs.replace(status, last_day=None, today=None, empty_day=False)
    has_limited_labels = any(any(measure.limits) for measure in report.measures)
    kept = keep_labels(report, state.ledger, status.last_day, target.limits, state.kept) if has_limited_labels else {}
    return ReportView(target, report, state.ledger, status, state.health, kept, state.discoveries)


class SourceInfo(Struct, frozen=True):
    """The input of a source's families.

    `names` are all companies ever held, `withdrawn` those that no report serves, `listed` those of the platform,
    wanted or not (None before the first good poll). `unmatched` selectors, by option, match nothing here; they
    may match in other sources.
    """

    target: Target
    names: Mapping[str, str]
    withdrawn: frozenset[str]
    listed: Mapping[str, str] | None
    unmatched: Mapping[str, tuple[Entry, ...]] = {}

    @property
    def never_seen(self) -> tuple[str, ...]:
        """Selectors of expected companies that have matched none so far."""
        return self.target.companies.missing(self.names, self.listed or {})


def source_view(target: Target, states: Mapping[str, ReportState]) -> SourceInfo:
    """Combines what all reports of a source know of its companies."""
    ledgers = [state.ledger for state in states.values()]
    here = {company for ledger in ledgers for company in ledger.names.keys() - ledger.withdrawn}
    names = {company: name for ledger in ledgers for company, name in ledger.names.items()}
    lists = [state.listed for state in states.values() if state.listed is not None]
    listed = {company: name for each in lists for company, name in each.items()} if lists else None
    idle: dict[str, tuple[Entry, ...]] = {}
    # A first poll asks only for a few days.
    healths = [(state.health, state.to_refresh) for state in states.values()]
    is_settled = all(health.last_attempt and (health.history or not left) for health, left in healths)
    if listed is not None and is_settled:
        for option, entries in target.selectors.items():
            idle[option] = unmatched(entries, {**names, **listed}) if entries else ()  # few options name any
    for option, selection in target.selections.items():
        for discovery in (state.discoveries[option] for state in states.values() if option in state.discoveries):
            things = {identity: name for identity, name, *_ in discovery.rows}
            own = selection.entries(target.source, option)
            idle |= {name: unmatched(entries, things) for name, entries in own.items()}
    return SourceInfo(target, names, frozenset(names.keys() - here), listed, idle)


class DeferredFamily(Struct, frozen=True):
    """A family some of whose samples are made on demand, from the rows of some `days` and from what all days share.

    A company's samples depend on no other company's rows; without the label company_id, samples count companies.
    Without `days` they may depend on anything.
    """

    family: Family
    make: Callable[[], Iterable[Sample]] = tuple
    days: Set[date] | None = None

    def made(self) -> Family:
        return replace(self.family, samples=self.family.samples + tuple(self.make()))


ColumnsByPart = Mapping[str, Sequence[Column]]


class CompanyIndex:
    """Companies with a row on some held day, all or those `among` some, sorted by number; cached per ledger.

    `all_companies` of all parts, their `names` and `first_days`; `companies` per part, their `first_rows`, and their
    `places` among all; `columns` per part with any figure; `columns_of` each family, those that the report declares.
    """

    def __init__(self, view: ReportView, among: Collection[str] | None = None) -> None:
        self.view = view
        first: dict[str, date] = {}
        self.first_rows: dict[str, Mapping[str, date]] = {}
        for part, of_all in view.ledger.first_days.items():
            days = of_all if among is None else {each: of_all[each] for each in among if each in of_all}
            self.first_rows[part] = days
            first.update({company: min(day, first.get(company, day)) for company, day in days.items()})
        self.all_companies = in_order(first)
        self.names = [view.ledger.names[company] for company in self.all_companies]
        self.first_days = [first[company] for company in self.all_companies]
        self.companies = {
            part: [each for each in self.all_companies if each in days] for part, days in self.first_rows.items()
        }
        place = {company: n for n, company in enumerate(self.all_companies)}
        self.places = {part: [place[each] for each in companies] for part, companies in self.companies.items()}
        self.columns = view.ledger.columns()
        self.columns_of: dict[str, list[tuple[str, Column]]] = {}
        for part, columns in view.report.parts.items():
            for column in columns:
                if column in self.columns.get(part, ()):  # else the platform never reported it: it is absent, not 0
                    self.columns_of.setdefault(column.family, []).append((part, column))
        companies = self.companies
        self._places_on = cache(lambda day, part: view.ledger.table(day, part).places(companies[part]))

    def total(
        self,
        days: Iterable[date],
        part: str,
        columns: Iterable[Column],
        *,
        silence: float = 0,
        unread: float = math.nan,
    ) -> list[float]:
        """Adds up figures in the order of the part's companies; no row adds `silence`, one that lacks it `unread`."""
        total: list[float] = []
        for day, column in product(days, columns):
            figures = self.view.ledger.table(day, part).spread(column, self._places_on(day, part), silence)
            if not math.isnan(unread):
                figures = [unread if math.isnan(figure) else figure for figure in figures]
            total = list(map(add, total, figures)) if total else figures
        return total or [0.0] * len(self.companies[part])

    def columns_with(self, measure: Measure, label_value: str) -> ColumnsByPart:
        """Returns the columns of a measure with held figures, only those of `label_value` if it is set."""
        return {
            part: [
                column
                for column in self.columns.get(part, ())
                if column.family == measure.family
                and len(column.label_values) == len(measure.labels)
                and (not label_value or column.label_values[-1] == label_value)
            ]
            for part in self.view.report.parts
            if part in self.companies
        }

    def on_day(self, day: date, measure: Measure, columns: ColumnsByPart) -> list[float]:
        """Adds up a measure's columns on a day in the order of all companies; NaN is unknown.

        A mode without a row adds 0. A row that lacks the figure makes the sum unknown, except for limited labels: a
        tool that a row does not name was not used, if its tools were read.
        """
        marker = Column(measure.family)
        total = [0.0 if first <= day else math.nan for first in self.first_days]
        for part, of_part in columns.items():
            table = self.view.ledger.table(day, part)
            if not table.companies:
                continue
            rows = self.total((day,), part, of_part, unread=0.0 if any(measure.limits) else math.nan)
            if measure.needs_read_marker and marker in self.columns[part]:
                unread = map(math.isnan, self.total((day,), part, (marker,)))
                rows = [math.nan if is_unread else value for is_unread, value in zip(unread, rows, strict=True)]
            for company, place, value in zip(self.companies[part], self.places[part], rows, strict=True):
                total[place] += math.nan if company in table.lost else value
        return total
