"""The components of both reports by their documented numbers: values in a time frame, shapes, and the true figures.

Source: https://docs.chatcaptain.com/api/api-dokumentation/statistics (ids and names). What the names mean is
inferred. The JSON of reports is undocumented, so there are several shapes of it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import NamedTuple

from exporter.domain.errors import ConfigError
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.chatcaptain.tally import Frame, StatisticsQuery, Tally, tally
from exporter.simulator.paradigm.reports import Document
from exporter.simulator.paradigm.world import utc_text

OVERVIEW = (
    *("STEP_EXEC_COUNT", "CONVERSATION_COUNT", "CONVERSATION_COUNT_INTERVAL", "CONVERSATION_LANGUAGES"),
    *("CONVERSATION_BY_CHANNEL_TYPE", "CONVERSATION_COUNT_PERIODIC_TREND", "CONVERSATION_MESSAGE_COUNT_MEDIAN"),
    *("MESSAGE_COUNT", "MESSAGE_COUNT_INTERVAL", "MESSAGE_COUNT_PERIODIC_TREND", "MESSAGE_LENGTH_MEDIAN"),
    *("INTENT_HITS", "INTENT_SCORE_MEDIAN", "INTENT_COUNT", "INTERACTION_COUNT", "INTERACTION_COUNT_INTERVAL"),
    "INTERACTION_COUNT_PERIODIC_TREND",
)
_OF_CHANNEL = "_FOR_CHANNEL_ID"
CHANNEL = (
    *("STEP_EXEC_COUNT_FOR_CHANNEL_ID", "CONVERSATION_COUNT_FOR_CHANNEL_ID"),
    *("CONVERSATION_COUNT_INTERVAL_FOR_CHANNEL_ID", "CONVERSATION_COUNT_PERIODIC_TREND_FOR_CHANNEL_ID"),
    *("CONVERSATION_LANGUAGES_FOR_CHANNEL_ID", "CONVERSATION_MESSAGE_COUNT_MEDIAN_FOR_CHANNEL_ID"),
    *("INTENT_COUNT_FOR_CHANNEL_ID", "INTENT_HITS_FOR_CHANNEL_ID", "INTENT_SCORE_MEDIAN_FOR_CHANNEL_ID"),
    *("INTERACTION_COUNT_FOR_CHANNEL_ID", "INTERACTION_COUNT_INTERVAL_FOR_CHANNEL_ID"),
    *("INTERACTION_COUNT_PERIODIC_TREND_FOR_CHANNEL_ID", "MESSAGE_COUNT_FOR_CHANNEL_ID"),
    *("MESSAGE_COUNT_INTERVAL_FOR_CHANNEL_ID", "MESSAGE_COUNT_PERIODIC_TREND_FOR_CHANNEL_ID"),
    *("MESSAGE_LENGTH_MEDIAN_FOR_CHANNEL_ID", "CALL_DURATION_TOTAL", "CALL_DURATION_PERIODIC_TREND"),
    *("CALL_DURATION_MEDIAN", "CALL_EXIT_STEP", "CALL_USER_INPUTS_MEDIAN", "CALL_END_REASON", "CALL_TRANSFER_TARGET"),
)
COMPONENTS: Mapping[str, tuple[str, ...]] = {"overview": OVERVIEW, "channel": CHANNEL}
"""The names of each report's components; a component's number is its index."""

_INTERVAL, _TREND = "_INTERVAL", "_PERIODIC_TREND"
_FIGURES = {
    "STEP_EXEC_COUNT": "steps",
    "CONVERSATION_COUNT": "conversations",
    "MESSAGE_COUNT": "messages",
    "INTENT_COUNT": "intents",
    "INTERACTION_COUNT": "interactions",
    "CALL_DURATION_TOTAL": "call_duration",
    "CONVERSATION_LANGUAGES": "conversations_by_language",
    "CONVERSATION_BY_CHANNEL_TYPE": "conversations_by_channel_type",
    "CALL_EXIT_STEP": "calls_by_exit_step",
    "CALL_END_REASON": "calls_by_end_reason",
    "CALL_TRANSFER_TARGET": "calls_by_transfer_target",
    "CONVERSATION_MESSAGE_COUNT_MEDIAN": "conversation_messages_median",
}
"""Names that the exporter's figures have; the others differ in case only."""


