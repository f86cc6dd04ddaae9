"""Rules that options declare: their bounds, and which other options they need or exclude."""

import math
import operator
from collections.abc import Callable, Sized
from datetime import timedelta

from pydantic import AfterValidator, ValidationInfo

from exporter.settings.readers import OptionError, spoken


def within(otherwise: str, *, least: float = 0, most: float = math.inf) -> AfterValidator:
    """Refuses values out of bounds: of durations the seconds, of collections the length.

    `otherwise` is the message, with `{}` for the value or length.
    """

    def check(value: timedelta | float | Sized) -> timedelta | float | Sized:
        number = len(value) if isinstance(value, Sized) else value
        bounded = number.total_seconds() if isinstance(number, timedelta) else number
        if not least <= bounded <= most:
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
