"""Possible shapes of the reports, whose JSON is undocumented; medians of a frame without conversations are null."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from exporter.simulator.chatcaptain.components import ComponentValue, Intervals, Trend, Value
from exporter.simulator.paradigm.reports import Document

Shape = Callable[[Sequence[ComponentValue]], Document]
_Items = Callable[[Iterable[tuple[str, int]]], object]
_Points = Callable[[Iterable[tuple[datetime, int]]], object]


def iso(moment: datetime) -> str:
    """Writes a moment (UTC) as the documentation's samples do: `2025-01-04T23:00:00.000Z`."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def keyed(components: Sequence[ComponentValue]) -> Document:
    """`{"data": {"CONVERSATION_COUNT": 12, "CONVERSATION_LANGUAGES": {"de": 7}}}`; times are ISO strings."""
    return {"data": {each.name: _json(each.value, dict, _dated) for each in components}}


def listed(components: Sequence[ComponentValue]) -> Document:
    """`{"data": [{"id": 1, "value": 12}, {"id": 3, "value": [{"name": "de", "count": 7, "share": 0.58}]}]}`."""
    return {
        "data": [{"id": each.id, "value": _json(each.value, _shared, _epochs)} for each in components],
        "error": None,
    }


def numbered(components: Sequence[ComponentValue]) -> Document:
    """`{"report": {"1": {"total": 12}, "3": {"de": 7}, "10": null}}`: numbers as keys, nested data, epoch seconds."""

    def value(found: Value) -> object:
        return {"total": found} if isinstance(found, int | float) else _json(found, dict, _seconds)

    return {"report": {str(each.id): value(each.value) for each in components}}


def bare(components: Sequence[ComponentValue]) -> Document:
    """`{"data": 12}` for one component; `{"data": [12, {"de": 7}]}` for more, which cannot be assigned."""
    values = [_json(each.value, dict, _dated) for each in components]
    return {"data": values[0] if len(values) == 1 else values}


def odd(components: Sequence[ComponentValue]) -> Document:
    """`{"stats": [{"k": "c1", "n": {"v": 12}}]}`: no rule can read it; JMESPath expressions can."""

    def items(found: Iterable[tuple[str, int]]) -> object:
        return [{"w": name, "q": count} for name, count in found]

    return {"stats": [{"k": f"c{each.id}", "n": {"v": _json(each.value, items, _ticked)}} for each in components]}


def _json(value: Value, items: _Items, points: _Points) -> object:
    if isinstance(value, Intervals):
        return points(value.points)
    if isinstance(value, Trend):
        return value._asdict()
    return items(value.items()) if isinstance(value, Mapping) else value


def _points(time: str, count: str, written: Callable[[datetime], object]) -> _Points:
    return lambda points: [{time: written(start), count: each} for start, each in points]


_dated = _points("timestamp", "count", iso)
_epochs = _points("date", "value", lambda start: int(start.timestamp() * 1000))
_seconds = _points("time", "value", lambda start: int(start.timestamp()))
_ticked = _points("t", "q", iso)


def _shared(items: Iterable[tuple[str, int]]) -> object:
    items = tuple(items)
    whole = sum(count for _, count in items)
    return [{"name": name, "count": count, "share": round(count / whole, 4)} for name, count in items]