class Trend(NamedTuple):
    """A count, and that of the preceding time frame of the same length."""

    current: int
    previous: int


Intervals = list[tuple[datetime, int]]
Value = int | float | None | Mapping[str, int] | Intervals | Trend
"""A count; a median, None without conversations; a breakdown; a series; a trend."""


class ComponentValue(NamedTuple):
    id: int
    name: str
    value: Value


Shape = Callable[[Sequence[ComponentValue]], Document]
"""Makes a report of its components."""


def answered(query: StatisticsQuery, report: str) -> tuple[ComponentValue, ...]:
    names, so_far = COMPONENTS[report], tally(query)
    return tuple(ComponentValue(each, names[each], _value(names[each], so_far, query)) for each in query.numbers)


def figure_of(component: str) -> str:
    """Returns the name that a component's figure has in the exporter."""
    base = component.removesuffix(_OF_CHANNEL).removesuffix(_INTERVAL).removesuffix(_TREND)
    return _FIGURES.get(base, base.lower())


def _value(name: str, so_far: Tally, query: StatisticsQuery) -> Value:
    base, figure = name.removesuffix(_OF_CHANNEL), figure_of(name)
    if base.endswith(_INTERVAL):
        return _series(figure, query)
    if base.endswith(_TREND):
        first, until = query.frame
        before = tally(query._replace(frame=Frame(first - (until - first), first)))
        return Trend(so_far.count(figure), before.count(figure))
    return so_far.figure(figure)


def _series(figure: str, query: StatisticsQuery) -> Intervals:
    start, until = query.frame
    if query.at_utc:
        start -= (start - datetime(2000, 1, 1, tzinfo=UTC)) % query.interval
    points: Intervals = []
    while start < until:
        bucket = Frame(max(start, query.frame.first), min(start + query.interval, until))
        count = tally(query._replace(frame=bucket)).count(figure)
        if count or not query.leaves_gaps:
            points.append((start, count))
        start += query.interval
    return points


iso = partial(utc_text, timespec="milliseconds")
"""Writes a moment as the documentation's samples do: `2025-01-04T23:00:00.000Z`."""


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
    if isinstance(value, list):
        time, number = point
        return [{time: written(start), number: count} for start, count in value]
    if isinstance(value, Trend):
        return value._asdict()
    return items(value) if isinstance(value, Mapping) else value


_PHONE_NUMBERS = {"calls_by_transfer_target"}
_TRUTHS = {
    **{name: {figure_of(each) for each in of_report} - _PHONE_NUMBERS for name, of_report in COMPONENTS.items()},
    "inbox": {"inbox_transfers", "inbox_accepted", "inbox_not_accepted", "inbox_join_time_average_seconds"},
}
"""The figures of each report, without phone numbers and single operators."""


def truth(bots: Bots, query: Mapping[str, str], day: date, at: datetime) -> Mapping[str, object]:
    """Returns the figures of `report` (and `channel`) of a `chatbot` on a day of the bots' zone, as known at `at`."""
    report, chatbot = query["report"], bots.chatbot(query["chatbot"])
    if chatbot is None:
        known = ", ".join(each.id for each in bots.chatbots[:3])
        raise ConfigError(f"chatbot {query['chatbot']!r} does not exist; the first ones: {known}")
    if report not in _TRUTHS:
        raise ConfigError(f"report {report!r} does not exist; known: {', '.join(_TRUTHS)}")
    channels = chatbot.channels
    if report == "channel":
        channel_id = query.get("channel", "")
        channels = tuple(channel for channel in channels if channel.id == channel_id)
        if not channels:
            known = ", ".join(each.id for each in chatbot.channels)
            raise ConfigError(f"channel {channel_id!r} does not exist; known: {known}")
    so_far = tally(StatisticsQuery(bots, chatbot, channels, Frame.of_day(day, bots), at))
    return {name: so_far.figure(name) for name in sorted(_TRUTHS[report])}
