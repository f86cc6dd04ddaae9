"""A proxy between the exporter and the simulated platform that injects one network fault at a time."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tests.scripted_server import Step, perform, read_head

LOOPBACK = "127.0.0.1"
VALID = "valid"
"""Name of the certificate without a fault."""


class Response(NamedTuple):
    """A response of the platform: status line and headers up to the empty line, and the body."""

    head: bytes
    body: bytes

    @property
    def content(self) -> bytes:
        """Head and body."""
        return self.head + self.body


@dataclass(frozen=True, slots=True)
class Fault:
    """A network fault, and the poll outcomes that it may cause.

    Args:
        name: shown in test ids.
        outcomes: allowed values of the label `outcome`.
        respond: turns the platform's response into what is sent to the client.
        on_connect: sent before the TLS handshake and before the request is read.
        refuses: nobody listens on the port.
        accepts_nothing: the port is open, but connections are never accepted.
        keep_alive: the connection serves further requests.
        certificate: name of the certificate that is presented.
    """

    name: str
    outcomes: frozenset[str]
    respond: Callable[[Response], tuple[Step, ...]] = lambda response: (response.content,)
    on_connect: tuple[Step, ...] = ()
    refuses: bool = False
    accepts_nothing: bool = False
    keep_alive: bool = False
    certificate: str = VALID


NO_FAULT = Fault("none", frozenset({"ok"}), keep_alive=True)


class FaultProxy:
    """Forwards requests to the platform at loopback port `upstream`; plain HTTP if `certificates` is empty."""

    def __init__(self, upstream: int, certificates: Mapping[str, ssl.SSLContext]) -> None:
        self._upstream = upstream
        self._certificates = certificates
        self._fault = NO_FAULT
        self._server: asyncio.Server | None = None
        self._unaccepted: list[socket.socket] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._reserved = _bind(0)  # keeps the port while nobody listens
        self.port: int = self._reserved.getsockname()[1]

    async def inject(self, fault: Fault) -> None:
        """Replaces the current fault; connections that hang are closed."""
        await self.stop()
        self._fault = fault
        if fault.accepts_nothing:
            self._fill_backlog()
        elif not fault.refuses:
            self._server = await asyncio.start_server(self._serve, sock=_bind(self.port))

    async def stop(self) -> None:
        """Stops listening and closes all connections; the port stays reserved."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for waiting in self._unaccepted:
            waiting.close()
        self._unaccepted.clear()
        previous, self._reserved = self._reserved, _bind(self.port)
        previous.close()
        running = list(self._connections)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def release_port(self) -> None:
        """Frees the port for others."""
        self._reserved.close()

    def _fill_backlog(self) -> None:
        """Listens without accepting and fills the queue, so that further connections time out."""
        self._reserved.listen(0)
        for _ in range(4):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex((LOOPBACK, self.port))
            self._unaccepted.append(waiting)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._handle_requests(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # the client closed the connection, or the fault is over
        finally:
            writer.close()
            self._connections.discard(task)

    async def _handle_requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one request, or all of them if the fault keeps connections alive."""
        fault = self._fault
        for step in fault.on_connect:
            await perform(step, writer)
        if self._certificates:
            await writer.start_tls(self._certificates[fault.certificate])
        keep_alive = True
        while keep_alive:
            response = await self._forward(await read_head(reader))
            for step in fault.respond(response):
                await perform(step, writer)
            keep_alive = fault.keep_alive

    async def _forward(self, head: str) -> Response:
        """Sends a request to the platform on a connection of its own."""
        reader, writer = await asyncio.open_connection(LOOPBACK, self._upstream)
        request_line, _, headers = head.partition("\r\n")
        writer.write(f"{request_line}\r\nConnection: close\r\n{headers}".encode("latin-1"))
        content = await reader.read()
        writer.close()
        response_head, _, body = content.partition(b"\r\n\r\n")
        return Response(remove_headers(response_head, b"connection") + b"\r\n", body)


def remove_headers(head: bytes, *names: bytes) -> bytes:
    """Returns the lines of a head without these headers and without the final empty line."""
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    return b"".join(line + b"\r\n" for line in lines if not line.lower().startswith(names))


def _bind(port: int) -> socket.socket:
    """Binds a loopback port that several of our sockets may share."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((LOOPBACK, port))
    return bound
