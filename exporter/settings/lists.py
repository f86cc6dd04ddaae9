"""Reads lists: as such from the file, as JSON or comma-separated from the environment."""

import json
from datetime import date

from exporter.settings.readers import day, text
from exporter.settings.words import quoted, remedy

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
AUTO = "auto"


class Variable(str):
    """The text of an environment variable: the only form that a list can take there."""

    __slots__ = ()


def texts(value: object) -> tuple[str, ...]:
    """Reads a list of texts, each once, in order; numbers are texts (`007` stays `007`)."""
    return tuple(dict.fromkeys(text(item) for item in _items(value)))


def reports(value: object) -> tuple[str, ...] | None:
    """Reads a list of report names; `auto` is None."""
    if isinstance(value, str) and value.strip() == AUTO:
        return None
    return texts(value)


def weekdays(value: object) -> frozenset[int]:
    """Reads a list of `mon` ... `sun`; Monday is 0."""
    return frozenset(_weekday(item) for item in texts(value))


def days(value: object) -> frozenset[date]:
    """Reads a list of dates."""
    return frozenset(day(item) for item in texts(value))


def groups(value: object) -> object:
    """Reads a list of groups of options: as it is from the file, as JSON from the environment."""
    if not isinstance(value, Variable):
        return value
    try:
        return json.loads(value, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        raise ValueError('is no JSON; write [{"company": "id:17", ...}]') from None


def one_or_more(value: object) -> tuple[str, ...]:
    """Reads one text, or a list of some."""
    if isinstance(value, str) and not isinstance(value, Variable):
        return (text(value),)
    return texts(value)


def _weekday(name: str) -> int:
    if name.lower() not in WEEKDAYS:
        raise ValueError(f"{quoted(name)} is no weekday; {remedy(name, WEEKDAYS)}")
    return WEEKDAYS.index(name.lower())


def _items(value: object) -> list[object]:
    if isinstance(value, Variable):
        return _of_variable(value)
    if isinstance(value, list | tuple):
        return list(value)
    raise ValueError('expected a list; write [one, two], or one "- item" per line')


def _of_variable(value: Variable) -> list[object]:
    if not value.lstrip().startswith("["):
        return [item for item in value.split(",") if item.strip()]
    try:
        items = json.loads(value, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        raise ValueError('starts like JSON but is none; write ["one", "two"], or one,two') from None
    return list(items)
