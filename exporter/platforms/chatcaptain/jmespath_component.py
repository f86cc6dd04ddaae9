"""Reads a component by an operator's expressions (JMESPath)."""

from exporter.domain.errors import ConfigError
from exporter.platforms import json_outline, json_values
from exporter.platforms.api import Component
from exporter.platforms.chatcaptain.day_bounds import LocalDay
from exporter.platforms.chatcaptain.read_component import Found, Shape, Unreadable, buckets, one


def refuse_misfit(name: str, where: Component, figure: Shape | None) -> None:
    """Raises ConfigError if expressions find something else than the component; without a `figure` that is a series."""
    if where.series and not where.time:
        raise ConfigError(f"{name}: series needs time and value; set time")
    if where.items and not where.label:
        raise ConfigError(f"{name}: items need label and value; set label")
    if figure is None and not where.series:
        raise ConfigError(f"{name} is a series; set series, time and value")
    if figure is Shape.BREAKDOWN and not where.items:
        raise ConfigError(f"{name} is a break-down; set items, label and value")
    if figure is not Shape.BREAKDOWN and where.items:
        raise ConfigError(f"{name} is no break-down; leave items and label out")
    if figure is Shape.MEDIAN and where.series:
        raise ConfigError(f"{name} is a median, and medians of hours or days make no median; set value alone")


def read(where: Component, root: object, figure: Shape, day: LocalDay) -> Found | Unreadable:
    """Reads the whole answer by the expressions; one that finds nothing is Unreadable, which names it."""
    if where.items is not None:
        return _items(where, root)
    number = _series(where, root, figure, day) if where.series is not None else _value(where, root, figure)
    return number if isinstance(number, Unreadable) else Found(((None, number),))


def _value(where: Component, root: object, figure: Shape) -> json_values.Checked | Unreadable:
    """Reads one number; nothing is no median, since that of a quiet day is null, but it is counted as missing."""
    found = where.value.search(root)
    if found is None:
        return (
            (None, "missing")
            if figure is Shape.MEDIAN
            else Unreadable(f'value ("{where.value.text}") finds nothing', is_absent=True)
        )
    return one(found, figure)


def _series(where: Component, root: object, figure: Shape, day: LocalDay) -> json_values.Checked | Unreadable:
    """Adds up buckets; without any nothing happened."""
    found = where.series.search(root) if where.series else None
    if not isinstance(found, list):
        why = f'series ("{where.series.text if where.series else ""}") finds {_instead(found)}'
        return Unreadable(why, is_absent=found is None)
    times = [where.time.search(each) if where.time else None for each in found]
    if found and all(time is None for time in times):
        return Unreadable(f'time ("{where.time.text if where.time else ""}") finds nothing')
    return buckets(zip(times, map(where.value.search, found), strict=True), figure, day)


def _items(where: Component, root: object) -> Found | Unreadable:
    found = where.items.search(root) if where.items else None
    if not isinstance(found, list):
        why = f'items ("{where.items.text if where.items else ""}") finds {_instead(found)}'
        return Unreadable(why, is_absent=found is None)
    pairs = [(_label(where, each), where.value.search(each)) for each in found]
    if pairs and all(label is None for label, _ in pairs):
        return Unreadable(f'label ("{where.label.text if where.label else ""}") finds no name')
    if pairs and all(value is None for _, value in pairs):
        return Unreadable(f'value ("{where.value.text}") finds nothing')
    return Found(
        tuple(
            (label or "", json_values.count(value) if label is not None else (None, "missing"))
            for label, value in pairs
        )
    )


def _label(where: Component, item: object) -> str | None:
    label = where.label.search(item) if where.label else None
    return json_values.label(str(label)) if isinstance(label, str) or json_values.is_number(label) else None


def _instead(found: object) -> str:
    return "nothing" if found is None else f"{json_outline.outline(found, 1)} instead of a list"
