"""Finds the figures of an answer that describes itself: `metadata` describes fields, rows show where they are.

{metadata: {<field>: {description, unit}}, reporting: [{company: {id, name}, dates: [{date, ...}]}]}
A figure is a number with a described key, in a row, in an object in the row, or in the items of a list in the row; or
a number in an object that maps names to numbers. If none of them is clearly that of the report, none is taken.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from exporter.domain.model import READ_COMPLETELY, READ_IN_PART
from exporter.platforms import item_names, json_values
from exporter.platforms.paradigm.report import ARRAYS
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


_place = lru_cache(maxsize=1000)(Place)  # thousands of items have the same few keys
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


class RowSurvey(Struct, frozen=True):
    """Figures of a row, lengths and people of its lists; a `bare` row lists nothing, so no figure is missing."""

    figures: tuple[DescribedFigure, ...]
    lengths: Mapping[str, int]
    people: Mapping[str, frozenset[str]]
    bare: bool

    def at(
        self, place: Place | None, rows: ReadingBuilder, path: str, *, has_labels: bool
    ) -> tuple[Sequence[tuple[tuple[str, ...], float]], float | None]:
        """Returns the figures at the chosen place by label, and the read marker, None if one could not be read.

        Notes what is missing. A bare row was read completely if it has an empty list.
        """
        if place is None or self.bare:
            has_list = place.holder in self.lengths if place else bool(self.lengths)
            return (), READ_COMPLETELY if has_list else READ_IN_PART
        for guess in {figure.place for figure in self.figures if figure.is_guess} - {place}:
            rows.note("unknown", f"{path}{guess}")
        found = [figure for figure in self.figures if figure.place == place]
        readable = [(figure.label, figure.value) for figure in found if figure.value is not None]
        if is_short := len(found) < (self.lengths.get(place.holder, 1) if place.shape == LIST else 1):
            rows.note("missing", f"{path}{place}")
        if not all(value.is_integer() for _, value in readable):
            rows.note("retyped", f"{path}{place}")
        if not has_labels:
            return [((), value) for _, value in readable], None
        named = [((label,), value) for label, value in readable if label is not None]
        if len(named) < len(readable):
            rows.note("missing", f"{f'{path}{place}'.rpartition('.')[0]}.name")
        if is_short or len(readable) < len(found) or (found and not named):
            return named, None
        return named, READ_COMPLETELY if len(named) == len(found) else READ_IN_PART


class FieldSurvey(Struct):
    """All rows of an answer by array, company and day; `has_levels` if some entries have no days."""

    rows: ReadingBuilder
    seen: dict[RowKey, RowSurvey] = {}
    has_levels: bool = False
    _described: frozenset[str] = frozenset()
    _path: str = ""
    _known: dict[DescribedFigure, DescribedFigure] = {}

    def read(self, array: str, entries: object, described: frozenset[str]) -> None:
        """Adds the rows of one array, of whose fields some are `described`."""
        rows, self._described = self.rows, described
        for entry in rows.objects(entries, array, are_rows=True):
            company = rows.company(entry.get("company"), f"{array}[].company")
            if company is None:
                continue
            level = {name: value for name, value in entry.items() if name not in ("company", "dates")}
            if level and "dates" not in entry:
                self._path = f"{array}[]."
                self.has_levels = True
                self._row(rows.level_key(array, company), level)
                continue
            self._note_unknown(level, f"{array}[]")
            self._path = f"{array}[].dates[]."
            for row in rows.objects(entry.get("dates"), f"{array}[].dates", are_rows=True):
                if key := rows.key(array, company, row.get("date"), f"{self._path}date"):
                    self._row(key, {k: v for k, v in row.items() if k != "date"})

    def _row(self, key: RowKey, row: Mapping[str, object]) -> None:
        """Adds a row; of two different rows of one company and day the last one counts."""
        bare = not any(value or value == 0 for value in row.values())
        self.rows.listed -= bare
        figures = tuple(figure for name, value in row.items() for figure in self._figures(name, value, key))
        lists = {name: value for name, value in row.items() if isinstance(value, list)}
        people = {name: found for name, items in lists.items() if (found := self._people(name, items)) is not None}
        content = RowSurvey(figures, {name: len(items) for name, items in lists.items()}, people, bare)
        if self.seen.get(key, content) != content:
            self.rows.violate("duplicate_row", key)
        self.seen[key] = content

    def _figures(self, name: str, value: object, key: RowKey) -> Iterator[DescribedFigure]:
        """Yields the figures of a field, or in the object or list there."""
        if isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    yield from self._described_in(item, name, LIST, key, item_names.label(item))
        elif not isinstance(value, dict):
            yield from self._described_in({name: value}, "", ROW, key)
        elif self._maps_names(name, value):
            place = Place(name, NAMES, "")
            field = name if name in self._described else next(iter(self._described))
            for label, each in value.items():
                number = self.rows.figure(json_values.number(each), f"{self._path}{place}", key)
                yield self._interned(DescribedFigure(place, field, number, json_values.label(label)))
        elif self._described & value.keys():
            yield from self._described_in(value, name, OBJECT, key)
        else:
            self._note_unknown(value, f"{self._path}{json_values.key(name)}")

    def _described_in(
        self, fields: Mapping[str, object], holder: str, shape: str, key: RowKey, label: str | None = None
    ) -> Iterator[DescribedFigure]:
        """Yields the described numbers among fields, without a value if one cannot be read."""
        for name, value in fields.items():
            if name not in self._described:
                if not (isinstance(value, str) or json_values.is_identity(name)):
                    self._note_unknown(value, f"{self._path}{Place(holder, shape, name)}")
            elif isinstance(value, int | float) or (isinstance(value, str) and _NUMERIC.fullmatch(value)):
                place, found = _place(holder, shape, name), json_values.number(value)
                if found[1]:
                    self.rows.figure(found, f"{self._path}{place}", key)
                yield self._interned(DescribedFigure(place, name, found[0], label))

    def _interned(self, figure: DescribedFigure) -> DescribedFigure:
        """Interns figures, because most of hundreds of thousands are small and repeated."""
        return self._known.setdefault(figure, figure)

    def _note_unknown(self, value: object, path: str) -> None:
        for unknown in number_paths(value, path):
            self.rows.note("unknown", unknown)

    def _maps_names(self, name: str, fields: Mapping[str, object]) -> bool:
        """Returns whether an object maps names to numbers, as in no report known so far."""
        if not fields or not all(each is None or json_values.is_number(each) for each in fields.values()):
            return False
        if any(map(json_values.is_identity, fields)) or self._described & fields.keys():
            return False
        return name in self._described or len(self._described) == 1

    def _people(self, name: str, items: Sequence[object]) -> frozenset[str] | None:
        """Returns the people in a list, by id or else by name; None if it is not a list of people."""
        is_named_so = name.endswith(("users", "user_ids"))
        if not is_named_so and not any(isinstance(item, dict) and "user_id" in item for item in items):
            return None
        found = {item_names.person(item) for item in items}
        if None in found:
            self.rows.note("missing", f"{self._path}{Place(name, LIST, 'user_id')}")
        return frozenset(person for person in found if person is not None)


def survey(root: Mapping[str, object], rows: ReadingBuilder) -> FieldSurvey:
    """Returns the rows of an answer; described are the keys of its metadata with `description` and `unit`."""
    found, complete = FieldSurvey(rows), {"description", "unit"}
    for array, key in ARRAYS.items():
        if isinstance(root.get(array), list | json_values.Listed):
            notes = metadata.items() if isinstance(metadata := root.get(key), dict) else ()
            described = frozenset(name for name, note in notes if isinstance(note, dict) and note.keys() >= complete)
            found.read(array, root[array], described)
    return found


def number_paths(value: object, path: str, depth: int = json_values.DEEPEST) -> Iterator[str]:
    """Yields the paths of all numbers but ids; possible names are shown as `*`."""
    if isinstance(value, list | json_values.Listed) and depth:
        for each in value:
            yield from number_paths(each, f"{path}[]", depth - 1)
    elif isinstance(value, dict) and depth:
        # An object of nothing but numbers, or of such objects, may map names to them; an item of a list does not.
        is_record = not path or path.endswith("[]") or any(isinstance(each, str | list) for each in value.values())
        for key, each in value.items():
            if not json_values.is_identity(key):
                shown = json_values.key(key) if is_record else "*"
                yield from number_paths(each, f"{path}.{shown}" if path else shown, depth - 1)
    elif json_values.is_number(value):
        yield path


class UnclearError(Exception):
    """No described figure is clearly the one."""

    def __init__(self, places: Collection[Place]) -> None:
        listed = ", ".join(sorted(map(str, places)))
        super().__init__(f"no described figure is clearly the one: {listed}" if places else "no described figure found")


def choose(found: FieldSurvey, likely: Sequence[str], *, of_items: bool) -> tuple[Place, str]:
    """Returns the place of the figure in a row, and why it was chosen; raises UnclearError.

    Looks for `likely` names, best first. For figures `of_items` of a list the only number of the items is taken,
    whatever its name; else a number of the day, or the number of different people in a list.
    """
    shapes = (LIST, NAMES) if of_items else (ROW, OBJECT)
    all_figures = [figure for row in found.seen.values() for figure in row.figures if figure.place.shape in shapes]
    figures = [figure for figure in all_figures if not figure.is_guess] or all_figures
    readable = {figure.place for figure in figures if figure.value is not None}
    if of_items and len(readable) == 1:
        return readable.pop(), "the only described number of items"
    for name in likely:
        named = {figure.place for figure in figures if figure.field == name}
        if len(named) == 1:
            return named.pop(), f"described as {name}"
        if named:
            raise UnclearError(named)
    lists = set() if of_items else {Place(name, PEOPLE, "") for row in found.seen.values() for name in row.people}
    if len(lists) == 1:
        return lists.pop(), "the number of different people listed there"
    raise UnclearError(readable | lists)
