"""Reads a component by an operator's expressions (JMESPath)."""

from collections.abc import Callable, Sequence

from exporter.domain.errors import ConfigError
from exporter.platforms import json_outline, json_values
from exporter.platforms.api import Component, Expression
from exporter.platforms.chatcaptain.day_bounds import LocalDay
from exporter.platforms.chatcaptain.read_component import (
    Readable,
    Shape,
    UnreadableError,
    buckets,
    labelled,
    one,
    single,
)
from exporter.platforms.jmespath_fields import Search

Find = Callable[[Expression, object], object]


def refuse_misfit(name: str, where: Component, figure: Shape | None) -> None:
    """Raises ConfigError if expressions do not fit the component, which is a series if it has no `figure`."""
    if where.series and not where.time:
        raise ConfigError(f"{name}: series needs time and value; set time")
    if where.items and not where.label:
        raise ConfigError(f"{name}: items need label and value; set label")
    if figure is None and not where.series:
        raise ConfigError(f"{name} is a series; set series, time and value")
    if figure is Shape.BREAKDOWN and not where.items:
        raise ConfigError(f"{name} is a breakdown; set items, label and value")
    if figure is not Shape.BREAKDOWN and where.items:
        raise ConfigError(f"{name} is not a breakdown; leave items and label out")
    if figure is Shape.MEDIAN and where.series:
        raise ConfigError(f"{name} is a median, and medians cannot be combined; set only value")


def read(where: Component, root: object, figure: Shape, day: LocalDay) -> Readable:
    """Reads the whole answer by the expressions; an UnreadableError names one that finds nothing."""
    find = Search().find
    if where.items and where.label:
        items = _list("items", where.items, root, find)
        labels = [_label(find(where.label, each)) for each in items]
        values = [find(where.value, each) for each in items]
        _refuse_nothing(f'label ("{where.label.text}") finds no name', labels)
        _refuse_nothing(f'value ("{where.value.text}") finds nothing', values)
        return labelled(labels, values)
    if where.series and where.time:
        entries = _list("series", where.series, root, find)
        times = [find(where.time, each) for each in entries]
        _refuse_nothing(f'time ("{where.time.text}") finds nothing', times)
        pairs = zip(times, (find(where.value, each) for each in entries), strict=True)
        return single(buckets(pairs, figure, day))
    found = find(where.value, root)
    if found is None and figure is Shape.MEDIAN:  # null on a quiet day, but counted as missing
        return single((None, "missing"))
    if found is None:
        raise UnreadableError(f'value ("{where.value.text}") finds nothing', is_absent=True)
    return single(one(found, figure))


def _list(option: str, expression: Expression, root: object, find: Find) -> list[object]:
    found = find(expression, root)
    if not isinstance(found, list):
        instead = "nothing" if found is None else f"{json_outline.outline(found, 1)} instead of a list"
        raise UnreadableError(f'{option} ("{expression.text}") finds {instead}', is_absent=found is None)
    return found


def _refuse_nothing(why: str, found: Sequence[object]) -> None:
    if found and all(each is None for each in found):
        raise UnreadableError(why)


def _label(found: object) -> str | None:
    return json_values.label(str(found)) if isinstance(found, str) or json_values.is_number(found) else None
