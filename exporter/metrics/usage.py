"""The usage figures of companies as metric families: one family per measure and window.

Generic over `exporter.domain.model.Measure`; knows no platform and no text format. A line of it:

    paradigm_user_queries_last_day{source="production",company_id="17",company="Northwind",mode="chat"} 61.0
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

from exporter.domain.model import Family, Kind, Measure, Sample
from exporter.metrics.report_view import CompanyIndex, ReportView
from exporter.metrics.sums import Sums, limited_sums, window_sums
from exporter.metrics.windows import Window, days_by_window, family_of, windows


def usage_families(view: ReportView) -> Iterator[Family]:
    """Yields the families of all measures and windows that there is a day for."""
    index = CompanyIndex(view)
    for measure in view.report.measures:
        days = days_by_window(measure, view.day_status, sums=view.health.history)
        sums: Sums = {}
        found: Iterable[tuple[Window | None, Iterable[Sample]]]
        if measure.kind is Kind.INFO:
            found = ((None, _info_samples(index, measure)),)
        elif any(measure.limits):
            found = limited_sums(index, measure, days).items()
        elif windows(measure):
            found = ((window, window_sums(index, measure, each, sums)) for window, each in days.items())
        else:
            found = ((None, _newest_samples(index, measure)),)
        for window, samples in found:
            yield replace(family_of(measure, window, view.report), samples=tuple(samples))


def _newest_samples(index: CompanyIndex, measure: Measure) -> Iterator[Sample]:
    """Yields the largest held moment of each company, or its newest held level."""
    is_moment = measure.kind is Kind.INSTANT
    for part, column in index.columns_of(measure):
        if part not in index.companies:
            continue
        newest = [math.nan] * len(index.companies[part])
        for day in sorted(index.view.ledger.blocks, reverse=True):
            values = index.on_day(day, part, column, math.nan)
            newest = [
                value if math.isnan(found) or (is_moment and value > found) else found
                for found, value in zip(newest, values, strict=True)
            ]
            if not is_moment and not any(map(math.isnan, newest)):
                break
        yield from index.samples(measure, part, column, newest, None)


def _info_samples(index: CompanyIndex, measure: Measure) -> Iterator[Sample]:
    """Yields a 1 for each row of what the report discovered about its own labels."""
    view = index.view
    discovery = view.discoveries.get(measure.family)
    rows = () if discovery is None else discovery.rows
    for company, name in zip(index.all_companies, index.names, strict=True):
        yield from (Sample((view.source, company, name, *row), 1.0) for row in rows)
