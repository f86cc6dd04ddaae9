"""The HTTP surface of the simulated ChatCaptain: the six calls below `/v1/chatbots/{chatbotId}/statistics`."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from exporter.simulator.chatcaptain.bots import Chatbot
from exporter.simulator.chatcaptain.components import answered
from exporter.simulator.chatcaptain.exports import Exports
from exporter.simulator.chatcaptain.requests import KEY_HEADER, chatbot_of, query_of
from exporter.simulator.chatcaptain.shapes import keyed
from exporter.simulator.chatcaptain.talk import OPERATOR_NAMES
from exporter.simulator.chatcaptain.tally import StatisticsQuery, tally
from exporter.simulator.chatcaptain.troubles import Call, refusal
from exporter.simulator.control import Control, written
from exporter.simulator.paradigm.reports import Document
from exporter.simulator.scenarios import Scenario, first

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


async def answer(control: Control, exports: Exports, request: Request) -> Response:
    number, active = await control.delayed(request.url.path)
    path, chatbot_id = request.path_params["call"], request.path_params["chatbot_id"]
    _, _, export_id = path.partition("export/")
    name = _CALLS.get((request.method, path), "status" if export_id and request.method == "GET" else "")
    if not name:
        return nothing(request)
    bots, query = control.bots, request.query_params
    call = Call(name, number, bots.position(chatbot_id, query.get("channelId", "")))
    if response := first(scenario.bot_instead(call) for scenario in active):
        return response
    chatbot = chatbot_of(bots, chatbot_id, request.headers.get(KEY_HEADER))
    if name == "channels":
        return await written(lambda: _channels(chatbot), active)
    exports.fate = first(scenario.fate for scenario in active)
    if name == "status":
        status = exports.status(chatbot.id, export_id, str(request.base_url).rstrip("/"))
        return JSONResponse(status) if status else refusal(404, f"Export {export_id} not found")
    asked = query_of(name, query, bots, chatbot, control.now())
    if name == "export":
        return JSONResponse(exports.start(chatbot.id, _sheet(asked)), 202)
    return await written(lambda: _figures(name, asked, active), active)


def nothing(request: Request) -> Response:
    return refusal(404, f"Cannot {request.method} {request.url.path}")


def _figures(report: str, query: StatisticsQuery, active: Active) -> Document:
    if report == "inbox":
        document = _inbox(query)
    else:
        at_utc, leaves_gaps = any(each.at_utc for each in active), any(each.leaves_gaps for each in active)
        shape = first(scenario.shape for scenario in active) or keyed
        document = shape(answered(query._replace(at_utc=at_utc, leaves_gaps=leaves_gaps), report))
    for scenario in active:
        document = scenario.bot_document(document)
    return document


def _channels(chatbot: Chatbot) -> Document:
    return {
        "channels": [
            {"channelId": channel.id, "channelName": channel.name, "channelType": channel.type}
            for channel in chatbot.channels
        ]
    }


def _inbox(query: StatisticsQuery) -> Document:
    """Makes the inbox as documented, with the names of people."""
    so_far = tally(query)
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


def _sheet(query: StatisticsQuery) -> bytes:
    """Makes an export's file, a line per channel; the format is invented."""
    lines = ["channel;conversations;messages"]
    for channel in query.channels:
        so_far = tally(query._replace(channels=(channel,)))
        lines.append(f"{channel.id};{so_far.count('conversations')};{so_far.count('messages')}")
    return "\n".join([*lines, ""]).encode()
