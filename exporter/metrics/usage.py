"""Usage figures of companies: the windows of a measure, a family for each, and sums over its days; pure.

paradigm_user_queries_last_day{source="production",company_id="17",company="Northwind",mode="chat"} 61.0
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cache, partial
from typing import NamedTuple, TypeVar

from exporter.domain.model import Column, Expendable, Family, Kind, Measure, Sample
from exporter.ledger.ledger import Ledger
from exporter.metrics.label_limits import OTHER, Labels, Uses, columns_if_all_fit, placed, sum_over, uses
from exporter.metrics.report_view import CompanyIndex, DeferredFamily, ReportView
from exporter.platforms.api import Report

Span = TypeVar("Span")
COMPANY_LABELS = ("source", "company_id", "company")


class Window(NamedTuple):
    """A window: the suffix of the family's name, words for HELP, and the number of days that it adds up."""

    suffix: str
    words: str
    day_gauge: str
    days: int = 1
    expendable: Expendable = Expendable.NEVER

    def ending(self, last: date) -> tuple[date, ...]:
        """Returns the days of the window that ends with `last`, newest first."""
        return tuple(last - timedelta(days=n) for n in range(self.days))


_DAY = "chat_usage_report_day_timestamp_seconds"
NO_WINDOW = Window("", "", "")
LAST_DAY = Window("_last_day", " on the last day", f", day: {_DAY}")
TODAY = Window("_today", " so far today", ", as of chat_usage_poll_last_success_timestamp_seconds")
WEEK = Window("_7d", " over 7 days", f", last day: {_DAY}", 7, Expendable.WEEK)
MONTH = Window("_28d", " over 28 days", f", last day: {_DAY}", 28, Expendable.MONTH)
SUMS = (WEEK, MONTH)


def families_of(measure: Measure, report: Report) -> Mapping[Window, Family]:
    """Returns the families of a measure by window, without samples.

    A moment or level has no window, and only what adds up has windows of several days.
    """
    windows = (LAST_DAY, *((TODAY,) if measure.today else ()), *(SUMS if measure.kind is Kind.SUM else ()))
    if measure.kind in (Kind.INSTANT, Kind.LEVEL, Kind.INFO):
        windows = (NO_WINDOW,)
    found = {}
    for window in windows:
        expendable = Expendable.LIMITED_LABELS if any(measure.limits) else window.expendable
        if measure.per_subject:
            expendable = Expendable.CHANNELS
        text = f"{measure.help}{window.words} ({report.name}); cached{window.day_gauge}."
        labels = COMPANY_LABELS + measure.labels
        found[window] = Family(measure.family + window.suffix, text, labels, expendable=expendable)
    return found


def usage_families(index: CompanyIndex) -> Iterator[DeferredFamily]:
    """Yields the families of all measures and windows that have a day; those of several days only with the history."""
    view, status = index.view, index.view.day_status
    newest_first = sorted(view.ledger.blocks, reverse=True)
    held = frozenset(newest_first)
    ended = held - {status.running}
    for measure in view.report.measures:
        families = families_of(measure, view.report)
        if NO_WINDOW in families:
            of_info, of_days = partial(_info_samples, index, measure), partial(_samples, index, measure, newest_first)
            yield DeferredFamily(families[NO_WINDOW], of_info if measure.kind is Kind.INFO else of_days, held)
            continue
        days: dict[Window, tuple[date, ...]] = {}
        for window in families:
            last = status.today if window is TODAY else status.last_day
            if last is not None and (window.days == 1 or view.health.history):
                days[window] = tuple(day for day in window.ending(last) if window.days == 1 or day in status.covered)
        ended_days = {window: of_window for window, of_window in days.items() if window is not TODAY}
        limited = cache(partial(limited_sums, index, measure, ended_days))
        for window, of_window in days.items():
            if not any(measure.limits):
                make = partial(_samples, index, measure, of_window)
                yield DeferredFamily(families[window], make, frozenset(of_window))
            elif window is TODAY:  # of each value the first day counts
                so_far = partial(limited_sums, index, measure, {TODAY: of_window})
                yield DeferredFamily(families[window], partial(_of_window, so_far, TODAY), held)
            else:
                yield DeferredFamily(families[window], partial(_of_window, limited, window), ended)


def _of_window(make: Callable[[], Mapping[Window, Sequence[Sample]]], window: Window) -> Sequence[Sample]:
    return make()[window]


def _samples(index: CompanyIndex, measure: Measure, days: Sequence[date]) -> Iterator[Sample]:
    """Yields the figures of some days, newest first: what adds up as a sum, else the largest moment or newest figure.

    A row that lacks the figure makes its company's sum unknown, not smaller. Companies without a row up to the newest
    day have no figure, nor have small groups of people.
    """
    source, names = index.view.target.source, index.view.ledger.names
    least = index.view.target.min_group if measure.people else 0
    for part, column in index.columns_of.get(measure.family, ()):
        if measure.kind in (Kind.SUM, Kind.DISTINCT):
            values = index.total(days, part, (column,))
        else:
            values = _newest(index, part, column, days, is_moment=measure.kind is Kind.INSTANT)
        for company, value in zip(index.companies[part], values, strict=True):
            if (value >= least or value == 0) and index.first_rows[part][company] <= days[0]:
                yield Sample((source, company, names[company], *column.label_values), value)


