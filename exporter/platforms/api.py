"""The interface of platforms, found by the entry-point group `chat_usage_exporter.sources`; imported by plugins."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from exporter.domain.errors import ConfigError
from exporter.domain.model import Column, Days, Measure, Reading
from exporter.domain.scope import Scope
from exporter.domain.selectors import Selection

INVARIANTS = ("negative", "duplicate_row", "future_date", "answer_outside_day", "row_lost", "end_exclusive")
"""The invariants of rows of any report."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `path` below the source's base URL, query `params`, and the `days` that its answer covers.

    `report` is the label of its metrics, usually the report's name. `instead` is sent once after a 403, without the
    filter that the key may not use. `subject` is what it is about (a channel), `items` are the requested components
    (none: everything). `parts` are requests for single items, sent if it fails or its answer lacks them. `discovery`
    is the topic of a list that other requests need, once a day. A `method` other than GET is not retried. `link`,
    taken from an answer, replaces path and params if it stays on the platform.
    """

    report: str
    path: str
    params: Mapping[str, str]
    days: Days
    instead: "Request | None" = None
    subject: str = ""
    items: tuple[str, ...] = ()
    parts: Mapping[str, "Request"] = field(default_factory=dict)
    discovery: str = ""
    method: str = "GET"
    link: str = ""


class Discovery(NamedTuple):
    """What a report learned about its platform on a day: `rows` of texts (a channel's id, name and type)."""

    day: date
    rows: tuple[tuple[str, ...], ...]


Discoveries = Mapping[str, Discovery]
"""Discoveries of a report by topic; kept between polls and in the state file."""
NO_DISCOVERIES: Discoveries = {}
END_DATE = "end_date"
"""The topic of the discovery that the end date is exclusive: then one more day is requested."""


@dataclass(frozen=True, slots=True)
class NeedsDiscovery:
    """Discoveries instead of figures: requests for days without an answer are planned again with them."""

    discoveries: Discoveries


@dataclass(frozen=True, slots=True)
class Context:
    """Where and when an answer is read: the `source`'s name, its running day `today`, the `zone` of its days.

    On a `quiet` day all other figures of the subject are 0, so a missing value is no fault.
    """

    source: str
    today: date
    zone: ZoneInfo
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression over JSON values: its `text`, how it was `parsed`, and its keys if it is a plain path."""

    text: str
    parsed: dict[str, Any] = field(repr=False, compare=False)
    path: tuple[str, ...] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class FigureFields:
    """Where the figures of one measure are in a row: a `value`, or `items` with `labels` and a `value` each.

    Labels are pairs of an option and its expression. `place` precedes options in messages. A `whole` figure is a count.
    """

    value: Expression
    items: Expression | None = None
    labels: tuple[tuple[str, Expression], ...] = ()
    place: str = ""
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFields:
    """Where the rows of a report are: each expression is searched in what the one before it finds.

    `entries` is searched in the answer, `days` or `companies` in an entry; without them the entry is itself a row.
    `company_id` and `company` are searched in a company, else in an entry; `date` in a day, else in an entry. Without
    `company_id` rows belong to the account; without `date` to the requested day, or they are levels of now.
    """

    entries: Expression
    company_id: Expression | None = None
    company: Expression | None = None
    days: Expression | None = None
    companies: Expression | None = None
    date: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields(RowFields):
    """Where the figures of a built-in report are, set by an operator; without `days` they are levels of now."""

    value: Expression
    items: Expression | None = None
    label: Expression | None = None


@dataclass(frozen=True, slots=True)
class Component:
    """Where one component of an answer is, set by an operator.

    `value` is one number in the answer; or `items` finds a list, with `label` and `value` in each item; or `series`
    finds a list, with `time` (a moment) and `value` in each entry.
    """

    value: Expression
    items: Expression | None = None
    label: Expression | None = None
    series: Expression | None = None
    time: Expression | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """An operator's corrections of a report: its `path`, and where figures (`fields`) or `components` are."""

    path: str | None = None
    fields: Fields | None = None
    components: Mapping[str, Component] = field(default_factory=dict)


class OptionKind(Enum):
    TEXT = "text"  # a str; None if it is not set
    SELECTION = "selection"  # an exporter.domain.selectors.Selection: include and exclude


@dataclass(frozen=True, slots=True)
class Option:
    """An option that a platform adds to `sources.<name>`; `description` is one sentence.

    With `identifies`, another value means other figures: held days are requested again.
    """

    name: str
    kind: OptionKind
    description: str
    example: str
    required: bool = False
    identifies: bool = True


class LabelLimit(NamedTuple):
    """An option `label_limits.<name>`; `description` is one sentence."""

    name: str
    default: int
    description: str


@dataclass(frozen=True, slots=True)
class Account:
    """One source as its platform sees it: the `source`'s name, and the values of the platform's own options."""

    source: str
    options: Mapping[str, str | Selection | None] = field(default_factory=dict)


class ReportDefaults(Protocol):
    """Defaults of a report: figures have days, and one request covers all days."""

    @property
    def asks_by_day(self) -> bool:
        """Whether each request is about one day, because an answer has no dates of its own."""
        return False

    @property
    def has_days(self) -> bool:
        """Whether its figures belong to days; False: they are levels of now."""
        return True

    @property
    def invariants(self) -> tuple[str, ...]:
        """Its own invariants beside `INVARIANTS`: values of the label `invariant`, keys of `Reading.violations`."""
        return ()

    def assumed_discoveries(self, day: date, subjects: int, *, at_worst: bool = False) -> Discoveries:
        """Returns what forecasts assume for `day` and so many `subjects` (channels); `at_worst`, the most requests."""
        return NO_DISCOVERIES

    def explain(self, body: bytes, request: Request, context: Context) -> tuple[str, ...] | None:
        """Explains how an answer is read, in keys and types; () if it lists nothing, None if the shape is documented.

        Raises what `Report.decode` raises.
        """
        return None


class Report(ReportDefaults, Protocol):
    """One reporting endpoint: its requests, and how to read its answers. Pure: no clock, no network."""

    @property
    def name(self) -> str:
        """The label `report`, and the name in the configuration."""

    @property
    def day_bytes(self) -> int:
        """Approximate bytes of a company's day in an answer, from which piece sizes are forecast."""

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Everything that its rows may contain."""

    @property
    def parts(self) -> Mapping[str, tuple[Column, ...]]:
        """The parts of its rows, each with the columns that are known in advance."""

    def plan(self, days: Days, scope: Scope, discoveries: Discoveries = ...) -> tuple[Request, ...]:
        """Returns the requests that together cover `days`, the most important first.

        If a discovery is needed first, that is the only request.
        """

    def decode(self, body: bytes, request: Request, context: Context) -> Reading | NeedsDiscovery:
        """Reads the whole, decompressed `body` of the answer to `request`.

        Rows outside its days, or after today (`context`), are left out and counted; levels are filed under its last
        day. Raises NotJsonError, SchemaError (JSON of another shape) and PlatformError (the answer reports a failure).
        """


def base_url(text: str, api: str = "") -> str:
    """Normalises a base URL: a trailing slash, the path of the `api`, and capitals in the host make no difference."""
    parts = urlsplit(text.strip())
    path = parts.path.rstrip("/").removesuffix(api).rstrip("/")
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), path, "", ""))


@dataclass(frozen=True, slots=True)
class Platform:
    """A reporting API.

    `name` is the metric prefix and the value of `platform` in the configuration. `base_url` normalises the
    operator's URL, which paths are appended to; `headers` makes authentication headers from the key. Raise
    `version` when the same answers yield other rows: stored days are then requested again. `overridden` makes a
    report as an operator describes it, or raises ConfigError (None: no such option); `field_defaults` are the
    optional expressions of `Fields`. `options` are the platform's own, and `equipped` makes a report that knows
    their values. `label_limits` are of its measures. `key_variable` and `url_variable` are environment variables for
    a first run. `one_company`: each account is one company. `remedies` say what to do by HTTP status.
    """

    name: str
    title: str
    default_base_url: str
    base_url: Callable[[str], str]
    headers: Callable[[str], Mapping[str, str]]
    reports: Mapping[str, Report]
    version: int = 1
    overridden: Callable[[str, Override], Report] | None = None
    field_defaults: Mapping[str, str] = field(default_factory=dict)
    options: tuple[Option, ...] = ()
    equipped: Callable[[Report, Account], Report] | None = None
    label_limits: tuple[LabelLimit, ...] = ()
    key_variable: str = ""
    url_variable: str = ""
    one_company: bool = False
    remedies: Mapping[int, str] = field(default_factory=dict)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The measures of all its reports."""
        return tuple(measure for report in self.reports.values() for measure in report.measures)

    def configured(self, name: str, override: Override | None = None, account: Account | None = None) -> Report:
        """Returns the report `name`, overridden and for an account if given; ConfigError if that cannot be done."""
        report = self.reports[name]
        if override is not None:
            if self.overridden is None:
                raise ConfigError(f"the reports of {self.title} cannot be overridden; remove the override")
            report = self.overridden(name, override)
        return report if self.equipped is None or account is None else self.equipped(report, account)
