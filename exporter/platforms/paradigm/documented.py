"""Reads the reports whose shape Paradigm documents: companies, their days, and leaves with fixed names in them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from exporter.domain.errors import SchemaError
from exporter.domain.model import Column, Measure, Reading
from exporter.platforms import json_outline, json_values
from exporter.platforms.api import Context, Request
from exporter.platforms.paradigm import field_notes
from exporter.platforms.paradigm.requests import INVARIANTS, Endpoint
from exporter.platforms.reading_builder import Invariant, ReadingBuilder, RowKey

Leaf = Callable[[object], tuple[float | None, json_values.Flaw | None]]
HERE = ""
"""The name of the object that is the row itself."""


class Field(NamedTuple):
    """One leaf of a row: its key, the column that it feeds, how it is read.

    Older releases lack an `optional` one: that is not counted as missing.
    """

    key: str
    column: Column
    read: Leaf
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
    items, and whether an entry has `dates` with a row each or is itself one row of now.
    """

    key: str
    part: str
    objects: Mapping[str, tuple[Field, ...]]
    items: Items | None = None
    dated: bool = True

    @property
    def columns(self) -> tuple[Column, ...]:
        """What its rows can feed, in the order of the documentation."""
        of_items = (self.items.total, self.items.distinct) if self.items else ()
        return (*(leaf.column for fields in self.objects.values() for leaf in fields), *of_items)

    @property
    def row_path(self) -> str:
        """Where a row stands."""
        return f"{self.key}[].dates[]." if self.dated else f"{self.key}[]."

    def known(self, key: str) -> frozenset[str]:
        """Returns the documented keys of an object of a row, or of the row itself."""
        leaves_of = frozenset(leaf.key for leaf in self.objects.get(key, ()))
        if key != HERE:
            return leaves_of
        of_items = {self.items.key} if self.items else set()
        own = {"date"} if self.dated else {"company"}
        return leaves_of | (self.objects.keys() - {HERE}) | of_items | own


@dataclass(frozen=True, slots=True)
class DocumentedReport(Endpoint):
    """A report of the envelope `{metadata, <array>: [{company: {id, name}, dates: [{date, ...}]}]}`.

    `metadata` maps the keys that describe fields to the fields that the documentation describes there.
    """

    measures: tuple[Measure, ...]
    arrays: tuple[Array, ...]
    metadata: Mapping[str, frozenset[str]]
    checks: tuple[Invariant, ...] = ()
    moments: frozenset[Column] = frozenset()

    @property
    def parts(self) -> Mapping[str, tuple[Column, ...]]:
        """The columns of each part, in the order of the documentation."""
        return {array.part: array.columns for array in self.arrays}

    @property
    def has_days(self) -> bool:
        """Tells whether its rows have dates."""
        return any(array.dated for array in self.arrays)

    @property
    def invariants(self) -> tuple[str, ...]:
        """Those of all reports, and its own."""
        return tuple(dict.fromkeys((*INVARIANTS, *(check.name for check in self.checks))))

    def decode(self, body: bytes, request: Request, context: Context) -> Reading:
        """Reads one answer; see `exporter.platforms.api.Report.decode`."""
        root = json_values.opened(body, {array.key for array in self.arrays})
        rows = ReadingBuilder(request.days, context)
        parts = frozenset(array.part for array in self.arrays if isinstance(root, dict) and array.key in root)
        if not isinstance(root, dict) or not parts:
            wanted = " or ".join(f'"{array.key}"' for array in self.arrays)
            raise SchemaError(f"expected an object with {wanted}, got {json_outline.summary(root)}")
        self._expect(root, rows)
        for array in self.arrays:
            if array.part in parts:
                _Reader(array, rows).read(root[array.key])
        rows.judge(self.checks, self.moments)
        return rows.reading(parts, field_notes.notes(*(root.get(key) for key in self.metadata)))

    def _expect(self, root: Mapping[str, object], rows: ReadingBuilder) -> None:
        """Notes what stands beside the arrays and is not documented; what is missing there costs no figure."""
        rows.expect(root, self.metadata.keys() | {array.key for array in self.arrays}, "")
        for key, fields in self.metadata.items():
            described = root.get(key)
            if isinstance(described, dict):
                rows.expect(described, fields, f"{key}.")
                for field, note in described.items():
                    if isinstance(note, dict):
                        rows.expect(note, {"description", "unit"}, f"{key}.{json_values.key(field)}.")


Leaves = tuple[tuple[Field, str], ...]
"""Leaves and where each stands."""
_COMPANY_KEYS = frozenset({"id", "name"})


class _Object(NamedTuple):
    """An object of a row: its key, its leaves, the keys that it may have, and where it stands."""

    key: str
    json_values: Leaves
    known: frozenset[str]
    path: str


def _object(key: str, fields: Iterable[Field], known: frozenset[str], path: str) -> _Object:
    return _Object(key, tuple((leaf, f"{path}.{leaf.key}") for leaf in fields), known, path)


class _Reader:
    """Reads one array into a draft; what it needs to know of each row is worked out once."""

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
        """Reads the whole array.

        Raises:
            SchemaError: it is no list.
        """
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
        """Reads the leaves of one row; what is absent stays absent."""
        rows, items = self._rows, self._array.items
        figures: dict[Column, float] = {}
        for name, fields, known, path in self._objects:
            holder = row.get(name) if name else row
            if not isinstance(holder, dict):
                rows.note("missing" if holder is None else "retyped", path)
                continue
            if name:
                rows.expect(holder, known, f"{path}.")
            self._read_leaves(holder, fields, key, figures)
        if items:
            figures |= self._items(items, row.get(items.key), key)
        return figures

    def _read_leaves(
        self, holder: Mapping[str, object], fields: Leaves, key: RowKey, figures: dict[Column, float]
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
        """Adds up a list and counts its different ids; of a list without one readable leaf the figure is absent."""
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
