"""Reports whose shape Paradigm documents: {metadata, <array>: [{company: {id, name}, dates: [{date, ...}]}]}.

msgspec decodes an entry that has exactly the documented keys and types; only moments need a further check. Any other
entry is read key by key, and each deviation is noted.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from exporter.domain.errors import SchemaError
from exporter.domain.model import Column, Measure, Reading
from exporter.platforms import json_outline, json_values
from exporter.platforms.api import Context, Request
from exporter.platforms.further_page import further_page
from exporter.platforms.paradigm.report import ARRAYS, ReportEndpoint, notes
from exporter.platforms.reading_builder import Invariant, ReadingBuilder, RowKey

TYPES: Mapping[Callable[[object], json_values.Checked], object] = {
    json_values.count: json_values.Count,
    json_values.number: json_values.Number,
    json_values.moment: object,
}
"""The types that check all that these functions check; none does for a moment."""
HERE = ""  # the name of the object that is the row itself


class Field(NamedTuple):
    """One value of a row: its key, its column, and how to read it; older releases lack an `optional` one."""

    key: str
    column: Column
    read: Callable[[object], json_values.Checked]
    optional: bool = False

    @property
    def type(self) -> object:
        kind: Any = TYPES[self.read]
        return kind | None if self.optional else kind


class Items(NamedTuple):
    """A list in a row: the sum of its items' numbers, and the count of distinct ids; `ignored` names are never kept."""

    key: str
    identity: str
    number: str
    ignored: frozenset[str]
    total: Column
    distinct: Column


class Array(msgspec.Struct, frozen=True, dict=True):
    """One array of an answer.

    Rows belong to a `part`; `objects` are their fields by the object that holds them (HERE: the row itself), moments
    last. A `dated` entry has a list of rows, else it is itself a row of levels. Properties are needed for each row, so
    they are computed once.
    """

    key: str
    part: str
    objects: Mapping[str, tuple[Field, ...]]
    items: Items | None = None
    dated: bool = True

    @cached_property
    def fields(self) -> tuple[tuple[str, Field], ...]:
        """All fields, each with its path in a row."""
        listed = ((key, field) for key, fields in self.objects.items() for field in fields)
        return tuple((f"{key}.{field.key}" if key else field.key, field) for key, field in listed)

    @cached_property
    def described(self) -> frozenset[str]:
        numbers = {self.items.number} if self.items else set()
        return frozenset(numbers | {field.key for _, field in self.fields})

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        of_items = (self.items.total, self.items.distinct) if self.items else ()
        return (*(field.column for _, field in self.fields), *of_items)

    @cached_property
    def path(self) -> str:
        """The path of a row."""
        return f"{self.key}[].dates[]" if self.dated else f"{self.key}[]"

    @cached_property
    def row_keys(self) -> frozenset[str]:
        """The documented keys of a row."""
        own = {"date" if self.dated else "company", *([self.items.key] if self.items else [])}
        return frozenset(own | self.objects.keys() - {HERE} | {each.key for each in self.objects.get(HERE, ())})

    @cached_property
    def decoder(self) -> msgspec.json.Decoder[object]:
        """Decodes an entry that is exactly as documented, and no other."""
        objects = {key: {each.key: each.type for each in fields} for key, fields in self.objects.items()}
        row: dict[str, object] = {**objects.pop(HERE, {}), **objects}
        if items := self.items:
            names = dict.fromkeys(items.ignored, object | None)
            row[items.key] = [{items.identity: int, items.number: json_values.Count, **names}]
        row = {"dates": [{"date": str, **row}]} if self.dated else row
        return json_values.decoder({"company": {"id": int, "name": str}, **row})

    @cached_property
    def values(self) -> Callable[[object], tuple[Any, ...]]:
        """Returns the values of a decoded row, without items."""
        paths = [path for path, _ in self.fields]
        if len(paths) > 1:
            return attrgetter(*paths)
        getters = list(map(attrgetter, paths))
        return lambda row: tuple([get(row) for get in getters])

    @cached_property
    def moments(self) -> tuple[tuple[Field, str], ...]:
        """The last fields, each with its path."""
        return tuple((field, f"{self.path}.{path}") for path, field in self.fields if field.read is json_values.moment)

    def read(self, entries: object, rows: ReadingBuilder) -> None:
        """Reads the whole array into `rows`; raises SchemaError if it is no list."""
        if not isinstance(entries, list | json_values.Listed):
            raise SchemaError(f'expected a list of companies in "{self.key}", got {json_outline.summary(entries)}')
        rows.columns[self.part] = self.columns
        typed = entries.by(self.decoder) if isinstance(entries, json_values.Listed) else entries
        for entry in typed:
            if isinstance(entry, msgspec.Struct):
                self._documented(entry, rows)
            else:
                self._deviating(entry, f"{self.key}[]", rows)

    def _documented(self, entry: Any, rows: ReadingBuilder) -> None:
        """Adds the rows of an entry that is exactly as documented."""
        company = str(entry.company.id)
        rows.name(company, json_values.label(entry.company.name))
        part, dated, date_path, items = self.part, self.dated, f"{self.path}.date", self.items
        moments, first_moment = self.moments, len(self.fields) - len(self.moments)
        for row in entry.dates if dated else (entry,):
            key = rows.key(part, company, row.date, date_path) if dated else rows.level_key(part, company)
            if key is None:
                continue
            values = self.values(row)
            if moments:
                written = zip(moments, values[first_moment:], strict=True)
                values = values[:first_moment] + tuple([_read(*each, value, key, rows) for each, value in written])
            if items:
                listed = getattr(row, items.key)
                total = sum(map(attrgetter(items.number), listed), 0.0)
                values += total, len(set(map(attrgetter(items.identity), listed)))
            rows.add(key, values)

    def _deviating(self, listed: object, path: str, rows: ReadingBuilder) -> None:
        """Adds the rows of an entry that deviates from the documentation, and notes how."""
        part, dated, date_path = self.part, self.dated, f"{self.path}.date"
        known = frozenset({"company", "dates"}) if dated else self.row_keys
        for entry in rows.objects([listed], self.key, are_rows=True):
            rows.expect(entry, known, path)
            holder = entry.get("company")
            company = rows.company(holder, f"{path}.company")
            if isinstance(holder, dict):
                rows.expect(holder, {"id", "name"}, f"{path}.company")
            if company is None:
                continue
            for row in rows.objects(entry.get("dates"), f"{path}.dates", are_rows=True) if dated else (entry,):
                rows.expect(row, self.row_keys, self.path)
                key = rows.key(part, company, row.get("date"), date_path) if dated else rows.level_key(part, company)
                if key:
                    rows.add(key, tuple(self._deviating_values(row, key, rows)))

    def _deviating_values(self, row: Mapping[str, object], key: RowKey, rows: ReadingBuilder) -> Iterator[float | None]:
        """Yields the figures of a row by `columns`; what is absent stays absent."""
        for name, fields in self.objects.items():
            holder, path = (row.get(name), f"{self.path}.{name}") if name else (row, self.path)
            if not isinstance(holder, dict):
                rows.note_misfit(holder, path)
                yield from repeat(None, len(fields))
                continue
            if name:
                rows.expect(holder, {field.key for field in fields}, path)
            for field in fields:
                yield _read(field, f"{path}.{field.key}", holder.get(field.key), key, rows)
        if self.items:
            yield from _added_up(self.items, f"{self.path}.{self.items.key}", row.get(self.items.key), key, rows)


