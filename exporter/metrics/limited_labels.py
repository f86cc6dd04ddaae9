"""Held figures of measures with limited labels (tools, languages, channels), gathered in batches of companies; pure."""

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import date
from typing import NamedTuple

from exporter.domain.model import Column, Measure
from exporter.ledger.ledger import Ledger

BATCH = 500
"""Companies per batch: all held days, with eight tools each, take 10 MiB."""

Labels = tuple[str, ...]


class Uses(NamedTuple):
    """A company's `figures` of a limited family by label values and day.

    `read` are the days on which a breakdown was read, by its first label values (none: all of it); on `lost` days
    its row was lost, on `silent` held days it has none.
    """

    figures: dict[Labels, dict[date, float]]
    read: dict[Labels, set[date]]
    lost: Set[date] = frozenset()
    silent: Set[date] = frozenset()


def uses(
    ledger: Ledger, part: str, measure: Measure, length: int, companies: Sequence[str]
) -> Iterator[tuple[str, Uses]]:
    """Yields the figures of a measure for those of these companies that have any, sorted by number.

    Values are cut to `length`; those that become equal are added up.
    """
    tables = {day: block.tables[part] for day, block in ledger.blocks.items() if part in block.tables}
    columns = dict.fromkeys(column for table in tables.values() for column in table.columns)
    for some in batches(companies):
        places = {day: table.places(some) for day, table in tables.items()}
        found: dict[str, Uses] = {}
        for column in (each for each in columns if each.family == measure.family):
            labels = tuple(value[:length] for value in column.label_values)
            by_day = {
                day: table.spread(column, places[day], math.nan)
                for day, table in tables.items()
                if column in table.columns
            }
            for place, (company, values) in enumerate(zip(some, zip(*by_day.values(), strict=True), strict=True)):
                days = {day: value for day, value in zip(by_day, values, strict=True) if value == value}  # noqa: PLR0124 NaN
                if days:
                    if company not in found:
                        lost = frozenset(day for day, table in tables.items() if company in table.lost)
                        rows = {day for day, here in places.items() if here.each[place] >= 0}
                        found[company] = Uses({}, {}, lost, ledger.blocks.keys() - rows)
                    _add(found[company], labels, days, len(measure.labels))
        yield from ((company, found[company]) for company in some if company in found)


def _add(held: Uses, labels: Labels, days: Mapping[date, float], depth: int) -> None:
    if len(labels) < depth:
        held.read.setdefault(labels, set()).update(days)
        return
    earlier = held.figures.setdefault(labels, {})
    earlier.update({day: earlier.get(day, 0.0) + value for day, value in days.items()} if earlier else days)


def columns_if_all_fit(ledger: Ledger, part: str, measure: Measure, cap: int) -> frozenset[Column] | None:
    """Returns the columns of a measure with one label if it has at most `cap` values, else None.

    Then each company keeps all values, and nothing has to be ranked.
    """
    tables = (block.tables[part] for block in ledger.blocks.values() if part in block.tables)
    columns = frozenset(column for table in tables for column in table.columns if column.family == measure.family)
    fits = len(measure.labels) == 1 and len({each.label_values for each in columns if each.label_values}) <= cap
    return columns if fits else None


def batches(companies: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cuts companies into batches, which bounds memory."""
    return (companies[start : start + BATCH] for start in range(0, len(companies), BATCH))
