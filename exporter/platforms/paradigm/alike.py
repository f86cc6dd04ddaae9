"""The fast way to read an answer that describes itself: its figure is chosen in the first entry of each array.

All entries must have the shape of the first one; else, or if anything is unclear, `survey` looks at each value.
"""

import math
from array import array as float_array
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date
from itertools import islice
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Struct, field

from exporter.domain.model import READ_COMPLETELY, Column, DayRows, Kind, Measure
from exporter.platforms import item_names, json_values
from exporter.platforms.paradigm.report import ARRAYS
from exporter.platforms.paradigm.survey import LIST, NAMES, Place, choose, survey
from exporter.platforms.reading_builder import ALL, ReadingBuilder, RowKey

SAMPLES = 20  # first entries of an array, of which the first one that has a shape is the sample


class NotAlikeError(Exception):
    """The answer has to be read value by value."""


class AlikeReader(Struct):
    """Reads the figures of a measure, whose field has a `likely` name, into `rows`, which are void if it raises.

    `_days` has figures by day, column and company; each company of a day has one in the column without labels.
    """

    measure: Measure
    likely: tuple[str, ...]
    rows: ReadingBuilder
    _days: dict[date, dict[Column, dict[str, float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )

    def read(self, root: Any) -> None:
        """Reads a parsed answer; raises NotAlikeError or UnclearError."""
        if not isinstance(root, dict) or "reporting" not in root:
            raise NotAlikeError
        firsts = {array: _first(root[array]) for array in ARRAYS if array in root}
        samples = {array: first for array, first in firsts.items() if first is not None}
        found = survey({**root, **{array: [sample] for array, sample in samples.items()}}, self.rows)
        place, _ = choose(found, self.likely, of_items=bool(self.measure.labels))
        seen = found.seen.values()
        places = [{figure.place for figure in row.figures} for row in seen]
        if (
            len(seen) != len(samples)
            or not all(place in each for each in places)
            or any(row.people for row in seen)
            or any(other.shape == NAMES for each in places for other in each)
        ):
            raise NotAlikeError
        self.rows.listed = 0  # the samples are read again, with all other rows
        for array, sample in samples.items():
            self._array(array, root[array], sample, place)
        for day, of_day in self._days.items():
            companies = tuple(of_day[Column(self.measure.family)])
            columns = {
                column: float_array("d", [figures.get(company, math.nan) for company in companies])
                for column, figures in of_day.items()
            }
            self.rows.as_columns[ALL, day] = DayRows(companies, columns)

    def _array(self, array: str, entries: json_values.Listed, sample: Mapping[str, Any], where: Place) -> None:
        every, columns = Column(self.measure.family), dict[object, Column]()
        row = sample["dates"][0]
        values, number = [attrgetter(key) for key in row if key != "date"], attrgetter(where.key)
        others = [key for key in row[where.holder][0] if key != where.key] if where.shape == LIST else ()
        about = attrgetter(*others) if others else lambda _: None
        for key, row in self._rows(array, entries.by(json_values.decoder(_shape("", sample)))):
            listed = [value(row) for value in values]
            self.rows.listed -= not any(listed) and 0 not in listed
            of_day, company = self._days[key.day], key.company_id
            if self.measure.labels:
                of_day[every][company] = READ_COMPLETELY
            holder = getattr(row, where.holder) if where.holder else row
            for item in holder if where.shape == LIST else (holder,):
                column = columns.get(facts := about(item))  # its name depends on everything about it but its figure
                if column is None:
                    label = item_names.label(msgspec.to_builtins(item)) if self.measure.labels else ""
                    if label is None:
                        raise NotAlikeError
                    column = columns[facts] = Column(every.family, (label,) if self.measure.labels else ())
                value = number(item) + 0.0
                figures = of_day[column]
                if figures.setdefault(company, value) is not value:  # it was listed before
                    if self.measure.kind is Kind.DISTINCT:
                        raise NotAlikeError
                    figures[company] += value

    def _rows(self, array: str, entries: Iterator[object]) -> Iterator[tuple[RowKey, Any]]:
        """Yields the rows of the requested days, each with its key."""
        date_path, seen = f"{array}[].dates[].date", set[RowKey]()
        for typed in entries:
            if not isinstance(typed, msgspec.Struct):
                raise NotAlikeError
            entry: Any = typed  # of a type made of the sample
            company = str(entry.company.id)
            self.rows.name(company, json_values.label(entry.company.name))
            for row in entry.dates:
                key = self.rows.key(array, company, row.date, date_path)
                if key in seen:
                    raise NotAlikeError
                if key is not None:
                    seen.add(key)
                    yield key, row


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
