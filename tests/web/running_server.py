"""Serves a small application with a web configuration file, and makes clients of it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from exporter.app.process import serving
from exporter.web.server.server import listen
from exporter.web.server.web_config import LiveWebConfig


async def hello(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


LOOK_SECONDS = 60.0
"""How long a look at the web configuration may take in tests: on a busy machine longer than in the program."""
APP = Starlette(routes=[Route(path, hello) for path in ("/metrics", "/-/healthy", "/-/ready")])


@asynccontextmanager
async def running_server(
    folder: Path, config: str, refused: Callable[[str], None] = lambda _reason: None
) -> AsyncIterator[str]:
    """Serves with this web configuration; yields host:port."""
    (folder / "web.yml").write_text(config)
    with listen("127.0.0.1:0", "--web.listen-address") as listening:
        async with serving(APP, listening, LiveWebConfig(folder / "web.yml", LOOK_SECONDS), refused):
            await asyncio.sleep(0)  # lets the server's task start
            yield "{}:{}".format(*listening.getsockname())


def client(folder: Path, server: str = "server", own: str | None = None) -> httpx.AsyncClient:
    """Makes a client that trusts one server certificate and may present a client certificate."""
    trust = ssl.create_default_context(cafile=folder / f"{server}.crt")
    if own:
        trust.load_cert_chain(folder / f"{own}.crt", folder / f"{own}.key")
    return httpx.AsyncClient(verify=trust, trust_env=False)
