"""The HTTP surface of the simulated ChatCaptain: the six calls below `/v1/chatbots/{chatbotId}/statistics`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import reduce

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from exporter.simulator import scenarios
from exporter.simulator.chatcaptain.bots import Channel, Chatbot
from exporter.simulator.chatcaptain.components import Question, answered
from exporter.simulator.chatcaptain.exports import Exports
from exporter.simulator.chatcaptain.requests import (
    KEY_HEADER,
    RefusedError,
    Wanted,
    channel_of,
    chatbot_of,
    frame_of,
    report_of,
)
from exporter.simulator.chatcaptain.shapes import keyed
from exporter.simulator.chatcaptain.talk import OPERATOR_NAMES
from exporter.simulator.chatcaptain.tally import tally
from exporter.simulator.chatcaptain.troubles import Call, refusal
from exporter.simulator.control import Control
from exporter.simulator.paradigm.reports import Document
from exporter.simulator.scenarios import Scenario

PATH = "/v1/"
STATISTICS = "/v1/chatbots/{chatbot_id}/statistics/{call:path}"
_CALLS = {
    ("GET", "reports/overview"): "overview",
    ("GET", "reports/channel"): "channel",
    ("GET", "inbox"): "inbox",
    ("GET", "channels"): "channels",
    ("POST", "export"): "export",
}
Active = tuple[Scenario, ...]


class ChatCaptain:
    """Everything below `/v1/`; `sleep` waits the seconds that slow answers take."""

    def __init__(self, control: Control, exports: Exports, sleep: Callable[[float], Awaitable[object]]) -> None:
        self._control = control
        self._exports = exports
        self._sleep = sleep

    async def answer(self, request: Request) -> Response:
        """Answers one of the six calls as the platform and whatever stands before it would."""
        number = self._control.requests[request.url.path]  # taken before the wait, in which others may come
        await self._sleep(sum(scenario.delay for scenario in self._control.scenarios))
        active = self._control.scenarios
        try:
            return await self._answer(request, active, number)
        except RefusedError as refused:
            return refused.response

    async def nothing(self, request: Request) -> Response:
        """Answers where no call is, as NestJS does."""
        return refusal(404, f"Cannot {request.method} {request.url.path}")

    async def _answer(self, request: Request, active: Active, number: int) -> Response:
        path: str = request.path_params["call"]
        _, _, export_id = path.partition("export/")
        name = _CALLS.get((request.method, path), "status" if export_id and request.method == "GET" else "")
        if not name:
            return await self.nothing(request)
        chatbot_id = request.path_params["chatbot_id"]
        call = Call(name, number, self._place(chatbot_id, request.query_params.get("channelId", "")))
        if response := scenarios.instead_of_call(active, call):
            return response
        chatbot = chatbot_of(self._control.bots, chatbot_id, request.headers.get(KEY_HEADER))
        if name in {"export", "status"}:
            return self._export(request, chatbot, export_id, active)
        make = self._maker(name, chatbot, request.query_params, active)
        # A year in hours takes a moment, during which the other requests want to be answered.
        return await asyncio.to_thread(_respond, active, name, make)

    def _place(self, chatbot_id: str, channel_id: str) -> int | None:
        chatbot = self._control.bots.chatbot(chatbot_id)
        ids = [channel.id for channel in chatbot.channels] if chatbot else []
        return ids.index(channel_id) if channel_id in ids else None

    def _maker(self, name: str, chatbot: Chatbot, query: Mapping[str, str], active: Active) -> Callable[[], Document]:
        """Returns what makes the document; what is wrong with the request is raised here."""
        if name == "channels":
            return lambda: _channels(chatbot)
        if name == "inbox":
            frame, bots, now = frame_of(query), self._control.bots, self._control.now()
            return lambda: _inbox(Question(bots, chatbot, chatbot.channels, frame, frame.until - frame.first, now))
        channels = chatbot.channels if name == "overview" else (channel_of(chatbot, query),)
        wanted = report_of(query, name)
        question = self._question(chatbot, channels, wanted, active)
        shape = next((trouble.shape for trouble in scenarios.troubles(active) if trouble.shape), keyed)
        return lambda: shape(answered(question, name, wanted.numbers))

    def _question(self, chatbot: Chatbot, channels: tuple[Channel, ...], wanted: Wanted, active: Active) -> Question:
        at_utc = any(trouble.at_utc for trouble in scenarios.troubles(active))
        bots, now = self._control.bots, self._control.now()
        return Question(bots, chatbot, channels, wanted.frame, wanted.interval, now, at_utc)

    def _export(self, request: Request, chatbot: Chatbot, export_id: str, active: Active) -> Response:
        self._exports.fate = next((trouble.fate for trouble in scenarios.troubles(active) if trouble.fate), None)
        if not export_id:
            frame, now = frame_of(request.query_params), self._control.now()
            question = Question(self._control.bots, chatbot, chatbot.channels, frame, frame.until - frame.first, now)
            return _json(self._exports.start(chatbot.id, _sheet(question)), 202)
        status = self._exports.status(chatbot.id, export_id, str(request.base_url).rstrip("/"))
        return _json(status) if status else refusal(404, f"Export {export_id} not found")


def _channels(chatbot: Chatbot) -> Document:
    """Makes the list of channels; its fields are documented."""
    return {
        "channels": [
            {"channelId": channel.id, "channelName": channel.name, "channelType": channel.type}
            for channel in chatbot.channels
        ]
    }


def _inbox(question: Question) -> Document:
    """Makes the inbox; its fields are documented, among them the names of people."""
    so_far = question.tally(question.frame)
    join = so_far.level("inbox_join_time_average_seconds") or 0
    operators = [
        {"operatorId": each, "operatorName": OPERATOR_NAMES[each], "acceptedCount": count, "avgJoinTimeSeconds": join}
        for each, count in so_far.part("operator").items()
    ]
    data = {
        "transferredToAgentCount": so_far.counts["inbox_transfers"],
        "conversationAcceptedCount": so_far.total("operator"),
        "conversationNotAcceptedCount": so_far.counts["inbox_not_accepted"],
        "averageJoinTimeSeconds": join,
        "agentPerformance": operators,
    }
    return {"data": data}


def _sheet(question: Question) -> bytes:
    """Makes an export's file: a line per channel; the format is invented."""
    lines = ["channel;conversations;messages"]
    for channel in question.channels:
        so_far = tally(question.bots, question.chatbot, (channel,), question.frame, question.at)
        lines.append(f"{channel.id};{so_far.total('language')};{so_far.counts['messages']}")
    return "\n".join([*lines, ""]).encode()


def _respond(active: Active, name: str, make: Callable[[], Document]) -> Response:
    document = reduce(lambda so_far, trouble: trouble.document(name, so_far), scenarios.troubles(active), make())
    return Response(scenarios.cut(active, msgspec.json.encode(document)), media_type="application/json")


def _json(document: Document, status: int = 200) -> Response:
    return Response(msgspec.json.encode(document), status, media_type="application/json")
