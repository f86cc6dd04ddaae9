"""The fast way to read an answer that describes itself: its figure is chosen in the first entry of each array.

That works if all entries have the shape of the first one. If one has not, or anything is unclear, nothing is read
here, and `survey` looks at each value.
"""

import math
from array import array as numbers
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from operator import attrgetter
from typing import Any

import msgspec

from exporter.domain.model import READ_COMPLETELY, Column, DayRows, Kind, Measure, RowsByDay
from exporter.platforms import json_values
from exporter.platforms.item_names import ItemNames
from exporter.platforms.paradigm.choose_field import NoChoice, Wanted, choose
from exporter.platforms.paradigm.survey import ARRAYS, LIST, NAMES, Place, survey
from exporter.platforms.reading_builder import ReadingBuilder

SAMPLES = 20
"""The first entry without an empty list is looked for among this many."""


class NotAlikeError(Exception):
    """The answer has to be read value by value."""


@dataclass(slots=True)
class _Day:
    """The figures of a day: the place of each company, and by column places and values, as they were listed.

    Numbers side by side take a tenth of a dictionary per row.
    """

    places: dict[str, int] = field(default_factory=dict)
    columns: "dict[Column, tuple[numbers[int], numbers[float]]]" = field(default_factory=dict)

    def rows(self, measure: Measure) -> DayRows:
        """Adds up the values of a company and column; raises NotAlikeError if these cannot be added up."""
        columns = {}
        if measure.labels:
            columns[Column(measure.family)] = numbers("d", [READ_COMPLETELY]) * len(self.places)
        for column, found in self.columns.items():
            columns[column] = values = numbers("d", [math.nan]) * len(self.places)
            for place, value in zip(*found, strict=True):
                if math.isnan(values[place]):
                    values[place] = value
                elif measure.kind is Kind.DISTINCT:
                    raise NotAlikeError
                else:
                    values[place] += value
        return DayRows(tuple(self.places), columns)


@dataclass(slots=True)
class AlikeReader:
    """Reads the figures of a measure; its notes in `rows` are valid only if it reads the whole answer."""

    measure: Measure
    part: str
    wanted: Wanted
    rows: ReadingBuilder
    _days: dict[date, _Day] = field(default_factory=dict)
    _columns: dict[object, Column] = field(default_factory=dict)
    _names: ItemNames = field(default_factory=ItemNames)

    def read(self, root: Any) -> RowsByDay:
        """Returns the rows of all days; raises NotAlikeError."""
        if not isinstance(root, dict) or "reporting" not in root:
            raise NotAlikeError
        firsts = {array: _first(root[array]) for array in ARRAYS if array in root}
        samples = {array: first for array, first in firsts.items() if first is not None}
        found = survey({**root, **{array: [sample] for array, sample in samples.items()}}, self.rows)
        choice, seen = choose(found, self.wanted), found.seen.values()
        places = [{figure.place for figure in row.figures} for row in seen]
        if (
            isinstance(choice, NoChoice)
            or len(seen) != len(samples)
            or bool(self.measure.labels) != (choice.place.shape == LIST)
            or not all(choice.place in each for each in places)
            or any(row.people for row in seen)
            or any(place.shape == NAMES for each in places for place in each)
        ):
            raise NotAlikeError
        self.rows.listed = 0  # the samples are read again, with all other rows
        for array, sample in samples.items():
            self._array(array, root[array], sample, choice.place)
        return {(self.part, day): found.rows(self.measure) for day, found in self._days.items()}

    def _array(self, array: str, entries: json_values.Listed, sample: Mapping[str, Any], where: Place) -> None:
        self._columns.clear()
        rows, seen, paths = self.rows, set[tuple[date, str]](), (f"{array}[].company.id", f"{array}[].company.name")
        row = sample["dates"][0]
        values = [attrgetter(key) for key in row if key != "date"]
        says = [key for key in row[where.holder][0] if key != where.key] if where.shape == LIST else ()
        said = attrgetter(*says) if says else lambda _: None
        for entry in entries.by(json_values.decoder(_shape("", sample))):
            if not isinstance(entry, msgspec.Struct):
                raise NotAlikeError
            company = rows.named(entry.company.id, entry.company.name, paths)  # type: ignore[attr-defined]  # made of the sample
            for row in entry.dates:  # type: ignore[attr-defined]  # the same
                key = rows.key(array, str(company), row.date, f"{array}[].dates[].date")
                if key is None:
                    continue
                if (key.day, key.company_id) in seen:
                    raise NotAlikeError
                seen.add((key.day, key.company_id))
                rows.listed -= not any(value or value == 0 for value in [value(row) for value in values])
                day = self._days.get(key.day) or self._days.setdefault(key.day, _Day())
                filed, place = day.columns, day.places.setdefault(key.company_id, len(day.places))
                holder = getattr(row, where.holder) if where.holder else row
                for item in holder if where.shape == LIST else (holder,):
                    column = self._columns.get(about := said(item)) or self._column(item, about)
                    places, numbers_of = filed.get(column) or filed.setdefault(column, (numbers("L"), numbers("d")))
                    places.append(place)
                    numbers_of.append(getattr(item, where.key))

    def _column(self, item: Any, about: object) -> Column:
        """Returns the column of an item, which depends on everything `about` it but its figure; cached."""
        label = self._names.label(msgspec.to_builtins(item)) if self.measure.labels else ""
        if label is None:
            raise NotAlikeError
        self._columns[about] = Column(self.measure.family, (label,) if self.measure.labels else ())
        return self._columns[about]


def _first(listed: object) -> Mapping[str, Any] | None:
    """Returns the first entry of an array that has a shape, with one row; None if there is no entry."""
    if not isinstance(listed, json_values.Listed):
        raise NotAlikeError
    entry: Any = None
    for entry in islice(listed, SAMPLES):
        match entry:
            case {"company": {"id": int(), "name": str()}, "dates": list() as dates}:
                for row in dates:
                    sample: dict[str, Any] = {**entry, "dates": [row]}
                    with suppress(NotAlikeError):
                        _shape("", sample)
                        return sample
    if entry is None:
        return None
    raise NotAlikeError


def _shape(key: str, value: object) -> object:
    """Returns the shape of a sample, for `json_values.decoder`."""
    match value:
        case dict() if all(each.isidentifier() and not each.startswith("_") for each in value):
            return {each: _shape(each, inner) for each, inner in value.items()}
        case [dict() as item, *_] if key != "dates" or isinstance(item.get("date"), str):
            return [_shape("", item)]
        case int() if not isinstance(value, bool):
            return int if json_values.is_identity(key) else json_values.Count
        case str():
            return str
    raise NotAlikeError
