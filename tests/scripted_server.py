"""A TCP server on loopback that sends scripted bytes, for behaviour that no HTTP library offers."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum


class Act(Enum):
    """A step of a script that sends no bytes."""

    HANG = "sends nothing until the test ends"
    RESET = "ends the connection with a TCP reset"


@dataclass(frozen=True, slots=True)
class Drip:
    """Sends one byte at a time, `pause` seconds apart."""

    data: bytes
    pause: float


@dataclass(frozen=True, slots=True)
class Endless:
    """Sends the bytes again and again, a thousand times a second, until the client closes the connection."""

    data: bytes


Step = bytes | Drip | Endless | Act


@dataclass(slots=True)
class ScriptedServer:
    """A running server; `heads` are the received requests, each up to its empty line."""

    port: int
    heads: list[str] = field(default_factory=list)
    connections: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """The base URL over plain HTTP."""
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def scripted_server(*steps: Step, tls: ssl.SSLContext | None = None) -> AsyncIterator[ScriptedServer]:
    """Reads one request from each connection, runs the steps and closes it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.connections.add(task)
        try:
            running.heads.append(await read_head(reader))
            for step in steps:
                await perform(step, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client closed the connection, or the test has ended
        finally:
            writer.close()
            running.connections.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    running = ScriptedServer(server.sockets[0].getsockname()[1])
    try:
        yield running
    finally:
        server.close()
        remaining = list(running.connections)
        for task in remaining:
            task.cancel()
        await asyncio.gather(*remaining, return_exceptions=True)


async def read_head(reader: asyncio.StreamReader) -> str:
    """Reads a request up to its empty line.

    Raises:
        ConnectionResetError: the client closed the connection.
    """
    head = b""
    while b"\r\n\r\n" not in head and not head.startswith(b"\x16"):  # the first byte of a TLS handshake
        if not (more := await reader.read(65536)):
            raise ConnectionResetError("the client closed the connection")
        head += more
    return head.decode("latin-1")


async def perform(step: Step, writer: asyncio.StreamWriter) -> None:
    """Runs one step; may never return."""
    match step:
        case bytes():
            writer.write(step)
            await writer.drain()
        case Drip(data, pause):
            for n in range(len(data)):
                writer.write(data[n : n + 1])
                await writer.drain()
                await asyncio.sleep(pause)
        case Endless(data):
            while True:
                writer.write(data)
                await writer.drain()
                await asyncio.sleep(0.001)  # lets other tasks run, and notices a closed connection
        case Act.HANG:
            await asyncio.Event().wait()
        case Act.RESET:
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


def free_port() -> int:
    """Returns a loopback port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
