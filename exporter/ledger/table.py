"""The rows of one part on one day, as immutable columns; merging new rows into them makes a new table."""

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import compress, repeat
from operator import eq, mul
from typing import NamedTuple

from msgspec import Struct

from exporter.domain.model import READ_IN_PART, Column, DayRows

ABSENT = array("d", [math.nan])
"""The figure of one company that has none."""
MANY = 50
"""With at most this many rows per wanted company, all rows are indexed; with more, each company is searched for."""


class Places(NamedTuple):
    """Where companies are in a table: the range of rows, and the index of each in it, -1 without a row."""

    here: slice
    each: tuple[int, ...]


class Table(Struct, frozen=True):
    """The rows of one part on one day; `columns` are parallel to `companies` (sorted ids), NaN is an absent figure.

    `lost` companies have unknown figures: their rows were only read while the day ran.
    """

    companies: tuple[str, ...] = ()
    columns: Mapping[Column, "array[float]"] = {}
    lost: frozenset[str] = frozenset()

    def places(self, companies: Sequence[str]) -> Places:
        """Returns the places of companies that are sorted by number; looks only at the rows between first and last."""
        if not companies:
            return Places(slice(0), ())
        first = bisect_left(self.companies, by_number(companies[0]), key=by_number)
        here = slice(first, bisect_right(self.companies, by_number(companies[-1]), key=by_number))
        rows = self.companies[here]
        if len(rows) > MANY * len(companies):
            return Places(here, tuple(_place(rows, company) for company in companies))
        place = dict(zip(rows, range(len(rows)), strict=True))
        return Places(here, tuple(map(place.get, companies, repeat(-1))))

    def spread(self, column: Column, places: Places, silence: float) -> list[float]:
        """Returns a column at these places: `silence` without a row, NaN where a row lacks the figure."""
        values = self.columns.get(column)
        found = ABSENT * len(self.companies[places.here]) if values is None else values[places.here]
        found.append(silence)
        return list(map(found.__getitem__, places.each))  # -1 is the last one

    def changed_since(self, before: "Table") -> Set[str]:
        """Returns the companies whose rows differ from those in another table."""
        if self is before:
            return set()
        changed = (set(self.companies) ^ set(before.companies)) | (self.lost ^ before.lost)
        companies = self.companies if not changed else in_order({*self.companies, *before.companies})
        here, there = self.places(companies), before.places(companies)
        for column in self.columns.keys() | before.columns.keys():
            if self.columns.get(column) is not before.columns.get(column):
                now, was = self.spread(column, here, math.nan), before.spread(column, there, math.nan)
                pairs = zip(companies, now, was, strict=True)
                changed.update(each for each, *both in pairs if both[0] != both[1] and not all(map(math.isnan, both)))
        return changed

    def with_figure(self, column: Column) -> Iterable[str]:
        """Returns the companies that have a figure in a column (NaN alone differs from itself)."""
        values = self.columns.get(column, ())
        return compress(self.companies, map(eq, values, values))


NO_ROWS = Table()


def merged(old: Table, new: DayRows) -> Table:
    """Merges new rows into held ones; a missing figure stays, or becomes 0 in a breakdown that was read completely.

    Returns the held table itself if nothing changed, comparing NaN by its bytes.
    """
    place = dict(zip(new.companies, range(len(new.companies)), strict=True))
    if is_same := place.keys() <= set(old.companies):
        companies, columns = old.companies, dict(old.columns)
    else:
        companies = tuple(in_order(dict.fromkeys((*old.companies, *place))))
        places = old.places(companies)
        columns = {column: array("d", old.spread(column, places, math.nan)) for column in old.columns}
    rows = list(map(place.get, companies, repeat(-1)))  # -1 is the last one, which is absent
    read = {column: array("d", map((values + ABSENT).__getitem__, rows)) for column, values in new.columns.items()}
    for column, values in read.items():
        held = columns.setdefault(column, values)
        if held.tobytes() != values.tobytes():
            pairs = zip(held, values, strict=True)
            columns[column] = array("d", (was if math.isnan(now) else now for was, now in pairs))
    for column in old.columns:
        markers = {Column(column.family, column.label_values[:depth]) for depth in range(len(column.label_values))}
        for marker in markers & read.keys():
            lacks = map(math.isnan, read[column]) if column in read else repeat(True)
            marks = zip(read[marker], lacks, strict=False)
            factors = (0.0 if is_lacking and mark > READ_IN_PART else 1.0 for mark, is_lacking in marks)
            columns[column] = array("d", map(mul, columns[column], factors))  # NaN stays NaN
    lost = old.lost.difference(place)
    is_same = is_same and len(columns) == len(old.columns) and lost == old.lost
    if is_same and all(columns[column].tobytes() == values.tobytes() for column, values in old.columns.items()):
        return old
    return Table(companies, columns, lost)


def _place(rows: Sequence[str], company: str) -> int:
    place = bisect_left(rows, by_number(company), key=by_number)
    return place if rows[place : place + 1] == (company,) else -1


def by_number(identity: str) -> tuple[int, str]:
    """Returns the sort key of an id: short ones come first, so numbers are in the order of their values."""
    return len(identity), identity


def in_order(ids: Iterable[str]) -> list[str]:
    """Sorts ids as `by_number` does, in a third of the time."""
    return sorted(sorted(ids), key=len)
