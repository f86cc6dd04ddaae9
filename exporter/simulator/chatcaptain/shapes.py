"""Possible shapes of the reports, whose JSON is undocumented; medians of a frame without conversations are null."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from exporter.simulator.chatcaptain.components import ComponentValue, Intervals, Trend, Value
from exporter.simulator.paradigm.reports import Document

Shape = Callable[[Sequence[ComponentValue]], Document]


def iso(moment: datetime) -> str:
    """Writes a moment (UTC) as the documentation's samples do: `2025-01-04T23:00:00.000Z`."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def keyed(components: Sequence[ComponentValue]) -> Document:
    """`{"data": {"CONVERSATION_COUNT": 12, "CONVERSATION_LANGUAGES": {"de": 7}}}`; times are ISO strings."""
    return {"data": {each.name: _json(each.value) for each in components}}


def listed(components: Sequence[ComponentValue]) -> Document:
    """`{"data": [{"id": 1, "value": 12}, {"id": 3, "value": [{"name": "de", "count": 7, "share": 0.58}]}]}`."""

    def items(found: Mapping[str, int]) -> object:
        whole = sum(found.values())
        return [{"name": name, "count": count, "share": round(count / whole, 4)} for name, count in found.items()]

    def value(found: Value) -> object:
        return _json(found, items, ("date", "value"), lambda start: int(start.timestamp() * 1000))

    return {"data": [{"id": each.id, "value": value(each.value)} for each in components], "error": None}


def numbered(components: Sequence[ComponentValue]) -> Document:
    """`{"report": {"1": {"total": 12}, "3": {"de": 7}, "10": null}}`: numbers as keys, nested data, epoch seconds."""

    def value(found: Value) -> object:
        if isinstance(found, int | float):
            return {"total": found}
        return _json(found, dict, ("time", "value"), lambda start: int(start.timestamp()))

    return {"report": {str(each.id): value(each.value) for each in components}}


def bare(components: Sequence[ComponentValue]) -> Document:
    """`{"data": 12}` for one component; `{"data": [12, {"de": 7}]}` for more, which cannot be assigned."""
    values = [_json(each.value) for each in components]
    return {"data": values[0] if len(values) == 1 else values}


def odd(components: Sequence[ComponentValue]) -> Document:
    """`{"stats": [{"k": "c1", "n": {"v": 12}}]}`: no rule can read it; JMESPath expressions can."""

    def items(found: Mapping[str, int]) -> object:
        return [{"w": name, "q": count} for name, count in found.items()]

    return {"stats": [{"k": f"c{each.id}", "n": {"v": _json(each.value, items, ("t", "q"))}} for each in components]}


def _json(
    value: Value,
    items: Callable[[Mapping[str, int]], object] = dict,
    point: tuple[str, str] = ("timestamp", "count"),
    written: Callable[[datetime], object] = iso,
) -> object:
    """Writes a value: breakdowns as `items` do, series with the keys of a `point` and times as they are `written`."""
    if isinstance(value, Intervals):
        time, number = point
        return [{time: written(start), number: count} for start, count in value.points]
    if isinstance(value, Trend):
        return value._asdict()
    return items(value) if isinstance(value, Mapping) else value
