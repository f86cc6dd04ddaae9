"""Slow clients: those that take too long are closed, and they do not keep others out."""

import asyncio
import os
import resource
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exporter.web.server.connection import FEWEST_CONNECTIONS, RESERVED_DESCRIPTORS, ConnectionLimits
from exporter.web.server.server import Server, listen
from exporter.web.server.web_config import LiveWebConfig
from tests.certificates import self_signed

pytestmark = pytest.mark.anyio
LIMITS = ConnectionLimits()

TIMEOUT_S = 20.0
LONG_S = 600.0
SOON_S = 0.2
ASK = b"GET /small HTTP/1.1\r\nHost: exporter\r\n\r\n"
ASK_MUCH = b"GET /large HTTP/1.1\r\nHost: exporter\r\n\r\n"
LARGE = b"#" * 30_000_000  # more than the buffers of a socket take


async def small(_request: Request) -> Response:
    return PlainTextResponse("small\n")


async def large(_request: Request) -> Response:
    return PlainTextResponse(LARGE)


APP = Starlette(routes=[Route("/small", small, methods=["GET", "POST"]), Route("/large", large)])


@dataclass(frozen=True, slots=True)
class Peer:
    """One client's end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def says(self, something: bytes) -> None:
        """Sends; if the other end has closed, the next read shows it."""
        self.writer.write(something)
        await self.writer.drain()

    async def is_answered(self) -> bool:
        """Sends a request and returns whether the whole response arrives."""
        await self.says(ASK)
        try:
            return (await self.reader.readuntil(b"small\n")).startswith(b"HTTP/1.1 200 ")
        except (asyncio.IncompleteReadError, ConnectionError):
            return False

    async def is_cut_off(self) -> bool:
        """Waits for the end of the connection; discards what arrives before it."""
        with suppress(ConnectionError):
            await self.reader.read()
        return True


class Door:
    """A server and its clients."""

    def __init__(self, address: tuple[str, int], stack: AsyncExitStack, trust: ssl.SSLContext | None) -> None:
        self._address = address
        self._stack = stack
        self._trust = trust

    async def peer(self, *, tls: bool = False) -> Peer:
        """Connects a client."""
        reader, writer = await asyncio.open_connection(*self._address, ssl=self._trust if tls else None, limit=2**26)
        self._stack.callback(_hang_up, writer)
        return Peer(reader, writer)


def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    writer.transport.abort()


@asynccontextmanager
async def door(limits: ConnectionLimits, certified: Path | None = None) -> AsyncIterator[Door]:
    """Serves with these limits, with TLS if a folder with a certificate is given."""
    web_config = LiveWebConfig(certified / "web.yml" if certified else None)
    trust = ssl.create_default_context(cafile=str(certified / "localhost.crt")) if certified else None
    running = Server(APP, web_config, limits)
    with listen("localhost:0", "--web.listen-address") as listening:
        serve = asyncio.create_task(running.serve(sockets=[listening]))
        try:
            async with asyncio.timeout(TIMEOUT_S), AsyncExitStack() as stack:
                yield Door(("localhost", listening.getsockname()[1]), stack, trust)
        finally:
            running.should_exit = True
            await serve


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a web configuration that enables TLS."""
    folder = tmp_path_factory.mktemp("certified")
    self_signed(folder, "localhost")
    (folder / "web.yml").write_text("tls_server_config: {cert_file: localhost.crt, key_file: localhost.key}\n")
    return folder


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"", id="silence"),
        pytest.param(ASK[:-2], id="half a head"),
        pytest.param(ASK + ASK[:9], id="half a second head"),
        pytest.param(b"POST /small HTTP/1.1\r\nHost: exporter\r\nContent-Length: 9\r\n\r\nbod", id="half a body"),
    ],
)
async def test_a_request_has_to_end_in_time(begun: bytes) -> None:
    """At any stage of a request, also after a response."""
    async with door(ConnectionLimits(request=SOON_S)) as opened:
        peer = await opened.peer()
        await peer.says(begun)

        assert await peer.is_cut_off()


async def test_a_byte_now_and_then_is_no_progress() -> None:
    """The limit is for the whole request: single bytes do not extend it."""
    async with door(ConnectionLimits(request=SOON_S)) as opened:
        peer = await opened.peer()
        end = asyncio.create_task(peer.is_cut_off())
        while not end.done():
            await peer.says(b"a")
            await asyncio.sleep(SOON_S / 10)


async def test_an_idle_connection_stays() -> None:
    """Prometheus keeps its connection between scrapes: the limit starts with the first byte of the next request."""
    async with door(ConnectionLimits(request=SOON_S)) as opened:
        peer = await opened.peer()
        for _ in range(3):
            assert await peer.is_answered()
            await asyncio.sleep(SOON_S * 2)


