"""What can go wrong with the simulated ChatCaptain."""

from dataclasses import replace
from http import HTTPStatus
from typing import NamedTuple

from starlette.responses import JSONResponse, Response

from exporter.simulator.chatcaptain.bots import Chatbot

ERROR = "Statistik-Dienst nicht erreichbar"


class Call(NamedTuple):
    """A request by the call's name, its number for its path (from 1) and the index of its channel."""

    name: str
    number: int
    channel: int | None = None


def refusal(status: int, message: str | list[str]) -> Response:
    """Makes an error as NestJS writes it (https://docs.nestjs.com/exception-filters); ChatCaptain documents none."""
    return JSONResponse({"statusCode": status, "message": message, "error": HTTPStatus(status).phrase}, status)


def with_renamed_channel(chatbot: Chatbot) -> Chatbot:
    first, *others = chatbot.channels
    return replace(chatbot, channels=(replace(first, name=f"{first.name} (neu)"), *others))
