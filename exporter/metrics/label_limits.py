"""Keeps labels that anybody may add values to (tools, languages, channels) within their limits; pure.

Per company the values with the largest sum over the month are kept, the rest is added up as `other`. One choice holds
for all windows, and a value that is kept leaves only when it has clearly fallen behind: a series must not come and go
with every poll. Of two open labels the second one is chosen for each value of the first (reasons per channel).
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import repeat
from typing import NamedTuple

from exporter.domain.model import Column, Kind, Measure
from exporter.ledger.ledger import Ledger, Table, by_number

OTHER = "other"
SLACK = 1.2
"""A kept value leaves when its rank is beyond so many times the limit."""

Labels = tuple[str, ...]
Kept = Mapping[str, frozenset[Labels]]
"""What a company keeps: values of the first label, pairs of values of the first and the second."""
LIMITS = {"tools": 50, "languages": 30, "intents": 50, "steps": 30, "reasons": 20, "channels": 50}


@dataclass(frozen=True, slots=True)
class LabelLimits:
    """How many values each open label may have per company, by the limit's name, and how long a value may be."""

    values: Mapping[str, int] = field(default_factory=lambda: LIMITS)
    value_length: int = 128

    def caps(self, measure: Measure) -> tuple[int | None, ...]:
        """Returns how many values each label of a measure may have; None for a closed one."""
        return tuple(self.values[limit] if limit else None for limit in measure.limits)


class Uses(NamedTuple):
    """What a company has of a family with open labels: `figures` by label values and day.

    `read` are the days on which a break-down was read, by the label values before the one that it is broken down by.
    """

    figures: dict[Labels, dict[date, float]]
    read: dict[Labels, set[date]]


def uses(
    ledger: Ledger, part: str, measure: Measure, length: int, among: Sequence[str] | None = None
) -> Mapping[str, Uses]:
    """Returns what is held of a measure by company; values that are cut alike are added up.

    Of all companies that is large; `among` are some of them, sorted by number.
    """
    tables = {day: block.tables[part] for day, block in ledger.blocks.items() if part in block.tables}
    companies = _everybody(tables.values()) if among is None else among
    places = {day: table.places(companies) for day, table in tables.items()}
    columns = dict.fromkeys(column for table in tables.values() for column in table.columns)
    found: dict[str, Uses] = {}
    for column in (each for each in columns if each.family == measure.family):
        labels = tuple(value[:length] for value in column.label_values)
        told = {
            day: table.spread(column, places[day], math.nan) for day, table in tables.items() if column in table.columns
        }
        for company, values in zip(companies, zip(*told.values(), strict=True), strict=True):
            days = {day: value for day, value in zip(told, values, strict=True) if value == value}  # noqa: PLR0124 NaN
            if days:
                _take(found.setdefault(company, Uses({}, {})), labels, days, len(measure.labels))
    return found


def _everybody(tables: Iterable[Table]) -> Sequence[str]:
    return sorted(set().union(*(table.companies for table in tables)), key=by_number)


def _take(held: Uses, labels: Labels, days: Mapping[date, float], depth: int) -> None:
    if len(labels) < depth:
        held.read.setdefault(labels, set()).update(days)
        return
    earlier = held.figures.setdefault(labels, {})
    earlier.update({day: earlier.get(day, 0.0) + value for day, value in days.items()} if earlier else days)


def keep(
    found: Mapping[str, Uses],
    month: Iterable[date],
    caps: Sequence[int | None],
    before: Kept,
    leading: Kept | None = None,
) -> Kept:
    """Chooses per company which values are kept, by their sum over the month, then by name.

    `caps` are parallel to the labels; what another family chose of the first label holds here too if it is `leading`.
    """
    days = tuple(month)
    return {
        company: _chosen(
            {labels: _over(figures, days) for labels, figures in held.figures.items()},
            caps,
            before.get(company, frozenset()),
            None if leading is None else leading.get(company, frozenset()),
        )
        for company, held in found.items()
    }