def _newest(index: CompanyIndex, part: str, column: Column, days: Sequence[date], *, is_moment: bool) -> list[float]:
    """Returns the largest moment or newest figure of each of the part's companies, in their order; -inf without one."""
    newest = [-math.inf] * len(index.companies[part])
    for day in days:
        if column in index.view.ledger.table(day, part).columns:
            pairs = zip(newest, index.total((day,), part, (column,), silence=math.nan), strict=True)
            newest = [new if new > old and (is_moment or old == -math.inf) else old for old, new in pairs]
        if not is_moment and -math.inf not in newest:
            break
    return newest


def _info_samples(index: CompanyIndex, measure: Measure) -> Iterator[Sample]:
    """Yields 1 for each row of the report's discovery about its own labels."""
    view = index.view
    discovery = view.discoveries.get(measure.family)
    rows = () if discovery is None else discovery.rows
    for company, name in zip(index.all_companies, index.names, strict=True):
        yield from (Sample((view.target.source, company, name, *row), 1.0) for row in rows)


def limited_sums(
    index: CompanyIndex, measure: Measure, days: Mapping[Window, Sequence[date]]
) -> Mapping[Window, Sequence[Sample]]:
    """Returns the figures of a measure with limited labels by window."""
    samples: dict[Window, list[Sample]] = {window: [] for window in days}
    for part in index.companies:
        for group in limited_part_sums(index, part, measure, days):
            for window, found in group.items():
                samples[window] += found
    return samples


def limited_part_sums(
    index: CompanyIndex, part: str, measure: Measure, spans: Mapping[Span, Sequence[date]]
) -> Iterator[Mapping[Span, Iterable[Sample]]]:
    """Yields the figures of a measure with limited labels over some spans of days: the kept values, and `other`.

    Where no values are joined, all spans of a label value are together, else the values of a company in one span.
    """
    view = index.view
    if (columns := _columns_as_served(view, part, measure)) is not None:
        for labels, column in sorted(columns.items()):
            yield {span: _column_samples(index, part, labels, column, days) for span, days in spans.items()}
        return
    kept, caps = view.kept.get(measure.family, {}), view.target.limits.caps(measure)
    for company, held in uses(view.ledger, part, measure, view.target.limits.value_length, index.companies[part]):
        own, keeps = (view.target.source, company, view.ledger.names[company]), kept.get(company, frozenset())
        for span, days in spans.items():
            sums = kept_sums(held, keeps, caps, days, measure)
            yield {span: [Sample((*own, *labels), value) for labels, value in sums]}


def _columns_as_served(view: ReportView, part: str, measure: Measure) -> Mapping[Labels, Column] | None:
    """Returns the columns of a measure by served label values if no values are joined, else None.

    Then a sum over days is one of columns, which takes half the time.
    """
    length = view.target.limits.value_length
    if measure.kind is not Kind.SUM or (measure.needs_read_marker and not _are_all_read(view.ledger, part, measure)):
        return None
    found = columns_if_all_fit(view.ledger, part, measure, view.target.limits.caps(measure)) or ()
    columns = [column for column in found if column.label_values]
    served = {tuple(value[:length] for value in each.label_values): each for each in columns}
    return served if columns and len(served) == len(columns) else None


def _are_all_read(ledger: Ledger, part: str, measure: Measure) -> bool:
    """Returns whether every held row has the read marker of a measure with one label."""
    marker = Column(measure.family)
    tables = [ledger.table(day, part) for day in ledger.blocks]
    # A sum is the fastest way to see that no figure is NaN; lost rows are looked for only otherwise.
    unclear = [table for table in tables if math.isnan(sum(table.columns.get(marker, (math.nan,))))]
    return all(set(table.companies) - table.lost <= set(table.with_figure(marker)) for table in unclear)


def _column_samples(
    index: CompanyIndex, part: str, labels: Labels, column: Column, days: Sequence[date]
) -> Iterator[Sample]:
    """Yields the sums of companies that had the value by the last day; a row without it adds 0."""
    source, ledger = index.view.target.source, index.view.ledger
    first_days, lost = ledger.first_figures(part, column), ledger.lost_on(days, part)
    total = index.total(days, part, (column,), unread=0.0)
    for company, value in zip(index.companies[part], total, strict=True):
        if first_days.get(company, date.max) <= days[0] and company not in lost:
            yield Sample((source, company, ledger.names[company], *labels), value)


def kept_sums(
    held: Uses, kept: frozenset[Labels], caps: Sequence[int | None], days: Sequence[date], measure: Measure
) -> Iterator[tuple[Labels, float]]:
    """Yields a company's sums over some days, newest first, per kept value, and `other` if it can be added up.

    A value counts 0 from the day of its first use; with a read marker, only in rows in which the breakdown was read.
    Unread or lost days make the sum unknown.
    """
    if not held.lost.isdisjoint(days):
        return
    last, shown = days[0], dict[Labels, float]()
    unknown: set[Labels] = set()
    for labels, figures in sorted(held.figures.items()):
        if last not in figures and min(figures) > last:
            continue
        place = labels if labels in kept else placed(labels, kept, caps)
        if measure.kind is not Kind.SUM:
            if last in figures and OTHER not in place:
                shown[place] = figures[last]
        elif not measure.needs_read_marker or _is_read(held, labels, days):
            shown[place] = shown.get(place, 0.0) + sum_over(figures, days)
        elif _is_read(held, labels, (last,)):  # else it ended, and takes nothing from the others
            unknown.add(place)
    yield from ((place, value) for place, value in shown.items() if place not in unknown)


def _is_read(held: Uses, labels: Labels, days: Iterable[date]) -> bool:
    """Returns whether a value, or its breakdown, was read on all days with a row."""
    read = (held.read.get(labels[:depth], ()) for depth in range(len(labels)))
    return not set(days).difference(held.figures[labels], held.silent, *read)
