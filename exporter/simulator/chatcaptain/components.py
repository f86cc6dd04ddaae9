"""The components of both reports by their documented numbers, and their values in a time frame.

Source: https://docs.chatcaptain.com/api/api-dokumentation/statistics (ids and names). What the names mean is
inferred.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from exporter.simulator.chatcaptain.bots import Bots, Channel, Chatbot
from exporter.simulator.chatcaptain.tally import Frame, Tally, tally

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
    "CALL_DURATION": "call_duration",
    "CALL_DURATION_TOTAL": "call_duration",
    "CONVERSATION_LANGUAGES": "conversations_by_language",
    "CONVERSATION_BY_CHANNEL_TYPE": "conversations_by_channel_type",
    "INTENT_HITS": "intent_hits",
    "CALL_EXIT_STEP": "calls_by_exit_step",
    "CALL_END_REASON": "calls_by_end_reason",
    "CALL_TRANSFER_TARGET": "calls_by_transfer_target",
    "CONVERSATION_MESSAGE_COUNT_MEDIAN": "conversation_messages_median",
    "MESSAGE_LENGTH_MEDIAN": "message_length_median",
    "INTENT_SCORE_MEDIAN": "intent_score_median",
    "CALL_DURATION_MEDIAN": "call_duration_median",
    "CALL_USER_INPUTS_MEDIAN": "call_user_inputs_median",
}


class Intervals(NamedTuple):
    points: tuple[tuple[datetime, int], ...]


class Trend(NamedTuple):
    """A count, and that of the preceding time frame of the same length."""

    current: int
    previous: int


Value = int | float | None | Mapping[str, int] | Intervals | Trend
"""A count; a median or None; a breakdown; a series; a trend."""


class ComponentValue(NamedTuple):
    id: int
    name: str
    value: Value


class StatisticsQuery(NamedTuple):
    """A valid request at the moment `at`; `at_utc` cuts series at UTC midnights instead of at the frame's start."""

    bots: Bots
    chatbot: Chatbot
    channels: tuple[Channel, ...]
    frame: Frame
    at: datetime
    interval: timedelta = timedelta(days=1)
    at_utc: bool = False

    def tally(self, frame: Frame) -> Tally:
        return tally(self.bots, self.chatbot, self.channels, frame, self.at)


def answered(question: StatisticsQuery, report: str, numbers: Iterable[int]) -> tuple[ComponentValue, ...]:
    names = COMPONENTS[report]
    so_far = question.tally(question.frame)
    return tuple(ComponentValue(number, names[number], _value(names[number], so_far, question)) for number in numbers)


def figure_of(component: str) -> str:
    """Returns the name that a component's figure has in the exporter."""
    return _FIGURES[component.removesuffix(_OF_CHANNEL).removesuffix(_INTERVAL).removesuffix(_TREND)]


def _value(name: str, so_far: Tally, question: StatisticsQuery) -> Value:
    base, figure = name.removesuffix(_OF_CHANNEL), figure_of(name)
    if base.endswith(_INTERVAL):
        return _series(figure, question)
    if base.endswith(_TREND):
        first, until = question.frame.first, question.frame.until
        before = question.tally(Frame(first - (until - first), first))
        return Trend(so_far.count(figure), before.count(figure))
    return so_far.figure(figure)


def _series(figure: str, question: StatisticsQuery) -> Intervals:
    frame, interval = question.frame, question.interval
    start = frame.first
    if question.at_utc:
        start -= (start - datetime(2000, 1, 1, tzinfo=UTC)) % interval
    points = []
    while start < frame.until:
        bucket = Frame(max(start, frame.first), min(start + interval, frame.until))
        points.append((start, question.tally(bucket).count(figure)))
        start += interval
    return Intervals(tuple(points))
