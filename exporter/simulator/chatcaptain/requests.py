"""Validates requests to the simulated ChatCaptain as NestJS does; ChatCaptain documents no errors."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from exporter.simulator.chatcaptain.bots import Bots, Channel, Chatbot
from exporter.simulator.chatcaptain.components import COMPONENTS
from exporter.simulator.chatcaptain.tally import Frame, StatisticsQuery
from exporter.simulator.chatcaptain.troubles import refusal
from exporter.simulator.control import RefusedError, instant

KEY_HEADER = "x-chatcaptain-key"
_A_DAY = timedelta(days=1)
INTERVALS = {"86400": _A_DAY, "3600": timedelta(hours=1)}
MOST_INTERVALS = 1200
_A_MILLISECOND = timedelta(milliseconds=1)


def chatbot_of(bots: Bots, chatbot_id: str, key: str | None) -> Chatbot:
    """Returns the chatbot that the key opens; refuses with 401 (unknown key), 404 (no chatbot), 403 (another's key)."""
    if key not in {chatbot.key for chatbot in bots.chatbots}:
        raise _refused(401, "Invalid API key" if key else "Missing API key")
    chatbot = bots.chatbot(chatbot_id)
    if chatbot is None:
        raise _refused(404, f"Chatbot {chatbot_id} not found")
    if chatbot.key != key:
        raise _refused(403, "Missing permission chatbots.statistics.get")
    return chatbot


def query_of(call: str, query: Mapping[str, str], bots: Bots, chatbot: Chatbot, at: datetime) -> StatisticsQuery:
    """Reads the parameters of a call; `to` is inclusive to the millisecond."""
    channels = (_channel(chatbot, query.get("channelId", "")),) if call == "channel" else chatbot.channels
    wrong: list[str] = []
    frame, numbers, interval = _frame(query, wrong), tuple[int, ...](), INTERVALS.get(query.get("interval", ""))
    if call in COMPONENTS:
        numbers = _numbers(query, call, wrong)
        if interval is None:
            wrong.append("interval must be one of the following values: 86400, 3600")
        elif frame and (frame.until - frame.first) / interval > MOST_INTERVALS:
            wrong.append("interval is too short for this time frame")
    if frame is None or wrong:
        raise _refused(400, wrong)
    return StatisticsQuery(bots, chatbot, channels, frame, at, numbers, interval or _A_DAY)


def _channel(chatbot: Chatbot, channel_id: str) -> Channel:
    if not channel_id:
        raise _refused(400, ["channelId should not be empty"])
    channel = chatbot.channel(channel_id)
    if channel is None:
        raise _refused(404, f"Channel {channel_id} not found")
    return channel


def _frame(query: Mapping[str, str], wrong: list[str]) -> Frame | None:
    first, last = (instant(query.get(name, "")) for name in ("from", "to"))
    for name, moment in (("from", first), ("to", last)):
        if moment is None:
            wrong.append(f"{name} must be a valid ISO 8601 date string")
    if first is None or last is None:
        return None
    if last < first:
        wrong.append("to must not be before from")
    return Frame(first, last + _A_MILLISECOND)


def _numbers(query: Mapping[str, str], report: str, wrong: list[str]) -> tuple[int, ...]:
    known = {str(number): number for number in range(len(COMPONENTS[report]))}
    asked = query.get("components", "").split(",")
    if not known.keys() >= set(asked):
        wrong.append(f"each value in components must be one of the following values: {', '.join(known)}")
        return ()
    return tuple(dict.fromkeys(known[each] for each in asked))


def _refused(status: int, message: str | list[str]) -> RefusedError:
    return RefusedError(refusal(status, message))
