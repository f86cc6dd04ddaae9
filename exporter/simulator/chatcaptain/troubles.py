"""What can go wrong with the simulated ChatCaptain."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal, NamedTuple

from starlette.responses import JSONResponse, Response

from exporter.simulator.chatcaptain.bots import Chatbot
from exporter.simulator.paradigm.reports import Document

Fate = Literal["never-ends", "fails", "link-refused", "redirected", "huge", "truncated"]
"""How an export ends."""
ERROR = "Statistik-Dienst nicht erreichbar"
REASONS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}
REASONS |= {500: "Internal Server Error"}


class Call(NamedTuple):
    """A request by the call's name, its number for its path (from 1) and the index of its channel."""

    name: str
    number: int
    channel: int | None = None


def refusal(status: int, message: str | list[str]) -> Response:
    """Makes an error as NestJS writes it (https://docs.nestjs.com/exception-filters); ChatCaptain documents none."""
    return JSONResponse({"statusCode": status, "message": message, "error": REASONS[status]}, status)


def of_figures(change: Callable[[Document], Document]) -> Callable[[str, Document], Document]:
    """Restricts `change` to answers that hold figures."""
    return lambda name, document: change(document) if name in {"overview", "channel", "inbox"} else document


def without_empty(document: Document) -> Document:
    """Drops the empty intervals of series."""
    return {key: _without_empty(value) for key, value in document.items()}


def _without_empty(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _without_empty(each) for key, each in value.items()}
    return [_without_empty(each) for each in value if not _is_empty(each)] if isinstance(value, list) else value


def _is_empty(each: object) -> bool:
    timed = isinstance(each, Mapping) and {"timestamp", "date", "time", "t"} & each.keys()
    return bool(timed) and isinstance(each, Mapping) and 0 in each.values()


def with_renamed_channel(chatbot: Chatbot) -> Chatbot:
    first, *others = chatbot.channels
    return replace(chatbot, channels=(replace(first, name=f"{first.name} (neu)"), *others))
