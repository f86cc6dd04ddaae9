"""Counts the figures that an answer changed after they were served as complete; `table` merges them."""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from exporter.domain.model import Kind, Measure
from exporter.ledger.ledger import Ledger


def corrections(before: Ledger, after: Ledger, days: Iterable[date], measures: Iterable[Measure]) -> tuple[int, float]:
    """Returns how many figures changed, and the largest share of a day: sum of changes / larger sum, 0 to 1.

    Compares the figures of `days`, which were served as complete from the ledger `before`. A figure that was not
    served before is no correction; without a row a company was served as 0 from its first row on. Moments are
    ignored; only what adds up counts for the ratio.
    """
    timeless = (Kind.INSTANT, Kind.LEVEL)  # they change all the time
    dated = {measure.family: measure for measure in measures if measure.kind not in timeless}
    count, ratio = 0, 0.0
    for day in days:
        changed = old_sum = new_sum = 0.0
        for kind, old, new in _pairs(before, after, day, dated):
            count += old != new
            if kind is Kind.SUM:
                changed, old_sum, new_sum = changed + abs(new - old), old_sum + old, new_sum + new
        ratio = max(ratio, changed / max(old_sum, new_sum) if changed else 0.0)
    return count, ratio


def _pairs(
    before: Ledger, after: Ledger, day: date, dated: Mapping[str, Measure]
) -> Iterator[tuple[Kind, float, float]]:
    """Yields a day's figures, also the unchanged ones, as served before and as they are now."""
    for part, new in after.blocks[day].tables.items():
        old = before.table(day, part)
        first, places = before.first_days.get(part, {}), old.places(new.companies)
        for column, values in new.columns.items():
            measure = dated.get(column.family)
            if measure and len(column.label_values) == len(measure.labels):  # not a read marker
                was = old.spread(column, places, math.nan if measure.kind is Kind.AVERAGE else 0.0)
                for company, served, value in zip(new.companies, was, values, strict=True):
                    if first.get(company, date.max) <= day and not math.isnan(value) and not math.isnan(served):
                        yield measure.kind, served, value
