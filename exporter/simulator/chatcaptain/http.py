"""The HTTP surface of the simulated ChatCaptain: the six calls below `/v1/chatbots/{chatbotId}/statistics`."""

import asyncio
from collections.abc import Callable, Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from exporter.simulator.chatcaptain.bots import Channel, Chatbot
from exporter.simulator.chatcaptain.components import StatisticsQuery, answered
from exporter.simulator.chatcaptain.exports import Exports
from exporter.simulator.chatcaptain.requests import KEY_HEADER, channel_of, chatbot_of, frame_of, report_of
from exporter.simulator.chatcaptain.shapes import keyed
from exporter.simulator.chatcaptain.talk import OPERATOR_NAMES
from exporter.simulator.chatcaptain.tally import Frame, tally
from exporter.simulator.chatcaptain.troubles import Call, refusal
from exporter.simulator.control import Control, answer
from exporter.simulator.paradigm.reports import Document
from exporter.simulator.scenarios import Scenario, changed, first

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
    def __init__(self, control: Control, exports: Exports) -> None:
        self._control = control
        self._exports = exports

    async def answer(self, request: Request) -> Response:
        number, active = await self._control.delayed(request.url.path)
        path, chatbot_id = request.path_params["call"], request.path_params["chatbot_id"]
        _, _, export_id = path.partition("export/")
        name = _CALLS.get((request.method, path), "status" if export_id and request.method == "GET" else "")
        if not name:
            return await self.nothing(request)
        call = Call(name, number, self._place(chatbot_id, request.query_params.get("channelId", "")))
        if response := first(scenario.bot_instead(call) for scenario in active):
            return response
        chatbot = chatbot_of(self._control.bots, chatbot_id, request.headers.get(KEY_HEADER))
        if name in {"export", "status"}:
            return self._export(request, chatbot, export_id, active)
        make = self._maker(name, chatbot, request.query_params, active)

        def body() -> bytes:
            document = make()
            for scenario in active:
                document = scenario.bot_document(name, document)
            return changed(msgspec.json.encode(document), (scenario.body for scenario in active))

        # In a thread: a year in hours takes a moment, and other requests must not wait.
        return Response(await asyncio.to_thread(body), media_type="application/json")

    async def nothing(self, request: Request) -> Response:
        return refusal(404, f"Cannot {request.method} {request.url.path}")

    def _place(self, chatbot_id: str, channel_id: str) -> int | None:
        chatbot = self._control.bots.chatbot(chatbot_id)
        ids = [channel.id for channel in chatbot.channels] if chatbot else []
        return ids.index(channel_id) if channel_id in ids else None

    def _maker(self, name: str, chatbot: Chatbot, query: Mapping[str, str], active: Active) -> Callable[[], Document]:
        """Returns what makes the document; a wrong request is refused here."""
        if name == "channels":
            return lambda: _channels(chatbot)
        if name == "inbox":
            about = self._about(chatbot, chatbot.channels, frame_of(query))
            return lambda: _inbox(about)
        channels = chatbot.channels if name == "overview" else (channel_of(chatbot, query),)
        frame, interval, numbers = report_of(query, name)
        at_utc = any(scenario.at_utc for scenario in active)
        question = self._about(chatbot, channels, frame)._replace(interval=interval, at_utc=at_utc)
        shape = first(scenario.shape for scenario in active) or keyed
        return lambda: shape(answered(question, name, numbers))

    def _about(self, chatbot: Chatbot, channels: tuple[Channel, ...], frame: Frame) -> StatisticsQuery:
        return StatisticsQuery(self._control.bots, chatbot, channels, frame, self._control.now())

    def _export(self, request: Request, chatbot: Chatbot, export_id: str, active: Active) -> Response:
        self._exports.fate = first(scenario.fate for scenario in active)
        if not export_id:
            about = self._about(chatbot, chatbot.channels, frame_of(request.query_params))
            return answer(self._exports.start(chatbot.id, _sheet(about)), 202)
        status = self._exports.status(chatbot.id, export_id, str(request.base_url).rstrip("/"))
        return answer(status) if status else refusal(404, f"Export {export_id} not found")


def _channels(chatbot: Chatbot) -> Document:
    return {
        "channels": [
            {"channelId": channel.id, "channelName": channel.name, "channelType": channel.type}
            for channel in chatbot.channels
        ]
    }


def _inbox(question: StatisticsQuery) -> Document:
    """Makes the inbox as documented, with the names of people."""
    so_far = question.tally(question.frame)
    join = so_far.level("inbox_join_time_average_seconds") or 0
    operators = [
        {"operatorId": each, "operatorName": OPERATOR_NAMES[each], "acceptedCount": count, "avgJoinTimeSeconds": join}
        for each, count in so_far.parts["operator"].items()
        if count
    ]
    data = {
        "transferredToAgentCount": so_far.count("inbox_transfers"),
        "conversationAcceptedCount": so_far.count("inbox_accepted"),
        "conversationNotAcceptedCount": so_far.count("inbox_not_accepted"),
        "averageJoinTimeSeconds": join,
        "agentPerformance": operators,
    }
    return {"data": data}


def _sheet(question: StatisticsQuery) -> bytes:
    """Makes an export's file, a line per channel; the format is invented."""
    lines = ["channel;conversations;messages"]
    for channel in question.channels:
        so_far = tally(question.bots, question.chatbot, (channel,), question.frame, question.at)
        lines.append(f"{channel.id};{so_far.count('conversations')};{so_far.count('messages')}")
    return "\n".join([*lines, ""]).encode()
