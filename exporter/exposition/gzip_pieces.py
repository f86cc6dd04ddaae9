"""Bytes that are served plain or as gzip: in pieces, each compressed once, which several bodies share."""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from struct import pack
from typing import NamedTuple

GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
GZIP_LEVEL = 1  # daily figures compress 15 to 30 times at any level; this one costs a tenth of the default
RAW_DEFLATE = -zlib.MAX_WBITS
SMALL = 16 * 1024
"""Bytes below which a piece is not compressed alone: it would find too little that repeats."""

RUN = 1024 * 1024


class GzipPiece(NamedTuple):
    """A part of an exposition; `deflated`, if there, is the same as raw deflate.

    It ends on a byte and looks back at nothing. Without it the piece is too small to be compressed alone.
    """

    plain: bytes
    deflated: bytes | None = None

    @classmethod
    def of(cls, plain: bytes) -> "GzipPiece":
        """Compresses a part, if it is large enough."""
        return cls(plain, deflate(plain) if len(plain) >= SMALL else None)


def deflate(plain: bytes) -> bytes:
    """Returns raw deflate without an end, so that more can follow."""
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, RAW_DEFLATE)
    return packer.compress(plain) + packer.flush(zlib.Z_FULL_FLUSH)


@dataclass(frozen=True, slots=True)
class Body:
    """An exposition in one format: its pieces, which the formats share, each compressed; its checksum and length."""

    pieces: tuple[GzipPiece, ...]
    crc: int
    size: int

    @classmethod
    def of(cls, plain: bytes) -> "Body":
        """Compresses an exposition."""
        return cls.joined((GzipPiece(plain),))

    @classmethod
    def joined(cls, pieces: Iterable[GzipPiece]) -> "Body":
        """Makes an exposition of pieces; what is too small to be compressed alone is compressed with its neighbours."""
        packed: list[GzipPiece] = []
        for alone, run in groupby(pieces, key=lambda piece: piece.deflated is not None):
            if alone:
                packed += run
            else:
                plain = b"".join(piece.plain for piece in run)
                packed.append(GzipPiece(plain, deflate(plain)))
        crc = 0
        for piece in packed:
            crc = zlib.crc32(piece.plain, crc)
        return cls(tuple(packed), crc, sum(len(piece.plain) for piece in packed))

    @property
    def plain(self) -> bytes:
        """The exposition as it is read, in one."""
        return self.with_tail(b"")

    def with_tail(self, tail: bytes) -> bytes:
        """Returns exposition and tail."""
        return b"".join((*(piece.plain for piece in self.pieces), tail))

    def runs(self, tail: bytes) -> Iterator[bytes]:
        """Yields exposition and tail in runs of about `RUN` bytes, so that no reader needs a copy of it all."""
        run: list[bytes] = []
        length = 0
        for plain in (*(piece.plain for piece in self.pieces), tail):
            run.append(plain)
            length += len(plain)
            if length >= RUN:
                yield b"".join(run)
                run, length = [], 0
        yield b"".join(run)

    def with_tail_gzipped(self, tail: bytes) -> bytes:
        """Returns exposition and tail as one gzip member: a second one would be cut off silently by some readers."""
        packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, RAW_DEFLATE)
        end = packer.compress(tail) + packer.flush(zlib.Z_FINISH)
        size = (self.size + len(tail)) & 0xFFFFFFFF
        deflated = (piece.deflated or b"" for piece in self.pieces)
        return b"".join((GZIP_HEADER, *deflated, end, pack("<II", zlib.crc32(tail, self.crc), size)))
