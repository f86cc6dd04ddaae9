"""Reads the body of an answer without ever holding much more of it than allowed; knows no status and no JSON.

httpx decompresses a whole network chunk at once, so that 64 KiB of a gzip bomb become 64 MiB, and takes a gzip without
its end for a whole one (0.28). Both are why the raw bytes are unpacked here.
"""

import asyncio
import io
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Protocol

import httpx

PIECE = 256 * 1024
"""Bytes unpacked at a time: about a millisecond of the event loop."""

_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
_ZLIB_METHOD = 8


async def read(response: httpx.Response, limit: int) -> bytes:
    """Returns the unpacked body; of one that is longer than `limit`, more than `limit` and at most one piece beyond.

    Raises:
        httpx.DecodingError: the body is not in the encoding that it announces, or that is one we did not ask for.
        httpx.RemoteProtocolError: the packed body has no end.
    """
    body = io.BytesIO()  # hands its buffer out without a copy
    async for piece in pieces(response):
        body.write(piece)
        if body.tell() > limit:
            break
    return body.getvalue()


async def pieces(response: httpx.Response) -> AsyncIterator[bytes]:
    """Yields the unpacked body in pieces of about `PIECE` bytes at most.

    Raises:
        httpx.DecodingError, httpx.RemoteProtocolError: as `read` does.
    """
    unpacker = _unpacker(response.headers.get("Content-Encoding", ""))
    async for raw in response.aiter_raw():
        for piece in unpacker.feed(raw):
            yield piece
            await asyncio.sleep(0)  # a bomb is long: others run, and the time-out can strike
    unpacker.finish()


class _Unpacker(Protocol):
    def feed(self, raw: bytes) -> Iterator[bytes]: ...

    def finish(self) -> None: ...


def _unpacker(announced: str) -> _Unpacker:
    names = [name for name in announced.lower().replace(" ", "").split(",") if name not in ("", "identity")]
    match names:
        case []:
            return _Plain()
        case ["gzip" | "x-gzip" | "deflate" as name]:
            return _Packed(name)
        case _:
            raise httpx.DecodingError(f"the content encoding {announced} was not asked for, only gzip was")


class _Plain:
    def feed(self, raw: bytes) -> Iterator[bytes]:
        yield raw

    def finish(self) -> None:
        pass


class _Packed:
    """gzip with any number of members (RFC 1952, 2.2), and deflate, which some servers send without its zlib frame."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._inflate: zlib._Decompress | None = None

    def feed(self, raw: bytes) -> Iterator[bytes]:
        """Yields what `raw` adds, at most `PIECE` bytes at a time."""
        more = False  # a full piece may have more behind it although all of `raw` is taken in
        while raw or more:
            raw = self._at_member(raw)
            if self._inflate is None or self._inflate.eof:
                return
            piece, more = self._unpack(self._inflate, raw)
            raw = self._inflate.unconsumed_tail or self._inflate.unused_data
            yield piece

    def finish(self) -> None:
        """Raises httpx.RemoteProtocolError when the last member has no end."""
        if self._inflate is not None and not self._inflate.eof:
            raise httpx.RemoteProtocolError(f"the {self._encoding} body has no end")

    def _at_member(self, raw: bytes) -> bytes:
        """Makes ready for the member that `raw` starts, if the last one has ended; zeros between are padding."""
        if self._inflate is not None:
            if not self._inflate.eof:
                return raw
            raw = raw.lstrip(b"\0")
        if raw:
            self._inflate = zlib.decompressobj(self._window(raw[0]))
        return raw

    def _window(self, first: int) -> int:
        if self._encoding != "deflate":
            return _GZIP
        return _ZLIB if first & 0x0F == _ZLIB_METHOD else _RAW

    def _unpack(self, inflate: "zlib._Decompress", raw: bytes) -> tuple[bytes, bool]:
        try:
            piece = inflate.decompress(raw, PIECE)
        except zlib.error as error:
            raise httpx.DecodingError(f"the body is announced as {self._encoding} but is not: {error}") from error
        return piece, len(piece) == PIECE
