"""Reads the documented shape of an array: companies, their days, and values with fixed names in them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from exporter.domain.errors import SchemaError
from exporter.domain.model import Column
from exporter.platforms import json_outline, json_values
from exporter.platforms.reading_builder import ReadingBuilder, RowKey

HERE = ""
"""The name of the object that is the row itself."""


class Field(NamedTuple):
    """One value of a row: its key, its column, how it is read; older releases lack an `optional` one."""

    key: str
    column: Column
    read: Callable[[object], json_values.Checked]
    optional: bool = False


class Items(NamedTuple):
    """A list in a row, each item with an id and a number: the day's sum and how many different ids.

    `ignored` are the other documented keys of an item: names of things, which are never kept.
    """

    key: str
    identity: str
    number: str
    ignored: frozenset[str]
    total: Column
    distinct: Column


class PlacedObject(NamedTuple):
    """An object of a row: its key, its fields with their paths, the keys that it may have, its own path."""

    key: str
    fields: tuple[tuple[Field, str], ...]
    known: frozenset[str]
    path: str


@dataclass(frozen=True)
class Array:
    """One array of an answer.

    Its key, the part that its rows belong to, the fields by the object they lie in (HERE: the row itself), a list of
    items, whether an entry has `dates` with a row each or is itself one row of now, and the key of the object that
    describes its fields. What a reader needs to know of each row is worked out once.
    """

    key: str
    part: str
    objects: Mapping[str, tuple[Field, ...]]
    items: Items | None = None
    dated: bool = True
    metadata: str = "metadata"

    @cached_property
    def described(self) -> frozenset[str]:
        numbers = {self.items.number} if self.items else set()
        return frozenset(numbers | {field.key for fields in self.objects.values() for field in fields})

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        of_items = (self.items.total, self.items.distinct) if self.items else ()
        return (*(field.column for fields in self.objects.values() for field in fields), *of_items)

    @cached_property
    def row_path(self) -> str:
        return f"{self.key}[].dates[]" if self.dated else f"{self.key}[]"

    @cached_property
    def row_keys(self) -> frozenset[str]:
        """The documented keys of a row."""
        own = {"date" if self.dated else "company", *([self.items.key] if self.items else [])}
        return frozenset(own | self.objects.keys() - {HERE} | {each.key for each in self.objects.get(HERE, ())})

    @cached_property
    def placed(self) -> tuple[PlacedObject, ...]:
        found = []
        for key, fields in self.objects.items():
            path = f"{self.row_path}.{key}" if key else self.row_path
            known = frozenset(each.key for each in fields) if key else self.row_keys
            found.append(PlacedObject(key, tuple((each, f"{path}.{each.key}") for each in fields), known, path))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class ArrayReader:
    """Reads one array."""

    array: Array
    rows: ReadingBuilder

    def read(self, entries: object) -> None:
        """Reads the whole array; raises SchemaError if it is no list."""
        array, rows, path = self.array, self.rows, f"{self.array.key}[]"
        if not isinstance(entries, list | json_values.Listed):
            raise SchemaError(f'"{array.key}" is {json_outline.summary(entries)}, expected a list of companies')
        known = frozenset({"company", "dates"}) if array.dated else array.row_keys
        for entry in rows.objects(entries, array.key, are_rows=True):
            rows.expect(entry, known, path)
            holder = entry.get("company")
            company = rows.company(holder, f"{path}.company")
            if isinstance(holder, dict):
                rows.expect(holder, {"id", "name"}, f"{path}.company")
            if company is not None:
                self._entry(company, entry)

    def _entry(self, company: str, entry: Mapping[str, object]) -> None:
        array, rows, path = self.array, self.rows, self.array.row_path
        if not array.dated:
            key = rows.level_key(array.part, company)
            rows.add(key, self._figures(entry, key))
            return
        part, known, date_path = array.part, array.row_keys, f"{path}.date"
        for row in rows.objects(entry.get("dates"), path.removesuffix("[]"), are_rows=True):
            rows.expect(row, known, path)
            if dated := rows.key(part, company, row.get("date"), date_path):
                rows.add(dated, self._figures(row, dated))

    def _figures(self, row: Mapping[str, object], key: RowKey) -> Mapping[Column, float]:
        """Reads the values of one row; what is absent stays absent."""
        rows, items = self.rows, self.array.items
        figures: dict[Column, float] = {}
        for name, fields, known, path in self.array.placed:
            holder = row.get(name) if name else row
            if not isinstance(holder, dict):
                rows.note("missing" if holder is None else "retyped", path)
                continue
            if name:
                rows.expect(holder, known, path)
            self._read_fields(holder, fields, key, figures)
        if items:
            figures |= self._items(items, row.get(items.key), key)
        return figures

    def _read_fields(
        self,
        holder: Mapping[str, object],
        fields: tuple[tuple[Field, str], ...],
        key: RowKey,
        figures: dict[Column, float],
    ) -> None:
        for (name, column, read, optional), path in fields:
            value = holder.get(name)
            if value is None and optional:
                continue
            figure, flaw = found = read(value)
            if flaw:
                self.rows.figure(found, path, key)
            if figure is not None:
                figures[column] = figure

    def _items(self, items: Items, listed: object, key: RowKey) -> Mapping[Column, float]:
        """Adds up a list and counts its different ids; of a list without one readable number the figure is absent."""
        rows, path = self.rows, f"{self.array.row_path}.{items.key}"
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
        total = {items.total: sum(numbers, 0.0)} if numbers or nothing else {}
        return total | ({items.distinct: float(len(ids))} if ids or nothing else {})
