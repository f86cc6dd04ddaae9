"""The companies of a report in order, and what all its measures ask of the same ledger, worked out once."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

from exporter.domain.model import Column, Measure, Sample
from exporter.ledger.ledger import Places, Table, by_number
from exporter.metrics.limited_labels import Uses, uses
from exporter.metrics.report_view import ReportView


class CompanyIndex:
    """The companies that have a row on some held day, all of them or those `among` some, sorted by number.

    `all_companies` are those of all parts, `names` are theirs, `first_days` those of their first rows; `companies` are
    those of each part.
    """

    def __init__(self, view: ReportView, among: Collection[str] | None = None) -> None:
        self.view = view
        first_days = {
            part: days if among is None else {each: days[each] for each in among if each in days}
            for part, days in view.ledger.first_days.items()
        }
        first: dict[str, date] = {}
        for days in first_days.values():
            first.update({company: min(day, first.get(company, day)) for company, day in days.items()})
        self.all_companies = sorted(first, key=by_number)
        self.names = [view.ledger.names[company] for company in self.all_companies]
        self.first_days = [first[company] for company in self.all_companies]
        self.companies = {
            part: [each for each in self.all_companies if each in days] for part, days in first_days.items()
        }
        self.columns: Mapping[str, frozenset[Column]] = view.ledger.columns()
        """The columns that some held row has a figure for, by part."""
        place = {company: n for n, company in enumerate(self.all_companies)}
        self.places = {part: [place[each] for each in companies] for part, companies in self.companies.items()}
        """Where the companies of a part are among all companies."""
        self._first_days = {part: [days[each] for each in self.companies[part]] for part, days in first_days.items()}
        self._labels: dict[tuple[str, tuple[str, ...]], Sequence[tuple[str, ...]]] = {}
        self._rows: dict[tuple[date, str], Places] = {}
        self._people = {measure.family for measure in view.report.measures if measure.people}

    def columns_of(self, measure: Measure) -> Iterator[tuple[str, Column]]:
        """Yields the columns of a measure that some held row has a figure for, with the part that they belong to.

        What the platform never reported of anybody, as older releases lack a field, is nobody's 0.
        """
        for part, columns in self.view.report.parts.items():
            held = self.columns.get(part, frozenset())
            yield from ((part, column) for column in columns if column.family == measure.family and column in held)

    def uses(self, part: str, measure: Measure, companies: Sequence[str]) -> Mapping[str, Uses]:
        """Returns what is held of a measure with limited labels, of a batch of companies."""
        return uses(self.view.ledger, part, measure, self.view.label_limits.value_length, companies)

    def table(self, day: date, part: str) -> Table:
        """Returns the rows of a part on a day; none if the day is not held."""
        block = self.view.ledger.blocks.get(day)
        return Table() if block is None else block.tables.get(part, Table())

    def on_day(self, day: date, part: str, column: Column, silence: float) -> list[float]:
        """Returns the figures of a day in the order of the part's companies; `silence` for those without a row."""
        table = self.table(day, part)
        places = self._rows.get((day, part))
        if places is None:
            places = self._rows[day, part] = table.places(self.companies[part])
        return table.spread(column, places, silence)

    def samples(self, part: str, column: Column, values: Sequence[float], until: date | None) -> Iterator[Sample]:
        """Yields the values that are figures and may be served, of companies that have a row `until` that day."""
        least = self.view.min_group if column.family in self._people else 0
        labels = self.labels(part, column.label_values)
        for own, first_day, value in zip(labels, self._first_days[part], values, strict=True):
            if (value >= least or value == 0) and (until is None or first_day <= until):
                yield Sample(own, value)

    def labels(self, part: str, label_values: tuple[str, ...]) -> Sequence[tuple[str, ...]]:
        """Returns the labels of a column's samples by company, made once: all windows and measures bear the same."""
        if (part, label_values) not in self._labels:
            source, names = self.view.source, self.view.ledger.names
            self._labels[part, label_values] = [
                (source, company, names[company], *label_values) for company in self.companies[part]
            ]
        return self._labels[part, label_values]
