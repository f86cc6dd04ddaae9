"""One client's connection: who may stay, how long a client may take, and who has to go when there are too many."""

import asyncio
import logging
from dataclasses import dataclass, field

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from exporter.web.server.tls import is_allowed
from exporter.web.server.web_config import LiveWebConfig

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What clients may take, in seconds: a hand-shake of TLS, a request, an answer in which nothing is read on.

    At most `connections` are open, at most `unread` of them with an answer that waits to be read: it takes the memory
    of a page. uvicorn has no limits of these kinds: its own on connections refuses the newest one, which is Prometheus.
    """

    handshake: float = 10.0
    request: float = 30.0
    reading: float = 60.0
    connections: int = 512
    unread: int = 32


LIMITS = ConnectionLimits()


@dataclass(slots=True)
class WaitingConnections:
    """The connections of a server that wait for their client, the longest waiting first; sets that keep their order."""

    asking: "dict[Connection, None]" = field(default_factory=dict)
    unread: "dict[Connection, None]" = field(default_factory=dict)

    def make_room(self) -> None:
        """Cuts off who has waited longest for a request, else who has not read for longest."""
        for each in self.asking or self.unread:
            each.cut_off()
            return


class Connection(H11Protocol):
    """A connection; one of a client whose certificate has no allowed name is closed before it can ask anything."""

    web_config: LiveWebConfig
    limits: ConnectionLimits
    waiting: WaitingConnections
    _refused = False
    _hurry: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Takes up a connection, or closes it."""
        section = self.web_config.config.tls_server_config
        tls = transport.get_extra_info("ssl_object")
        if section and tls and not is_allowed(tls.getpeercert(), section.client_allowed_sans):
            log.warning("client refused: its certificate has no name of client_allowed_sans")
            self._refused = True
            transport.abort()
            return
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self.waiting.make_room()
        self.waiting.asking[self] = None
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Lets go of a connection that was taken up."""
        if not self._refused:
            self._leave()
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads on; a request has to end in time, however slowly its bytes arrive."""
        super().data_received(data)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._await_request()
        else:
            self._has_asked()

    def on_response_complete(self) -> None:
        """Waits for the next request; until its first byte uvicorn's limit for idle connections holds."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.waiting.asking[self] = None
            if self.conn.trailing_data[0]:  # the next request began before the answer ended
                self._await_request()

    def pause_writing(self) -> None:
        """Stops writing until the client has read."""
        super().pause_writing()
        self.waiting.unread[self] = None
        self._unread = self.loop.call_later(self.limits.reading, self.cut_off)
        if len(self.waiting.unread) > self.limits.unread:
            next(iter(self.waiting.unread)).cut_off()

    def resume_writing(self) -> None:
        """Writes on."""
        self._has_read()
        super().resume_writing()

    def cut_off(self) -> None:
        """Ends the connection, whatever it does."""
        self._leave()
        self.transport.abort()

    def _await_request(self) -> None:
        if self._hurry is None:
            self._hurry = self.loop.call_later(self.limits.request, self.cut_off)

    def _has_asked(self) -> None:
        self.waiting.asking.pop(self, None)
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None

    def _has_read(self) -> None:
        self.waiting.unread.pop(self, None)
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _leave(self) -> None:
        self._has_asked()
        self._has_read()


def connection_class(web_config: LiveWebConfig, limits: ConnectionLimits = LIMITS) -> type[Connection]:
    """Makes the class of the connections of one server: uvicorn makes them itself, with arguments of its own."""
    return type(
        "Connection", (Connection,), {"web_config": web_config, "limits": limits, "waiting": WaitingConnections()}
    )
