"""What was set, as plain frozen values for the rest of the program; durations are timedeltas, sizes bytes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from exporter.domain.calendars import Calendar, CompanyCalendar
from exporter.domain.selectors import Companies
from exporter.domain.thresholds import Threshold
from exporter.metrics.label_limits import LabelLimits
from exporter.platforms.api import Account, Override, Platform


@dataclass(frozen=True, slots=True)
class Poll:
    """How a platform is asked: `jitter` is a part of the interval, `timeout` one whole attempt, `max_body` bytes."""

    interval: timedelta
    jitter: float
    timeout: timedelta
    max_body: int
    requests_per_minute: int


@dataclass(frozen=True, slots=True)
class Families:
    """Which metric families are served: all but those that a glob of `exclude` matches."""

    exclude: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One configured account on a platform.

    `key()` returns the key as it is now and raises ConfigError when its file is gone; `key_expires` is the day, in
    `zone`, from whose start it counts no more. `reports` are the names of the reports to ask; `required` those that
    were named one by one, all others may be missing on the platform; `overrides` says by name what is different about
    a report. `base_url` is cleaned by the platform. A day is complete `settle` after its end. What holds for all
    sources, as `label_limits` and `min_group` do, is in each, so that a source is all that its figures hang on.
    `account` holds the platform's own options; `thresholds` and `company_calendars` are those that select the source;
    `selectors` are, by option, those of companies in entries for this source alone: each is to match one.
    """

    name: str
    platform: Platform
    base_url: str
    key: Callable[[], str]
    key_expires: date | None
    ca_file: Path | None
    proxy_url: str | None = field(repr=False)
    zone: ZoneInfo
    poll: Poll
    reports: tuple[str, ...]
    required: frozenset[str]
    families: Families
    companies: Companies
    overrides: Mapping[str, Override]
    settle: timedelta
    reread_days: int
    history_days: int
    max_staleness: timedelta
    calendar: Calendar
    label_limits: LabelLimits
    min_group: int
    account: Account
    thresholds: tuple[Threshold, ...]
    company_calendars: tuple[CompanyCalendar, ...]
    selectors: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What all sources together may take: `max_series` on the page."""

    max_series: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that was set, by name; `calendars` always holds `default`; `notes` are for the log.

    `state_file` is None where a restart is to start from empty. `digest` is a number made of what is written, secrets
    left out.
    """

    sources: Mapping[str, Source]
    calendars: Mapping[str, Calendar]
    limits: Limits
    notes: tuple[str, ...] = ()
    state_file: Path | None = None
    digest: int = 0
