"""The settings as frozen values, and which of them have no effect."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from msgspec import Struct
from pydantic import SecretStr

from exporter.domain.calendars import Calendar
from exporter.domain.errors import ConfigError
from exporter.domain.threads import FileStamp
from exporter.domain.wording import nearest, remedy
from exporter.exposition.series_limit import SeriesLimits
from exporter.metrics.activities import ACTIVITY_FAMILIES
from exporter.metrics.report_health import REPORT_FAMILIES, REPORT_GAUGES
from exporter.metrics.target import Target
from exporter.metrics.usage import families_of
from exporter.platforms.api import Account, Override, Platform
from exporter.settings import api_keys
from exporter.settings.readers import quoted
from exporter.settings.source_options import PollOptions


@dataclass(frozen=True, slots=True)
class Source:
    """One configured account on a platform; `target` is all that its figures depend on, global options included.

    `api_key` is the key itself or the path of its file. It is invalid from the start of the day `api_key_expires` in
    the source's zone. `ca_stamp` makes a source with other content of its `ca_file` another one.
    """

    name: str
    platform: Platform
    base_url: str
    api_key: SecretStr | Path
    api_key_expires: date | None
    ca_file: Path | None
    ca_stamp: FileStamp
    proxy_url: str | None = field(repr=False)
    poll: PollOptions
    overrides: Mapping[str, Override]
    account: Account
    target: Target

    def key(self) -> str:
        """Returns the current key, read again if it is in a file; ConfigError if that cannot be read."""
        if isinstance(self.api_key, SecretStr):
            return self.api_key.get_secret_value()
        try:
            return api_keys.read(self.api_key, str(self.api_key))
        except ValueError as error:
            raise ConfigError(f"sources.{self.name}.api_key_file: {error}") from None

    def without_effect(self, now: datetime) -> Iterator[str]:
        """Yields a line for each exclusion that matches no family, and for an expired key."""
        known = _families(self.platform)
        for glob in self.target.excluded:
            if not any(fnmatchcase(name, glob) for name in known):
                near = nearest(glob, known)
                instead = f"did you mean {quoted(near)}?" if near else "the command `metrics` prints all of them"
                yield f"sources.{self.name}.families.exclude: {quoted(glob)} matches no family; {instead}"
        expires, today = self.api_key_expires, now.astimezone(self.target.rules.zone).date()
        if expires is not None and expires <= today:
            place = f"sources.{self.name}.api_key_expires"
            yield f"{place}: the key expired on {expires}; replace it and set the new expiry date"


class Settings(Struct, frozen=True):
    """All settings; `calendars` always contains `default`, `notes` are for the log.

    `digest` identifies the configuration without its secrets. `thresholds_stamp` is the stamp of `thresholds_file` just
    before it was read.
    """

    sources: Mapping[str, Source]
    calendars: Mapping[str, Calendar]
    limits: SeriesLimits
    notes: tuple[str, ...] = ()
    state_file: Path | None = None
    digest: int = 0
    thresholds_file: Path | None = None
    thresholds_stamp: FileStamp = None

    def without_effect(self, now: datetime) -> Iterator[str]:
        """Yields a line for each setting that is valid but has no effect."""
        limited: dict[tuple[str, str], dict[str, Platform]] = {}
        for source in self.sources.values():
            yield from source.without_effect(now)
            _built_in, *given = source.target.company_limits.thresholds
            for threshold in given:
                for activity in threshold.activities:
                    limited.setdefault((threshold.source, activity), {})[source.platform.name] = source.platform
        for (_, activity), platforms in limited.items():
            measures = [measure for each in platforms.values() for measure in each.measures]
            known = sorted({each.name for measure in measures for each in measure.activities})
            if activity not in known:
                titles = " or ".join(each.title for each in platforms.values())
                why = f"{quoted(activity)} is not an activity of {titles}, so its limit has no effect"
                yield f"thresholds: {why}; {remedy(activity, known)}"


def _families(platform: Platform) -> tuple[str, ...]:
    """Returns all families that a source of the platform may exclude, those of a backfill too."""
    of_activities, of_reports = ([each.name for each in found] for found in (ACTIVITY_FAMILIES, REPORT_FAMILIES))
    found = dict.fromkeys((*of_activities, *REPORT_GAUGES, *of_reports))
    for report in platform.reports.values():
        for measure in report.measures:
            found |= dict.fromkeys(family.name for family in families_of(measure, report).values())
            found |= {f"{measure.family}_daily": None}
    return tuple(found)
