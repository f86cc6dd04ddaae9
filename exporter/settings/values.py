"""What was set, as plain frozen values for the rest of the program; durations are timedeltas, sizes bytes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from zoneinfo import ZoneInfo

from exporter.calendars import Calendar
from exporter.source import Platform, Scope


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

    def wants(self, family: str) -> bool:
        """Tells whether the family of this name is served."""
        return not _matches(family, self.exclude)


@dataclass(frozen=True, slots=True)
class Companies:
    """Which companies are served, by id or by a case-sensitive glob of the name; `exclude` goes before `include`."""

    include: tuple[str, ...]
    exclude: tuple[str, ...]

    def wants(self, company_id: str, name: str) -> bool:
        """Tells whether the company is served."""
        included = company_id in self.include or _matches(name, self.include)
        return included and not (company_id in self.exclude or _matches(name, self.exclude))

    @property
    def scope(self) -> Scope:
        """What may be asked of the platform at once: one company, if exactly one id is included."""
        only = self.include[0] if len(self.include) == 1 else ""
        return Scope(only if only.isascii() and only.isdecimal() else None)


@dataclass(frozen=True, slots=True)
class Source:
    """One configured account on a platform.

    `key()` returns the key as it is now and raises ConfigError when its file is gone. `reports` are the names of the
    reports to ask; `required` those that were named one by one, all others may be missing on the platform. `base_url`
    is cleaned by the platform. A day is complete `settle` after its end.
    """

    name: str
    platform: Platform
    base_url: str
    key: Callable[[], str]
    ca_file: Path | None
    proxy_url: str | None = field(repr=False)
    zone: ZoneInfo
    poll: Poll
    reports: tuple[str, ...]
    required: frozenset[str]
    families: Families
    companies: Companies
    settle: timedelta
    reread_days: int
    history_days: int
    max_staleness: timedelta
    calendar: Calendar


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that was set, by name; `calendars` always holds `default`; `notes` are for the log."""

    sources: Mapping[str, Source]
    calendars: Mapping[str, Calendar]
    notes: tuple[str, ...] = ()


def _matches(name: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)
