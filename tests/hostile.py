"""A TCP server on loopback that says exactly what a test wants, byte by byte; for what no well-behaved server does."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum


class Act(Enum):
    """What a connection can suffer besides bytes."""

    HANG = "says nothing more until the test ends"
    RESET = "ends with a TCP reset"


@dataclass(frozen=True, slots=True)
class Drip:
    """Bytes sent one at a time, `pause` seconds apart."""

    what: bytes
    pause: float


@dataclass(frozen=True, slots=True)
class Endless:
    """Bytes sent again and again, a thousand times a second, until the other side has enough."""

    what: bytes


Step = bytes | Drip | Endless | Act


@dataclass(slots=True)
class Hostile:
    """A server that runs; `heads` are the requests that it was sent, each as text up to its empty line."""

    port: int
    heads: list[str] = field(default_factory=list)
    connections: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """The base URL over plain HTTP."""
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def hostile(*steps: Step, tls: ssl.SSLContext | None = None) -> AsyncIterator[Hostile]:
    """Serves every connection the same: reads one request, does the `steps`, closes. Ends all of them at its end."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        here.connections.add(task)
        try:
            here.heads.append(await read_head(reader))
            for step in steps:
                await perform(step, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client went first, or the test has ended
        finally:
            writer.close()
            here.connections.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    here = Hostile(server.sockets[0].getsockname()[1])
    try:
        yield here
    finally:
        server.close()
        left = list(here.connections)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def read_head(reader: asyncio.StreamReader) -> str:
    """Reads a request up to its empty line.

    Raises:
        ConnectionResetError: the client went first.
    """
    head = b""
    while b"\r\n\r\n" not in head and not head.startswith(b"\x16"):  # the first byte of a TLS handshake
        if not (more := await reader.read(65536)):
            raise ConnectionResetError("the client went first")
        head += more
    return head.decode("latin-1")


async def perform(step: Step, writer: asyncio.StreamWriter) -> None:
    """Does one step to a connection; returns when it is done, which may be never."""
    match step:
        case bytes():
            writer.write(step)
            await writer.drain()
        case Drip(what, pause):
            for n in range(len(what)):
                writer.write(what[n : n + 1])
                await writer.drain()
                await asyncio.sleep(pause)
        case Endless(what):
            while True:
                writer.write(what)
                await writer.drain()
                await asyncio.sleep(0.001)  # lets others run, and finds out that the other side is gone
        case Act.HANG:
            await asyncio.Event().wait()
        case Act.RESET:
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


def free_port() -> int:
    """Returns a port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
