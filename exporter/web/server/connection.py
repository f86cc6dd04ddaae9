"""One client's connection: its TLS handshake, how long a client may take, and who is closed when there are too many."""

import asyncio
import logging
import os
import resource
import ssl
from collections.abc import Mapping, Sequence, Set
from typing import TypeAlias, cast

import h11
import uvicorn
from msgspec import Struct
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

log = logging.getLogger(__name__)

RESERVED_DESCRIPTORS = 32  # for polls, key files, the state file, and connections accepted before others are closed
FEWEST_CONNECTIONS, FEWEST_ACCEPTS = 4, 4
"""With few descriptors: a closed connection gives its descriptor back a few turns after the next one is accepted."""


class ConnectionLimits(Struct, frozen=True):
    """Seconds for a TLS handshake, for a request, and for a client that has stopped reading.

    At most `connections` are open (`tls_connections` with TLS, since asyncio needs 256 KiB for each). At most `unread`
    of them have an unread response, which keeps an exposition in memory. uvicorn's own limit would refuse the newest
    connection, which may be Prometheus. `accepts` are accepted per turn of the event loop; asyncio would accept all
    before it serves any.
    """

    handshake: float = 10.0
    request: float = 30.0
    reading: float = 60.0
    connections: int = 512
    tls_connections: int = 128
    unread: int = 32
    accepts: int = 16

    @classmethod
    def of_process(cls) -> "ConnectionLimits":
        """Returns limits that leave some of the process's file descriptors unused."""
        usual, (most, _) = cls(), resource.getrlimit(resource.RLIMIT_NOFILE)
        left = most - len(os.listdir("/dev/fd")) - RESERVED_DESCRIPTORS
        if most == resource.RLIM_INFINITY or left >= usual.connections:
            return usual
        most = max(FEWEST_CONNECTIONS, left)
        return cls(connections=most, tls_connections=min(most, usual.tls_connections), accepts=FEWEST_ACCEPTS)


Timers: TypeAlias = "dict[Connection | Handshake, asyncio.TimerHandle | None]"


class WaitingConnections(Struct):
    """Connections of one server that wait for their clients, longest first, each with the timer that closes it."""

    limits: ConnectionLimits
    asking: Timers = {}
    unread: Timers = {}

    def make_room(self, connected: Set[object], *, tls: bool) -> None:
        """If too many are open, closes the one that has been silent longest, else the one not reading for longest.

        `connected` are those that have a whole connection: those that wait may still be in their handshake.
        """
        if len(connected | self.asking.keys()) > (self.limits.tls_connections if tls else self.limits.connections):
            for each in self.asking or self.unread:
                each.cut_off()
                return

    def end(self, waiting: "Connection | Handshake", *kinds: Timers) -> None:
        """Stops the timers of a connection, all or those of some kinds."""
        for timers in kinds or (self.asking, self.unread):
            if (timer := timers.pop(waiting, None)) is not None:
                timer.cancel()


class Connection(H11Protocol):
    """A connection of HTTP/1.1, with or without TLS below it."""

    def __init__(self, config: uvicorn.Config, server_state: ServerState, waiting: WaitingConnections) -> None:
        super().__init__(config, server_state, app_state={})
        self.waiting = waiting

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.waiting.make_room(self.connections, tls=self.scheme == "https")
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self.waiting.end(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A request has to be complete in time, however slowly its bytes arrive."""
        super().data_received(data)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._await_request()
        else:
            self.waiting.end(self, self.waiting.asking)

    def _should_upgrade(self) -> bool:
        """Ignores a request to upgrade (RFC 9110, 7.8)."""
        return False

    def on_response_complete(self) -> None:
        """Waits for the next request; uvicorn's keep-alive limit applies until its first byte."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.waiting.asking[self] = None
            if self.conn.trailing_data[0]:  # the next request began before the response ended
                self._await_request()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.waiting.unread[self] = self.loop.call_later(self.waiting.limits.reading, self.cut_off)
        if len(self.waiting.unread) > self.waiting.limits.unread:
            next(iter(self.waiting.unread)).cut_off()

    def resume_writing(self) -> None:
        self.waiting.end(self, self.waiting.unread)
        super().resume_writing()

    def cut_off(self) -> None:
        self.waiting.end(self)
        self.transport.abort()

    def _await_request(self) -> None:
        if self.waiting.asking.get(self) is None:
            self.waiting.asking[self] = self.loop.call_later(self.waiting.limits.request, self.cut_off)


class Handshake(asyncio.Protocol):
    """The TLS handshake before a connection; counted and limited like a connection, unlike asyncio's own."""

    def __init__(self, connection: Connection, context: ssl.SSLContext, allowed: Sequence[str]) -> None:
        self._connection = connection
        self._waiting = connection.waiting
        self._context = context
        self._allowed = allowed
        self._received = b""
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accepts a client; nothing is read before the handshake begins."""
        self._raw = cast("asyncio.Transport", transport)
        self._raw.pause_reading()
        self._waiting.asking[self] = None  # without a timer: the handshake has its own
        self._waiting.make_room(self._connection.connections, tls=True)
        self._task = self._connection.loop.create_task(self._shake())

    def data_received(self, data: bytes) -> None:
        """Keeps data that arrives together with the end of the handshake."""
        self._received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True

    def cut_off(self) -> None:
        self._waiting.end(self)
        self._raw.abort()

    async def _shake(self) -> None:
        try:
            transport = await self._connection.loop.start_tls(
                self._raw, self, self._context, server_side=True, ssl_handshake_timeout=self._waiting.limits.handshake
            )
        except OSError:  # also of ssl, and when it takes too long
            transport = None
        self._waiting.end(self)
        if transport is None or self._lost:
            self._raw.abort()
            return
        if not is_allowed(transport.get_extra_info("peercert"), self._allowed):
            log.warning("client refused: its certificate has no name of client_allowed_sans")
            transport.abort()
            return
        transport.set_protocol(self._connection)
        self._connection.connection_made(transport)
        if self._received:
            self._connection.data_received(self._received)


def is_allowed(certificate: Mapping[str, object] | None, allowed: Sequence[str]) -> bool:
    """Returns whether a verified certificate has an allowed alternative name: whole ones, as in exporter-toolkit."""
    if not allowed:
        return True
    names = (certificate or {}).get("subjectAltName", ())
    return any(name in allowed for _, name in names) if isinstance(names, tuple) else False
