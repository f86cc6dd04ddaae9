"""What is held of one report, judged, and what all its measures ask of that; knows no family and no window."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from exporter.domain.model import Column, Measure, Sample
from exporter.ledger.day_status import DayStatus
from exporter.ledger.ledger import Ledger, Places, Table, by_number
from exporter.metrics.label_limits import Kept, LabelLimits, Uses, uses
from exporter.platforms.api import Discoveries, Report


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of one report of one source, judged.

    `sums` tells whether windows may be served yet, `limits` how many values open labels may have, `kept` which they
    have, by family; figures about fewer than `min_group` people are not served, but 0 is. `discoveries` are what the
    report learned of its platform.
    """

    source: str
    report: Report
    ledger: Ledger
    day_status: DayStatus
    sums: bool
    limits: LabelLimits
    kept: Mapping[str, Kept]
    min_group: int
    discoveries: Discoveries


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
        own = self.own_labels(part, column.label_values)
        for labels, begun, value in zip(own, self._begun[part], values, strict=True):
            if (value >= least or value == 0) and (until is None or begun <= until):
                yield Sample(labels, value)

    def own_labels(self, part: str, label_values: tuple[str, ...]) -> Sequence[tuple[str, ...]]:
        """Returns the labels of a column's samples by company, made once: all windows and measures bear the same."""
        if (part, label_values) not in self._labels:
            source, names = self.held.source, self.held.ledger.names
            self._labels[part, label_values] = [
                (source, company, names[company], *label_values) for company in self.companies[part]
            ]
        return self._labels[part, label_values]
