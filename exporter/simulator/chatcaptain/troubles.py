"""What can go wrong with the simulated ChatCaptain; a scenario has one of these for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, NamedTuple

from starlette.responses import JSONResponse, Response

from exporter.simulator.chatcaptain.bots import Bots, Chatbot
from exporter.simulator.chatcaptain.shapes import SHAPES, Shape
from exporter.simulator.paradigm.reports import Document

Fate = Literal["never-ends", "fails", "link-refused", "redirected", "huge", "truncated"]
"""What happens to an export."""
REASONS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}
REASONS |= {500: "Internal Server Error"}


class Call(NamedTuple):
    """One request: the call's name (`overview`, `channel`, `inbox`, `channels`, `export`, `status`).

    `number` counts the requests of its path from 1; `channel` is the place of the channel that it is about, from 0.
    """

    name: str
    number: int
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """One trouble; every piece that is not given leaves things as they are.

    `instead` makes the answer in place of the platform's; `bots` (with the day on which the scenario began) changes
    what is true, `shape` how reports look, `document` what a call's good answer says, `fate` how exports end.
    """

    instead: Callable[[Call], Response | None] = lambda _call: None
    bots: Callable[[Bots, date], Bots] = lambda bots, _since: bots
    shape: Shape | None = None
    document: Callable[[str, Document], Document] = lambda _name, document: document
    at_utc: bool = False
    fate: Fate | None = None


def refusal(status: int, message: str | list[str]) -> Response:
    """Makes an error as NestJS writes it (https://docs.nestjs.com/exception-filters); ChatCaptain documents none."""
    return JSONResponse({"statusCode": status, "message": message, "error": REASONS[status]}, status)


def key_rejected(_call: Call) -> Response:
    """Refuses every key."""
    return refusal(401, "Invalid API key")


def every_other(call: Call) -> Response | None:
    """Refuses every other request of a path for a second."""
    if call.number % 2 == 0:
        return None
    response = refusal(429, "ThrottlerException: Too Many Requests")
    response.headers["Retry-After"] = "1"
    return response


def _channels_broken(call: Call) -> Response | None:
    return refusal(500, "Channel service unavailable") if call.name == "channels" else None


def _channel_broken(call: Call) -> Response | None:
    return refusal(500, "Internal server error") if call.name == "channel" and call.channel == 1 else None


def _figures(change: Callable[[Document], Document]) -> Callable[[str, Document], Document]:
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


def _gaps(document: Document) -> Document:
    return {key: _without_empty(value) for key, value in document.items()}


def _each_chatbot(change: Callable[[Chatbot], Chatbot]) -> Callable[[Bots, date], Bots]:
    return lambda bots, _since: replace(bots, chatbots=tuple(change(chatbot) for chatbot in bots.chatbots))


def _less_one(chatbot: Chatbot) -> Chatbot:
    return replace(chatbot, channels=chatbot.channels[:-1])


def _renamed(chatbot: Chatbot) -> Chatbot:
    first, *others = chatbot.channels
    return replace(chatbot, channels=(replace(first, name=f"{first.name} (neu)"), *others))


_LOOKS = {
    "keyed": "reports have their components by name (the default)",
    "listed": "reports list the numbers and values of their components, shares beside counts",
    "numbered": "reports have their components by number",
    "bare": "reports name no component: only answers about one component can be read",
    "odd": "reports look like nothing that a rule could read",
}
ERROR = "Statistik-Dienst nicht erreichbar"
OWN: Mapping[str, tuple[str, Trouble]] = {
    **{f"shape-{name}": (_LOOKS[name], Trouble(shape=shape)) for name, shape in SHAPES.items()},
    "error-in-200": (
        "a report answers 200 with an error's text and no data",
        Trouble(document=_figures(lambda _: {"data": None, "error": ERROR})),
    ),
    "error-beside-data": (
        "a report answers 200 with an error's text beside its figures",
        Trouble(document=_figures(lambda document: document | {"error": ERROR})),
    ),
    "data-null": ("a report answers 200 with data null", Trouble(document=_figures(lambda _: {"data": None}))),
    "channels-broken": ("the list of channels answers 500", Trouble(instead=_channels_broken)),
    "channel-broken": (
        "the second channel's report answers 500, the others are good",
        Trouble(instead=_channel_broken),
    ),
    "channel-removed": ("the last channel is gone", Trouble(bots=_each_chatbot(_less_one))),
    "channel-renamed": ("the first channel has another name", Trouble(bots=_each_chatbot(_renamed))),
    "utc-buckets": ("series are cut at midnight UTC, whatever the time frame", Trouble(at_utc=True)),
    "gaps-in-series": ("series leave out the intervals in which nothing happened", Trouble(document=_figures(_gaps))),
    "export-never-ends": ("an export is never done", Trouble(fate="never-ends")),
    "export-fails": ("an export ends with an error", Trouble(fate="fails")),
    "export-link-refused": ("an export's first link answers 403, the next one is good", Trouble(fate="link-refused")),
    "export-redirected": ("an export's link leads to another one", Trouble(fate="redirected")),
    "export-huge": ("an export's file has a gibibyte and does not say so", Trouble(fate="huge")),
    "export-truncated": ("an export's file ends in its middle", Trouble(fate="truncated")),
}
"""The scenarios of ChatCaptain alone: their description and what they are."""
