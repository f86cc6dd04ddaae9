"""Finds the figures of an answer that describes itself: `metadata` describes fields, rows show where they are.

{metadata: {<field>: {description, unit}}, reporting: [{company: {id, name}, dates: [{date, ...}]}]}
A figure is a number with a described key, in a row, in an object in the row, or in the items of a list in the row; or
a number in an object that maps names to numbers. Knows no report.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from exporter.platforms import item_names, json_values
from exporter.platforms.paradigm import field_notes
from exporter.platforms.paradigm.field_notes import ARRAYS
from exporter.platforms.reading_builder import ReadingBuilder, RowKey

_NUMERIC = re.compile(r"\s*[-+]?[0-9]+(\.[0-9]*)?\s*", re.ASCII)


class Place(NamedTuple):
    """Where in a row numbers are: the object or list that holds them, its shape, and their key.

    As text: `n`, `feedbacks.n`, `tools[].n`, and `tools.*` for an object that maps names to numbers.
    """

    holder: str
    shape: str
    key: str

    def __str__(self) -> str:
        holder, key = (json_values.key(text) if text else "" for text in (self.holder, self.key))
        return f"{holder}{self.shape}{key}"


ROW, OBJECT, LIST, NAMES, PEOPLE = "", ".", "[].", ".*", "[]"
"""The shapes of what holds numbers, or is counted."""


class DescribedFigure(NamedTuple):
    """A described number: its place, field and item's label; a `value` of None could not be read."""

    place: Place
    field: str
    value: float | None
    label: str | None = None

    @property
    def is_guess(self) -> bool:
        """Whether it is taken for the described field only because there is no other."""
        return self.place.shape == NAMES and self.place.holder != self.field


@dataclass(frozen=True, slots=True)
class RowSurvey:
    """The content of one row: figures, and the lengths and people of lists.

    A `bare` row lists nothing, so no figure is missing from it.
    """

    figures: tuple[DescribedFigure, ...]
    lengths: Mapping[str, int]
    people: Mapping[str, frozenset[str]]
    bare: bool


@dataclass(slots=True)
class FieldSurvey:
    """All rows of an answer by array, company and day; `has_levels` if some entries have no days."""

    rows: ReadingBuilder
    seen: dict[RowKey, RowSurvey] = field(default_factory=dict)
    has_levels: bool = False


def survey(root: Mapping[str, object], rows: ReadingBuilder) -> FieldSurvey:
    found = FieldSurvey(rows)
    for array, metadata in ARRAYS.items():
        if isinstance(root.get(array), list | json_values.Listed):
            _ArrayReader(array, field_notes.fields(root.get(metadata)), found).read(root[array])
    return found


