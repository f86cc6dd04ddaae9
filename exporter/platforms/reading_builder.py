"""Builds a reading: rows are merged by part, company and day, problems noted by path or row.

Knows what companies, days and rows are, and no report's fields.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from itertools import repeat
from typing import NamedTuple

from exporter.domain import calendars
from exporter.domain.errors import SchemaError
from exporter.domain.model import Column, Days, FieldNote, Reading, Row
from exporter.domain.text import enumerated
from exporter.platforms import json_values
from exporter.platforms.api import Context


class RowKey(NamedTuple):
    """The key of a row."""

    part: str
    company_id: str
    day: date


class Invariant(NamedTuple):
    """In every row with all these figures, those of `parts` together are at most `whole`."""

    name: str
    parts: tuple[Column, ...]
    whole: Column


@dataclass(slots=True)
class ReadingBuilder:
    """Collects the content of one answer; `listed` counts rows of the asked days, readable or not."""

    days: Days
    context: Context
    names: dict[str, str] = field(default_factory=dict)
    rows: dict[RowKey, Mapping[Column, float]] = field(default_factory=dict)
    listed: int = 0
    outside_range: int = 0
    next_page: str = ""
    read_day: Callable[[object], date | None] = json_values.day
    _drift: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _violations: dict[str, set[RowKey]] = field(default_factory=lambda: defaultdict(set))
    _asked: dict[str, date] = field(default_factory=dict)

    def note(self, flaw: str | None, path: str) -> None:
        """Notes what is wrong with the field at `path`, once however many rows have it."""
        if flaw:
            self._drift[flaw].add(path)

    def expect(self, holder: Mapping[str, object], known: Set[str], path: str) -> None:
        """Notes undocumented fields of the object at `path`."""
        if not holder.keys() <= known:
            place = f"{path}." if path else ""
            self._drift["unknown"].update(f"{place}{json_values.key(key)}" for key in holder.keys() - known)

    def violate(self, invariant: str, key: RowKey) -> None:
        self._violations[invariant].add(key)

    def figure(self, found: tuple[float | None, json_values.Flaw | None], path: str, key: RowKey) -> float | None:
        """Takes a value as it was read, and notes what is wrong with it."""
        value, flaw = found
        if flaw == "negative":
            self.violate(flaw, key)
        elif flaw:
            self.note(flaw, path)
        return value

    def objects(self, listed: object, path: str, *, are_rows: bool) -> Iterator[Mapping[str, object]]:
        """Yields the objects of a list; anything else is noted and, where rows are listed, counts as unread."""
        if not isinstance(listed, list | json_values.Listed):
            self.note("missing" if listed is None else "retyped", path)
            self.listed += are_rows
            return
        for each in listed:
            if isinstance(each, dict):
                yield each
            else:
                self.note("missing" if each is None else "retyped", f"{path}[]")
                self.listed += are_rows

    def company(self, holder: object, path: str) -> str | None:
        """Returns a company's id and notes its name; None, and an unread row, without an id."""
        if not isinstance(holder, dict):
            self.note("missing" if holder is None else "retyped", path)
            self.listed += 1
            return None
        return self.named(holder.get("id"), holder.get("name"), (f"{path}.id", f"{path}.name"))

    def named(self, identity: object, name: object, paths: tuple[str, str], *, may_be_text: bool = False) -> str | None:
        """Does the same for an id (a number, unless text is allowed) and a name at these paths."""
        company, flaw = json_values.identity(identity)
        self.note(None if company and may_be_text else flaw, paths[0])
        if company is None:
            self.listed += 1
            return None
        text, flaw = json_values.name(str(name) if may_be_text and json_values.is_number(name) else name)
        self.note(flaw, paths[1])
        # One answer may name a company twice, differently; which name is served must not depend on their order.
        self.names[company] = max(self.names.get(company, ""), text)
        return company

    def key(self, part: str, company: str, written: object, path: str) -> RowKey | None:
        """Returns the key of a row of this date; None, noted, if the day was not asked for."""
        self.listed += 1
        if isinstance(written, str) and written in self._asked:  # thousands of companies list the same few days
            return RowKey(part, company, self._asked[written])
        day = self.read_day(written)
        if day is None:
            self.note("missing" if written is None else "retyped", path)
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

    def add(self, key: RowKey, figures: Mapping[Column, float]) -> None:
        """Files one row: an equal repetition counts once; of different ones the last, and it is noted."""
        held = self.rows.setdefault(key, figures)
        if held is not figures and held != figures:
            self.violate("duplicate_row", key)
            self.rows[key] = figures

    def check_rows(self, invariants: Sequence[Invariant], moments: Set[Column]) -> None:
        """Notes rows that break an invariant, or have one of the `moments` outside their day."""
        zone, midnights = self.context.zone, dict[date, tuple[float, float]]()
        for day in {key.day for key in self.rows} if moments else ():
            midnights[day] = calendars.start(day, zone).timestamp(), calendars.end(day, zone).timestamp()
        for key, figures in self.rows.items():
            for name, parts, whole in invariants:
                most = figures.get(whole)
                if most is not None and sum(map(figures.get, parts, repeat(0.0))) > most:
                    self.violate(name, key)
            for column in moments:
                if column in figures:
                    start, end = midnights[key.day]
                    if not start <= figures[column] < end:
                        self.violate("answer_outside_day", key)

    def reading(
        self,
        parts: frozenset[str],
        fields: tuple[FieldNote, ...],
        remedy: str = "compare the answer with docs/development/platform-apis.md",
    ) -> Reading:
        """Returns the reading; SchemaError if rows are listed, and not one could be read."""
        if self.listed and not any(self.rows.values()):
            noted = [f"{kind} {enumerated(sorted(paths))}" for kind, paths in sorted(self._drift.items())]
            oddities = "; ".join([*noted, *sorted(self._violations)])
            raise SchemaError(f"none of {self.listed} listed rows could be read: {oddities}; {remedy}")
        rows = tuple(Row(part, day, company, figures) for (part, company, day), figures in self.rows.items())
        drift = {kind: frozenset(paths) for kind, paths in self._drift.items()}
        violations = {invariant: len(keys) for invariant, keys in self._violations.items()}
        return Reading(self.names, parts, rows, drift, violations, self.outside_range, fields, next_page=self.next_page)
