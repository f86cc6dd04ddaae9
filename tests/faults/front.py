"""What stands between exporter and simulated platform: one port, which passes questions on, and a fault in its way."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tests.hostile import Step, perform, read_head

LOOPBACK = "127.0.0.1"
GOOD = "good"
"""The name of the certificate that is trusted, in date, and the host's own."""


class Answer(NamedTuple):
    """What the platform answers: status line and headers up to the empty line, and the body."""

    head: bytes
    body: bytes

    @property
    def whole(self) -> bytes:
        """All of it."""
        return self.head + self.body


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a connection, and by which `outcomes` a poll may end that meets it.

    `first` is done before TLS, `steps` make out of the platform's answer what is sent. With `deaf` the port is there
    and nobody accepts, with `shut` nobody is there. A connection that `stays` open takes the next question.
    `certificate` is the one that is shown.
    """

    name: str
    outcomes: frozenset[str]
    steps: Callable[[Answer], tuple[Step, ...]] = lambda answer: (answer.whole,)
    first: tuple[Step, ...] = ()
    shut: bool = False
    deaf: bool = False
    stays: bool = False
    certificate: str = GOOD


NONE = Fault("none", frozenset({"ok"}), stays=True)


class Front:
    """A port of loopback before the platform at port `upstream`; `contexts` are its certificates, none: plain HTTP."""

    def __init__(self, upstream: int, contexts: Mapping[str, ssl.SSLContext]) -> None:
        self._upstream = upstream
        self._contexts = contexts
        self._fault = NONE
        self._server: asyncio.Server | None = None
        self._held: list[socket.socket] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._place = _bound(0)  # keeps the port while nobody listens
        self.port: int = self._place.getsockname()[1]

    async def put(self, fault: Fault) -> None:
        """Lets this be wrong from now on; what hangs from before ends."""
        await self.close()
        self._fault = fault
        if fault.deaf:
            self._fill()
        elif not fault.shut:
            self._server = await asyncio.start_server(self._serve, sock=_bound(self.port))

    async def close(self) -> None:
        """Ends what runs; the port stays ours."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for each in self._held:
            each.close()
        self._held.clear()
        before, self._place = self._place, _bound(self.port)
        before.close()
        running = list(self._connections)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def release(self) -> None:
        """Gives the port back."""
        self._place.close()

    def _fill(self) -> None:
        """Listens without accepting, behind a queue that is full: who comes next gets no answer at all."""
        self._place.listen(0)
        for _ in range(4):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex((LOOPBACK, self.port))
            self._held.append(waiting)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._converse(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # the client went first, or the fault is over
        finally:
            writer.close()
            self._connections.discard(task)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers a question, and further ones on a connection that stays."""
        fault = self._fault
        for step in fault.first:
            await perform(step, writer)
        if self._contexts:
            await writer.start_tls(self._contexts[fault.certificate])
        stays = True
        while stays:
            answer = await self._asked(await read_head(reader))
            for step in fault.steps(answer):
                await perform(step, writer)
            stays = fault.stays

    async def _asked(self, head: str) -> Answer:
        """Asks the platform, on a connection that ends with its answer."""
        reader, writer = await asyncio.open_connection(LOOPBACK, self._upstream)
        line, _, rest = head.partition("\r\n")
        writer.write(f"{line}\r\nConnection: close\r\n{rest}".encode("latin-1"))
        whole = await reader.read()
        writer.close()
        said, _, body = whole.partition(b"\r\n\r\n")
        return Answer(without(said, b"connection") + b"\r\n", body)


def without(head: bytes, *names: bytes) -> bytes:
    """Returns the lines of a head without some of its headers, and without its empty line."""
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    return b"".join(line + b"\r\n" for line in lines if not line.lower().startswith(names))


def _bound(port: int) -> socket.socket:
    """Returns a socket at a port of loopback, beside others of ours."""
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    place.bind((LOOPBACK, port))
    return place
