"""The listening socket, and uvicorn without its signal handling: the caller stops the server."""

import asyncio
import contextlib
import logging
import re
import socket
from collections.abc import Iterator
from urllib.parse import unquote

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.domain.errors import ConfigError
from exporter.web.server.connection import Connection, ConnectionLimits, Handshake, WaitingConnections
from exporter.web.server.web_config import LiveWebConfig

MAX_PORT = 65535
AUTHORITY = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
BACKLOG = 1024
TICKS = 10  # of uvicorn's main loop, per second


def listen(address: str, option: str) -> socket.socket:
    """Opens a listening socket at `host:port`; an empty host or `[::]` means every interface, IPv6 and IPv4.

    ConfigError, naming `option`, if the address is invalid, in use or not one of this machine.
    """
    host, port = _split(address, option)
    both = host in ("", "::") and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both or ":" in host else socket.AF_INET
    place = "::" if both else host, port
    try:
        listening = socket.create_server(place, family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0].lower()  # Python appends the address as a tuple
        raise ConfigError(f"cannot listen on {address}: {reason}; choose another address with {option}") from error
    # Accepted connections inherit it; asyncio only sets it on sockets that name their protocol, and these do not.
    # Without it, the end of a response waits until the client acknowledges its beginning: 40 ms per scrape over TLS.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _split(address: str, option: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    try:
        host.encode("idna")  # the socket module would fail later and leave its socket open
    except UnicodeError:
        colon = ""
    if not colon or not port.isascii() or not port.isdigit() or int(port) > MAX_PORT:
        raise ConfigError(f'{option}: "{address}" is not an address; write host:port or :port, as in 127.0.0.1:9854')
    return host.removeprefix("[").removesuffix("]"), int(port)


def url(listening: socket.socket, *, tls: bool = False) -> str:
    """Returns a URL that works on this machine."""
    scheme = "https" if tls else "http"
    host, port, *_ = listening.getsockname()
    if host in ("::", "0.0.0.0"):  # noqa: S104 compared, not bound
        host = "localhost"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn's server without its signal handlers, which raise the signal again and so end the process too early."""

    def __init__(
        self, app: ASGIApp, web_config: LiveWebConfig | None = None, limits: ConnectionLimits | None = None
    ) -> None:
        config = uvicorn.Config(
            origin_form(app),
            lifespan="off",  # with this and `ws`, applications are asked by HTTP alone
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,  # in seconds, for open requests
            timeout_keep_alive=75,  # longer than a scrape interval, so that Prometheus keeps its connection
            http="h11",
            ws="none",
        )
        super().__init__(config)
        self._web_config = web_config or LiveWebConfig()
        self._waiting = WaitingConnections(limits or ConnectionLimits.of_process())

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts connections on the given socket; uvicorn itself would not limit the time of a TLS handshake."""
        (listening,) = sockets or []
        await super().startup([])
        accepts = self._waiting.limits.accepts
        loop = asyncio.get_running_loop()
        self.servers = [await loop.create_server(self._accepted, sock=listening.dup(), backlog=accepts)]
        listening.listen(BACKLOG)  # asyncio has limited the kernel's queue to `accepts` as well

    def _accepted(self) -> Connection | Handshake:
        """Makes a connection with the current web configuration, so that a change applies to new connections."""
        made = Connection(self.config, self.server_state, self._waiting)
        tls, context = self._web_config.config.tls_server_config, self._web_config.context
        return Handshake(made, context, tls.client_allowed_sans) if tls and context else made

    async def on_tick(self, counter: int) -> bool:
        """Checks for changes of the web configuration every second."""
        if counter % TICKS == 0:
            await self._web_config.current()
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Closes open connections after the grace period, without uvicorn's errors and tracebacks in the log."""
        log = logging.getLogger("uvicorn.error")
        level = log.level
        log.setLevel(logging.CRITICAL)
        try:
            await super().shutdown()
            await asyncio.gather(*self.server_state.tasks, return_exceptions=True)
        finally:
            log.setLevel(level)


def origin_form(app: ASGIApp) -> ASGIApp:
    """Accepts request lines with a whole URL, as proxies get them; servers must (RFC 9112, 3.2.2)."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if match := AUTHORITY.match(scope["raw_path"]):
            raw_path = scope["raw_path"][match.end() :] or b"/"
            scope = {**scope, "raw_path": raw_path, "path": unquote(raw_path.decode("ascii"))}
        await app(scope, receive, send)

    return application
