"""What was set, as frozen values for the rest of the program, and what options are checked against."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import cast

from pydantic import ValidationInfo

from exporter.domain.calendars import Calendar
from exporter.platforms.api import Account, Override, Platform
from exporter.polling.target import Target
from exporter.settings.option_groups import LimitsOptions, PollOptions


@dataclass(frozen=True, slots=True)
class Source:
    """One configured account on a platform.

    `key()` returns the key as it is now and raises ConfigError when its file is gone; `key_expires` is the day, in the
    source's zone, from whose start it counts no more. `base_url` is cleaned by the platform. `overrides` says by name
    what is different about a report; `account` holds the platform's own options. `target` is all that is polled of it,
    what holds for all sources included: its figures depend on nothing else.
    """

    name: str
    platform: Platform
    base_url: str
    key: Callable[[], str]
    key_expires: date | None
    ca_file: Path | None
    proxy_url: str | None = field(repr=False)
    poll: PollOptions
    overrides: Mapping[str, Override]
    account: Account
    target: Target


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that was set, by name; `calendars` always holds `default`; `notes` are for the log.

    `state_file` is None where a restart is to start from empty. `digest` is a number made of what is written, secrets
    left out.
    """

    sources: Mapping[str, Source]
    calendars: Mapping[str, Calendar]
    limits: LimitsOptions
    notes: tuple[str, ...] = ()
    state_file: Path | None = None
    digest: int = 0


@dataclass(frozen=True, slots=True)
class ValidationContext:
    """The installed platforms, the names of calendars and sources, the folder that relative paths start from."""

    platforms: Mapping[str, Platform]
    calendars: frozenset[str]
    folder: Path
    sources: frozenset[str] = frozenset()

    @property
    def activities(self) -> frozenset[str]:
        return frozenset(
            activity.name
            for platform in self.platforms.values()
            for report in platform.reports.values()
            for measure in report.measures
            for activity in measure.activities
        )


def context_of(info: ValidationInfo) -> ValidationContext:
    return cast("ValidationContext", info.context)


def platform_of(info: ValidationInfo) -> Platform | None:
    """Returns the source's platform, unless its name is wrong, which is said already."""
    return context_of(info).platforms.get(info.data.get("platform", ""))
