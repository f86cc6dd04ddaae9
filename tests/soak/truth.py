"""What the simulated platforms say is true, asked of `/truth`, by the names and labels of our families."""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache

import httpx
from msgspec import json

from exporter.simulator.chatcaptain.bots import Chatbot
from exporter.simulator.paradigm.figures import ActiveUsers, DocumentUse, Feedback, Members, ToolUse
from exporter.simulator.paradigm.world import Figures, Mode
from tests.truth import activity, documents, feedback, members, sessions, tools

Key = tuple[str, frozenset[tuple[str, str]]]
"""A family without its window, and its labels without source and company's name."""
Facts = Mapping[Key, float]
BROKEN_DOWN = {
    "paradigm_tool_uses": "tool",
    "chatcaptain_conversations_by_language": "language",
    "chatcaptain_conversations_by_channel_type": "channel_type",
    "chatcaptain_intent_hits": "intent",
    "chatcaptain_channel_calls_by_end_reason": "reason",
    "chatcaptain_channel_calls_by_exit_step": "step",
}
"""Break-downs that anybody may add values to, and their label: not served of the running day."""
OF_CALLS = frozenset({"call_duration", "call_user_inputs_median", "calls_by_end_reason", "calls_by_exit_step"})
OF_CHANNELS = OF_CALLS | {"conversations", "messages", "interactions"}
"""Which figures of a channel are served; those of calls of voice channels alone."""


Told = float | dict[str, float] | None
"""What ChatCaptain counts: a number, a breakdown, or nothing to say."""
Part = tuple[str, Mapping[str, str], float]
"""A family without prefix and window, its own labels, its figure."""


class Truth:
    """Asks one simulator; each question once, so it must stand still meanwhile."""

    def __init__(self, http: httpx.Client, bot: Chatbot) -> None:
        self._http = http
        self._bot = bot
        self.company = cache(self._company)
        self.chatbot = cache(self._chatbot)

    def _ask(self, **question: str) -> bytes:
        return self._http.get("/truth", params=question).raise_for_status().content

    def _company(self, company_id: str, day: date) -> Facts:
        """Returns the figures of one company of Paradigm on one day."""

        def told(report: str) -> bytes:
            return self._ask(company_id=company_id, day=day.isoformat(), report=report)

        facts = [
            *sessions(json.decode(told("chat-sessions"), type=dict[Mode, Figures | None])),
            *feedback(json.decode(told("chats-feedback"), type=Feedback | None)),
            *documents(json.decode(told("used-documents"), type=list[DocumentUse])),
            *tools(json.decode(told("tools"), type=list[ToolUse])),
            *activity(json.decode(told("user-activities"), type=ActiveUsers | None)),
            *members(json.decode(told("users"), type=Members | None)),
        ]
        return {_key(family, {**dict(labels), "company_id": company_id}): n for family, labels, n in facts}

    def _chatbot(self, day: date) -> Facts:
        """Returns the figures of the chatbot of ChatCaptain on one day."""

        def told(report: str, channel: str = "") -> Mapping[str, Told]:
            question = {"chatbot": self._bot.id, "day": day.isoformat(), "report": report, "channel": channel}
            return json.decode(self._ask(**question), type=dict[str, Told])

        parts = [*_talk({**told("overview"), **told("inbox")}, "", {})]
        for channel in self._bot.channels:
            served = OF_CHANNELS if channel.type == "voice" else OF_CHANNELS - OF_CALLS
            figures = {name: figure for name, figure in told("channel", channel.id).items() if name in served}
            parts += _talk(figures, "channel_", {"channel_id": channel.id})
        return {_key(f"chatcaptain_{family}", {**labels, "company_id": self._bot.id}): n for family, labels, n in parts}


def _key(family: str, labels: Mapping[str, str]) -> Key:
    return family, frozenset(labels.items())


def _talk(told: Mapping[str, Told], prefix: str, labels: Mapping[str, str]) -> Iterator[Part]:
    for name, figure in told.items():
        family = prefix + name
        if isinstance(figure, dict):
            label = BROKEN_DOWN[f"chatcaptain_{family}"]
            yield from ((family, {**labels, label: value}, count) for value, count in figure.items())
        elif figure is not None:
            yield family, labels, figure
