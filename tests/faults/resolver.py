"""A name server of the tests' own, which may say that there is no such name, or nothing at all."""

import asyncio
import socket
from typing import Final, cast

ADDRESS: Final = "127.0.53.1"
"""Where it listens: what a process asks whose resolv.conf names it. Only root may, for the port is 53."""
ANSWER, NO_SUCH_NAME = b"\x81\x80", b"\x81\x83"
A, ONE = b"\x00\x01", b"\x00\x01"
QUESTION_AT = 12
LOOPBACK = socket.inet_aton("127.0.0.1")


class Resolver(asyncio.DatagramProtocol):
    """Says of each name that it is this machine's, but for those that are `unknown` or of which it is `silent`."""

    def __init__(self) -> None:
        self.unknown: frozenset[str] = frozenset()
        self.silent: frozenset[str] = frozenset()
        self._transport: asyncio.DatagramTransport | None = None

    def close(self) -> None:
        """Gives the port back."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes note of where answers go out."""
        self._transport = cast("asyncio.DatagramTransport", transport)  # what it is, by its documentation

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answers one question (RFC 1035, 4.1)."""
        name, end = _name(data)
        if name in self.silent or self._transport is None:
            return
        question = data[QUESTION_AT : end + 4]
        is_known = name not in self.unknown
        has_address = is_known and data[end : end + 2] == A
        head = data[:2] + (ANSWER if is_known else NO_SUCH_NAME) + ONE + (ONE if has_address else b"\0\0") + b"\0" * 4
        record = b"\xc0\x0c" + A + ONE + b"\0\0\0\0" + b"\0\x04" + LOOPBACK
        self._transport.sendto(head + question + (record if has_address else b""), addr)


def _name(question: bytes) -> tuple[str, int]:
    """Returns the name that is asked for, and where it ends."""
    labels, at = [], QUESTION_AT
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels), at + 1
