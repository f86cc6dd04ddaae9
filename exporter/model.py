"""The nouns of the domain, as plain values; knows nothing of time zones, HTTP, Prometheus' text or settings.

One word per idea, everywhere:

platform   software with a reporting API (LightOn Paradigm)
source     one configured account on a platform; the label `source`
report     one reporting endpoint of a platform (chat-sessions); the label `report`
company    who uses the platform; known by its id, shown by its name
day        a calendar date in the source's zone; how long it lasts is `exporter.calendars`' business
part       rows of a report that an answer lists together (Paradigm's `reporting` and `reporting_agents`)
measure    what is counted; becomes one metric family per window
column     a measure with the values of its own labels, e.g. user queries in mode chat
row        the figures of one company on one day in one part
reading    all rows of one answer
family     a metric family: name, type, help, samples
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum, IntEnum
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Days:
    """The calendar days from `first` to `last`, both included; never empty."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"{self.last} is before {self.first}")

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=n) for n in range(len(self)))

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last


class Kind(Enum):
    """How the figures of a measure behave over days, which decides its windows and whether silence is a zero."""

    SUM = "sum"  # adds up over days; a published day without a row counts 0
    DISTINCT = "distinct"  # 0 without a row, but does not add up over days
    AVERAGE = "average"  # nothing to say about a day without a row
    INSTANT = "instant"  # a moment in seconds since 1970; the newest one held is served, without a window


@dataclass(frozen=True, slots=True)
class Measure:
    """What a report counts: one metric family per window.

    `family` is the metric name without its window, `labels` the names of the labels after source, company_id and
    company (at most two), `help` one sentence without a full stop that the page completes with window and report.
    """

    family: str
    help: str
    kind: Kind
    labels: tuple[str, ...] = ()


class Column(NamedTuple):
    """A measure's family and the values of its own labels: what one figure of a row is filed under."""

    family: str
    label_values: tuple[str, ...] = ()


class Row(NamedTuple):
    """The figures of one company on one day in one part; a figure that is not there is absent, never 0."""

    part: str
    day: date
    company_id: str
    figures: Mapping[Column, float]


@dataclass(frozen=True, slots=True)
class Reading:
    """One decoded answer.

    `names` maps company ids to names; `parts` are the parts that the answer held, also empty ones; `surprises` counts
    what was left out and why (`missing`, `retyped`, `negative`, `duplicate_row`, `future_date`, `outside_range`).
    """

    names: Mapping[str, str]
    parts: frozenset[str]
    rows: tuple[Row, ...]
    surprises: Mapping[str, int] = field(default_factory=dict)


class Sample(NamedTuple):
    """The values of a family's labels, in the order of its label names, and the figure."""

    label_values: tuple[str, ...]
    value: float


class Expendable(IntEnum):
    """What goes first, from the smallest on, when the page would have more series than the operator allows."""

    CHANNELS = 1
    OPEN_LABELS = 2  # tools, intents, languages: labels that anybody may add values to
    MONTH = 3
    WEEK = 4
    NEVER = 5


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family ready to be written: `kind` is gauge or counter, a counter's name ends in `_total`."""

    name: str
    help: str
    label_names: tuple[str, ...]
    samples: tuple[Sample, ...]
    kind: str = "gauge"
    expendable: Expendable = Expendable.NEVER
