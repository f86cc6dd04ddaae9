"""The settings as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from msgspec import Struct
from pydantic import SecretStr

from exporter.domain.calendars import Calendar
from exporter.domain.errors import ConfigError
from exporter.domain.threads import FileStamp
from exporter.exposition.series_limit import PageLimits
from exporter.platforms.api import Account, Override, Platform
from exporter.polling.schedule import Cadence
from exporter.polling.target import Target
from exporter.settings import api_keys
from exporter.settings.source_options import PollOptions


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
