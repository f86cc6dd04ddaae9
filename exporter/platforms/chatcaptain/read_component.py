"""Classifies an undocumented JSON value: one number, a breakdown by name, a series in time."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from exporter.domain import calendars
from exporter.platforms import item_names, json_outline, json_values
from exporter.platforms.chatcaptain.statistics_report import LocalDay
from exporter.platforms.chatcaptain.table_shapes import reshaped
from exporter.platforms.json_values import DEEPEST, is_date_time, is_epoch, is_identity

WRAPPERS = ("data", "report", "components", "result")  # keys of objects that only wrap the value
_INNER = frozenset((*WRAPPERS, "value", "values", "items"))
_COUNTS = frozenset(("count", "value", "total", "hits"))
_STARTS = ("timestamp", "time", "date", "from", "start")
Record = Mapping[str, object]


class Shape(Enum):
    """What a component is: a whole number, a number that adds up, a median of the day, numbers by name."""

    COUNT = "count"
    TOTAL = "total"
    MEDIAN = "median"
    BREAKDOWN = "breakdown"


class UnreadableError(Exception):
    """Says why a value cannot be read, without figures and names; `is_absent` if it is missing, null or empty."""

    def __init__(self, why: str, *, is_absent: bool = False) -> None:
        super().__init__(why)
        self.is_absent = is_absent


class Readable(NamedTuple):
    """Figures by name, a single one under None; `guess` says how they were read if that was inferred."""

    figures: tuple[tuple[str | None, json_values.Checked], ...]
    guess: str = ""


def single(number: json_values.Checked, guess: str = "") -> Readable:
    return Readable(((None, number),), guess)


def read(value: object, figure: Shape, day: LocalDay) -> Readable:
    """Reads a value as such a figure of this day; null is a median without use."""
    bare, guess = reshaped(unwrapped(value))
    if bare is None:
        return single(one(bare, figure))
    if bare == "" or (bare in ({}, []) and figure is not Shape.BREAKDOWN):
        raise UnreadableError("it is empty", is_absent=True)
    if figure is Shape.BREAKDOWN:
        return breakdown(bare)._replace(guess=guess)
    if isinstance(bare, list) and not isinstance(bare[0], dict):
        bare, guess = _summed(bare, figure, day), "numbers of the parts of a day"
    return single(_number(bare, figure, day), guess)


def unwrapped(value: object) -> object:
    """Unwraps objects that only hold another one; texts beside it, and an empty `error`, are ignored."""
    for _ in range(DEEPEST):
        holder = value if isinstance(value, dict) else {}
        inner = [key for key, each in holder.items() if key in _INNER and isinstance(each, dict | list)]
        inner = inner or [key for key, each in holder.items() if key in WRAPPERS and each is None]
        beside = (each for key, each in holder.items() if key not in inner)
        if len(inner) != 1 or not all(each is None or isinstance(each, str | bool) for each in beside):
            break
        value = holder[inner[0]]
    return value


def one(value: object, figure: Shape) -> json_values.Checked:
    """Reads a number; null is a median without use."""
    if value is None:
        if figure is Shape.MEDIAN:
            return None, None
        raise UnreadableError("it is null", is_absent=True)
    if not json_values.is_number(value):
        raise UnreadableError(f"expected a number, got {json_outline.outline(value, 1)}")
    return json_values.number(value) if figure in (Shape.MEDIAN, Shape.TOTAL) else json_values.count(value)


def _number(value: object, figure: Shape, day: LocalDay) -> json_values.Checked:
    if isinstance(value, dict) and value and all(map(is_date_time, value)):
        value = [{"time": time, "value": each} for time, each in value.items()]
    if isinstance(value, list):
        return _listed(value, figure, day)
    if isinstance(value, dict):
        found = list(_numbers(value, DEEPEST))
        numbers = [each for each in found if each is not None] or found
        if len(numbers) != 1:
            raise UnreadableError(f"expected one number, found {len(numbers) or 'none'}")
        value = numbers[0]
    return one(value, figure)


def _numbers(value: Record, depth: int) -> Iterator[object]:
    """Yields the numbers and nulls in an object; of a list in it as many as make it ambiguous."""
    for each in value.values():
        if each is None or json_values.is_number(each):
            yield each
        elif isinstance(each, dict) and depth:
            yield from _numbers(each, depth - 1)
        elif isinstance(each, dict | list) and each:
            yield from (0, 0)


def _listed(value: Sequence[object], figure: Shape, day: LocalDay) -> json_values.Checked:
    records = [each for each in value if isinstance(each, dict)]
    time = _time_of(records) if records and len(records) == len(value) else None
    if time is None:
        raise UnreadableError("expected one number, got a list that is not one of moments with a number each")
    if figure is Shape.MEDIAN and len(records) > 1:
        raise UnreadableError("expected a median, got medians of parts of a day, which cannot be combined")
    rest = [{k: v for k, v in each.items() if k != time and not is_date_time(v)} for each in records]
    if all(each is None for record in rest for each in record.values()):
        return one(None, figure)
    key = _number_of(rest, only=figure in (Shape.MEDIAN, Shape.TOTAL))
    return buckets(((each[time], each.get(key)) for each in records), figure, day)


def _summed(value: Sequence[object], figure: Shape, day: LocalDay) -> object:
    """Returns the one number of a list with a number per part of the day, else the list."""
    length = (calendars.end(day.day, day.zone) - calendars.start(day.day, day.zone)) / timedelta(hours=1)
    parts = (1,) if figure is Shape.MEDIAN else (1, math.ceil(length / 24), round(length))
    numbers = [each for each in value if json_values.is_number(each)]
    if len(value) == 1 and (numbers or value[0] is None):
        return value[0]
    return sum(numbers) if len(numbers) == len(value) and len(value) in parts else value


def buckets(found: Iterable[tuple[object, object]], figure: Shape, day: LocalDay) -> json_values.Checked:
    """Adds up buckets (a start and a number); a bucket outside the requested day makes all unreadable.

    A bucket that does not start at our midnight has hours of another day: the platform counts in another zone.
    """
    total, flaws, begun = 0.0, list[json_values.Flaw | None](), set[datetime]()
    for time, value in found:
        moment = json_values.moment_in(time, day.zone)
        if moment is None:
            raise UnreadableError("the start of a bucket is neither ISO 8601 with an offset, nor a date, nor an epoch")
        if not day.begins(moment):
            raise UnreadableError(f"no bucket starts with the asked day in {day.zone.key}; check the source's timezone")
        if moment in begun:
            raise UnreadableError("two buckets start at the same moment; they may be parts or a repetition")
        begun.add(moment)
        number = one(value, figure)
        if number[0] is None:
            return number
        total, flaws = total + number[0], [*flaws, number[1]]
    return total, next((each for each in flaws if each), None)


def _time_of(records: Sequence[Record]) -> str | None:
    """Returns the key under which every record has a moment; of several, the one named like a start."""
    for test in (is_date_time, is_epoch):
        keys = [key for key in records[0] if all(test(each.get(key)) for each in records)]
        if keys:
            called = [key for start in _STARTS for key in keys if key.casefold() == start]
            return called[0] if called else keys[0] if len(keys) == 1 else None
    return None


def breakdown(value: object) -> Readable:
    """Reads numbers by name: an object of numbers, or of objects with a number, or a list of names with numbers."""
    if isinstance(value, dict):
        return _by_key(value)
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise UnreadableError(f"expected a breakdown, got {json_outline.outline(value, 1)}")
    return _chosen(_labels(value), value)


def _by_key(value: Record) -> Readable:
    if any(map(is_date_time, value)) or (value and all(key.casefold() in _COUNTS for key in value)):
        raise UnreadableError("expected a breakdown, got an object whose keys are times or counts, not names")
    records = [each for each in value.values() if isinstance(each, dict)]
    if value and len(records) == len(value):
        key = _number_of(records)
        # Objects that differ may be something else, such as a breakdown with one name and what is beside it.
        if not (key.casefold() in _COUNTS or (len(records) > 1 and all(key in each for each in records))):
            raise UnreadableError("expected a breakdown; it is unclear whether the outer or the inner keys are names")
        return _chosen(map(json_values.label, value), records)
    if not all(each is None or _is_whole(each) for each in value.values()):
        raise UnreadableError("expected a breakdown, got an object whose values are not all whole numbers")
    return labelled(map(json_values.label, value), value.values())


def _chosen(names: Iterable[str | None], records: Sequence[Record]) -> Readable:
    """Takes the number that counts from each record; no record may lack it."""
    if not records:
        return Readable(())
    key, names = _number_of(records), list(names)
    if all(name is None for name in names):
        raise UnreadableError("expected a breakdown, got a list without names")
    return labelled(names, [each.get(key) for each in records])


def labelled(names: Iterable[str | None], values: Iterable[object]) -> Readable:
    """Reads counts by name; that of an item without a name is missing."""
    named = zip(names, values, strict=True)
    return Readable(tuple((name or "", json_values.count(None if name is None else value)) for name, value in named))


def _number_of(records: Sequence[Record], *, only: bool = False) -> str:
    """Returns the key of the number that counts: the `only` number, the only integer, or the one named like a count."""
    keys = dict.fromkeys(key for each in records for key in each if not (is_identity(key) or key.endswith("Id")))
    numbers = [key for key in keys if _are(records, key, json_values.is_number)]
    integers = [key for key in numbers if _are(records, key, lambda each: isinstance(each, int))]
    named = [key for key in numbers if key.casefold() in _COUNTS and _are(records, key, _is_whole)]
    for decided in (numbers if only else [], integers, named):
        if len(decided) == 1:
            return decided[0]
    shown = ", ".join(sorted({json_outline.key(key) for key in numbers}))
    raise UnreadableError(f"it is unclear which number counts: {shown}" if numbers else "there is no number")


def _are(records: Sequence[Record], key: str, test: Callable[[object], bool]) -> bool:
    values = [each[key] for each in records if each.get(key) is not None]
    return bool(values) and all(map(test, values))


def _is_whole(value: object) -> bool:
    return type(value) is int or (isinstance(value, float) and value.is_integer())


def _labels(records: Sequence[Record]) -> Iterator[str | None]:
    """Yields each record's name: its only text, even an empty one; of several the likeliest."""
    texts = [
        key
        for key in dict.fromkeys(key for each in records for key in each)
        if _are(records, key, lambda each: isinstance(each, str) and not is_date_time(each))
    ]
    for each in records:
        if len(texts) == 1:
            text = each.get(texts[0])
            yield json_values.label(text) if isinstance(text, str) else None
        else:
            yield item_names.label({key: value for key, value in each.items() if isinstance(value, str)})
