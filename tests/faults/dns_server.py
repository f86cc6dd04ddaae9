"""A fake DNS server that resolves names to loopback, answers NXDOMAIN, or does not answer."""

import asyncio
import socket
from typing import Final, cast

PORT: Final = 53
NO_ERROR, NXDOMAIN = b"\x81\x80", b"\x81\x83"
A, ONE = b"\x00\x01", b"\x00\x01"
QUESTION_OFFSET = 12
LOOPBACK = socket.inet_aton("127.0.0.1")


class FakeDNSServer(asyncio.DatagramProtocol):
    """Resolves every name to 127.0.0.1, except names in `unknown` (NXDOMAIN) and in `unanswered` (no response)."""

    def __init__(self) -> None:
        self.unknown: frozenset[str] = frozenset()
        self.unanswered: frozenset[str] = frozenset()
        self._transport: asyncio.DatagramTransport | None = None

    def close(self) -> None:
        """Stops listening."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport for responses."""
        self._transport = cast("asyncio.DatagramTransport", transport)  # the type that asyncio documents

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answers one question (RFC 1035, 4.1)."""
        name, end = _name(data)
        if name in self.unanswered or self._transport is None:
            return
        question = data[QUESTION_OFFSET : end + 4]
        is_known = name not in self.unknown
        has_address = is_known and data[end : end + 2] == A
        head = data[:2] + (NO_ERROR if is_known else NXDOMAIN) + ONE + (ONE if has_address else b"\0\0") + b"\0" * 4
        record = b"\xc0\x0c" + A + ONE + b"\0\0\0\0" + b"\0\x04" + LOOPBACK
        self._transport.sendto(head + question + (record if has_address else b""), addr)


def bind_free_address() -> socket.socket:
    """Binds port 53 of a free loopback address, so that test runs can share a machine. Needs root.

    resolv.conf can name an address, but no port.

    Raises:
        OSError: no address is free.
    """
    for number in range(1, 255):
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            listener.bind((f"127.0.53.{number}", PORT))
        except OSError:
            listener.close()
        else:
            return listener
    raise OSError("no free address in 127.0.53.0/24")


def _name(question: bytes) -> tuple[str, int]:
    """Returns the requested name and the offset of its end."""
    labels, offset = [], QUESTION_OFFSET
    while length := question[offset]:
        labels.append(question[offset + 1 : offset + 1 + length].decode())
        offset += 1 + length
    return ".".join(labels), offset + 1
