"""The terms of the domain as plain values, one word per idea.

platform   software with a reporting API (LightOn Paradigm)
source     one configured account on a platform; the label `source`
report     one reporting endpoint of a platform (chat-sessions); the label `report`
company    a customer of the platform; identified by its id, shown by its name
day        a calendar date in the source's zone; `exporter.domain.calendars` has its start and end
part       rows that an answer lists together (Paradigm's `reporting` and `reporting_agents`)
measure    something that is counted; one metric family per window
column     a measure with the values of its own labels, e.g. user queries in mode chat
row        the figures of one company on one day in one part
level      a current figure that belongs to no day (a company's members)
reading    all rows of one answer
drift      how an answer differs from the platform's documentation: unknown, missing and retyped fields
invariant  a rule for the figures of one row; broken ones are counted as violations
family     a metric family: name, type, help, samples
"""

import math
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, IntEnum
from itertools import compress
from typing import NamedTuple

from exporter.domain.calendars import Days as Days  # noqa: PLC0414 one of the nouns that plugins import from here


class Kind(Enum):
    """How figures of a measure combine over days; it decides the windows, and whether a day without a row counts 0."""

    SUM = "sum"  # adds up over days; a published day without a row counts 0
    DISTINCT = "distinct"  # 0 without a row, but does not add up over days
    AVERAGE = "average"  # absent on a day without a row
    INSTANT = "instant"  # a moment in seconds since 1970; the newest one held is served, without a window
    LEVEL = "level"  # without a day; filed under the last requested day, the newest one held is served
    INFO = "info"  # always 1; its label values are the rows of the report's discovery with the family's name


class Activity(NamedTuple):
    """What limits apply to: a company's sum of the measure's figures whose last label value is `label_value`.

    Without `label_value` it is the sum of all. With `usual_limits` drops and spikes are limited by default
    (`exporter.metrics.limits.built_in`).

    With `share_of` it is a share: its sum over 7 days divided by the sum of the families and label values in
    `share_of`, which the same report counts. Limits apply if that divisor is at least `min_volume`.
    """

    name: str
    label_value: str = ""
    usual_limits: bool = False
    share_of: tuple[tuple[str, str], ...] = ()
    min_volume: float = 0.0


@dataclass(frozen=True, slots=True)
class Measure:
    """What a report counts: one metric family per window.

    `family` is the metric name without its window; `labels` follow source, company_id and company (at most two,
    except for INFO); `help` is one sentence without a full stop, completed by window and report. Without `today`
    the running day is not served. `limits`, parallel to `labels` or empty, names the label limit of each limited
    label, to which anybody may add values, and is "" for others. `people` are counted, so small groups may be
    private. `per_subject`: the first label's values are subjects of requests (channels); those series are dropped
    first.
    A limited value that is missing from a row counts 0 from its first day on. With `needs_read_marker`, it does so only
    if the row has a read marker: a figure under `Column(family, the first of its label values, or none)`. The marker is
    READ_COMPLETELY if every item of the breakdown was read, so that held values which the row lacks become 0, and
    READ_IN_PART if some item had no name, so that they stay.
    """

    family: str
    help: str
    kind: Kind
    labels: tuple[str, ...] = ()
    today: bool = True
    limits: tuple[str, ...] = ()
    people: bool = False
    activities: tuple[Activity, ...] = ()
    needs_read_marker: bool = False
    per_subject: bool = False


READ_COMPLETELY, READ_IN_PART = 1.0, 0.0
"""The figure of a read marker (`Measure.needs_read_marker`)."""


class Column(NamedTuple):
    """A measure's family and the values of its own labels: the key of a figure in a row."""

    family: str
    label_values: tuple[str, ...] = ()


class Row(NamedTuple):
    """The figures of one company, day and part; a missing figure is absent, never 0."""

    part: str
    day: date
    company_id: str
    figures: Mapping[Column, float]


class DayRows(NamedTuple):
    """The rows of one part on one day: `columns` are parallel to `companies`, each once; NaN is a missing figure."""

    companies: tuple[str, ...]
    columns: "Mapping[Column, array[float]]"

    @classmethod
    def of(cls, rows: Mapping[str, Mapping[Column, float]]) -> "DayRows":
        """Returns the figures of companies as columns."""
        columns: dict[Column, array[float]] = {}
        filled: tuple[tuple[Column, ...], list[array[float]]] = (), []  # a row mostly has the columns of the last one
        for place, figures in enumerate(rows.values()):
            if filled[0] != (own := tuple(figures)):
                columns.update({each: array("d", [math.nan]) * len(rows) for each in own if each not in columns})
                filled = own, [columns[column] for column in own]
            for values, value in zip(filled[1], figures.values(), strict=True):
                values[place] = value
        return cls(tuple(rows), columns)

    def among(self, companies: Set[str]) -> "DayRows":
        """Returns the rows of these companies, without columns that none of them has; itself if it has no others."""
        kept = [company in companies for company in self.companies]
        if all(kept):
            return self
        columns = {column: array("d", compress(values, kept)) for column, values in self.columns.items()}
        left = {column: values for column, values in columns.items() if not all(map(math.isnan, values))}
        return DayRows(tuple(compress(self.companies, kept)), left)


