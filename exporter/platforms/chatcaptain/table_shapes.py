"""Converts tables, pairs and lists of numbers into shapes that `read_component` reads; each is a guess."""

from collections.abc import Mapping, Sequence

from exporter.platforms import json_values
from exporter.platforms.json_values import is_epoch

_COLUMNS, _ROWS = ("columns", "headers", "header"), ("rows", "data", "values")
_LABELS, _VALUES = ("labels", "categories"), ("data", "values", "series", "datasets")
_COMPARED = frozenset(("current", "previous"))
_BESIDE_COMPARED = frozenset(("change", "delta", "difference", "percent", "percentage", "ratio", "trend"))
PAIR = 2


def reshaped(value: object) -> tuple[object, str]:
    """Returns tables and pairs as a list of objects, and how they were understood; any other value unchanged."""
    if isinstance(value, dict):
        return _object(value)
    if not isinstance(value, list) or not value:
        return value, ""
    if all(_is_pair(each) for each in value):
        found = [{"name": name, "value": number} for name, number in value]
        return found, "pairs of a name or a time and a number"
    if len(value) == 1 and isinstance(value[0], dict):
        numbers = [each for each in value[0].values() if each is not None]
        if not numbers or (len(numbers) == 1 and json_values.is_number(numbers[0]) and not is_epoch(numbers[0])):
            return next(iter(numbers), None), "the number of the only record"
    if any(isinstance(each, dict) and isinstance(each.get("_id"), dict) for each in value):
        return [_flat(each) for each in value], "it is grouped by _id"
    return value, ""


def _object(value: Mapping[str, object]) -> tuple[object, str]:
    keys = frozenset(key.casefold() for key in value)
    if keys >= _COMPARED and keys <= _COMPARED | _BESIDE_COMPARED:
        (current,) = (each for key, each in value.items() if key.casefold() == "current")
        return current, "the current one of current and previous"
    columns, rows = _lists(value, _COLUMNS, _ROWS)
    if columns is not None and rows is not None:
        names = [each.get("name") if isinstance(each, dict) else each for each in columns]
        table = [row for row in rows if isinstance(row, list) and len(row) == len(names)]
        if all(isinstance(name, str) for name in names) and len(table) == len(rows):
            return [dict(zip(names, row, strict=True)) for row in table], "a table of columns and rows"
    labels, numbers = _lists(value, _LABELS, _VALUES)
    if numbers and isinstance(numbers[0], dict) and len(numbers) == 1:
        datasets = [each for key, each in numbers[0].items() if key.casefold() in _VALUES and isinstance(each, list)]
        numbers = datasets[0] if len(datasets) == 1 else None
    if labels is not None and numbers is not None and len(labels) == len(numbers):
        pairs = [{"name": name, "value": number} for name, number in zip(labels, numbers, strict=True)]
        return pairs, "a list of labels and one of numbers"
    return value, ""


def _lists(
    value: Mapping[str, object], heads: Sequence[str], bodies: Sequence[str]
) -> tuple[list[object] | None, list[object] | None]:
    """Returns the lists under one key of each kind, if they are the only lists of an object."""
    found = {key.casefold(): each for key, each in value.items() if isinstance(each, list)}
    head, body = [each for each in heads if each in found], [each for each in bodies if each in found]
    if len(found) != PAIR or len(head) != 1 or len(body) != 1:
        return None, None
    return found[head[0]], found[body[0]]


def _is_pair(value: object) -> bool:
    if not isinstance(value, list) or len(value) != PAIR:
        return False
    name, number = value
    return (isinstance(name, str) or json_values.is_number(name)) and (number is None or json_values.is_number(number))


def _flat(value: object) -> object:
    if not isinstance(value, dict) or not isinstance(value.get("_id"), dict):
        return value
    return {**{key: each for key, each in value.items() if key != "_id"}, **value["_id"]}
