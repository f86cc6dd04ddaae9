"""What the simulated platforms say is true, asked of `/truth`, by the names and labels of our families."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache

import httpx
from msgspec import Struct, json

from exporter.simulator.chatcaptain.bots import Chatbot

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


class Use(Struct):
    """What chat-sessions counts of one mode."""

    sessions: float
    unique_models: float
    average_length: float
    user_queries: float
    model_responses: float
    model_responses_with_docs: float
    last_model_response: datetime


class Feedback(Struct):
    """What people said of the answers."""

    model_responses: float
    likes: float
    dislikes: float
    copies: float


class Members(Struct):
    """Members of a company, ever and now."""

    ever: float
    active: float


class Uses(Struct):
    """How often a tool, or a document (without a name of its own here), was used."""

    uses: float
    tool: str = ""


class Activity(Struct):
    """How many people were there."""

    active_users: float


Told = float | dict[str, float] | None
"""What ChatCaptain counts: a number, a break-down, or nothing to say."""
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

        parts = [
            *_sessions(json.decode(told("chat-sessions"), type=dict[str, Use | None])),
            *_feedback(json.decode(told("chats-feedback"), type=Feedback | None)),
            *_documents(json.decode(told("used-documents"), type=list[Uses])),
            *(("tool_uses", {"tool": each.tool}, each.uses) for each in json.decode(told("tools"), type=list[Uses])),
        ]
        if activity := json.decode(told("user-activities"), type=Activity | None):
            parts.append(("active_users", {}, activity.active_users))
        if members := json.decode(told("users"), type=Members | None):
            parts += [("members_ever", {}, members.ever), ("members_active", {}, members.active)]
        return {_key(f"paradigm_{family}", {**labels, "company_id": company_id}): n for family, labels, n in parts}

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


def _sessions(modes: Mapping[str, Use | None]) -> Iterator[Part]:
    for mode, use in modes.items():
        if use is not None:
            labels = {"mode": mode}
            yield "session_length_average", labels, use.average_length
            yield "last_model_response_timestamp_seconds", labels, use.last_model_response.timestamp()
            for family in ("sessions", "unique_models", "user_queries", "model_responses", "model_responses_with_docs"):
                yield family, labels, getattr(use, family)


def _feedback(said: Feedback | None) -> Iterator[Part]:
    if said is not None:
        for kind, count in (("like", said.likes), ("dislike", said.dislikes), ("copy", said.copies)):
            yield "feedbacks", {"feedback": kind}, count
        yield "feedback_model_responses", {}, said.model_responses


def _documents(used: list[Uses]) -> Iterator[Part]:
    if used:
        yield "document_uses", {}, sum(each.uses for each in used)
        yield "documents_used", {}, len(used)


def _talk(told: Mapping[str, Told], prefix: str, labels: Mapping[str, str]) -> Iterator[Part]:
    for name, figure in told.items():
        family = prefix + name
        if isinstance(figure, dict):
            label = BROKEN_DOWN[f"chatcaptain_{family}"]
            yield from ((family, {**labels, label: value}, count) for value, count in figure.items())
        elif figure is not None:
            yield family, labels, figure