RowsByDay = Mapping[tuple[str, date], DayRows]
"""By part and day."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows(Collection[Row]):
    """Rows that are held as columns."""

    by_day: RowsByDay

    def __len__(self) -> int:
        return sum(len(rows.companies) for rows in self.by_day.values())

    def __iter__(self) -> Iterator[Row]:
        for (part, day), (companies, columns) in self.by_day.items():
            for place, company in enumerate(companies):
                figures = {column: values[place] for column, values in columns.items()}
                present = {column: value for column, value in figures.items() if not math.isnan(value)}
                yield Row(part, day, company, present)

    def __contains__(self, row: object) -> bool:
        return any(row == each for each in self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Collection) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # equal to a tuple, whose hash it does not have


def by_day(rows: Iterable[Row]) -> RowsByDay:
    """Returns rows as columns; of several rows of a company on a day the last one counts."""
    if isinstance(rows, Rows):
        return rows.by_day
    found: dict[tuple[str, date], dict[str, Mapping[Column, float]]] = {}
    for part, day, company, figures in rows:
        found.setdefault((part, day), {})[company] = figures
    return {place: DayRows.of(each) for place, each in found.items()}


class FieldNote(NamedTuple):
    """A platform's description of one of its fields, in free text (unit in Paradigm: "seconds", "integer")."""

    field: str
    unit: str
    description: str


class Unread(NamedTuple):
    """A requested item that could not be read, while the rest of the answer could.

    `message` is one line without figures: what, where, the remedy. `outline` has the keys and types of what was found
    instead. The item `name` belongs to the metric `family`. `is_absent`: there was no value, which is normal on a day
    without usage.
    """

    message: str
    outline: str = ""
    name: str = ""
    family: str = ""
    is_absent: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """One decoded answer.

    `names` maps company ids to names; `parts` are those of the answer, also empty ones. `drift` maps `unknown`,
    `missing` and `retyped` to field paths (`reporting[].dates[].chats.n`); unite them over several answers before
    counting. `violations` counts rows per broken invariant, `outside_range` rows of days that were not asked for.
    `guesses` say how values of inferred meaning were read. `next_page` links to the next page, if there is one.
    """

    names: Mapping[str, str]
    parts: frozenset[str]
    rows: Collection[Row]
    drift: Mapping[str, frozenset[str]] = field(default_factory=dict)
    violations: Mapping[str, int] = field(default_factory=dict)
    outside_range: int = 0
    fields: tuple[FieldNote, ...] = ()
    unread: tuple[Unread, ...] = ()
    guesses: frozenset[str] = frozenset()
    next_page: str = ""

    def joined(self, page: "Reading") -> "Reading":
        """Returns this page of an answer together with the next one."""
        kinds = self.drift.keys() | page.drift.keys()
        return Reading(
            {**self.names, **page.names},
            self.parts | page.parts,
            (*self.rows, *page.rows),
            {kind: self.drift.get(kind, frozenset()) | page.drift.get(kind, frozenset()) for kind in kinds},
            Counter(self.violations) + Counter(page.violations),
            self.outside_range + page.outside_range,
            tuple(dict.fromkeys(self.fields + page.fields)),
            self.unread + page.unread,
            self.guesses | page.guesses,
            page.next_page,
        )


class Sample(NamedTuple):
    """Label values, in the order of the family's label names, and the figure."""

    label_values: tuple[str, ...]
    value: float


class Expendable(IntEnum):
    """Kinds of series by the order in which they are dropped above the maximum."""

    CHANNELS = 1
    LIMITED_LABELS = 2  # tools, intents, languages: labels that anybody may add values to
    MONTH = 3
    WEEK = 4
    NEVER = 5


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family ready to be written; the name of a counter ends in `_total`."""

    name: str
    help: str
    label_names: tuple[str, ...]
    samples: tuple[Sample, ...] = ()
    kind: str = "gauge"
    expendable: Expendable = Expendable.NEVER

    @property
    def has_companies(self) -> bool:
        """Whether each sample names a company."""
        return "company_id" in self.label_names