def all_fit(ledger: Ledger, part: str, measure: Measure, cap: int) -> frozenset[Column] | None:
    """Returns the columns of a measure with one label if it has no more values than `cap`, else None.

    Then each company keeps what it has: nothing has to be ranked, and what is held of whom on which day not gathered.
    """
    tables = (block.tables[part] for block in ledger.blocks.values() if part in block.tables)
    columns = frozenset(column for table in tables for column in table.columns if column.family == measure.family)
    fits = len(measure.labels) == 1 and len({each.label_values for each in columns if each.label_values}) <= cap
    return columns if fits else None


def keep_all(ledger: Ledger, part: str, columns: Iterable[Column], length: int) -> Kept:
    """Returns what `keep` would choose of columns that all fit."""
    chosen: dict[str, set[Labels]] = {}
    for column in columns:
        labels = tuple(value[:length] for value in column.label_values)
        for company in ledger.first_told(part, column):
            chosen.setdefault(company, set()).update([labels] if labels else [])
    return {company: frozenset(labels) for company, labels in chosen.items()}


def _over(figures: Mapping[date, float], days: Iterable[date]) -> float:
    return sum(map(figures.get, days, repeat(0.0)))


def _chosen(
    sums: Mapping[Labels, float],
    caps: Sequence[int | None],
    before: frozenset[Labels],
    leading: frozenset[Labels] | None,
) -> frozenset[Labels]:
    kept: set[Labels] = set()
    for depth, cap in enumerate(caps):
        if cap is None:
            continue
        if depth == 0 and leading is not None:
            kept.update(labels for labels in leading if len(labels) == 1)
            continue
        groups: dict[Labels, dict[str, float]] = {}
        for labels, value in sums.items():
            group = groups.setdefault(placed(labels[:depth], kept, caps), {})
            group[labels[depth]] = group.get(labels[depth], 0.0) + value
        for way, values in groups.items():
            held = {labels[depth] for labels in before if len(labels) == depth + 1 and labels[:depth] == way}
            kept.update((*way, value) for value in _first(values, cap, held))
    return frozenset(kept)


def _first(sums: Mapping[str, float], limit: int, held: set[str]) -> Iterator[str]:
    ranked = sorted(sums, key=lambda value: (-sums[value], value))
    stay = [value for value in ranked[: int(limit * SLACK)] if value in held][:limit]
    yield from stay
    yield from [value for value in ranked if value not in stay][: limit - len(stay)]


def placed(labels: Labels, kept: frozenset[Labels] | set[Labels], caps: Sequence[int | None]) -> Labels:
    """Returns the label values under which a figure is served: `other` where a value is not kept."""
    place: Labels = ()
    for value, cap in zip(labels, caps, strict=False):
        place = (*place, value if cap is None or (*place, value) in kept else OTHER)
    return place


class Span(NamedTuple):
    """The days that a window adds up, and the last of them."""

    days: tuple[date, ...]
    last: date


def capped(
    held: Uses, kept: frozenset[Labels], caps: Sequence[int | None], span: Span, measure: Measure
) -> Iterator[tuple[Labels, float]]:
    """Yields what a company has over some days per kept value, and the rest as `other` where it can be added up.

    A value counts 0 from the first day that it was used on, and has no figure before it. If the measure needs a read
    marker, it counts 0 only on days on which the break-down was read; without one of the days there is no figure.
    """
    shown: dict[Labels, float] = {}
    unknown: set[Labels] = set()
    for labels, figures in sorted(held.figures.items()):
        if span.last not in figures and min(figures) > span.last:
            continue
        place = labels if labels in kept else placed(labels, kept, caps)
        if measure.kind is not Kind.SUM:
            if span.last in figures and OTHER not in place:
                shown[place] = figures[span.last]
        elif not measure.needs_read_marker or _is_read(held, labels, span.days):
            shown[place] = shown.get(place, 0.0) + _over(figures, span.days)
        elif _is_read(held, labels, (span.last,)):  # else it is gone, and takes nothing from the others
            unknown.add(place)
    yield from ((place, value) for place, value in shown.items() if place not in unknown)


def _is_read(held: Uses, labels: Labels, days: Iterable[date]) -> bool:
    """Tells whether a value, or the break-down that it would stand in, was read on all of these days."""
    figures, read = held.figures[labels], held.read.get(labels[:-1], ())
    return all(day in figures or day in read for day in days)
