"""The TLS handshake before a connection, counted and limited as connections are, which asyncio's own is not."""

import asyncio
import ssl
from typing import cast

from exporter.web.server.connection import Connection


class Handshake(asyncio.Protocol):
    """Shakes hands with a client, then passes what it sends to `connection`."""

    def __init__(self, connection: Connection, context: ssl.SSLContext) -> None:
        self._connection = connection
        self._context = context
        self._received = b""
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accepts a client; nothing is read before the handshake begins."""
        self._raw = cast("asyncio.Transport", transport)
        self._raw.pause_reading()
        self._connection.waiting.begin_handshake(self, self._connection.limits.handshake)
        self._connection.make_room()
        self._task = asyncio.get_running_loop().create_task(self._shake())

    def data_received(self, data: bytes) -> None:
        """Keeps what arrives together with the end of the handshake."""
        self._received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True

    def cut_off(self) -> None:
        self._connection.waiting.end_handshake(self)
        self._raw.abort()

    async def _shake(self) -> None:
        loop, timeout = asyncio.get_running_loop(), self._connection.limits.handshake
        try:
            transport = await loop.start_tls(
                self._raw, self, self._context, server_side=True, ssl_handshake_timeout=timeout
            )
        except OSError:  # also of ssl, and what ended too late
            transport = None
        self._connection.waiting.end_handshake(self)
        if transport is None or self._lost:
            self._raw.abort()
            return
        transport.set_protocol(self._connection)
        self._connection.connection_made(transport)
        if self._received:
            self._connection.data_received(self._received)
