"""The settings as frozen values, and the context in which options are validated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, cast

from msgspec import Struct
from pydantic import PlainValidator, SecretStr, ValidationInfo

from exporter.domain.calendars import Calendar
from exporter.domain.errors import ConfigError
from exporter.domain.model import Activity
from exporter.domain.threads import FileStamp
from exporter.exposition.series_limit import PageLimits
from exporter.platforms.api import Account, Override, Platform
from exporter.polling.schedule import Cadence
from exporter.polling.target import Target
from exporter.settings import api_keys
from exporter.settings.option_groups import PollOptions
from exporter.settings.readers import text


@dataclass(frozen=True, slots=True)
class Source:
    """One configured account on a platform.

    The key is invalid from the start of the day `api_key_expires` in the source's zone. `overrides` are by report;
    `account` holds the platform's own options. `target` is all that figures depend on, global options included.
    """

    name: str
    platform: Platform
    base_url: str
    api_key: SecretStr | None
    api_key_file: Path | None
    api_key_expires: date | None
    ca_file: Path | None
    proxy_url: str | None = field(repr=False)
    poll: PollOptions
    overrides: Mapping[str, Override]
    account: Account
    target: Target

    @property
    def cadence(self) -> Cadence:
        return Cadence(self.poll.interval, self.poll.jitter, self.target.rules.zone, self.target.rules.settle)

    def key(self) -> str:
        """Returns the current key, read again if it is in a file; ConfigError if that cannot be read."""
        if self.api_key_file is None:
            return self.api_key.get_secret_value() if self.api_key else ""
        try:
            return api_keys.read(self.api_key_file, str(self.api_key_file))
        except ValueError as error:
            raise ConfigError(f"sources.{self.name}.api_key_file: {error}") from None


class Settings(Struct, frozen=True):
    """All settings; `calendars` always contains `default`, `notes` are for the log.

    `digest` identifies the configuration without its secrets. `thresholds_stamp` is the stamp of `thresholds_file` just
    before it was read.
    """

    sources: Mapping[str, Source]
    calendars: Mapping[str, Calendar]
    limits: PageLimits
    notes: tuple[str, ...] = ()
    state_file: Path | None = None
    digest: int = 0
    thresholds_file: Path | None = None
    thresholds_stamp: FileStamp = None


class ValidationContext(Struct, frozen=True, dict=True):
    """Platforms, names of calendars and sources, and the folder that relative paths start from."""

    platforms: Mapping[str, Platform]
    calendars: tuple[str, ...]
    sources: tuple[str, ...]
    folder: Path

    @cached_property
    def activities(self) -> Mapping[str, Activity]:
        measures = (measure for platform in self.platforms.values() for measure in platform.measures)
        return {activity.name: activity for measure in measures for activity in measure.activities}


def context_of(info: ValidationInfo) -> ValidationContext:
    return cast("ValidationContext", info.context)


def platform_of(info: ValidationInfo) -> Platform | None:
    """Returns the source's platform, or None if its name is wrong, which is reported separately."""
    return context_of(info).platforms.get(info.data.get("platform", ""))


def _in_its_folder(value: object, info: ValidationInfo) -> Path:
    return context_of(info).folder / text(value)


FilePath = Annotated[Path, PlainValidator(_in_its_folder)]
"""A path, relative to the configuration's folder."""
