"""What a source is made of: platforms, reports, requests. Authors of plugins import this and `exporter.domain.model`.

A platform is found through the entry-point group `chat_usage_exporter.sources`, the built-in ones included.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from exporter.domain.errors import ConfigError
from exporter.domain.model import Column, Days, Measure, Reading
from exporter.domain.scope import Scope
from exporter.domain.selectors import Selection

INVARIANTS = ("negative", "duplicate_row", "future_date", "answer_outside_day", "row_lost", "end_exclusive")
"""The invariants of the rows of any report."""


@dataclass(frozen=True, slots=True)
class Request:
    """One question: `path` below the source's base URL, query `params`, and the `days` that its answer covers.

    `report` is the label of the request's own metrics, mostly the report's name. `instead` is asked, once, when the
    platform refuses this request with 403 (a filter that the key may not use). `subject` names what of the platform
    the request is about (a channel), `items` what of it is asked for (components), if that is not everything. `parts`
    are requests for single items, by item: each is asked where the request for all of them fails or does not yield it.
    `discovery` is the topic of what the answer lists, without which nothing else can be asked; one poll a day asks for
    it. A `method` other than GET changes something: it is tried once. With a `link`, as an answer named it, that is
    asked in place of path and params, if it does not leave the platform.
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
    """What a report found out about its platform on a day: `rows` of texts (a channel's id, name and type)."""

    day: date
    rows: tuple[tuple[str, ...], ...]


Discoveries = Mapping[str, Discovery]
"""What a report has found out, by topic; kept between polls and in the state file."""
NO_DISCOVERIES: Discoveries = {}
END_DATE = "end_date"
"""The topic of the discovery that the last day asked for is not in the answer: then one day more is asked for."""


@dataclass(frozen=True, slots=True)
class NeedsDiscovery:
    """An answer with discoveries instead of figures: what is not answered yet is planned anew with them."""

    discoveries: Discoveries


@dataclass(frozen=True, slots=True)
class Context:
    """Where and when an answer is read: the name of the `source`, its running day `today`, the `zone` of its days.

    On a `quiet` day all other figures of the subject are 0: what has no value then is no fault.
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

    `labels` are pairs of an option and its expression; `place` precedes the names of all options in messages. A `whole`
    figure is a count.
    """

    value: Expression
    items: Expression | None = None
    labels: tuple[tuple[str, Expression], ...] = ()
    place: str = ""
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFields:
    """Where the rows of a report are: each expression is searched in what the one before it finds.

    `entries` is searched in the answer. In an entry either `days` or `companies` finds a list of rows, or the entry is
    itself a row. `company_id` and `company` are searched in one of the companies, else in an entry, `date` in one of
    the days, else in an entry. Without `company_id` all rows are the account's own; without `date` they are of the day
    that was asked for, or of now.
    """

    entries: Expression
    company_id: Expression | None = None
    company: Expression | None = None
    days: Expression | None = None
    companies: Expression | None = None
    date: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields(RowFields):
    """Where an operator says that the figures of a built-in report are; without `days` they are levels of now."""

    value: Expression
    items: Expression | None = None
    label: Expression | None = None

    @property
    def figure(self) -> FigureFields:
        return FigureFields(self.value, self.items, () if self.label is None else (("label", self.label),))


@dataclass(frozen=True, slots=True)
class Component:
    """Where an operator says that one component of an answer is.

    Either `value`, searched in the answer, is one number; or `items` finds a list in it, and `label` and `value` a name
    and a number in each item; or `series` finds a list, and `time` and `value` a moment and a number in each.
    """

    value: Expression
    items: Expression | None = None
    label: Expression | None = None
    series: Expression | None = None
    time: Expression | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """What an operator knows better about a report: its `path`, where figures (`fields`) or `components` are."""

    path: str | None = None
    fields: Fields | None = None
    components: Mapping[str, Component] = field(default_factory=dict)


class OptionKind(Enum):
    """What a platform's own option holds."""

    TEXT = "text"  # a str; None if it is not set
    SELECTION = "selection"  # an exporter.domain.selectors.Selection: include and exclude


