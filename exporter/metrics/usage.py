"""The usage figures of companies as metric families: one family per measure and window.

Generic over `exporter.domain.model.Measure`; knows no platform and no text format. A line of it:

    paradigm_user_queries_last_day{source="production",company_id="17",company="Northwind",mode="chat"} 61.0
"""

import math
from collections.abc import Iterator, Sequence

from exporter.domain.model import Column, Expendable, Family, Kind, Measure, Sample
from exporter.metrics.company_index import CompanyIndex
from exporter.metrics.report_view import ReportView
from exporter.metrics.sums import ColumnSums, limited_sums
from exporter.metrics.windows import Window, WindowDays, days_by_window, describe, windows

COMPANY_LABELS = ("source", "company_id", "company")


def usage_families(view: ReportView) -> Iterator[Family]:
    """Yields the families of all measures and windows that there is a day for."""
    index = CompanyIndex(view)
    for measure in view.report.measures:
        for window, samples in _by_window(index, measure):
            name, text = describe(measure, window, view.report)
            yield Family(
                name, text, COMPANY_LABELS + measure.labels, tuple(samples), expendable=_expendable(measure, window)
            )


def _expendable(measure: Measure, window: Window | None) -> Expendable:
    if measure.per_subject:
        return Expendable.CHANNELS
    if any(measure.limits):
        return Expendable.LIMITED_LABELS
    return window.expendable if window else Expendable.NEVER


def _by_window(index: CompanyIndex, measure: Measure) -> Iterator[tuple[Window | None, Iterator[Sample]]]:
    """Yields the samples of a measure for each window that may be served, or once if it has none."""
    days = days_by_window(measure, index.view.day_status, sums=index.view.health.history)
    if measure.kind is Kind.INFO:
        yield None, _info_samples(index, measure)
    elif any(measure.limits):
        yield from ((window, iter(samples)) for window, samples in limited_sums(index, measure, days).items())
    elif windows(measure):
        sums = ColumnSums(index)
        yield from ((window, _window_samples(index, measure, each, sums)) for window, each in days.items())
    else:
        yield None, _newest_samples(index, measure)


def _window_samples(index: CompanyIndex, measure: Measure, window: WindowDays, sums: ColumnSums) -> Iterator[Sample]:
    for part, column in index.columns_of(measure):
        if part in index.companies:
            if measure.kind is Kind.AVERAGE:
                values = index.on_day(window.last, part, column, math.nan)
            else:
                values = sums.over(window.days, part, column)
            yield from index.samples(part, column, values, window.last)


def _newest_samples(index: CompanyIndex, measure: Measure) -> Iterator[Sample]:
    newest = _highest if measure.kind is Kind.INSTANT else _latest
    for part, column in index.columns_of(measure):
        if part in index.companies:
            yield from index.samples(part, column, newest(index, part, column), None)


def _info_samples(index: CompanyIndex, measure: Measure) -> Iterator[Sample]:
    """Yields a 1 for each row of what the report discovered about its own labels."""
    view = index.view
    discovery = view.discoveries.get(measure.family)
    rows = () if discovery is None else discovery.rows
    for company, name in zip(index.all_companies, index.names, strict=True):
        yield from (Sample((view.source, company, name, *row), 1.0) for row in rows)


def _highest(index: CompanyIndex, part: str, column: Column) -> Sequence[float]:
    """Returns the largest held moment of each company."""
    highest: Sequence[float] = [math.nan] * len(index.companies[part])
    for day in index.view.ledger.blocks:
        values = index.on_day(day, part, column, math.nan)
        highest = [new if new > old or math.isnan(old) else old for new, old in zip(values, highest, strict=True)]
    return highest


def _latest(index: CompanyIndex, part: str, column: Column) -> Sequence[float]:
    """Returns the newest held level of each company."""
    latest: Sequence[float] = [math.nan] * len(index.companies[part])
    for day in sorted(index.view.ledger.blocks, reverse=True):
        values = index.on_day(day, part, column, math.nan)
        latest = [older if math.isnan(found) else found for found, older in zip(latest, values, strict=True)]
        if not any(map(math.isnan, latest)):
            break
    return latest
