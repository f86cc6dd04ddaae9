"""The figures of companies as metric families: one family per measure and window, made from a judged ledger.

Generic over `exporter.model.Measure`; knows no platform and no text format. A line of it:

    paradigm_user_queries_last_day{source="production",company_id="17",company="Northwind",mode="chat"} 61.0
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import add

from exporter.judge import Judgement
from exporter.ledger import Ledger, Places, Table, by_number
from exporter.model import Column, Expendable, Family, Kind, Measure, Sample
from exporter.open_labels import Kept, LabelLimits, Span, Uses, capped, keep, keep_all, uses
from exporter.source import Lessons, Report
from exporter.windows import MONTH, TODAY, Window
from exporter.windows import describe as describe  # noqa: PLC0414 who takes figures finds here what they are called
from exporter.windows import windows as windows  # noqa: PLC0414 the same

CHANNELS = "channels"
"""The limit of labels that are channels: they are the first to go when there are too many series."""
COMPANY_LABELS = ("source", "company_id", "company")
BATCH = 500
"""So many companies' uses of all held days are 10 MiB, with eight tools each."""


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of one report of one source, judged.

    `sums` tells whether windows may be served yet, `limits` how many values open labels may have, `kept` which they
    have, by family; figures about fewer than `min_group` people are not told, but 0 is. `lessons` are what the report
    learned of its platform.
    """

    source: str
    report: Report
    ledger: Ledger
    judgement: Judgement
    sums: bool
    limits: LabelLimits
    kept: Mapping[str, Kept]
    min_group: int
    lessons: Lessons


def figures(held: Held) -> Iterator[Family]:
    """Yields the families of all measures and windows that there is a day for."""
    known = Known(held)
    for measure in held.report.measures:
        label_names = COMPANY_LABELS + measure.labels
        open_samples = _open_samples(known, measure) if any(measure.limits) and measure.kind is not Kind.INFO else {}
        for window in windows(measure) or (None,):
            name, text = describe(measure, window, held.report)
            samples = open_samples.get(window, ()) if any(measure.limits) else _samples(known, measure, window)
            if measure.kind is Kind.INFO:
                samples = _info_samples(known, measure)
            yield Family(name, text, label_names, tuple(samples), expendable=_expendable(measure, window))


def _expendable(measure: Measure, window: Window | None) -> Expendable:
    if CHANNELS in measure.limits:
        return Expendable.CHANNELS
    if any(measure.limits):
        return Expendable.OPEN_LABELS
    return window.expendable if window else Expendable.NEVER


def keep_labels(held: Held) -> Mapping[str, Kept]:
    """Chooses anew, by family, which values of open labels each company keeps.

    Of a report's families whose first label has the same limit the first one chooses for all.
    """
    last = held.judgement.last_day
    month = _days(last, MONTH) if last is not None else ()
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


def _days(last: date, window: Window) -> tuple[date, ...]:
    return tuple(last - timedelta(days=n) for n in range(window.days))


def _kept(
    held: Held, part: str, measure: Measure, month: Sequence[date], leading: Kept | None
) -> Iterator[tuple[str, frozenset[tuple[str, ...]]]]:
    """Yields what each company keeps of a measure in a part."""
    ledger, length, caps = held.ledger, held.limits.value_length, held.limits.caps(measure)
    if leading is None and caps[0] is not None:
        everything = keep_all(ledger, part, measure, length, caps[0])
        if everything is not None:
            yield from everything.items()
            return
    for some in some_at_once(sorted(ledger.names, key=by_number)):
        found = uses(ledger, part, measure, length, some)
        yield from keep(found, month, caps, held.kept.get(measure.family, {}), leading).items()


class Known:
    """What all measures ask of the same ledger, worked out once: first days, columns, companies in order."""

    def __init__(self, held: Held) -> None:
        self.held = held
        self.first_days: Mapping[str, Mapping[str, date]] = held.ledger.first_days
        self.companies = {part: sorted(days, key=by_number) for part, days in self.first_days.items()}
        self._begun = {part: [days[each] for each in self.companies[part]] for part, days in self.first_days.items()}
        self._labels: dict[tuple[str, tuple[str, ...]], Sequence[tuple[str, ...]]] = {}
        self._columns = held.ledger.columns()
        self._places: dict[tuple[date, str], Places] = {}
        self._people = {measure.family for measure in held.report.measures if measure.people}

    def columns(self, measure: Measure) -> Iterator[tuple[str, Column]]:
        """Yields the columns of a measure that some held row has a figure for, with the part that they belong to.

        What the platform never told of anybody, as older releases lack a field, is nobody's 0.
        """
        for part, columns in self.held.report.parts.items():
            told = self._columns.get(part, frozenset())
            yield from ((part, column) for column in columns if column.family == measure.family and column in told)

    def uses(self, part: str, measure: Measure, among: Sequence[str] | None = None) -> Mapping[str, Uses]:
        """Returns what is held of a measure with open labels, of all companies or of some batch."""
        return uses(self.held.ledger, part, measure, self.held.limits.value_length, among)

    def table(self, day: date, part: str) -> Table:
        """Returns the rows of a part on a day; none if the day is not held."""
        block = self.held.ledger.blocks.get(day)
        return Table() if block is None else block.tables.get(part, Table())

    def on_day(self, day: date, part: str, column: Column, silence: float) -> Sequence[float]:
        """Returns the figures of a day in the order of the part's companies; `silence` for those without a row."""
        table = self.table(day, part)
        if (day, part) not in self._places:
            self._places[day, part] = table.places(self.companies[part])
        return table.spread(column, self._places[day, part], silence)

    def samples(self, part: str, column: Column, values: Sequence[float], until: date | None) -> Iterator[Sample]:
        """Yields the values that are figures and may be told, of companies that were there `until` that day."""
        least = self.held.min_group if column.family in self._people else 0
        own = self._own_labels(part, column.label_values)
        for labels, begun, value in zip(own, self._begun[part], values, strict=True):
            if (value >= least or value == 0) and (until is None or begun <= until):
                yield Sample(labels, value)

    def _own_labels(self, part: str, label_values: tuple[str, ...]) -> Sequence[tuple[str, ...]]:
        """Returns the labels of a column's samples by company, made once: all windows and measures bear the same."""
        if (part, label_values) not in self._labels:
            source, names = self.held.source, self.held.ledger.names
            self._labels[part, label_values] = [
                (source, company, names[company], *label_values) for company in self.companies[part]
            ]
        return self._labels[part, label_values]


