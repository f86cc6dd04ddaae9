"""How options and rules about them are declared and checked; each problem becomes one line.

An option is a field with its reader, its default as an operator would write it, and its description below it.
Defaults are read and checked like an operator's values.
"""

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sized
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin

from msgspec import Struct
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from exporter.domain.errors import ConfigError
from exporter.domain.model import Activity
from exporter.domain.wording import remedy
from exporter.platforms.api import Platform
from exporter.settings.environment import is_name
from exporter.settings.readers import Loc, OptionError, existing, quoted, shown, spoken, text
from exporter.settings.yaml_file import Document, Place, Problem

Options = TypeVar("Options", bound=BaseModel)
_PLAIN = {"missing": "is missing; add it", "tuple_type": 'expected a list of entries, each below a "-"'}


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


def either(other: str, message: str) -> AfterValidator:
    """Refuses two options together, of which the other one is declared before, and neither of them."""
    return _fitting(other, message, operator.ne)


def goes_with(other: str) -> AfterValidator:
    """Refuses one of two options without the other one, which is declared before it."""
    return _fitting(other, f"needs {other}; set both, or neither", operator.eq)


def excludes(other: str) -> AfterValidator:
    """Refuses two options together, of which the other one is declared before."""
    return _fitting(other, f"cannot be combined with {other}; keep one", lambda own, given: not (own and given))


def _fitting(other: str, message: str, fit: Callable[[bool, bool], bool]) -> AfterValidator:
    def check(value: object, info: ValidationInfo) -> object:
        if other in info.data and not fit(bool(value), bool(info.data[other])):
            raise OptionError(message, beside=(other,))
        return value

    return AfterValidator(check)


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


def known(otherwise: str, names: Callable[[ValidationContext], Iterable[str]]) -> AfterValidator:
    """Refuses words that are not among the context's `names`."""
    return AfterValidator(lambda word, info: existing(word, names(context_of(info)), otherwise))


FilePath = Annotated[Path, PlainValidator(lambda value, info: context_of(info).folder / text(value))]
"""A path, relative to the configuration's folder."""


def validated(kind: type[Options], document: Document, context: object = None) -> Options:
    """Validates a document; ConfigError has a line for each problem, those of the file before those of variables."""
    problems = [*document.problems]
    try:
        options = kind.model_validate(document.tree, context=context)
    except ValidationError as error:  # its details are read without any value that the message does not quote itself
        problems += (_problem(document, each) for each in error.errors(include_url=False, include_input=False))
    else:
        if not problems:
            return options
    problems.sort(key=lambda each: (isinstance(each[0], str), each[0]))
    raise ConfigError("\n".join(f"{_where(document, place)}: {message}" for place, message in problems))


def _problem(document: Document, detail: ErrorDetails) -> Problem:
    loc = tuple(each for each in detail["loc"] if each != "[key]")  # it is the name that is wrong
    reason = detail.get("ctx", {}).get("error")
    if reason is None:
        reason = _PLAIN.get(detail["type"], "expected options of its own, one per line below it")
    beside: Loc = ()
    if isinstance(reason, OptionError):
        beside = (*loc[:-1], *reason.beside) if reason.beside else ()
        loc = (*loc, *reason.inside)
    return located(document, loc, str(reason), beside)


def located(document: Document, loc: Loc, message: str, beside: Loc = ()) -> Problem:
    """Returns the problem of the option at `loc`, or of it and the one `beside` it that it does not fit.

    Its place is that of the option, of the other one, or of the nearest group around it that has one.
    """
    around = (loc[:depth] for depth in range(len(loc) - 1, 0, -1))
    places = (_place(document, each) for each in (loc, beside, *around) if each)
    # 0: something is missing in a file that has nothing around it
    return next((place for place in places if place), 0), f"{_option(loc)}: {message}"


def _place(document: Document, loc: Loc) -> Place:
    """Returns the place of an option, or of a variable that sets something inside it."""
    inside = (place for inner, place in document.places.items() if inner[: len(loc)] == loc)
    return document.places.get(loc) or next(inside, 0)


def _where(document: Document, place: Place) -> str:
    if isinstance(place, str):
        return place
    return f"{document.name}:{place}" if place else document.name


def _option(loc: Loc) -> str:
    """Names the option; apart from source and calendar names, only harmless words are shown."""
    return ".".join(
        str(part + 1) if isinstance(part, int) else part if depth == 1 and is_name(part) else shown(part)
        for depth, part in enumerate(loc)
    )
