"""Builds a reading: merges rows by part, company and day, and notes problems by path or row; knows no report."""

import math
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from datetime import date
from typing import NamedTuple

from msgspec import Struct, field

from exporter.domain import calendars
from exporter.domain.errors import SchemaError
from exporter.domain.model import Column, DayRows, Days, FieldNote, Reading, Rows
from exporter.domain.wording import enumerated
from exporter.platforms import json_values
from exporter.platforms.api import Context

ALL = "all"  # the part of rows that an answer does not separate


class RowKey(NamedTuple):
    """The key of a row."""

    part: str
    company_id: str
    day: date


Figures = Mapping[Column, float] | tuple[float | None, ...]


class Invariant(NamedTuple):
    """In every row with these figures, the sum of `parts` is at most `whole`."""

    name: str
    parts: tuple[Column, ...]
    whole: Column


class ReadingBuilder(Struct):
    """Collects the content of one answer; `listed` counts rows of the requested days, readable or not.

    `rows` are filed by part and day, and by company; the figures of parts in `columns` are parallel to these. Days may
    also be filed `as_columns`.
    """

    days: Days
    context: Context
    names: dict[str, str] = {}
    rows: dict[tuple[str, date], dict[str, Figures]] = field(default_factory=lambda: defaultdict(dict))
    columns: dict[str, tuple[Column, ...]] = {}
    as_columns: dict[tuple[str, date], DayRows] = {}
    listed: int = 0
    outside_range: int = 0
    next_page: str = ""
    read_day: Callable[[object], date | None] = json_values.day
    _drift: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _violations: dict[str, set[RowKey]] = field(default_factory=lambda: defaultdict(set))
    _asked: dict[str, date] = {}

    def note(self, flaw: str | None, path: str) -> None:
        """Notes what is wrong with the field at `path`; only once for all rows."""
        if flaw:
            self._drift[flaw].add(path)

    def note_misfit(self, found: object, path: str, *, is_row: bool = False) -> None:
        """Notes that the field at `path` is missing (None) or of another type; a row counts as listed though unread."""
        self.note("missing" if found is None else "retyped", path)
        self.listed += is_row

    def expect(self, holder: object, known: Set[str], path: str) -> None:
        """Notes undocumented fields of the object at `path`; anything else has none."""
        if isinstance(holder, dict) and not holder.keys() <= known:
            place = f"{path}." if path else ""
            self._drift["unknown"].update(f"{place}{json_values.key(key)}" for key in holder.keys() - known)

    @property
    def has_unknown_fields(self) -> bool:
        """Whether any object had a field that is not documented."""
        return bool(self._drift.get("unknown"))

    def violate(self, invariant: str, key: RowKey) -> None:
        self._violations[invariant].add(key)

    def figure(self, found: json_values.Checked, path: str, key: RowKey, *, optional: bool = False) -> float | None:
        """Returns a value that was read, and notes what is wrong with it; an `optional` one may be missing."""
        value, flaw = found
        if flaw == "negative":
            self.violate(flaw, key)
        elif flaw and not (optional and flaw == "missing"):
            self.note(flaw, path)
        return value

    def objects(self, listed: object, path: str, *, are_rows: bool) -> Iterator[Mapping[str, object]]:
        """Yields the objects of a list; anything else is noted and, if the list holds rows, counts as an unread row."""
        if not isinstance(listed, list | json_values.Listed):
            self.note_misfit(listed, path, is_row=are_rows)
            return
        for each in listed:
            if isinstance(each, dict):
                yield each
            else:
                self.note_misfit(each, f"{path}[]", is_row=are_rows)

    def company(self, holder: object, path: str) -> str | None:
        """Returns a company's id and notes its name; None, and an unread row, without an id."""
        if not isinstance(holder, dict):
            self.note_misfit(holder, path, is_row=True)
            return None
        return self.named(holder.get("id"), holder.get("name"), (f"{path}.id", f"{path}.name"))

    def named(self, identity: object, name: object, paths: tuple[str, str], *, may_be_text: bool = False) -> str | None:
        """Does as `company` with an id (a number, or text if allowed) and a name, which are at these two paths."""
        company, flaw = json_values.identity(identity)
        self.note(None if company and may_be_text else flaw, paths[0])
        if company is None:
            self.listed += 1
            return None
        text, flaw = json_values.name(str(name) if may_be_text and json_values.is_number(name) else name)
        self.note(flaw, paths[1])
        self.name(company, text)
        return company

    def name(self, company: str, text: str) -> None:
        """Notes a name that was read."""
        # An answer may have two names of one company; the one that is served must not depend on their order.
        self.names[company] = max(self.names.get(company, ""), text)

    def key(self, part: str, company: str, written: object, path: str) -> RowKey | None:
        """Returns the key of a row with this date; None, noted, if the day was not requested."""
        self.listed += 1
        day = self._asked.get(written) if isinstance(written, str) else None
        if day is not None:  # thousands of rows have the same few dates
            return RowKey(part, company, day)
        day = self.read_day(written)
        if day is None:
            self.note_misfit(written, path)
            return None
        key = RowKey(part, company, day)
        if day in self.days and day <= self.context.today:
            self._asked[str(written)] = day
            return key
        self.listed -= 1
        if day > self.context.today:
            self.violate("future_date", key)
        else:
            self.outside_range += 1
        return None

    def level_key(self, part: str, company: str) -> RowKey:
        self.listed += 1
        return RowKey(part, company, self.days.last)

    def add(self, key: RowKey, figures: Figures) -> None:
        """Files one row: of equal rows one counts; of different ones the last counts, and this is noted."""
        part, company, day = key
        of_day = self.rows[part, day]
        held = of_day.setdefault(company, figures)
        if held is not figures and held != figures:
            self.violate("duplicate_row", key)
            of_day[company] = figures

    def reading(
        self,
        parts: frozenset[str] = frozenset({ALL}),
        fields: tuple[FieldNote, ...] = (),
        remedy: str = "compare the answer with docs/development/platform-apis.md",
        invariants: Sequence[Invariant] = (),
        moments: Set[Column] = frozenset(),
    ) -> Reading:
        """Returns the reading; SchemaError if rows are listed but none could be read.

        Notes rows that break an invariant, or have one of the `moments` outside their day.
        """
        rows = self.as_columns | {place: self._transposed(place[0], each) for place, each in self.rows.items()}
        if self.listed and not any(each.columns for each in rows.values()):
            noted = [f"{kind} {enumerated(sorted(paths))}" for kind, paths in sorted(self._drift.items())]
            oddities = "; ".join([*noted, *sorted(self._violations)])
            raise SchemaError(f"none of {self.listed} listed rows could be read: {oddities}; {remedy}")
        for (part, day), of_day in rows.items():
            self._check_invariants(part, day, of_day, invariants)
            self._check_moments(part, day, of_day, moments)
        drift = {kind: frozenset(paths) for kind, paths in self._drift.items()}
        violations = {invariant: len(keys) for invariant, keys in self._violations.items()}
        return Reading(
            self.names, parts, Rows(rows), drift, violations, self.outside_range, fields, next_page=self.next_page
        )

    def _transposed(self, part: str, rows: Mapping[str, Figures]) -> DayRows:
        if part not in self.columns:
            return DayRows.of({company: each for company, each in rows.items() if not isinstance(each, tuple)})
        figures = zip(*(each for each in rows.values() if isinstance(each, tuple)), strict=True)
        columns = {
            column: array("d", [math.nan if value is None else value + 0.0 for value in values])  # without any -0.0
            for column, values in zip(self.columns[part], figures, strict=True)
            if values.count(None) < len(values)
        }
        return DayRows(tuple(rows), columns)

    def _check_invariants(self, part: str, day: date, rows: DayRows, invariants: Sequence[Invariant]) -> None:
        """Counts the rows that break an invariant; without any of its parts no row does."""
        for name, parts, whole in invariants:
            if whole in rows.columns:
                listed = zip(*(rows.columns[each] for each in parts if each in rows.columns), strict=True)
                totals = [sum(value for value in values if not math.isnan(value)) for values in listed]
                for company, total, most in zip(rows.companies, totals, rows.columns[whole], strict=False):
                    if total > most:
                        self.violate(name, RowKey(part, company, day))

    def _check_moments(self, part: str, day: date, rows: DayRows, moments: Set[Column]) -> None:
        """Counts the moments outside their day."""
        for column in moments & rows.columns.keys():
            start, end = (at(day, self.context.zone).timestamp() for at in (calendars.start, calendars.end))
            for company, moment in zip(rows.companies, rows.columns[column], strict=True):
                if moment < start or moment >= end:
                    self.violate("answer_outside_day", RowKey(part, company, day))