@dataclass(slots=True)
class _ArrayReader:
    _array: str
    _described: frozenset[str]
    _found: FieldSurvey
    _path: str = ""
    _known: dict[DescribedFigure, DescribedFigure] = field(default_factory=dict)

    def read(self, entries: object) -> None:
        array, rows = self._array, self._found.rows
        for entry in rows.objects(entries, array, are_rows=True):
            company = rows.company(entry.get("company"), f"{array}[].company")
            if company is None:
                continue
            level = {name: value for name, value in entry.items() if name not in ("company", "dates")}
            if "dates" in entry or not level:
                self._dated(company, entry.get("dates"))
                self._leave_out(level, f"{array}[]")
            else:
                self._path = f"{array}[]."
                self._found.has_levels = True
                self._row(rows.level_key(array, company), level)

    def _dated(self, company: str, dates: object) -> None:
        self._path = f"{self._array}[].dates[]."
        for row in self._found.rows.objects(dates, f"{self._array}[].dates", are_rows=True):
            key = self._found.rows.key(self._array, company, row.get("date"), f"{self._path}date")
            if key:
                self._row(key, {k: v for k, v in row.items() if k != "date"})

    def _row(self, key: RowKey, row: Mapping[str, object]) -> None:
        """Adds a row; of two different rows of one company and day the last one counts."""
        bare = not any(value or value == 0 for value in row.values())
        self._found.rows.listed -= bare
        figures: list[DescribedFigure] = []
        lengths: dict[str, int] = {}
        people: dict[str, frozenset[str]] = {}
        for name, value in row.items():
            if isinstance(value, list):
                lengths[name] = len(value)
                figures += self._items(name, value, key)
                if (found := self._people(name, value)) is not None:
                    people[name] = found
            elif isinstance(value, dict):
                figures += self._object(name, value, key)
            elif figure := self._figure(Place("", ROW, name), value, key):
                figures.append(figure)
        content = RowSurvey(tuple(figures), lengths, people, bare)
        if self._found.seen.get(key, content) != content:
            self._found.rows.violate("duplicate_row", key)
        self._found.seen[key] = content

    def _figure(self, place: Place, value: object, key: RowKey, label: str | None = None) -> DescribedFigure | None:
        """Returns the value if it is a figure, without a value if that cannot be read."""
        if place.key in self._described:
            if json_values.is_number(value):
                number, flaw = json_values.number(value)
                if flaw:
                    self._found.rows.figure((number, flaw), f"{self._path}{place}", key)
                return self._once(DescribedFigure(place, place.key, number, label))
            if isinstance(value, bool) or (isinstance(value, str) and _NUMERIC.fullmatch(value)):
                self._found.rows.note("retyped", f"{self._path}{place}")
                return self._once(DescribedFigure(place, place.key, None, label))
        elif not (isinstance(value, str) or json_values.is_identity(place.key)):
            self._leave_out(value, f"{self._path}{place}")
        return None

    def _once(self, figure: DescribedFigure) -> DescribedFigure:
        """Interns figures, because most of hundreds of thousands are small and repeated."""
        return self._known.setdefault(figure, figure)

    def _object(self, name: str, fields: Mapping[str, object], key: RowKey) -> Iterator[DescribedFigure]:
        if self._maps_names(name, fields):
            place = Place(name, NAMES, "")
            field = name if name in self._described else next(iter(self._described))
            for label, value in fields.items():
                number = self._found.rows.figure(json_values.number(value), f"{self._path}{place}", key)
                yield self._once(DescribedFigure(place, field, number, json_values.label(label)))
        elif self._described & fields.keys():
            for inner, value in fields.items():
                if figure := self._figure(Place(name, OBJECT, inner), value, key):
                    yield figure
        else:
            self._leave_out(fields, f"{self._path}{json_values.key(name)}")

    def _leave_out(self, value: object, path: str) -> None:
        for unknown in field_notes.numbers(value, path):
            self._found.rows.note("unknown", unknown)

    def _maps_names(self, name: str, fields: Mapping[str, object]) -> bool:
        """Returns whether an object maps names to numbers; seen in no known report."""
        if not fields or not all(each is None or json_values.is_number(each) for each in fields.values()):
            return False
        if any(map(json_values.is_identity, fields)) or self._described & fields.keys():
            return False
        return name in self._described or len(self._described) == 1

    def _items(self, name: str, items: Sequence[object], key: RowKey) -> Iterator[DescribedFigure]:
        for item in items:
            if isinstance(item, dict):
                label = item_names.label(item)
                for inner, value in item.items():
                    if figure := self._figure(Place(name, LIST, inner), value, key, label):
                        yield figure

    def _people(self, name: str, items: Sequence[object]) -> frozenset[str] | None:
        """Returns the people in a list, by id or else by name; None if it is not a list of people."""
        named_so = name.endswith(("users", "user_ids"))
        if not named_so and not any(isinstance(item, dict) and "user_id" in item for item in items):
            return None
        found = {item_names.person(item) for item in items}
        if None in found:
            self._found.rows.note("missing", f"{self._path}{Place(name, LIST, 'user_id')}")
        return frozenset(person for person in found if person is not None)
