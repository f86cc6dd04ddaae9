"""Reads the simulated platforms' figures from `/truth`, with the names and labels of our metric families."""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache

import httpx
from msgspec import json

from exporter.simulator.chatcaptain.bots import Chatbot
from exporter.simulator.paradigm.reports import Counts, Use
from exporter.simulator.paradigm.world import Figures, Mode
from tests.platform_data import activity, documents, feedback, members, sessions, tools

Key = tuple[str, frozenset[tuple[str, str]]]
"""A family name without the window, and labels without source and company name."""
Facts = Mapping[Key, float]
BREAKDOWNS = {
    "paradigm_tool_uses": "tool",
    "chatcaptain_conversations_by_language": "language",
    "chatcaptain_conversations_by_channel_type": "channel_type",
    "chatcaptain_intent_hits": "intent",
    "chatcaptain_channel_calls_by_end_reason": "reason",
    "chatcaptain_channel_calls_by_exit_step": "step",
}
"""Families broken down by values that users choose, and their label; not served for today."""
CALL_FIGURES = frozenset({"call_duration", "call_user_inputs_median", "calls_by_end_reason", "calls_by_exit_step"})
CHANNEL_FIGURES = CALL_FIGURES | {"conversations", "messages", "interactions"}
"""Figures served per channel; those of calls only for voice channels."""

Figure = float | dict[str, float] | None
"""A figure of ChatCaptain: a number, a breakdown, or none."""
FamilyFigure = tuple[str, Mapping[str, str], float]
"""A family name without prefix and window, labels, and the figure."""


class PlatformFigures:
    """Reads figures from a simulator whose clock stands still; each is requested once."""

    def __init__(self, http: httpx.Client, bot: Chatbot) -> None:
        self._http = http
        self._bot = bot
        self.company = cache(self._company)
        self.chatbot = cache(self._chatbot)

    def _request(self, **parameters: str) -> bytes:
        return self._http.get("/truth", params=parameters).raise_for_status().content

    def _company(self, company_id: str, day: date) -> Facts:
        """Returns the figures of a company of Paradigm on one day."""

        def read(report: str) -> bytes:
            return self._request(company_id=company_id, day=day.isoformat(), report=report)

        facts = [
            *sessions(json.decode(read("chat-sessions"), type=dict[Mode, Figures | None])),
            *feedback(json.decode(read("chats-feedback"), type=Counts | None)),
            *documents(json.decode(read("used-documents"), type=list[Use])),
            *tools(json.decode(read("tools"), type=list[Use])),
            *activity(json.decode(read("user-activities"), type=Counts | None)),
            *members(json.decode(read("users"), type=Counts | None)),
        ]
        return {_key(family, {**dict(labels), "company_id": company_id}): n for family, labels, n in facts}

    def _chatbot(self, day: date) -> Facts:
        """Returns the figures of the chatbot of ChatCaptain on one day."""

        def read(report: str, channel: str = "") -> Mapping[str, Figure]:
            parameters = {"chatbot": self._bot.id, "day": day.isoformat(), "report": report, "channel": channel}
            return json.decode(self._request(**parameters), type=dict[str, Figure])

        families = [*_families({**read("overview"), **read("inbox")}, "", {})]
        for channel in self._bot.channels:
            served = CHANNEL_FIGURES if channel.type == "voice" else CHANNEL_FIGURES - CALL_FIGURES
            figures = {name: figure for name, figure in read("channel", channel.id).items() if name in served}
            families += _families(figures, "channel_", {"channel_id": channel.id})
        return {
            _key(f"chatcaptain_{family}", {**labels, "company_id": self._bot.id}): n for family, labels, n in families
        }


def _key(family: str, labels: Mapping[str, str]) -> Key:
    return family, frozenset(labels.items())


def _families(figures: Mapping[str, Figure], prefix: str, labels: Mapping[str, str]) -> Iterator[FamilyFigure]:
    for name, figure in figures.items():
        family = prefix + name
        if isinstance(figure, dict):
            label = BREAKDOWNS[f"chatcaptain_{family}"]
            yield from ((family, {**labels, label: value}, count) for value, count in figure.items())
        elif figure is not None:
            yield family, labels, figure
