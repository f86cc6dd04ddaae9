"""Reads the documented shape of an array: companies, their days, and values with fixed names in them."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from exporter.domain.errors import SchemaError
from exporter.domain.model import Column
from exporter.platforms import json_outline, json_values
from exporter.platforms.reading_builder import ReadingBuilder, RowKey

HERE = ""
"""The name of the object that is the row itself."""


class Field(NamedTuple):
    """One value of a row: its key, the column that it feeds, how it is read.

    Older releases lack an `optional` one: that is not counted as missing.
    """

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


class Array(NamedTuple):
    """One array of an answer.

    Its key, the part that its rows belong to, the fields by the object they lie in (HERE: the row itself), a list of
    items, whether an entry has `dates` with a row each or is itself one row of now, and the key of the object that
    describes its fields.
    """

    key: str
    part: str
    objects: Mapping[str, tuple[Field, ...]]
    items: Items | None = None
    dated: bool = True
    metadata: str = "metadata"

    @property
    def fields(self) -> tuple[Field, ...]:
        return tuple(field for fields in self.objects.values() for field in fields)

    @property
    def described(self) -> frozenset[str]:
        return frozenset((*(field.key for field in self.fields), *((self.items.number,) if self.items else ())))

    @property
    def columns(self) -> tuple[Column, ...]:
        of_items = (self.items.total, self.items.distinct) if self.items else ()
        return (*(each.column for each in self.fields), *of_items)

    @property
    def row_path(self) -> str:
        return f"{self.key}[].dates[]." if self.dated else f"{self.key}[]."

    def known(self, key: str) -> frozenset[str]:
        fields = frozenset(each.key for each in self.objects.get(key, ()))
        if key != HERE:
            return fields
        of_items = {self.items.key} if self.items else set()
        own = {"date"} if self.dated else {"company"}
        return fields | (self.objects.keys() - {HERE}) | of_items | own


_COMPANY_KEYS = frozenset({"id", "name"})


PlacedFields = tuple[tuple[Field, str], ...]
"""Fields, each with its path."""


class _Object(NamedTuple):
    """An object of a row: its key, its fields and their paths, the keys that it may have, its own path."""

    key: str
    fields: PlacedFields
    known: frozenset[str]
    path: str


def _object(key: str, fields: Iterable[Field], known: frozenset[str], path: str) -> _Object:
    return _Object(key, tuple((each, f"{path}.{each.key}") for each in fields), known, path)


class ArrayReader:
    """Reads one array; what it needs to know of each row is worked out once."""

    def __init__(self, array: Array, rows: ReadingBuilder) -> None:
        self._array = array
        self._rows = rows
        self._entry_keys = frozenset({"company", "dates"}) if array.dated else array.known(HERE)
        self._row_keys = array.known(HERE)
        self._company_path = f"{array.key}[].company"
        self._dates_path = f"{array.key}[].dates"
        self._day_path = f"{array.row_path}date"
        self._objects = [
            _object(key, fields, array.known(key), f"{array.row_path}{key}" if key else array.row_path[:-1])
            for key, fields in array.objects.items()
        ]

    def read(self, entries: object) -> None:
        """Reads the whole array; raises SchemaError if it is no list."""
        array, rows = self._array, self._rows
        if not isinstance(entries, list | json_values.Listed):
            raise SchemaError(f'"{array.key}" is {json_outline.summary(entries)}, expected a list of companies')
        for entry in rows.objects(entries, array.key, are_rows=True):
            rows.expect(entry, self._entry_keys, f"{array.key}[].")
            self._entry(entry)

    def _entry(self, entry: Mapping[str, object]) -> None:
        array, rows = self._array, self._rows
        holder = entry.get("company")
        company = rows.company(holder, self._company_path)
        if isinstance(holder, dict):
            rows.expect(holder, _COMPANY_KEYS, f"{array.key}[].company.")
        if company is None:
            return
        if not array.dated:
            key = rows.level_key(array.part, company)
            rows.add(key, self._figures(entry, key))
            return
        for row in rows.objects(entry.get("dates"), self._dates_path, are_rows=True):
            rows.expect(row, self._row_keys, array.row_path)
            if dated := rows.key(array.part, company, row.get("date"), self._day_path):
                rows.add(dated, self._figures(row, dated))

    def _figures(self, row: Mapping[str, object], key: RowKey) -> Mapping[Column, float]:
        """Reads the values of one row; what is absent stays absent."""
        rows, items = self._rows, self._array.items
        figures: dict[Column, float] = {}
        for name, fields, known, path in self._objects:
            holder = row.get(name) if name else row
            if not isinstance(holder, dict):
                rows.note("missing" if holder is None else "retyped", path)
                continue
            if name:
                rows.expect(holder, known, f"{path}.")
            self._read_fields(holder, fields, key, figures)
        if items:
            figures |= self._items(items, row.get(items.key), key)
        return figures

    def _read_fields(
        self,
        holder: Mapping[str, object],
        fields: PlacedFields,
        key: RowKey,
        figures: dict[Column, float],
    ) -> None:
        for (name, column, read, optional), path in fields:
            value = holder.get(name)
            if value is None and optional:
                continue
            figure, flaw = found = read(value)
            if flaw:
                self._rows.figure(found, path, key)
            if figure is not None:
                figures[column] = figure

    def _items(self, items: Items, listed: object, key: RowKey) -> Mapping[Column, float]:
        """Adds up a list and counts its different ids; of a list without one readable number the figure is absent."""
        rows, path = self._rows, f"{self._array.row_path}{items.key}"
        known = items.ignored | {items.identity, items.number}
        item_path, identity_path, number_path = f"{path}[].", f"{path}[].{items.identity}", f"{path}[].{items.number}"
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
