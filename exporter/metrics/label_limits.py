"""Figures with limited labels (tools, languages, channels), and which of their values each company keeps; pure.

Per company, the values with the largest sum over the month are kept; the rest is added up as `other`. One choice
serves all windows, and a kept value leaves only when it has clearly fallen behind, so that series do not appear and
vanish with every poll. Of two limited labels the second is chosen per value of the first.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import date, timedelta
from itertools import repeat
from typing import NamedTuple

from msgspec import Struct, field

from exporter.domain.model import Column, Kind, Measure
from exporter.ledger.ledger import Ledger
from exporter.ledger.table import in_order
from exporter.platforms.api import Report

BATCH = 500  # companies at a time, which bounds memory: all held days, with eight tools each, take 10 MiB

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
    for start in range(0, len(companies), BATCH):
        some = companies[start : start + BATCH]
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


def columns_if_all_fit(ledger: Ledger, part: str, measure: Measure, caps: Sequence[int | None]) -> Set[Column] | None:
    """Returns the columns of a measure with one label if its values are within the limit, else None.

    Then each company keeps all values, and nothing has to be ranked.
    """
    tables = (block.tables[part] for block in ledger.blocks.values() if part in block.tables)
    columns = frozenset(column for table in tables for column in table.columns if column.family == measure.family)
    values = {each.label_values for each in columns if each.label_values}
    return columns if len(caps) == 1 and caps[0] is not None and len(values) <= caps[0] else None


OTHER = "other"
SLACK = 1.2  # a kept value leaves when its rank exceeds the limit times this

Kept = Mapping[str, frozenset[Labels]]  # what a company keeps: values of the first label, pairs of values of both
LIMITS = {"tools": 50, "languages": 30, "intents": 50, "steps": 30, "reasons": 20, "channels": 50}


class LabelLimits(Struct, frozen=True):
    """Values per company by the limit's name, and the length of a value."""

    values: Mapping[str, int] = field(default_factory=lambda: LIMITS)
    value_length: int = 128

    def caps(self, measure: Measure) -> tuple[int | None, ...]:
        """Returns how many values each label of a measure may have: None without a limit, 50 if no option sets it."""
        return tuple(self.values.get(limit, 50) if limit else None for limit in measure.limits)


def keep_labels(
    report: Report, ledger: Ledger, last_day: date | None, limits: LabelLimits, before: Mapping[str, Kept]
) -> Mapping[str, Kept]:
    """Chooses anew, by their sums over 28 days up to `last_day`, which label values of each family a company keeps.

    `before` are those that it has. The first of a report's families with the same limit on the first label chooses for
    all; the others fill what is left.
    """
    length, companies = limits.value_length, in_order(ledger.names)
    month = [] if last_day is None else [last_day - timedelta(days=n) for n in range(28)]
    chosen: dict[str, Kept] = {}
    leaders: dict[str, Kept] = {}
    for measure in report.measures:
        if not any(measure.limits) or measure.kind is Kind.INFO:
            continue
        leading = leaders.get(measure.limits[0])
        caps, earlier, kept = limits.caps(measure), before.get(measure.family, {}), dict[str, frozenset[Labels]]()
        for part in report.parts:
            columns = columns_if_all_fit(ledger, part, measure, caps) if leading is None else None
            if columns is not None:
                kept.update(keep_all(ledger, part, columns, length))
                continue
            for company, held in uses(ledger, part, measure, length, companies):
                of_leading = None if leading is None else leading.get(company, frozenset())
                kept[company] = keep(held, month, caps, earlier.get(company, frozenset()), of_leading)
        chosen[measure.family] = kept
        if measure.limits[0]:
            leaders.setdefault(measure.limits[0], kept)
    return chosen


def keep(
    held: Uses,
    month: Sequence[date],
    caps: Sequence[int | None],
    before: frozenset[Labels],
    leading: frozenset[Labels] | None = None,
) -> frozenset[Labels]:
    """Chooses a company's values by their sum over the month, then by name; `before` are those that it has.

    `caps` are parallel to the labels; values in `leading` were chosen by another family.
    """
    sums = {labels: sum_over(figures, month) for labels, figures in held.figures.items()}
    kept: set[Labels] = set()
    for depth, cap in enumerate(caps):
        if cap is None:
            continue
        if depth == 0 and leading is not None:
            kept.update(labels for labels in leading if len(labels) == 1)
            others = {labels[0]: value for labels, value in sums.items() if labels[:1] not in kept}
            kept.update((value,) for value in _first(others, max(cap - len(kept), 0), set()))
            continue
        groups: dict[Labels, dict[str, float]] = {}
        for labels, value in sums.items():
            group = groups.setdefault(placed(labels[:depth], kept, caps), {})
            group[labels[depth]] = group.get(labels[depth], 0.0) + value
        for way, values in groups.items():
            stays = {labels[depth] for labels in before if len(labels) == depth + 1 and labels[:depth] == way}
            kept.update((*way, value) for value in _first(values, cap, stays))
    return frozenset(kept)


def keep_all(ledger: Ledger, part: str, columns: Iterable[Column], length: int) -> Kept:
    """Returns what `keep` would choose if everything fits."""
    chosen: dict[str, set[Labels]] = {}
    for column in columns:
        labels = tuple(value[:length] for value in column.label_values)
        for company in ledger.first_figures(part, column):
            chosen.setdefault(company, set()).update([labels] if labels else [])
    return {company: frozenset(labels) for company, labels in chosen.items()}


def sum_over(figures: Mapping[date, float], days: Iterable[date]) -> float:
    """Adds up the figures of some days; a missing day adds 0."""
    return sum(map(figures.get, days, repeat(0.0)))


def _first(sums: Mapping[str, float], limit: int, held: set[str]) -> Iterator[str]:
    ranked = sorted(sums, key=lambda value: (-sums[value], value))
    stay = [value for value in ranked[: int(limit * SLACK)] if value in held][:limit]
    yield from stay
    yield from [value for value in ranked if value not in stay][: limit - len(stay)]


def placed(labels: Labels, kept: frozenset[Labels] | set[Labels], caps: Sequence[int | None]) -> Labels:
    """Returns the label values under which a figure is served, with `other` for values that are not kept."""
    place: Labels = ()
    for value, cap in zip(labels, caps, strict=False):
        place = (*place, value if cap is None or (*place, value) in kept else OTHER)
    return place
