"""The six calls of the simulated ChatCaptain, validated as NestJS does; ChatCaptain documents no errors."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from exporter.simulator.chatcaptain.bots import Bots, Channel, Chatbot
from exporter.simulator.chatcaptain.components import COMPONENTS, answered, keyed
from exporter.simulator.chatcaptain.exports import Exports
from exporter.simulator.chatcaptain.tally import OPERATOR_NAMES, Frame, StatisticsQuery, tally
from exporter.simulator.control import Control, RefusedError, instant, written
from exporter.simulator.paradigm.reports import Document
from exporter.simulator.scenarios import Call, Scenario, refusal

PATH = "/v1/"
STATISTICS = "/v1/chatbots/{chatbot_id}/statistics/{call:path}"
_CALLS = {
    ("GET", "reports/overview"): "overview",
    ("GET", "reports/channel"): "channel",
    ("GET", "inbox"): "inbox",
    ("GET", "channels"): "channels",
    ("POST", "export"): "export",
}
_A_DAY = timedelta(days=1)
INTERVALS = {"86400": _A_DAY, "3600": timedelta(hours=1)}
MOST_INTERVALS = 1200


async def answer(control: Control, exports: Exports, request: Request) -> Response:
    number, active = await control.delayed(request.url.path)
    path, chatbot_id = request.path_params["call"], request.path_params["chatbot_id"]
    _, _, export_id = path.partition("export/")
    name = _CALLS.get((request.method, path), "status" if export_id and request.method == "GET" else "")
    if not name:
        return nothing(request)
    bots, query = control.bots, request.query_params
    places = {channel.id: place for bot in bots.chatbots for place, channel in enumerate(bot.channels)}
    call = Call(name, number, places.get(query.get("channelId", "")))
    for scenario in active:
        if response := scenario.bot_instead(call):
            return response
    chatbot = _chatbot_of(bots, chatbot_id, request.headers.get("x-chatcaptain-key"))
    if name == "channels":
        channels = [{"channelId": c.id, "channelName": c.name, "channelType": c.type} for c in chatbot.channels]
        return await written(lambda: {"channels": channels}, active)
    exports.fate = next((scenario.fate for scenario in active if scenario.fate), None)
    if name == "status":
        status = exports.status(chatbot.id, export_id, str(request.base_url).rstrip("/"))
        return JSONResponse(status) if status else refusal(404, f"Export {export_id} not found")
    asked = _query_of(name, query, bots, chatbot, control.now())
    if name == "export":
        return JSONResponse(exports.start(chatbot.id, _sheet(asked)), 202)
    return await written(lambda: _figures(name, asked, active), active)


def nothing(request: Request) -> Response:
    return refusal(404, f"Cannot {request.method} {request.url.path}")


def _chatbot_of(bots: Bots, chatbot_id: str, key: str | None) -> Chatbot:
    """Returns the chatbot that the key opens; refuses with 401 (unknown key), 404 (no chatbot), 403 (another's key)."""
    if key not in {chatbot.key for chatbot in bots.chatbots}:
        raise RefusedError(refusal(401, "Invalid API key" if key else "Missing API key"))
    chatbot = bots.chatbot(chatbot_id)
    if chatbot is None:
        raise RefusedError(refusal(404, f"Chatbot {chatbot_id} not found"))
    if chatbot.key != key:
        raise RefusedError(refusal(403, "Missing permission chatbots.statistics.get"))
    return chatbot


def _query_of(call: str, query: Mapping[str, str], bots: Bots, chatbot: Chatbot, at: datetime) -> StatisticsQuery:
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
        raise RefusedError(refusal(400, wrong))
    return StatisticsQuery(bots, chatbot, channels, frame, at, numbers, interval or _A_DAY)


def _channel(chatbot: Chatbot, channel_id: str) -> Channel:
    if not channel_id:
        raise RefusedError(refusal(400, ["channelId should not be empty"]))
    channel = next((each for each in chatbot.channels if each.id == channel_id), None)
    if channel is None:
        raise RefusedError(refusal(404, f"Channel {channel_id} not found"))
    return channel


def _frame(query: Mapping[str, str], wrong: list[str]) -> Frame | None:
    moments = {name: instant(query.get(name, "")) for name in ("from", "to")}
    wrong += (f"{name} must be a valid ISO 8601 date string" for name, moment in moments.items() if moment is None)
    first, last = moments.values()
    if first is None or last is None:
        return None
    if last < first:
        wrong.append("to must not be before from")
    return Frame(first, last + timedelta(milliseconds=1))


def _numbers(query: Mapping[str, str], report: str, wrong: list[str]) -> tuple[int, ...]:
    known = {str(number): number for number in range(len(COMPONENTS[report]))}
    asked = query.get("components", "").split(",")
    if not known.keys() >= set(asked):
        wrong.append(f"each value in components must be one of the following values: {', '.join(known)}")
        return ()
    return tuple(dict.fromkeys(known[each] for each in asked))


def _figures(report: str, query: StatisticsQuery, active: tuple[Scenario, ...]) -> Document:
    for scenario in active:
        query = scenario.query(query)
    shape = next((scenario.shape for scenario in active if scenario.shape), keyed)
    document = _inbox(query) if report == "inbox" else shape(answered(query, report))
    for scenario in active:
        document = scenario.bot_document(document)
    return document


def _inbox(query: StatisticsQuery) -> Document:
    """Makes the inbox as documented, with the names of people."""
    so_far = tally(query)
    join = so_far.level("inbox_join_time_average_seconds") or 0
    operators = [
        {"operatorId": each, "operatorName": OPERATOR_NAMES[each], "acceptedCount": count, "avgJoinTimeSeconds": join}
        for each, count in so_far.counts["operator"].items()
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
