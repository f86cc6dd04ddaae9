"""The figures of measures with labels that anybody may add values to: which values a company keeps, and their sums."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from operator import add

from exporter.domain.model import Column, Kind, Measure, Sample
from exporter.ledger.ledger import by_number
from exporter.metrics.label_limits import Kept, Span, all_fit, capped, keep, keep_all, uses
from exporter.metrics.report_view import Held, Known
from exporter.metrics.windows import MONTH, TODAY, Window, windows

BATCH = 500
"""So many companies' uses of all held days are 10 MiB, with eight tools each."""


def keep_labels(held: Held) -> Mapping[str, Kept]:
    """Chooses anew, by family, which values of open labels each company keeps.

    Of a report's families whose first label has the same limit the first one chooses for all.
    """
    last = held.day_status.last_day
    month = MONTH.ending(last) if last is not None else ()
    chosen: dict[str, Kept] = {}
    leaders: dict[str, str] = {}
    for measure in held.report.measures:
        if not any(measure.limits) or measure.kind is Kind.INFO:
            continue
        leader = leaders.setdefault(measure.limits[0], measure.family) if measure.limits[0] else measure.family
        leading = None if leader == measure.family else chosen[leader]
        chosen[measure.family] = {
            company: labels
            for part in held.report.parts
            for company, labels in _kept(held, part, measure, month, leading)
        }
    return chosen


def _kept(
    held: Held, part: str, measure: Measure, month: Sequence[date], leading: Kept | None
) -> Iterator[tuple[str, frozenset[tuple[str, ...]]]]:
    """Yields what each company keeps of a measure in a part."""
    ledger, length, caps = held.ledger, held.limits.value_length, held.limits.caps(measure)
    if leading is None and caps[0] is not None and (columns := all_fit(ledger, part, measure, caps[0])) is not None:
        yield from keep_all(ledger, part, columns, length).items()
        return
    for some in some_at_once(sorted(ledger.names, key=by_number)):
        found = uses(ledger, part, measure, length, some)
        yield from keep(found, month, caps, held.kept.get(measure.family, {}), leading).items()


def open_samples(known: Known, measure: Measure) -> Mapping[Window, Sequence[Sample]]:
    """Returns the figures of a measure with open labels by window: per company the values that it keeps, and `other`.

    All windows at once, because what is held of a company is far more than what is served.
    """
    held = known.held
    kept, caps = held.kept.get(measure.family, {}), held.limits.caps(measure)
    spans = _spans(held, measure)
    samples: dict[Window, list[Sample]] = {window: [] for window in spans}
    for part, companies in known.companies.items():
        if (whole := _whole(held, part, measure)) is not None:
            for window, span in spans.items():
                samples[window] += _whole_sums(known, part, whole, span)
            continue
        for some in some_at_once(companies):
            found = known.uses(part, measure, some)
            for company in filter(found.__contains__, some):
                own, keeps = (held.source, company, held.ledger.names[company]), kept.get(company, frozenset())
                for window, span in spans.items():
                    shown = capped(found[company], keeps, caps, span, measure)
                    samples[window] += (Sample((*own, *labels), value) for labels, value in shown)
    return samples


def _whole(held: Held, part: str, measure: Measure) -> Mapping[tuple[str, ...], Column] | None:
    """Returns the columns of a measure by label values as served, if nothing is put together with anything; else None.

    Then a sum over days is one of columns, which takes half the time of going through each company's own values.
    """
    cap = held.limits.caps(measure)[0]
    if cap is None or measure.kind is not Kind.SUM or measure.needs_read_marker:
        return None
    columns = all_fit(held.ledger, part, measure, cap) or frozenset()
    served = {tuple(value[: held.limits.value_length] for value in each.label_values): each for each in columns}
    return served if columns and len(served) == len(columns) else None


def _whole_sums(known: Known, part: str, columns: Mapping[tuple[str, ...], Column], span: Span) -> Iterator[Sample]:
    """Yields the sums over some days of companies that had the value before these ended; a row without it adds 0."""
    for labels, column in sorted(columns.items()):
        begun = known.held.ledger.first_told(part, column)
        total: Sequence[float] = [0.0] * len(known.companies[part])
        for day in span.days:
            told = known.on_day(day, part, column, 0.0)
            total = list(map(add, total, [0.0 if math.isnan(value) else value for value in told]))
        for company, own, value in zip(known.companies[part], known.own_labels(part, labels), total, strict=True):
            if begun.get(company, date.max) <= span.last:
                yield Sample(own, value)


def _spans(held: Held, measure: Measure) -> Mapping[Window, Span]:
    """Returns the days that each window of a measure adds up, without the windows that may not be served yet."""
    spans: dict[Window, Span] = {}
    for window in windows(measure):
        last = held.day_status.today if window is TODAY else held.day_status.last_day
        if last is not None and (window.days == 1 or held.sums):
            days = (day for day in window.ending(last) if day in held.day_status.covered or window is TODAY)
            spans[window] = Span(tuple(days), last)
    return spans


def some_at_once(companies: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cuts companies into batches, of which all that is held of open labels may be in memory at once."""
    return (companies[start : start + BATCH] for start in range(0, len(companies), BATCH))
