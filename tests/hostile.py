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


Step = bytes | Drip | Act


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
            here.heads.append(await _head(reader))
            for step in steps:
                await _do(step, writer)
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


async def _head(reader: asyncio.StreamReader) -> str:
    head = b""
    while b"\r\n\r\n" not in head and not head.startswith(b"\x16"):  # the first byte of a TLS handshake
        if not (more := await reader.read(65536)):
            raise ConnectionResetError("the client went first")
        head += more
    return head.decode("latin-1")


async def _do(step: Step, writer: asyncio.StreamWriter) -> None:
    match step:
        case bytes():
            writer.write(step)
            await writer.drain()
        case Drip(what, pause):
            for n in range(len(what)):
                writer.write(what[n : n + 1])
                await writer.drain()
                await asyncio.sleep(pause)
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
