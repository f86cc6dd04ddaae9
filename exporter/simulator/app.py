"""The simulated platforms as one Starlette application."""

import asyncio
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.domain.errors import ConfigError
from exporter.simulator.chatcaptain import http as chatcaptain
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.chatcaptain.exports import Exports
from exporter.simulator.control import Clock, Control, RefusedError, Sleep, routes
from exporter.simulator.paradigm import http as paradigm
from exporter.simulator.paradigm.world import World

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def create_app(
    world: World,
    clock: Clock,
    *,
    scenarios: tuple[str, ...] = (),
    sleep: Sleep = asyncio.sleep,
    bots: Bots | None = None,
    exports: Exports | None = None,
) -> Starlette:
    """Makes the application; without `exports` files are served by it too. ConfigError: a scenario does not exist."""
    control = Control(world, bots or Bots.from_seed(world.seed, zone=world.zone), clock, sleep, scenarios)
    files = exports or Exports(world.seed)
    app = Starlette(
        routes=[
            *routes(control),
            Route(paradigm.PATH + "{name:path}", partial(paradigm.answer, control), methods=_METHODS),
            Route(chatcaptain.STATISTICS, partial(chatcaptain.answer, control, files), methods=_METHODS),
            Route(chatcaptain.PATH + "{path:path}", chatcaptain.nothing, methods=_METHODS),
            *files.routes(),
        ],
        middleware=[Middleware(_counting, control=control)],
        exception_handlers={HTTPException: _refuse, RefusedError: _refuse, ConfigError: _refuse},
    )
    app.router.redirect_slashes = False  # Starlette's is a 307 to an absolute address, Django's is not
    return app


def _counting(app: ASGIApp, control: Control) -> ASGIApp:
    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in {"/control", "/truth", "/seen"}:
            control.requests[scope["path"]] += 1
        await app(scope, receive, send)

    return counted


async def _refuse(_request: Request, error: Exception) -> Response:
    """Answers a failed request; where no route matches, as Django REST framework does."""
    if isinstance(error, RefusedError):
        return error.response
    if isinstance(error, HTTPException):
        detail = "Not found." if error.status_code == 404 else error.detail  # noqa: PLR2004 -- not found
        return JSONResponse({"detail": detail}, error.status_code, error.headers)
    return JSONResponse({"detail": str(error)}, 400)