def _read(field: Field, path: str, value: object, key: RowKey, rows: ReadingBuilder) -> float | None:
    if value is None and field.optional:
        return None
    return rows.figure(field.read(value), path, key)


def _added_up(items: Items, path: str, listed: object, key: RowKey, rows: ReadingBuilder) -> Iterator[float | None]:
    """Yields the sum of a list and the number of its distinct ids; without any readable one the figure is absent."""
    known = items.ignored | {items.identity, items.number}
    item_path, identity_path, number_path = f"{path}[]", f"{path}[].{items.identity}", f"{path}[].{items.number}"
    numbers: list[float] = []
    ids: set[str] = set()
    for item in rows.objects(listed, path, are_rows=False):
        rows.expect(item, known, item_path)
        identity, flaw = json_values.identity(item.get(items.identity))
        rows.note(flaw, identity_path)
        if identity is not None:
            ids.add(identity)
        number = rows.figure(json_values.count(item.get(items.number)), number_path, key)
        if number is not None:
            numbers.append(number)
    nothing = listed == []
    yield sum(numbers, 0.0) if numbers or nothing else None
    yield float(len(ids)) if ids or nothing else None


@dataclass(frozen=True, slots=True)
class DocumentedReport(ReportEndpoint):
    measures: tuple[Measure, ...]
    arrays: tuple[Array, ...]
    checks: tuple[Invariant, ...] = ()

    @cached_property
    def parts(self) -> Mapping[str, tuple[Column, ...]]:
        return {array.part: array.columns for array in self.arrays}

    @cached_property
    def has_days(self) -> bool:
        return any(array.dated for array in self.arrays)

    def decode(self, body: bytes, request: Request, context: Context) -> Reading:
        root = json_values.opened(body, {array.key for array in self.arrays})
        rows = ReadingBuilder(request.days, context, next_page=further_page(root))
        present = [array for array in self.arrays if isinstance(root, dict) and array.key in root]
        if not isinstance(root, dict) or not present:
            wanted = " or ".join(f'"{array.key}"' for array in self.arrays)
            raise SchemaError(f"expected an object with {wanted}, got {json_outline.summary(root)}")
        rows.expect(root, {key for array in self.arrays for key in (array.key, ARRAYS[array.key])}, "")
        for array in self.arrays:
            _expect_described(array, root.get(ARRAYS[array.key]), rows)
        for array in present:
            array.read(root[array.key], rows)
        parts = frozenset(array.part for array in present)
        moments = {field.column for array in self.arrays for field, _ in array.moments}
        return rows.reading(parts, notes(root), invariants=self.checks, moments=moments)


def _expect_described(array: Array, metadata: object, rows: ReadingBuilder) -> None:
    """Notes undocumented fields in descriptions of fields; missing ones affect no figure."""
    if isinstance(metadata, dict):
        key = ARRAYS[array.key]
        rows.expect(metadata, array.described, key)
        for field, note in metadata.items():
            if isinstance(note, dict):
                rows.expect(note, {"description", "unit"}, f"{key}.{json_values.key(field)}")
