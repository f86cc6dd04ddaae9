"""The options of a source and the rules that bind them.

A rule across options stands at the later one of them and sees the earlier ones, so that all that is wrong shows at
once; `MisfitError.at` names the one to look at where that is another.
"""

import math
from datetime import date, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator, SecretStr, ValidationInfo, field_validator

from exporter.domain.errors import ConfigError
from exporter.settings import api_keys, lists, urls
from exporter.settings.option_groups import (
    CompaniesOptions,
    Duration,
    FamiliesOptions,
    Flag,
    Group,
    PollOptions,
    Reports,
    Text,
    Whole,
    Zone,
)
from exporter.settings.overrides import OverrideOptions, fitting
from exporter.settings.readers import day, optional, spoken, text
from exporter.settings.surroundings import around, platform_of
from exporter.settings.words import MisfitError, quoted, remedy

Overrides = Annotated[dict[str, OverrideOptions], AfterValidator(fitting)]
OptionalText = Annotated[str | None, PlainValidator(optional(text))]
OptionalUrl = Annotated[str | None, PlainValidator(optional(urls.url))]
OptionalProxy = Annotated[str | None, PlainValidator(optional(urls.proxy))]
OptionalDay = Annotated[date | None, PlainValidator(optional(day))]
OptionalKey = Annotated[
    SecretStr | None, PlainValidator(optional(lambda value: SecretStr(api_keys.clean(text(value)))))
]

LONGEST_HISTORY = 400
"""In days: what a platform can be asked in a reasonable time, and more than a year for comparisons."""
LONGEST_SETTLE = timedelta(days=14)


