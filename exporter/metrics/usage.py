"""The figures of companies as metric families: one family per measure and window, made from a judged ledger.

Generic over `exporter.domain.model.Measure`; knows no platform and no text format. A line of it:

    paradigm_user_queries_last_day{source="production",company_id="17",company="Northwind",mode="chat"} 61.0
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from operator import add

from exporter.domain.model import Column, Expendable, Family, Kind, Measure, Sample
from exporter.metrics.limited_labels import open_samples
from exporter.metrics.report_view import Held, Known
from exporter.metrics.windows import TODAY, Window
from exporter.metrics.windows import describe as describe  # noqa: PLC0414 who takes figures finds here what they are called
from exporter.metrics.windows import windows as windows  # noqa: PLC0414 the same

CHANNELS = "channels"
"""The limit of labels that are channels: they are the first to go when there are too many series."""
COMPANY_LABELS = ("source", "company_id", "company")


def figures(held: Held) -> Iterator[Family]:
    """Yields the families of all measures and windows that there is a day for."""
    known = Known(held)
    for measure in held.report.measures:
        label_names = COMPANY_LABELS + measure.labels
        found = open_samples(known, measure) if any(measure.limits) and measure.kind is not Kind.INFO else {}
        for window in windows(measure) or (None,):
            name, text = describe(measure, window, held.report)
            if measure.kind is Kind.INFO:
                samples = _info_samples(known, measure)
            elif any(measure.limits):
                samples = iter(found.get(window, ()) if window else ())
            else:
                samples = _samples(known, measure, window)
            yield Family(name, text, label_names, tuple(samples), expendable=_expendable(measure, window))


def _expendable(measure: Measure, window: Window | None) -> Expendable:
    if CHANNELS in measure.limits:
        return Expendable.CHANNELS
    if any(measure.limits):
        return Expendable.OPEN_LABELS
    return window.expendable if window else Expendable.NEVER


def _samples(known: Known, measure: Measure, window: Window | None) -> Iterator[Sample]:
    status = known.held.day_status
    day = status.today if window is TODAY else status.last_day
    for part, column in known.columns(measure):
        if part not in known.companies:
            continue
        if window is None:
            newest = _highest if measure.kind is Kind.INSTANT else _latest
            yield from known.samples(part, column, newest(known, part, column), None)
        elif day is not None and window.days == 1:
            silence = math.nan if measure.kind is Kind.AVERAGE else 0.0
            yield from known.samples(part, column, known.on_day(day, part, column, silence), day)
        elif day is not None and known.held.sums:
            days = (each for each in window.ending(day) if each in status.covered)
            yield from known.samples(part, column, _sum(known, part, column, days), day)


def _info_samples(known: Known, measure: Measure) -> Iterator[Sample]:
    """Yields a 1 for each row of what the report learned about its own labels."""
    held = known.held
    discovery = held.discoveries.get(measure.family)
    for company in {company for companies in known.companies.values() for company in companies} if discovery else ():
        for row in discovery.rows if discovery else ():
            yield Sample((held.source, company, held.ledger.names[company], *row), 1.0)


def _sum(known: Known, part: str, column: Column, days: Iterable[date]) -> Sequence[float]:
    """Adds up days; a row that lacks the figure makes its company's sum unknown, not smaller."""
    total: Sequence[float] = [0.0] * len(known.companies[part])
    for day in days:
        total = list(map(add, total, known.on_day(day, part, column, 0.0)))
    return total


def _highest(known: Known, part: str, column: Column) -> Sequence[float]:
    """Returns the largest held moment of each company."""
    highest: Sequence[float] = [math.nan] * len(known.companies[part])
    for day in known.held.ledger.blocks:
        values = known.on_day(day, part, column, math.nan)
        highest = [new if new > old or math.isnan(old) else old for new, old in zip(values, highest, strict=True)]
    return highest


def _latest(known: Known, part: str, column: Column) -> Sequence[float]:
    """Returns the newest held level of each company."""
    latest: Sequence[float] = [math.nan] * len(known.companies[part])
    for day in sorted(known.held.ledger.blocks, reverse=True):
        values = known.on_day(day, part, column, math.nan)
        latest = [older if math.isnan(found) else found for found, older in zip(latest, values, strict=True)]
        if not any(map(math.isnan, latest)):
            break
    return latest
