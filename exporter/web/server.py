"""The listening socket and uvicorn, without its signal handling: who starts a server also stops it."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from exporter.errors import ConfigError

MAX_PORT = 65535
BACKLOG = 1024


def listen(address: str, option: str) -> socket.socket:
    """Opens a listening socket at `host:port`; an empty host is every interface, IPv6 and IPv4.

    Raises:
        ConfigError: the address cannot be read, is in use or is not ours; it names `option`, the flag to change.
    """
    host, port = _split(address, option)
    try:
        if not host and socket.has_dualstack_ipv6():
            return socket.create_server(("::", port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0].lower()  # Python adds the address, as a tuple
        raise ConfigError(f"cannot listen on {address}: {reason}; choose another address with {option}") from error


def _split(address: str, option: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > MAX_PORT or not _is_encodable(host):
        raise ConfigError(f'{option}: "{address}" is no address; write host:port or :port, as in 127.0.0.1:9854')
    return host.removeprefix("[").removesuffix("]"), int(port)


def _is_encodable(host: str) -> bool:
    """Tells whether a name can be asked for at all; the socket module finds out too late to close its socket."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def url(listening: socket.socket) -> str:
    """Returns the URL under which a person on this machine reaches a listening socket."""
    host, port, *_ = listening.getsockname()
    if host in ("::", "0.0.0.0"):  # noqa: S104 compared, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """A server that leaves signals alone: uvicorn raises them again, which ends the process before we are done."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cuts off what is open after the grace, in silence: uvicorn tells of it as errors, with tracebacks."""
        log = logging.getLogger("uvicorn.error")
        level = log.level
        log.setLevel(logging.CRITICAL)
        try:
            await super().shutdown(sockets)
            await asyncio.gather(*self.server_state.tasks, return_exceptions=True)
        finally:
            log.setLevel(level)

    def stop(self) -> None:
        """Lets `serve` return soon; requests that run get a second."""
        self.should_exit = True


def server(app: ASGIApp) -> Server:
    """Makes a server for an application; run it with `await server.serve(sockets=[...])`."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,  # longer than a scrape interval, so that Prometheus keeps its connection
        loop="asyncio",
        http="h11",
        ws="none",
    )
    return Server(config)