@dataclass(frozen=True, slots=True)
class Option:
    """An option that a platform adds to `sources.<name>`.

    `description` is one sentence, as those of the settings are. With `identifies`, another value means other figures:
    what is held is asked for again.
    """

    name: str
    kind: OptionKind
    description: str
    example: str
    required: bool = False
    identifies: bool = True


class LabelLimit(NamedTuple):
    """An option `label_limits.<name>`: how many values its labels may have; `description` is one sentence."""

    name: str
    default: int
    description: str


@dataclass(frozen=True, slots=True)
class Account:
    """One source as its platform sees it: the `source`'s name, and the values of the platform's own options by name."""

    source: str
    options: Mapping[str, str | Selection | None] = field(default_factory=dict)


class ReportDefaults(Protocol):
    """What holds of a report that says nothing else: its figures have days, it is asked for all days at once."""

    @property
    def asks_by_day(self) -> bool:
        """Whether each request asks for one day, because an answer has no days of its own."""
        return False

    @property
    def has_days(self) -> bool:
        """Whether its figures belong to days; False: they are levels of now."""
        return True

    @property
    def invariants(self) -> tuple[str, ...]:
        """Its own invariants beside `INVARIANTS`: values of the label `invariant`, counted in `Reading.violations`."""
        return ()

    def assumed_discoveries(self, day: date, subjects: int, *, at_worst: bool = False) -> Discoveries:
        """Returns what it would have discovered on `day` of a platform with so many subjects (channels): for forecasts.

        At worst it has to ask as many questions as it ever can.
        """
        return NO_DISCOVERIES

    def explain(self, body: bytes, request: Request, context: Context) -> tuple[str, ...] | None:
        """Says in lines how an answer is read, in keys and types; () if it lists nothing, None if that is documented.

        Raises what `Report.decode` raises.
        """
        return None


class Report(ReportDefaults, Protocol):
    """One reporting endpoint: how to ask it and how to read its answer. Pure: no clock, no network."""

    @property
    def name(self) -> str:
        """The label `report`, and the name in the configuration."""

    @property
    def day_bytes(self) -> int:
        """About how many bytes one company's day takes in an answer; foretells in how many pieces a past is asked."""

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Everything that its rows may hold."""

    @property
    def parts(self) -> Mapping[str, tuple[Column, ...]]:
        """The parts of its rows, each with the columns that are known beforehand."""

    def plan(self, days: Days, scope: Scope, discoveries: Discoveries = ...) -> tuple[Request, ...]:
        """Returns the requests whose answers together cover `days`, the most wanted first.

        Where something has to be discovered first, that is the only request.
        """

    def decode(self, body: bytes, request: Request, context: Context) -> Reading | NeedsDiscovery:
        """Reads one answer.

        Args:
            body: the whole answer, decompressed.
            request: what was asked; rows outside its days are left out and counted, levels filed under its last day.
            context: where and when; rows of days after today are left out and counted.

        Raises:
            NotJsonError: the body is no JSON.
            SchemaError: it is JSON but not this report.
            PlatformError: it reports a failure.
        """


@dataclass(frozen=True, slots=True)
class Platform:
    """A reporting API.

    Its `name` is the metric prefix and the value of `platform` in the configuration. `base_url` cleans what the
    operator wrote into the URL that paths are appended to; `headers` makes the authentication headers from the key;
    `reports` are all that it has, by name. `version` is raised when the same answers yield other rows: what a
    state file holds of the earlier one is asked for again. `overridden` makes a report as an operator describes it
    and raises ConfigError when that cannot be (None: no option); `field_defaults` are the expressions of `Fields`
    that may be left out. `options` are the platform's own, and `equipped` makes a report that knows their values.
    `label_limits` are those that its measures name. `key_variable` and `url_variable` are environment variables that
    suffice for a first run. A source is `one_company` where each account is. `remedies` say, by HTTP status, what an
    operator can do (403: which permission the key's owner needs).
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

    def configured(self, name: str, override: Override | None = None, account: Account | None = None) -> Report:
        """Returns the report `name`, as the operator describes it if there is an override, of an account if given.

        Raises:
            ConfigError: the report cannot be described so.
        """
        report = self.reports[name]
        if override is not None:
            if self.overridden is None:
                raise ConfigError(f"the reports of {self.title} cannot be overridden; take it out")
            report = self.overridden(name, override)
        return report if self.equipped is None or account is None else self.equipped(report, account)
