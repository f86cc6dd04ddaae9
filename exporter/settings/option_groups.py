"""The options that stand together: polls, families, companies, calendars.

Each option stands here, or in `options`, once: its reader, its default as one would write it, and what it means.
Defaults are read and judged like anything that an operator writes.
"""

from datetime import date, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationInfo, field_validator, model_validator

from exporter.settings import lists, readers
from exporter.settings.readers import spoken
from exporter.settings.words import MisfitError

Text = Annotated[str, PlainValidator(readers.text)]
Duration = Annotated[timedelta, PlainValidator(readers.duration)]
Size = Annotated[int, PlainValidator(readers.size)]
Share = Annotated[float, PlainValidator(readers.share)]
Whole = Annotated[int, PlainValidator(readers.whole)]
Flag = Annotated[bool, PlainValidator(readers.flag)]
Zone = Annotated[ZoneInfo, PlainValidator(readers.zone)]
Texts = Annotated[tuple[str, ...], PlainValidator(lists.texts)]
Reports = Annotated[tuple[str, ...] | None, PlainValidator(lists.reports)]
Weekdays = Annotated[frozenset[int], PlainValidator(lists.weekdays)]
Dates = Annotated[frozenset[date], PlainValidator(lists.days)]

SHORTEST_INTERVAL = timedelta(minutes=1)
LARGEST_JITTER = 0.5
SMALLEST_BODY = 1024
SHORTEST_VALUE = 8


class Group(BaseModel):
    """Options that stand together; null and a missing option are its default, an unknown one is an error."""

    # Errors never hold the input: beside a mistyped option stands the key.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_default(cls, given: object) -> object:
        if given is None:
            return {}
        if not isinstance(given, dict):
            return given
        return {key: value for key, value in given.items() if value is not None or key not in cls.model_fields}


class PollOptions(Group):
    """How the platform is asked."""

    interval: Duration = Field(
        default="1h",
        validate_default=True,
        description="Time between two polls, a duration (1h, 30m); at least 1m.",
    )
    jitter: Share = Field(
        default="10%",
        validate_default=True,
        description="Each poll is moved by up to this part of the interval, so that many exporters do not ask at once; "
        "0% to 50%, or 0 to 0.5.",
    )
    timeout: Duration = Field(
        default="60s",
        validate_default=True,
        description="Time for one attempt, until its whole answer is there, a duration; shorter than the interval.",
    )
    max_body: Size = Field(
        default="256MiB",
        validate_default=True,
        description="Largest answer that is read, after decompression, a size (256MiB, 10MB, or bytes).",
    )
    requests_per_minute: Whole = Field(
        default="60",
        validate_default=True,
        description="Most requests per minute to this source, a whole number; as many may go at once.",
    )

    @field_validator("interval")
    @classmethod
    def _not_hectic(cls, interval: timedelta) -> timedelta:
        if interval < SHORTEST_INTERVAL:
            raise ValueError(f"{spoken(interval)} is too short; the shortest is {spoken(SHORTEST_INTERVAL)}")
        return interval

    @field_validator("jitter")
    @classmethod
    def _not_wild(cls, jitter: float) -> float:
        if jitter > LARGEST_JITTER:
            raise ValueError(f"{jitter:.0%} is too much; the most is {LARGEST_JITTER:.0%}")
        return jitter

    @field_validator("timeout")
    @classmethod
    def _within_interval(cls, timeout: timedelta, info: ValidationInfo) -> timedelta:
        if not timeout:
            raise ValueError("0s leaves no time for an answer; write 60s")
        interval = info.data.get("interval")
        if interval and timeout >= interval:
            message = f"{spoken(timeout)} must be shorter than poll.interval, which is {spoken(interval)}"
            raise MisfitError(message, "interval")
        return timeout

    @field_validator("max_body")
    @classmethod
    def _holds_an_answer(cls, max_body: int) -> int:
        if max_body < SMALLEST_BODY:
            raise ValueError(f"{max_body} bytes hold no answer; write a size such as 256MiB")
        return max_body

    @field_validator("requests_per_minute")
    @classmethod
    def _asks_at_all(cls, requests: int) -> int:
        if not requests:
            raise ValueError("0 would never ask; the least is 1")
        return requests


class FamiliesOptions(Group):
    """Which metric families are served."""

    exclude: Texts = Field(
        default=[],
        validate_default=True,
        description='Families that are not wanted, a list of names or globs (paradigm_tool_uses*, "*_28d").',
    )


class CompaniesOptions(Group):
    """Which companies are served; `exclude` goes before `include`."""

    include: Texts = Field(
        default=["*"],
        validate_default=True,
        description="Companies that are served, a list of ids (17) or case-sensitive globs of the name (Nor*). "
        "Exactly one id is also asked of the platform alone.",
    )
    exclude: Texts = Field(
        default=[],
        validate_default=True,
        description="Companies that are not served although included, a list of ids or globs of the name.",
    )

    expected: Texts = Field(
        default=[],
        validate_default=True,
        description="Ids of companies that should be there, a list; one that is not shows in chat_usage_company_info.",
    )

    @field_validator("include")
    @classmethod
    def _includes_any(cls, include: tuple[str, ...]) -> tuple[str, ...]:
        if not include:
            raise ValueError('includes nobody; write ["*"] for all companies')
        return include


class LimitsOptions(Group):
    """What all sources together may take."""

    max_series: Whole = Field(
        default="2000000",
        validate_default=True,
        description="Most series on the page; above it go channels, tools and languages, then 28d, then 7d.",
    )


class LabelLimitsOptions(Group):
    """How many values labels may have that anybody may add values to."""

    tools: Whole = Field(
        default="50",
        validate_default=True,
        description="Most tools per company with a series of their own, a whole number; the others add up as other.",
    )
    languages: Whole = Field(
        default="30",
        validate_default=True,
        description="The same for the languages of a chatbot.",
    )
    intents: Whole = Field(
        default="50",
        validate_default=True,
        description="The same for its intents.",
    )
    steps: Whole = Field(
        default="30",
        validate_default=True,
        description="The same for the steps at which calls are left, per channel.",
    )
    reasons: Whole = Field(
        default="20",
        validate_default=True,
        description="The same for the reasons for which calls end, per channel.",
    )
    channels: Whole = Field(
        default="50",
        validate_default=True,
        description="The same for its channels.",
    )
    value_length: Whole = Field(
        default="128",
        validate_default=True,
        description="Longest value of such a label, in characters; longer ones are cut. At least 8.",
    )

    @field_validator("value_length")
    @classmethod
    def _tells_values_apart(cls, length: int) -> int:
        if length < SHORTEST_VALUE:
            raise ValueError(f"{length} characters tell no values apart; the least is {SHORTEST_VALUE}")
        return length


class PrivacyOptions(Group):
    """What is not told of people."""

    min_group: Whole = Field(
        default="0",
        validate_default=True,
        description="Figures about fewer people than this are absent everywhere, a whole number; 0 people are told.",
    )


class CalendarOptions(Group):
    """Which days people work."""

    weekend: Weekdays = Field(
        default=["sat", "sun"],
        validate_default=True,
        description="Weekdays off, a list of mon, tue, wed, thu, fri, sat, sun; [] where every day is a working day.",
    )
    holidays: Dates = Field(
        default=[],
        validate_default=True,
        description="Other days off, a list of dates (2026-12-25).",
    )

    @field_validator("weekend")
    @classmethod
    def _leaves_work(cls, weekend: frozenset[int]) -> frozenset[int]:
        if len(weekend) == len(lists.WEEKDAYS):
            raise ValueError("leaves no working day; take out at least one")
        return weekend
