"""The options of a source and the rules between them.

A rule between two options is checked with the later one, so that all problems are reported at once;
`OptionError.beside` names the earlier one.
"""

import math
import re
import ssl
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import httpx
from pydantic import AfterValidator, PlainValidator, SecretStr, ValidationInfo, WrapValidator, field_validator

from exporter.domain import calendars
from exporter.domain.errors import ConfigError
from exporter.domain.threads import in_time
from exporter.http import is_loopback
from exporter.http.transport import web_url
from exporter.ledger.day_status import BASELINE_DAYS
from exporter.settings import api_keys, readers
from exporter.settings.option_groups import FilePath, Group, either, known, option, platform_of, within
from exporter.settings.overrides import OverrideOptions, of_reports
from exporter.settings.readers import Duration, Flag, OptionError, Selectors, Size, Text, Whole, existing, spoken

EXAMPLE_URL = "https://paradigm.lighton.ai"
EXAMPLE_PROXY = "http://proxy.example.org:3128"
EITHER_KEY = "set exactly one of api_key_file, the path of a file with the key, and api_key"
LONGEST_HISTORY = 400
"""In days: more than a year, and few enough to be read from a platform in reasonable time."""
DECLARED = "declared"
"""The value of `platform` if a definition file describes it."""
LONG_WEEKEND = 3
"""In days: how far the newest complete business day is from the newest complete day, apart from closures."""


def _server_url(written: str, example: str = EXAMPLE_PROXY) -> str:
    """Refuses what is not the URL of an http(s) server; messages never show it, since it may hold a password."""
    if web_url(written) is None or any(letter.isspace() for letter in written):
        raise ValueError(f"is not a URL; write http(s):// and a host, such as {example}")
    return written


def _without_credentials(written: str) -> str:
    url = httpx.URL(_server_url(written, EXAMPLE_URL))
    if "@" in re.split("[/?#]", written)[2]:
        raise ValueError("contains a user or password; leave them out, since only the key authenticates")
    if url.query or url.fragment:
        raise ValueError(f'contains "?" or "#"; give the address only, such as {EXAMPLE_URL}')
    return written


def _with_certificates(path: Path) -> Path:
    try:
        in_time(partial(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations, path), path)
    except ssl.SSLError:
        raise ValueError("contains no PEM certificate; give the PEM file of the authority") from None
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror}); give the path of a PEM file") from None
    return path


Url = Annotated[Text, AfterValidator(_without_credentials)]
Key = Annotated[SecretStr, PlainValidator(lambda value: SecretStr(api_keys.clean(readers.text(value))))]
KeyFile = Annotated[FilePath, WrapValidator(api_keys.in_file)]
Certificates = Annotated[FilePath, AfterValidator(_with_certificates)]
PlatformName = Annotated[Text, known("no platform", lambda context: (*context.platforms, DECLARED))]
CalendarName = Annotated[Text, known("no calendar", lambda context: sorted(context.calendars))]
AnswerSize = Annotated[Size, within("{} bytes hold no answer; write a size such as 256MiB", least=1024)]


class PollOptions(Group):
    """How a platform is polled: `jitter` is a share of the interval, `max_body` is in bytes."""

    interval: Annotated[Duration, within("{} is too short; the minimum is 1m", least=60)] = option("1h")
    """Time between two polls, a duration (1h, 30m); at least 1m."""
    jitter: Annotated[readers.Share, within("{:.0%} is too much; the maximum is 50%", most=0.5)] = option("10%")
    """Each poll is delayed by up to this share of the interval, so that exporters do not poll at the same time; 0% to
    50%, or 0 to 0.5."""
    timeout: Annotated[Duration, within("{} leaves no time for an answer; write 60s", least=1)] = option("60s")
    """Maximum time for one attempt, including its whole answer, a duration; shorter than the interval."""
    max_body: AnswerSize = option("256MiB")
    """Maximum size of an answer after decompression, a size (256MiB, 10MB, or bytes)."""
    requests_per_minute: Annotated[Whole, within("{} allows no requests; the minimum is 1", least=1)] = option("60")
    """Maximum requests per minute to this source, a whole number; also the burst."""

    @field_validator("timeout")
    @classmethod
    def _within_interval(cls, timeout: timedelta, info: ValidationInfo) -> timedelta:
        interval = info.data.get("interval")
        if interval and timeout >= interval:
            fitting = f"write timeout: {spoken(interval / 2)}, or a longer interval"
            message = f"{spoken(timeout)} must be shorter than poll.interval, which is {spoken(interval)}; {fitting}"
            raise OptionError(message, beside=("interval",))
        return timeout


class FamiliesOptions(Group):
    exclude: readers.Texts = option([])
    """Families that are not served, a list of names or globs (paradigm_tool_uses*, "*_28d")."""


class CompaniesOptions(Group):
    include: Annotated[Selectors, within('includes no company; write ["*"] for all companies', least=1)] = option(["*"])
    """Companies that are served, a list of selectors: 17, id:17, name:Nor*, or a glob of either, case-sensitive. With
    exactly one id, the platform is asked for that company alone."""
    exclude: Selectors = option([])
    """Companies that are not served, even if included, a list of selectors."""
    expected: Selectors = option([])
    """Companies that should exist, a list of selectors; one that matches nothing shows in chat_usage_company_info."""


