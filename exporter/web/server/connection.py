"""One client's connection: who may stay, how long a client may take, and who is closed when there are too many."""

import asyncio
import logging
import os
import resource
from dataclasses import dataclass, field, replace
from typing import Protocol

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from exporter.web.server.tls import is_allowed
from exporter.web.server.web_config import LiveWebConfig

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Seconds for a TLS handshake, for a request, and for an answer that the client does not read on.

    At most `connections` are open (`tls_connections` with TLS, since asyncio holds 256 KiB for each), and at most
    `unread` of them have an unread answer, which holds a page. uvicorn's own limit refuses the newest connection,
    which is Prometheus. `accepts` new ones are taken per turn of the event loop; asyncio would take all before it
    serves any.
    """

    handshake: float = 10.0
    request: float = 30.0
    reading: float = 60.0
    connections: int = 512
    tls_connections: int = 128
    unread: int = 32
    accepts: int = 16


LIMITS = ConnectionLimits()
RESERVED_DESCRIPTORS = 32
"""Left free for polls, key files, the state file, and connections accepted before others are closed."""
FEWEST_CONNECTIONS, FEWEST_ACCEPTS = 4, 4
"""Where descriptors are few: some turns pass between the accept of a connection and the end of the one that goes."""


def connection_limits() -> ConnectionLimits:
    """Returns limits that leave some of the process's file descriptors free."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        return LIMITS
    left = most - len(os.listdir("/dev/fd")) - RESERVED_DESCRIPTORS
    if left >= LIMITS.connections:
        return LIMITS
    most = max(FEWEST_CONNECTIONS, left)
    return replace(LIMITS, connections=most, tls_connections=min(most, LIMITS.tls_connections), accepts=FEWEST_ACCEPTS)


class Waiting(Protocol):
    """A connection or handshake that waits for its client."""

    def cut_off(self) -> None:
        """Ends the wait and the connection."""


@dataclass(slots=True)
class WaitingConnections:
    """Connections that wait for their clients, longest first, each with its timer."""

    asking: dict[Waiting, asyncio.TimerHandle | None] = field(default_factory=dict)
    unread: dict[Waiting, asyncio.TimerHandle | None] = field(default_factory=dict)
    handshakes: int = 0

    def make_room(self) -> None:
        """Closes who has waited longest for a request, else who has not read for longest."""
        for each in self.asking or self.unread:
            each.cut_off()
            return

    def begin_handshake(self, waiting: Waiting, seconds: float) -> None:
        self.handshakes += 1
        self.asking[waiting] = asyncio.get_running_loop().call_later(seconds, waiting.cut_off)

    def end_handshake(self, waiting: Waiting) -> None:
        if (timer := self.asking.pop(waiting, None)) is not None:
            timer.cancel()
            self.handshakes -= 1


class Connection(H11Protocol):
    """A connection; one whose client certificate has no allowed name is closed before its first request."""

    web_config: LiveWebConfig
    limits: ConnectionLimits
    waiting: WaitingConnections
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        section = self.web_config.config.tls_server_config
        tls = transport.get_extra_info("ssl_object")
        if section and tls and not is_allowed(tls.getpeercert(), section.client_allowed_sans):
            log.warning("client refused: its certificate has no name of client_allowed_sans")
            self._refused = True
            transport.abort()
            return
        super().connection_made(transport)
        self.make_room()
        self.waiting.asking[self] = None
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._refused:
            self._leave()
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads on; a request has to end in time, however slowly its bytes arrive."""
        super().data_received(data)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._await_request()
        else:
            self._end_wait(self.waiting.asking)

    def _should_upgrade(self) -> bool:
        """Takes no upgrade: the request is answered as it is (RFC 9110, 7.8)."""
        return False

    def on_response_complete(self) -> None:
        """Waits for the next request; until its first byte uvicorn's keep-alive limit holds."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.waiting.asking[self] = None
            if self.conn.trailing_data[0]:  # the next request began before the answer ended
                self._await_request()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.waiting.unread[self] = self.loop.call_later(self.limits.reading, self.cut_off)
        if len(self.waiting.unread) > self.limits.unread:
            next(iter(self.waiting.unread)).cut_off()

    def resume_writing(self) -> None:
        self._end_wait(self.waiting.unread)
        super().resume_writing()

    def make_room(self) -> None:
        most = self.limits.tls_connections if self.web_config.context else self.limits.connections
        if len(self.connections) + self.waiting.handshakes > most:
            self.waiting.make_room()

    def cut_off(self) -> None:
        self._leave()
        self.transport.abort()

    def _await_request(self) -> None:
        if self.waiting.asking.get(self) is None:
            self.waiting.asking[self] = self.loop.call_later(self.limits.request, self.cut_off)

    def _end_wait(self, waiting: dict[Waiting, asyncio.TimerHandle | None]) -> None:
        if (timer := waiting.pop(self, None)) is not None:
            timer.cancel()

    def _leave(self) -> None:
        self._end_wait(self.waiting.asking)
        self._end_wait(self.waiting.unread)


def connection_class(web_config: LiveWebConfig, limits: ConnectionLimits) -> type[Connection]:
    """Makes the connection class of one server: uvicorn creates connections itself."""
    return type(
        "Connection", (Connection,), {"web_config": web_config, "limits": limits, "waiting": WaitingConnections()}
    )
