"""What Paradigm documents of an array: [{company: {id, name}, dates: [{date, ...}]}], its fields and their columns."""

from collections.abc import Callable, Mapping
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from exporter.domain.model import Column
from exporter.platforms import json_values

TYPES: Mapping[Callable[[object], json_values.Checked], object] = {
    json_values.count: json_values.Count,
    json_values.number: json_values.Number,
    json_values.moment: object,
}
"""The types that check all that these functions check; for a moment there is none."""
COMPANY: Mapping[str, object] = {"id": int, "name": str}  # the shape of what names a company
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
    def row(self) -> Mapping[str, object]:
        """The documented shape of a row, as `json_values.decoder` takes it."""
        objects = {key: {each.key: each.type for each in fields} for key, fields in self.objects.items()}
        row: dict[str, object] = {**objects.pop(HERE, {}), **objects}
        if items := self.items:
            names = dict.fromkeys(items.ignored, object | None)
            row[items.key] = [{items.identity: int, items.number: json_values.Count, **names}]
        return {"date": str, **row} if self.dated else {"company": COMPANY, **row}

    @cached_property
    def decoder(self) -> msgspec.json.Decoder[object]:
        """A decoder of entries that are exactly as documented, and of no others."""
        return json_values.decoder({"company": COMPANY, "dates": [self.row]} if self.dated else self.row)

    @cached_property
    def values(self) -> Callable[[object], tuple[Any, ...]]:
        """A function that returns the values of a decoded row, without items."""
        paths = [path for path, _ in self.fields]
        if len(paths) > 1:
            return attrgetter(*paths)
        getters = list(map(attrgetter, paths))
        return lambda row: tuple([get(row) for get in getters])

    @cached_property
    def moments(self) -> tuple[tuple[Field, str], ...]:
        """The last fields, each with its path."""
        return tuple((field, f"{self.path}.{path}") for path, field in self.fields if field.read is json_values.moment)