class SourceOptions(Group):
    """One account on a platform."""

    platform: PlatformName = option(..., example="paradigm")
    """Which platform it is: a built-in or installed one, or declared, which a definition describes."""
    definition: Text | None = option(None, example="acme.yml")
    """Path of the file that describes a declared platform; see docs/declared-platforms.md."""
    base_url: Url | None = option(None, example=EXAMPLE_URL)
    """URL of the platform, with or without /api/v2; by default the platform's own."""
    api_key_file: KeyFile | None = option(None, example="/run/secrets/paradigm")
    """Path of a file that holds only the API key; reread for each request. Set exactly one of api_key_file and
    api_key."""
    api_key: Annotated[Key | None, either("api_key_file", EITHER_KEY)] = option(None, example=api_keys.EXAMPLE_KEY)
    """The API key itself; a file is safer."""
    api_key_expires: readers.Day | None = option(None, example="2027-03-01")
    """Date on which the key expires; served as a gauge, so that an alert can warn."""
    ca_file: Certificates | None = option(None, example="/etc/ssl/private-ca.pem")
    """Path of a PEM file with the certificate authority of a private instance; by default public authorities."""
    proxy_url: Annotated[Text, AfterValidator(_server_url)] | None = option(None, example=EXAMPLE_PROXY)
    """URL of a proxy; by default from the environment (HTTPS_PROXY, NO_PROXY)."""
    allow_http: Flag = option("false")
    """Whether the key may be sent over plain http, true or false; loopback is always allowed."""
    timezone: readers.Zone = option("UTC")
    """Time zone of the platform's days, such as Europe/Paris; use the platform's own, since nothing is re-bucketed."""
    poll: PollOptions = option({})
    """How the platform is polled."""
    reports: Annotated[tuple[str, ...] | None, PlainValidator(readers.reports)] = option(readers.AUTO)
    """Reports to poll: auto (all that the platform has), or a list of names, each of which is then required."""
    families: FamiliesOptions = option({})
    """Which metric families are served."""
    companies: CompaniesOptions = option({})
    """Which companies are served."""
    overrides: Annotated[dict[str, OverrideOptions], AfterValidator(of_reports)] = option({})
    """Corrections of a report's path or of where its figures are, by the report's name."""
    settle: Annotated[Duration, within("{} is too long; the maximum is 14d", most=14 * 86400)] = option("6h")
    """How long after its midnight a day is complete, a duration (6h, 1d); at most 14d."""
    reread_days: Whole = option("3")
    """Days before today that each poll asks for, a whole number; at least settle in days, rounded up, plus 1."""
    history_days: Whole = option("60")
    """Days asked for once a day, for windows, baselines and corrections, a whole number; at least settle in days,
    rounded up, plus 46; at most 400."""
    max_staleness: Duration = option("3d")
    """If no poll succeeds for this long, usage series are removed, while poll and day timestamps remain; a duration
    longer than poll.interval."""
    calendar: CalendarName = option("default")
    """Name of the calendar with its business days."""

    @field_validator("base_url")
    @classmethod
    def _cleaned(cls, base_url: str | None, info: ValidationInfo) -> str | None:
        platform = platform_of(info)
        if platform is None:
            return base_url
        try:
            return _without_credentials(platform.base_url(base_url or platform.default_base_url))
        except (ValueError, ConfigError) as error:
            raise ValueError(f"{platform.title} refuses it: {error}") from None

    @field_validator("allow_http")
    @classmethod
    def _keeps_the_key_private(cls, allowed: bool, info: ValidationInfo) -> bool:
        base_url = httpx.URL(info.data.get("base_url") or "")
        if base_url.scheme == "http" and not allowed and not is_loopback(base_url.host):
            message = "base_url is plain http, which shows the key to the network; write https, or allow_http: true"
            raise OptionError(message, beside=("base_url",))
        return allowed

    @field_validator("reports")
    @classmethod
    def _are_offered(cls, reports: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        platform = platform_of(info)
        if platform is None or reports is None:
            return reports
        if not reports:
            raise ValueError(f"names no report; write auto, or some of: {', '.join(platform.reports)}")
        return tuple(existing(name, platform.reports, f"{platform.title} has no report") for name in reports)

    @field_validator("reread_days")
    @classmethod
    def _reach_settled_days(cls, days: int, info: ValidationInfo) -> int:
        settle = info.data.get("settle", timedelta(0))
        least = math.ceil(settle / calendars.ONE_DAY)
        return _longer_than(least, days, LONGEST_HISTORY - 1, f"settle, {spoken(settle)}, in days", "settle")

    @field_validator("history_days")
    @classmethod
    def _reach_baselines(cls, days: int, info: ValidationInfo) -> int:
        settle, reread_days = info.data.get("settle", timedelta(0)), info.data.get("reread_days", 0)
        least = BASELINE_DAYS + LONG_WEEKEND + math.ceil(settle / calendars.ONE_DAY)
        if reread_days > least:
            return _longer_than(reread_days, days, LONGEST_HISTORY, "reread_days", "reread_days")
        why = f"six weeks of baselines, a long weekend and settle, {spoken(settle)}, in days"
        return _longer_than(least, days, LONGEST_HISTORY, why, "settle")

    @field_validator("max_staleness")
    @classmethod
    def _outlives_a_poll(cls, max_staleness: timedelta, info: ValidationInfo) -> timedelta:
        poll = info.data.get("poll")
        if isinstance(poll, PollOptions) and max_staleness <= poll.interval:
            message = f"{spoken(max_staleness)} must be longer than poll.interval, which is {spoken(poll.interval)}"
            raise OptionError(message, beside=("poll", "interval"))
        return max_staleness


def _longer_than(least: int, days: int, most: int, why: str, beside: str) -> int:
    if not least < days <= most:
        limits = f"{least + 1} ({why} and 1 more) to {most}"
        raise OptionError(f"{days} is out of range; write {limits}", beside=(beside,))
    return days
