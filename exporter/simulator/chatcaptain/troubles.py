"""What can go wrong with the simulated ChatCaptain: the pieces of which scenarios are made."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Literal, NamedTuple

from starlette.responses import JSONResponse, Response

from exporter.simulator.chatcaptain.bots import Bots, Chatbot
from exporter.simulator.paradigm.reports import Document

Fate = Literal["never-ends", "fails", "link-refused", "redirected", "huge", "truncated"]
"""What happens to an export."""
ERROR = "Statistik-Dienst nicht erreichbar"
REASONS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}
REASONS |= {500: "Internal Server Error"}


class Call(NamedTuple):
    """One request: the call's name (`overview`, `channel`, `inbox`, `channels`, `export`, `status`).

    `number` counts the requests of its path from 1; `channel` is the place of the channel that it is about, from 0.
    """

    name: str
    number: int
    channel: int | None = None


def refusal(status: int, message: str | list[str]) -> Response:
    """Makes an error as NestJS writes it (https://docs.nestjs.com/exception-filters); ChatCaptain documents none."""
    return JSONResponse({"statusCode": status, "message": message, "error": REASONS[status]}, status)


def key_rejected(_call: Call) -> Response:
    return refusal(401, "Invalid API key")


def every_other(call: Call) -> Response | None:
    if call.number % 2 == 0:
        return None
    response = refusal(429, "ThrottlerException: Too Many Requests")
    response.headers["Retry-After"] = "1"
    return response


def channels_broken(call: Call) -> Response | None:
    return refusal(500, "Channel service unavailable") if call.name == "channels" else None


def channel_broken(call: Call) -> Response | None:
    return refusal(500, "Internal server error") if call.name == "channel" and call.channel == 1 else None


def of_figures(change: Callable[[Document], Document]) -> Callable[[str, Document], Document]:
    """Changes the answers that hold figures, and no other."""
    return lambda name, document: change(document) if name in {"overview", "channel", "inbox"} else document


def _without_empty(document: object) -> object:
    """Returns a JSON value whose series lack the intervals in which nothing happened."""
    if isinstance(document, Mapping):
        return {key: _without_empty(value) for key, value in document.items()}
    if not isinstance(document, list):
        return document
    return [_without_empty(each) for each in document if not _is_empty(each)]


def _is_empty(each: object) -> bool:
    timed = isinstance(each, Mapping) and {"timestamp", "date", "time", "t"} & each.keys()
    return bool(timed) and isinstance(each, Mapping) and 0 in each.values()


def with_gaps(document: Document) -> Document:
    return {key: _without_empty(value) for key, value in document.items()}


def without_last_channel(bots: Bots, _since: date) -> Bots:
    return replace(bots, chatbots=tuple(replace(each, channels=each.channels[:-1]) for each in bots.chatbots))


def with_renamed_channel(bots: Bots, _since: date) -> Bots:
    def renamed(chatbot: Chatbot) -> Chatbot:
        first, *others = chatbot.channels
        return replace(chatbot, channels=(replace(first, name=f"{first.name} (neu)"), *others))

    return replace(bots, chatbots=tuple(renamed(each) for each in bots.chatbots))
