"""What a source is made of: platforms, reports, requests. Authors of plugins import this module and `exporter.model`.

A platform is found through the entry-point group `chat_usage_exporter.sources`, the built-in ones included.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol
from zoneinfo import ZoneInfo

from exporter.errors import ConfigError
from exporter.model import Column, Days, Measure, Reading

ENTRY_POINTS = "chat_usage_exporter.sources"


@dataclass(frozen=True, slots=True)
class Request:
    """One GET: `path` below the source's base URL, query `params`, and the `days` that its answer covers.

    `instead` is asked, once, when the platform refuses this request with 403 (a filter that the key may not use).
    """

    report: str
    path: str
    params: Mapping[str, str]
    days: Days
    instead: "Request | None" = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What the operator narrowed a source to; `company_id` is set when exactly one company, by id, is wanted."""

    company_id: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """Where and when an answer is read: the name of the `source`, its running day `today`, the `zone` of its days."""

    source: str
    today: date
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression over JSON values: its `text`, and `search`, which returns what it finds in one, or None."""

    text: str
    search: Callable[[object], object] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Fields:
    """Where an operator says that the figures of a report stand, each relative to the level above.

    `entries` is searched in the answer, `company_id`, `company` and `days` in an entry, `date` and `items` in a day,
    `label` in an item, `value` in an item or, without items, in a day. Without `days` the figures are levels of now,
    and an entry stands for its day.
    """

    entries: Expression
    company_id: Expression
    company: Expression
    date: Expression
    value: Expression
    days: Expression | None = None
    items: Expression | None = None
    label: Expression | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """What an operator knows better about a report: its `path` below the base URL, where its figures stand."""

    path: str | None = None
    fields: Fields | None = None


class Report(Protocol):
    """One reporting endpoint: how to ask it and how to read its answer. Pure: no clock, no network."""

    @property
    def name(self) -> str:
        """The label `report`, and the name in the configuration."""

    @property
    def day_bytes(self) -> int:
        """About how many bytes one company's day takes in an answer; foretells in how many pieces a past is asked."""

    @property
    def has_days(self) -> bool:
        """Tells whether its figures belong to days; False: they are levels of now."""

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Everything that its rows may hold."""

    @property
    def parts(self) -> Mapping[str, tuple[Column, ...]]:
        """The parts that its rows come in, each with the columns that are known beforehand."""

    def plan(self, days: Days, scope: Scope) -> tuple[Request, ...]:
        """Returns the requests whose answers together cover `days`."""

    def decode(self, body: bytes, request: Request, context: Context) -> Reading:
        """Reads one answer.

        Args:
            body: the whole answer, decompressed.
            request: what was asked; rows outside its days are left out and counted, levels filed under its last day.
            context: where and when; rows of days after today are left out and counted.

        Raises:
            NotJsonError: the body is no JSON.
            SchemaError: it is JSON but not this report.
        """


@dataclass(frozen=True, slots=True)
class Platform:
    """A reporting API: `name` is the metric prefix and the value of `platform` in the configuration.

    `base_url` cleans what the operator wrote into the URL that paths are appended to; `headers` makes the
    authentication headers from the key. `reports` are all that the platform has, by name. `version` is raised when the
    same answers come to mean other rows: what a state file holds of the earlier version is asked for again.
    `overridden` makes a report as an operator describes it and raises ConfigError when that cannot be; None: no option.
    """

    name: str
    title: str
    default_base_url: str
    base_url: Callable[[str], str]
    headers: Callable[[str], Mapping[str, str]]
    reports: Mapping[str, Report]
    version: int = 1
    overridden: Callable[[str, Override], Report] | None = None

    def configured(self, name: str, override: Override | None) -> Report:
        """Returns the report `name`, as the operator describes it if there is an override.

        Raises:
            ConfigError: the report cannot be described so.
        """
        if override is None:
            return self.reports[name]
        if self.overridden is None:
            raise ConfigError(f"the reports of {self.title} cannot be overridden; take it out")
        return self.overridden(name, override)


def platforms(entries: Iterable[EntryPoint] | None = None) -> Mapping[str, Platform]:
    """Finds every installed platform, built-in or plugin, by name; `entries` are the installed ones unless given.

    Raises:
        ConfigError: an entry point cannot be loaded or names no Platform.
    """
    found: dict[str, Platform] = {}
    for entry in entry_points(group=ENTRY_POINTS) if entries is None else entries:
        try:
            platform = entry.load()
        except Exception as error:
            raise ConfigError(f"{_plugin(entry)} cannot be loaded ({error}); mend or uninstall its package") from error
        if not isinstance(platform, Platform):
            raise ConfigError(f"{_plugin(entry)} is no exporter.source.Platform; mend or uninstall its package")
        found[entry.name] = platform
    return dict(sorted(found.items()))


def _plugin(entry: EntryPoint) -> str:
    return f'the platform "{entry.name}" of the entry point {entry.value}'
