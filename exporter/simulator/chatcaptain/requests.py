"""Validates requests to the simulated ChatCaptain as NestJS does; ChatCaptain documents no errors."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from exporter.simulator.chatcaptain.bots import Bots, Channel, Chatbot
from exporter.simulator.chatcaptain.components import COMPONENTS
from exporter.simulator.chatcaptain.tally import Frame
from exporter.simulator.chatcaptain.troubles import refusal
from exporter.simulator.control import RefusedError, instant

KEY_HEADER = "x-chatcaptain-key"
INTERVALS = {"86400": timedelta(days=1), "3600": timedelta(hours=1)}
MOST_INTERVALS = 1200
_A_MILLISECOND = timedelta(milliseconds=1)


def _refused(status: int, message: str | list[str]) -> RefusedError:
    return RefusedError(refusal(status, message))


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


def channel_of(chatbot: Chatbot, query: Mapping[str, str]) -> Channel:
    channel_id = query.get("channelId", "")
    if not channel_id:
        raise _refused(400, ["channelId should not be empty"])
    channel = chatbot.channel(channel_id)
    if channel is None:
        raise _refused(404, f"Channel {channel_id} not found")
    return channel


def frame_of(query: Mapping[str, str]) -> Frame:
    """Returns the time frame; `to` is inclusive to the millisecond."""
    wrong: list[str] = []
    frame = _frame(query, wrong)
    if frame is None or wrong:
        raise _refused(400, wrong)
    return frame


def report_of(query: Mapping[str, str], report: str) -> tuple[Frame, timedelta, tuple[int, ...]]:
    """Returns the time frame, the interval of series and the numbers of components."""
    wrong: list[str] = []
    frame, numbers = _frame(query, wrong), _numbers(query, report, wrong)
    interval = INTERVALS.get(query.get("interval", ""))
    if interval is None:
        wrong.append("interval must be one of the following values: 86400, 3600")
    elif frame and (frame.until - frame.first) / interval > MOST_INTERVALS:
        wrong.append("interval is too short for this time frame")
    if frame is None or interval is None or wrong:
        raise _refused(400, wrong)
    return frame, interval, numbers


def _frame(query: Mapping[str, str], wrong: list[str]) -> Frame | None:
    first, last = _instant(query, "from", wrong), _instant(query, "to", wrong)
    if first is None or last is None:
        return None
    if last < first:
        wrong.append("to must not be before from")
    return Frame(first, last + _A_MILLISECOND)


def _instant(query: Mapping[str, str], name: str, wrong: list[str]) -> datetime | None:
    moment = instant(query.get(name, ""))
    if moment is None:
        wrong.append(f"{name} must be a valid ISO 8601 date string")
    return moment


def _numbers(query: Mapping[str, str], report: str, wrong: list[str]) -> tuple[int, ...]:
    known = {str(number): number for number in range(len(COMPONENTS[report]))}
    asked = query.get("components", "").split(",")
    if not known.keys() >= set(asked):
        wrong.append(f"each value in components must be one of the following values: {', '.join(known)}")
        return ()
    return tuple(dict.fromkeys(known[each] for each in asked))
