"""Usage figures of companies: one family per measure and window; knows no platform and no text format.

paradigm_user_queries_last_day{source="production",company_id="17",company="Northwind",mode="chat"} 61.0
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from exporter.domain.model import Kind, Measure, Sample
from exporter.metrics.report_view import CompanyIndex, DeferredFamily
from exporter.metrics.sums import Sums, limited_sums, window_sums
from exporter.metrics.windows import TODAY, Window, WindowDays, days_by_window, family_of, windows


def usage_families(index: CompanyIndex) -> Iterator[DeferredFamily]:
    """Yields the families of all measures and windows that have a day."""
    view = index.view
    held = index.made_from(view.ledger.blocks)
    ended = index.made_from(day for day in view.ledger.blocks if day != view.day_status.running)
    for measure in view.report.measures:
        if not windows(measure):
            make = _info_samples if measure.kind is Kind.INFO else _newest_samples
            yield DeferredFamily(family_of(measure, None, view.report), partial(make, index, measure), held)
            continue
        days = days_by_window(measure, view.day_status, sums=view.health.history)
        sums, limited = Sums(), dict[Window, Sequence[Sample]]()
        for window, of_window in days.items():
            family = family_of(measure, window, view.report)
            if any(measure.limits):  # of each value the first day counts
                made_from = held if window is TODAY else ended
                yield DeferredFamily(family, partial(_limited, index, measure, days, limited, window), made_from)
            else:
                made_from = index.made_from(of_window.days)
                yield DeferredFamily(family, partial(window_sums, index, measure, of_window, sums), made_from)


def _limited(
    index: CompanyIndex,
    measure: Measure,
    days: Mapping[Window, WindowDays],
    made: dict[Window, Sequence[Sample]],
    window: Window,
) -> Sequence[Sample]:
    """Returns the figures of limited labels in a window; computes all windows at once, unless only today is needed."""
    if window not in made:
        made.update(limited_sums(index, measure, {window: days[window]} if window is TODAY else days))
    return made[window]


def _newest_samples(index: CompanyIndex, measure: Measure) -> Iterator[Sample]:
    """Yields each company's largest held moment, or newest held level."""
    is_moment = measure.kind is Kind.INSTANT
    for part, column in index.columns_of(measure):
        if part not in index.companies:
            continue
        newest = [-math.inf] * len(index.companies[part])
        for day in sorted(index.view.ledger.blocks, reverse=True):
            if column in index.view.ledger.table(day, part).columns:
                pairs = zip(newest, index.on_day(day, part, column, math.nan), strict=True)
                newest = [new if new > old and (is_moment or old == -math.inf) else old for old, new in pairs]
            if not is_moment and -math.inf not in newest:
                break
        yield from index.samples(measure, part, column, newest, None)


def _info_samples(index: CompanyIndex, measure: Measure) -> Iterator[Sample]:
    """Yields 1 for each row of the report's discovery about its own labels."""
    view = index.view
    discovery = view.discoveries.get(measure.family)
    rows = () if discovery is None else discovery.rows
    for company, name in zip(index.all_companies, index.names, strict=True):
        yield from (Sample((view.source, company, name, *row), 1.0) for row in rows)