async def test_a_hand_shake_has_to_end_in_time(certified: Path) -> None:
    """Also if the client sends nothing more."""
    async with door(ConnectionLimits(handshake=SOON_S), certified) as opened:
        begun = await opened.peer()
        await begun.says(b"\x16\x03\x01")

        assert await begun.is_cut_off()
        assert await (await opened.peer(tls=True)).is_answered()


async def test_a_client_that_does_not_read_is_disconnected() -> None:
    """It can still read what is buffered."""
    async with door(ConnectionLimits(reading=SOON_S)) as opened:
        reads, does_not = await opened.peer(), await opened.peer()
        does_not.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it has, as a transport of a socket
        await does_not.says(ASK_MUCH)
        await asyncio.sleep(SOON_S * 2)
        does_not.writer.transport.resume_reading()  # type: ignore[attr-defined]  # the same

        await reads.says(ASK_MUCH)
        assert (await reads.reader.readuntil(LARGE[:1000])).startswith(b"HTTP/1.1 200 ")
        assert len(await _to_the_end(does_not)) < len(LARGE)


async def _to_the_end(peer: Peer) -> bytes:
    read = bytearray()
    with suppress(ConnectionError):
        while piece := await peer.reader.read(2**20):
            read += piece
    return bytes(read)


@pytest.mark.parametrize("tls", [False, True])
async def test_the_longest_waiting_makes_room_for_a_new_one(certified: Path, tls: bool) -> None:
    """Not the newest one, nor one with requests in between; silent clients do not even finish the handshake."""
    limits = ConnectionLimits(
        request=LONG_S, handshake=LONG_S, connections=LIMITS.connections if tls else 4, tls_connections=4
    )
    async with door(limits, certified if tls else None) as opened:
        scraper = await opened.peer(tls=tls)
        assert await scraper.is_answered()
        silent = [await opened.peer() for _ in range(3)]
        assert await scraper.is_answered()
        newest = await opened.peer(tls=tls)

        assert await silent[0].is_cut_off()
        assert await newest.is_answered()
        assert await scraper.is_answered()


async def test_only_a_few_responses_may_be_unread() -> None:
    """Each keeps an exposition in memory; the first is closed, and clients that read are served."""
    async with door(ConnectionLimits(reading=LONG_S, unread=2)) as opened:
        deaf = [await opened.peer() for _ in range(3)]
        for each in deaf:
            each.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it has, as a transport of a socket
            await each.says(ASK_MUCH)
            assert await (await opened.peer()).is_answered()  # so that the one before was answered as far as may be
        deaf[0].writer.transport.resume_reading()  # type: ignore[attr-defined]  # the same

        assert len(await _to_the_end(deaf[0])) < len(LARGE)


def test_the_limits_leave_prometheus_alone() -> None:
    """Its longest usual scrape timeout, 60 s, is no longer than the limit for slow readers."""
    assert LIMITS.reading >= 60 > LIMITS.request > LIMITS.handshake


@pytest.mark.parametrize(
    ("descriptors", "connections"),
    [
        pytest.param(100_000, LIMITS.connections, id="many"),
        pytest.param(None, LIMITS.connections, id="without-a-limit"),
        pytest.param(200, 200 - RESERVED_DESCRIPTORS - 50, id="few"),
        pytest.param(64, FEWEST_CONNECTIONS, id="hardly-any"),
    ],
)
def test_connections_leave_descriptors_free(
    monkeypatch: pytest.MonkeyPatch, descriptors: int | None, connections: int
) -> None:
    limit = resource.RLIM_INFINITY if descriptors is None else descriptors
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (limit, limit))
    monkeypatch.setattr(os, "listdir", lambda _path: ["0"] * 50)
    limits = ConnectionLimits.of_process()
    assert (limits.connections, limits.tls_connections) == (connections, min(connections, LIMITS.tls_connections))


async def test_an_upgrade_is_not_taken_and_not_talked_about(caplog: pytest.LogCaptureFixture) -> None:
    """Otherwise uvicorn logs a recommendation to install a library."""
    async with door(LIMITS) as opened:
        peer = await opened.peer()
        head = ASK.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        await peer.says(head)
        assert (await peer.reader.readuntil(b"small\n")).startswith(b"HTTP/1.1 200 ")
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"http://exporter/small", b"200"),
        (b"HTTPS://exporter:9854/sm%61ll?x=/", b"200"),
        (b"http://exporter", b"404"),
        (b"http://exporter/http://exporter/small", b"404"),
        (b"/http://exporter/small", b"404"),
        (b"ftp://exporter/small", b"404"),
    ],
)
async def test_a_request_line_may_name_the_whole_url(target: bytes, status: bytes) -> None:
    async with door(LIMITS) as opened:
        peer = await opened.peer()
        await peer.says(ASK.replace(b"/small", target))
        assert (await peer.reader.readline()).split()[1] == status