def _samples(known: Known, measure: Measure, window: Window | None) -> Iterator[Sample]:
    judgement = known.held.judgement
    day = judgement.today if window is TODAY else judgement.last_day
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
            days = (each for each in _days(day, window) if each in judgement.covered)
            yield from known.samples(part, column, _sum(known, part, column, days), day)


def _open_samples(known: Known, measure: Measure) -> Mapping[Window | None, Sequence[Sample]]:
    """Returns the figures of a measure with open labels by window: per company the values that it keeps, and `other`.

    All windows at once, because what is held of a company is far more than what is served.
    """
    held = known.held
    kept, caps = held.kept.get(measure.family, {}), held.limits.caps(measure)
    spans = _spans(held, measure)
    samples: dict[Window | None, list[Sample]] = {window: [] for window in spans}
    for part, companies in known.companies.items():
        for some in some_at_once(companies):
            found = known.uses(part, measure, some)
            for company in filter(found.__contains__, some):
                own, keeps = (held.source, company, held.ledger.names[company]), kept.get(company, frozenset())
                for window, span in spans.items():
                    shown = capped(found[company], keeps, caps, span, measure)
                    samples[window] += (Sample((*own, *labels), value) for labels, value in shown)
    return samples


def _spans(held: Held, measure: Measure) -> Mapping[Window, Span]:
    """Returns the days that each window of a measure adds up, without the windows that may not be served yet."""
    spans: dict[Window, Span] = {}
    for window in windows(measure):
        last = held.judgement.today if window is TODAY else held.judgement.last_day
        if last is not None and (window.days == 1 or held.sums):
            days = (day for day in _days(last, window) if day in held.judgement.covered or window is TODAY)
            spans[window] = Span(tuple(days), last)
    return spans


def some_at_once(companies: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cuts companies into batches, of which all that is held of open labels may be in memory at once."""
    return (companies[start : start + BATCH] for start in range(0, len(companies), BATCH))


def _info_samples(known: Known, measure: Measure) -> Iterator[Sample]:
    """Yields a 1 for each row of what the report learned about its own labels."""
    held = known.held
    lesson = held.lessons.get(measure.family)
    for company in {company for companies in known.companies.values() for company in companies} if lesson else ():
        for row in lesson.rows if lesson else ():
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
    for day in sorted(known.held.ledger.blocks):
        values = known.on_day(day, part, column, math.nan)
        latest = [old if math.isnan(new) else new for new, old in zip(values, latest, strict=True)]
    return latest
