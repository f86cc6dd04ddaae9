"""All that the families of one report, and those of one source, are made from; knows no family and no window."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property

from exporter.domain.model import Column, FieldNote, Measure, Sample
from exporter.domain.selectors import Companies, Entry
from exporter.ledger.day_status import DayRules, DayStatus
from exporter.ledger.ledger import Ledger, Places, by_number
from exporter.metrics.label_limits import Kept, LabelLimits
from exporter.metrics.limits import CompanyLimits
from exporter.platforms.api import NO_DISCOVERIES, Discoveries, Report


@dataclass(frozen=True, slots=True)
class Health:
    """How polling a report goes: moments are None before the first; `outcome` is that of the last poll.

    `last_partial` is when the newest poll was made of which a part failed and a part was read. `history` is whether
    the past was asked for once; `restatements` counts figures that changed after they were served as complete,
    `restated_ratio` is how much of a day changed at the last poll, 0 to 1. `supported` is whether the platform has the
    report. `drift` counts fields by kind and `violations` rows by invariant, as of the last good poll; `fields` is what
    its answer says of its fields. `unread` says of how many days each item could not be read at the last poll.
    `reason` is why the last poll failed or an item is unread, in one line; empty if all was read.
    """

    interval: timedelta
    last_attempt: datetime | None = None
    last_success: datetime | None = None
    duration: float | None = None
    outcome: str | None = None
    history: bool = False
    restatements: int = 0
    restated_ratio: float = 0.0
    supported: bool = True
    drift: Mapping[str, int] = field(default_factory=dict)
    violations: Mapping[str, int] = field(default_factory=dict)
    fields: tuple[FieldNote, ...] = ()
    last_partial: datetime | None = None
    reason: str = ""
    unread: Mapping[str, int] = field(default_factory=dict)

    @property
    def read_at(self) -> datetime | None:
        """When the newest poll that read anything was made."""
        return max((each for each in (self.last_success, self.last_partial) if each is not None), default=None)


@dataclass(frozen=True, slots=True)
class ReportView:
    """The held days of one report of one source with their status, how its polls go, and what its operator set.

    `label_limits` says how many values limited labels may have, `kept` which they have, by family; figures about fewer
    than `min_group` people are not served, but 0 is. Families whose names match a glob of `excluded` are not served.
    """

    source: str
    report: Report
    ledger: Ledger
    day_status: DayStatus
    health: Health
    rules: DayRules
    label_limits: LabelLimits = field(default_factory=LabelLimits)
    kept: Mapping[str, Kept] = field(default_factory=dict)
    min_group: int = 0
    excluded: tuple[str, ...] = ()
    company_limits: CompanyLimits = field(default_factory=CompanyLimits)
    discoveries: Discoveries = field(default_factory=lambda: NO_DISCOVERIES)


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """All that the families of a source are made from, whatever its reports are.

    `names` are all companies ever held, `withdrawn` those that no report serves; `listed` are those that the platform
    lists, wanted or not, None before the first good poll. `unmatched` are by option the selectors that match
    nothing here; those that hold for other sources too may match there.
    """

    source: str
    platform: str
    settle: timedelta
    companies: Companies
    names: Mapping[str, str]
    withdrawn: frozenset[str]
    listed: Mapping[str, str] | None
    unmatched: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)

    @property
    def never_seen(self) -> tuple[str, ...]:
        """The selectors of expected companies that selected nobody yet."""
        return self.companies.missing(self.names, self.listed or {})


class CompanyIndex:
    """The companies that have a row on some held day, all of them or those `among` some, sorted by number.

    `all_companies` are those of all parts, `names` are theirs, `first_days` those of their first rows; `companies` are
    those of each part, `places` where these are among all; `columns` are those that some held row has a figure for, by
    part. What all measures ask of the same ledger is worked out once.
    """

    def __init__(self, view: ReportView, among: Collection[str] | None = None) -> None:
        self.view = view
        first: dict[str, date] = {}
        self._first_days: dict[str, Mapping[str, date]] = {}
        for part, of_all in view.ledger.first_days.items():
            days = of_all if among is None else {each: of_all[each] for each in among if each in of_all}
            self._first_days[part] = days
            first.update({company: min(day, first.get(company, day)) for company, day in days.items()})
        self.all_companies = sorted(first, key=by_number)
        self.names = [view.ledger.names[company] for company in self.all_companies]
        self.first_days = [first[company] for company in self.all_companies]
        self.companies = {
            part: [each for each in self.all_companies if each in days] for part, days in self._first_days.items()
        }
        place = {company: n for n, company in enumerate(self.all_companies)}
        self.places = {part: [place[each] for each in companies] for part, companies in self.companies.items()}
        self.columns = view.ledger.columns()
        self._labels: dict[tuple[str, tuple[str, ...]], Sequence[tuple[str, ...]]] = {}
        self._rows: dict[tuple[date, str], Places] = {}

    def made_from(self, days: Iterable[date]) -> tuple[object, ...]:
        """Returns what figures of these days are made from: equal until one of them, a company or a setting changes.

        Soon compared: what an answer did not change is the same object as before.
        """
        blocks = self.view.ledger.blocks
        return self._common, {day: blocks[day].tables for day in days if day in blocks}

    @cached_property
    def _common(self) -> tuple[object, ...]:
        """What figures of any day are made from."""
        view, ledger = self.view, self.view.ledger
        status = replace(view.day_status, today=None, running=None)
        health = Health(view.health.interval, history=view.health.history)
        rest = replace(view, ledger=Ledger(), day_status=status, health=health)
        return rest, ledger.names, ledger.withdrawn, ledger.first_days, self.columns

    def columns_of(self, measure: Measure) -> Iterator[tuple[str, Column]]:
        """Yields the columns of a measure that some held row has a figure for, with the part that they belong to.

        What the platform never reported of anybody, as older releases lack a field, is nobody's 0.
        """
        for part, columns in self.view.report.parts.items():
            held = self.columns.get(part, frozenset())
            yield from ((part, column) for column in columns if column.family == measure.family and column in held)

    def on_day(self, day: date, part: str, column: Column, silence: float) -> list[float]:
        """Returns the figures of a day in the order of the part's companies; `silence` for those without a row."""
        table = self.view.ledger.table(day, part)
        places = self._rows.get((day, part))
        if places is None:
            places = self._rows[day, part] = table.places(self.companies[part])
        return table.spread(column, places, silence)

    def samples(
        self, measure: Measure, part: str, column: Column, values: Sequence[float], until: date | None
    ) -> Iterator[Sample]:
        """Yields the values that are figures and may be served, of companies that have a row `until` that day."""
        least = self.view.min_group if measure.people else 0
        first_days = map(self._first_days[part].__getitem__, self.companies[part])
        for own, first_day, value in zip(self.labels(part, column.label_values), first_days, values, strict=True):
            if (value >= least or value == 0) and (until is None or first_day <= until):
                yield Sample(own, value)

    def labels(self, part: str, label_values: tuple[str, ...]) -> Sequence[tuple[str, ...]]:
        """Returns the labels of a column's samples by company, made once: all windows and measures bear the same."""
        if (part, label_values) not in self._labels:
            source, names = self.view.source, self.view.ledger.names
            self._labels[part, label_values] = [
                (source, company, names[company], *label_values) for company in self.companies[part]
            ]
        return self._labels[part, label_values]
