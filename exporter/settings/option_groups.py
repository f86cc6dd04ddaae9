"""How options and rules about them are declared, and the groups for polls, families, companies and limits.

An option is a field with its reader, its default as an operator would write it, and its description below it.
Defaults are read and checked like an operator's values.
"""

import math
import operator
from collections.abc import Callable, Sized
from datetime import timedelta
from typing import Annotated, Any, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

from exporter.domain.nearest import remedy
from exporter.settings.readers import Duration, OptionError, Selectors, Share, Size, Texts, Whole, quoted, spoken


def option(default: object, *, example: object = None, description: str | None = None) -> Any:
    """Declares an option; the default `...` means required.

    Options without a default have an `example`; those of generated classes have a `description` instead of a docstring.
    """
    examples = None if example is None else [example]
    return Field(default, validate_default=True, description=description, examples=examples)


def _refuse(message: object) -> None:
    raise ValueError(message)


class Group(BaseModel):
    """A group of options; unset ones have their defaults, unknown ones are errors.

    Null means unset. So does an empty text if the default is None, because a variable cannot be null.
    """

    # Errors never contain the input, which may hold a key.
    model_config = ConfigDict(
        extra="allow", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True, defer_build=True
    )
    __pydantic_extra__: dict[str, Annotated[object, PlainValidator(_refuse)]]

    @model_validator(mode="before")
    @classmethod
    def _set_ones(cls, given: object) -> object:
        """Drops unset options, and replaces the values of unknown ones by their error messages."""
        if not isinstance(given, dict):
            return {} if given is None else given
        fields = cls.model_fields
        return {
            key: value if key in fields else _unknown(key, cls)
            for key, value in given.items()
            if key not in fields or not _is_unset(value, fields[key])
        }


def _is_unset(value: object, field: FieldInfo) -> bool:
    return value is None or (field.default is None and isinstance(value, str) and not value.strip())


def _unknown(word: str, group: type[Group]) -> str:
    for name, field in group.model_fields.items():
        if (inner := group_of(field)) and not is_listed(field) and word in inner.model_fields:
            return f"unknown key here, did you mean {quoted(f'{name}.{word}')}?"
    return f"unknown key, {remedy(word, group.model_fields)}"


def group_of(field: FieldInfo) -> type[Group] | None:
    """Returns the group inside an option, or of each of its entries, if there is one."""
    inner = get_args(field.annotation)
    candidates = (field.annotation, *inner, *(each for part in inner for each in get_args(part)))
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, Group)), None)


def is_listed(field: FieldInfo) -> bool:
    """Returns whether the option is a list of entries."""
    return get_origin(field.annotation) is tuple and group_of(field) is not None


def within(
    otherwise: str, *, least: float = 0, most: float = math.inf, above: float = -math.inf, below: float = math.inf
) -> AfterValidator:
    """Refuses values out of bounds: of durations the seconds, of collections the length.

    `otherwise` is the message, with `{}` for the value or length; `above` and `below` are exclusive bounds.
    """

    def check(value: timedelta | float | Sized) -> timedelta | float | Sized:
        number = len(value) if isinstance(value, Sized) else value
        bounded = number.total_seconds() if isinstance(number, timedelta) else number
        if not (least <= bounded <= most and above < bounded < below):
            raise ValueError(otherwise.format(spoken(number) if isinstance(number, timedelta) else number))
        return value

    return AfterValidator(check)


def needs(other: str, remedy: str) -> AfterValidator:
    """Refuses an option that is set without another one, which is declared before it."""
    return _fitting(other, f"needs {other}; {remedy}", operator.le)


def goes_with(other: str) -> AfterValidator:
    """Refuses one of two options without the other one, which is declared before it."""
    return _fitting(other, f"needs {other}; set both, or neither", operator.eq)


def excludes(other: str) -> AfterValidator:
    """Refuses two options together, of which the other one is declared before."""
    return _fitting(
        other, f"cannot be combined with {other}; keep one of the two", lambda own, given: not (own and given)
    )


def _fitting(other: str, message: str, fit: Callable[[bool, bool], bool]) -> AfterValidator:
    def check(value: object, info: ValidationInfo) -> object:
        if other in info.data and not fit(bool(value), bool(info.data[other])):
            raise OptionError(message, beside=(other,))
        return value

    return AfterValidator(check)


AnswerSize = Annotated[Size, within("{} bytes hold no answer; write a size such as 256MiB", least=1024)]
RequestRate = Annotated[Whole, within("{} would allow no requests; the minimum is 1", least=1)]


class PollOptions(Group):
    """How a platform is polled: `jitter` is a share of the interval, `max_body` is in bytes."""

    interval: Annotated[Duration, within("{} is too short; the minimum is 1m", least=60)] = option("1h")
    """Time between two polls, a duration (1h, 30m); at least 1m."""
    jitter: Annotated[Share, within("{:.0%} is too much; the maximum is 50%", most=0.5)] = option("10%")
    """Each poll is delayed by up to this share of the interval, so that exporters do not poll at the same time; 0% to
    50%, or 0 to 0.5."""
    timeout: Annotated[Duration, within("{} leaves no time for an answer; write 60s", least=1)] = option("60s")
    """Maximum time for one attempt, including its whole answer, a duration; shorter than the interval."""
    max_body: AnswerSize = option("256MiB")
    """Maximum size of an answer after decompression, a size (256MiB, 10MB, or bytes)."""
    requests_per_minute: RequestRate = option("60")
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
    """Which metric families are served: all that no glob in `exclude` matches."""

    exclude: Texts = option([])
    """Families that are not served, a list of names or globs (paradigm_tool_uses*, "*_28d")."""


class CompaniesOptions(Group):
    """Which companies are served; `exclude` goes before `include`."""

    include: Annotated[Selectors, within('includes no company; write ["*"] for all companies', least=1)] = option(["*"])
    """Companies that are served, a list of selectors: 17, id:17, name:Nor*, or a glob of either, case-sensitive. With
    exactly one id, the platform is asked for that company alone."""
    exclude: Selectors = option([])
    """Companies that are not served, even if included, a list of selectors."""
    expected: Selectors = option([])
    """Companies that should exist, a list of selectors; one that matches nothing shows in chat_usage_company_info."""


class LimitsOptions(Group):
    """Limits for all sources together."""

    max_series: Whole = option("2000000")
    """Maximum number of series. Above it, series are dropped in this order: channels, tools and languages, 28-day sums,
    7-day sums."""
    max_size: Size = option("512MiB")
    """Maximum size of the exposition, a size (512MiB); long names make it large. Above it, series are dropped in the
    same order."""


class PrivacyOptions(Group):
    """Figures about people that are not served."""

    min_group: Whole = option("0")
    """Figures about fewer people than this are not served, a whole number; zeros are."""
