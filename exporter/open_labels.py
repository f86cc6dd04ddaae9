"""Keeps labels that anybody may add values to (tools, languages) within their limits; pure.

Per company the values with the largest sum over the month are kept, the rest is added up as `other`. One choice holds
for all windows, and a value that is kept leaves only when it has clearly fallen behind: a series must not come and go
with every poll.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from exporter.ledger import Ledger

OTHER = "other"
SLACK = 1.2
"""A kept value leaves when its rank is beyond so many times the limit."""

Labels = tuple[str, ...]
Kept = Mapping[str, frozenset[Labels]]
"""The label values that a company keeps."""


@dataclass(frozen=True, slots=True)
class LabelLimits:
    """How many values each open label may have per company, by the limit's name, and how long a value may be."""

    values: Mapping[str, int] = field(default_factory=lambda: {"tools": 50})
    value_length: int = 128


def uses(ledger: Ledger, part: str, family: str, length: int) -> Mapping[str, Mapping[Labels, Mapping[date, float]]]:
    """Returns the held figures of a family by company, label values and day; values that are cut alike are added up."""
    found: dict[str, dict[Labels, dict[date, float]]] = {}
    for day, block in ledger.blocks.items():
        table = block.tables.get(part)
        for column, values in table.columns.items() if table else ():
            if column.family == family:
                labels = (*column.label_values[:-1], column.label_values[-1][:length])
                for company, value in zip(table.companies if table else (), values, strict=True):
                    if not math.isnan(value):
                        days = found.setdefault(company, {}).setdefault(labels, {})
                        days[day] = days.get(day, 0.0) + value
    return found


def keep(
    found: Mapping[str, Mapping[Labels, Mapping[date, float]]], month: Iterable[date], limit: int, before: Kept
) -> Kept:
    """Chooses per company which values are kept, by their sum over the month, then by name."""
    days = tuple(month)
    return {
        company: _chosen({labels: _over(figures, days) for labels, figures in values.items()}, limit, before, company)
        for company, values in found.items()
    }


def _over(figures: Mapping[date, float], days: Iterable[date]) -> float:
    return sum(figures.get(day, 0.0) for day in days)


def _chosen(sums: Mapping[Labels, float], limit: int, before: Kept, company: str) -> frozenset[Labels]:
    ranked = sorted(sums, key=lambda labels: (-sums[labels], labels))
    stay = [labels for labels in ranked[: int(limit * SLACK)] if labels in before.get(company, frozenset())]
    fill = (labels for labels in ranked if labels not in set(stay))
    return frozenset((*stay[:limit], *(labels for labels, _ in zip(fill, range(limit - len(stay)), strict=False))))


def capped(
    values: Mapping[Labels, Mapping[date, float]], kept: frozenset[Labels], days: Iterable[date], last: date
) -> Iterator[tuple[Labels, float]]:
    """Yields what a company has over some days per kept value, and the rest as `other`.

    A value counts 0 from the first day that it was used on, and has no figure before it.
    """
    asked = tuple(days)
    shown: dict[Labels, float] = {}
    for labels, figures in sorted(values.items()):
        if min(figures) <= last:
            place = labels if labels in kept else (*labels[:-1], OTHER)
            shown[place] = shown.get(place, 0.0) + _over(figures, asked)
    yield from shown.items()