class SourceOptions(Group):
    """One account on a platform."""

    platform: Text = Field(
        description="Which platform it is.",
        examples=["paradigm"],
    )
    base_url: OptionalUrl = Field(
        default=None,
        validate_default=True,
        description="Where the platform answers, a URL, with or without /api/v2; by default the platform's own.",
        examples=[urls.EXAMPLE_URL],
    )
    api_key_file: OptionalText = Field(
        default=None,
        validate_default=True,
        description="Path of a file that holds the API key alone; read anew for each request. "
        "Exactly one of api_key_file and api_key is needed.",
        examples=["/run/secrets/paradigm"],
    )
    api_key: OptionalKey = Field(
        default=None,
        validate_default=True,
        description="The API key itself; a file is safer.",
        examples=[api_keys.EXAMPLE_KEY],
    )
    api_key_expires: OptionalDay = Field(
        default=None,
        validate_default=True,
        description="The day on which the key expires, a date, so that a gauge tells and an alert can warn.",
        examples=["2027-03-01"],
    )
    ca_file: OptionalText = Field(
        default=None,
        validate_default=True,
        description="Path of a PEM file with the authority of a private instance; by default the well-known ones.",
        examples=["/etc/ssl/private-ca.pem"],
    )
    proxy_url: OptionalProxy = Field(
        default=None,
        validate_default=True,
        description="URL of a proxy; by default that of the usual environment variables (HTTPS_PROXY, NO_PROXY).",
        examples=[urls.EXAMPLE_PROXY],
    )
    allow_http: Flag = Field(
        default="false",
        validate_default=True,
        description="Whether the key may cross a network in plain http, true or false; loopback is always allowed.",
    )
    timezone: Zone = Field(
        default="UTC",
        validate_default=True,
        description="Zone of the platform's days, a name such as Europe/Paris; it mirrors the platform, "
        "it does not re-bucket.",
    )
    poll: PollOptions = Field(default={}, validate_default=True, description="How the platform is asked.")
    reports: Reports = Field(
        default=lists.AUTO,
        validate_default=True,
        description="Reports to ask: auto (all that the platform has; one that it lacks is no failure), "
        "or a list of names (then each is required).",
    )
    families: FamiliesOptions = Field(
        default={}, validate_default=True, description="Which metric families are served."
    )
    companies: CompaniesOptions = Field(default={}, validate_default=True, description="Which companies are served.")
    overrides: Overrides = Field(
        default={}, validate_default=True, description="Where a report is, or its figures are, by the report's name."
    )
    settle: Duration = Field(
        default="6h",
        validate_default=True,
        description="A day is complete this long after its midnight, a duration (6h, 1d); at most 14d.",
    )
    reread_days: Whole = Field(
        default="3",
        validate_default=True,
        description="Each poll asks for this many days before today, a whole number; at least settle in days, "
        "rounded up, and 1 more.",
    )
    history_days: Whole = Field(
        default="45",
        validate_default=True,
        description="Days asked once a day, for windows, baselines and corrections, a whole number; "
        "more than reread_days, at most 400.",
    )
    max_staleness: Duration = Field(
        default="3d",
        validate_default=True,
        description="After this long without a good poll the figures go, the freshness stays, a duration; "
        "longer than poll.interval.",
    )
    calendar: Text = Field(
        default="default",
        validate_default=True,
        description="Which of the calendars tells its working days, a name.",
    )

    @field_validator("platform")
    @classmethod
    def _exists(cls, platform: str, info: ValidationInfo) -> str:
        known = around(info).platforms
        if platform not in known:
            raise ValueError(f"no platform {quoted(platform)}; {remedy(platform, known)}")
        return platform

    @field_validator("base_url")
    @classmethod
    def _cleaned(cls, base_url: str | None, info: ValidationInfo) -> str | None:
        platform = platform_of(info)
        if platform is None:
            return base_url
        try:
            return platform.base_url(base_url or platform.default_base_url)
        except (ValueError, ConfigError) as error:
            raise ValueError(f"{platform.title} refuses it: {error}") from None

    @field_validator("api_key_file")
    @classmethod
    def _holds_a_key(cls, written: str | None, info: ValidationInfo) -> str | None:
        if written is None:
            return None
        path = around(info).folder / written
        api_keys.read(path, api_keys.name_of_file(written))
        return str(path)

    @field_validator("api_key")
    @classmethod
    def _only_one(cls, api_key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if "api_key_file" not in info.data:  # it is wrong, which is said already
            return api_key
        in_file = info.data["api_key_file"] is not None
        if in_file and api_key:
            raise ValueError("is set beside api_key_file; keep one of the two")
        if not in_file and not api_key:
            raise ValueError("no key; set api_key_file to the path of a file that holds it, or api_key")
        return api_key

    @field_validator("ca_file")
    @classmethod
    def _certifies(cls, written: str | None, info: ValidationInfo) -> str | None:
        if written is None:
            return None
        path = around(info).folder / written
        urls.certificates(path)
        return str(path)

    @field_validator("allow_http")
    @classmethod
    def _keeps_the_key_private(cls, allowed: bool, info: ValidationInfo) -> bool:
        base_url = info.data.get("base_url")
        if base_url and not allowed and urls.is_exposed(base_url):
            message = "base_url is plain http, which shows the key to the network; write https, or allow_http: true"
            raise MisfitError(message, "base_url")
        return allowed

    @field_validator("reports")
    @classmethod
    def _are_offered(cls, reports: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        platform = platform_of(info)
        if platform is None or reports is None:
            return reports
        if not reports:
            raise ValueError(f"names no report; write auto, or some of: {', '.join(platform.reports)}")
        for name in reports:
            if name not in platform.reports:
                raise ValueError(f"{platform.title} has no report {quoted(name)}; {remedy(name, platform.reports)}")
        return reports

    @field_validator("settle")
    @classmethod
    def _settles(cls, settle: timedelta) -> timedelta:
        if settle > LONGEST_SETTLE:
            raise ValueError(f"{spoken(settle)} is too long; the longest is {spoken(LONGEST_SETTLE)}")
        return settle

    @field_validator("reread_days")
    @classmethod
    def _reaches_over_settle(cls, reread_days: int, info: ValidationInfo) -> int:
        settle = info.data.get("settle", timedelta(0))
        least = math.ceil(settle / timedelta(days=1)) + 1
        if not least <= reread_days < LONGEST_HISTORY:
            limits = f"{least} (settle, {spoken(settle)}, in days and 1 more) to {LONGEST_HISTORY - 1}"
            raise MisfitError(f"{reread_days} is out of range; write {limits}", "settle")
        return reread_days

    @field_validator("history_days")
    @classmethod
    def _reaches_over_reread(cls, history_days: int, info: ValidationInfo) -> int:
        least = info.data.get("reread_days", 0) + 1
        if not least <= history_days <= LONGEST_HISTORY:
            limits = f"{least} (reread_days and 1 more) to {LONGEST_HISTORY}"
            raise MisfitError(f"{history_days} is out of range; write {limits}", "reread_days")
        return history_days

    @field_validator("max_staleness")
    @classmethod
    def _outlives_a_poll(cls, max_staleness: timedelta, info: ValidationInfo) -> timedelta:
        poll = info.data.get("poll")
        if isinstance(poll, PollOptions) and max_staleness <= poll.interval:
            message = f"{spoken(max_staleness)} must be longer than poll.interval, which is {spoken(poll.interval)}"
            raise MisfitError(message, "poll", "interval")
        return max_staleness

    @field_validator("calendar")
    @classmethod
    def _is_kept(cls, calendar: str, info: ValidationInfo) -> str:
        known = sorted(around(info).calendars)
        if calendar not in known:
            raise ValueError(f"no calendar {quoted(calendar)}; {remedy(calendar, known)}")
        return calendar
