"""The only writer of exposition formats: families to lines, lines to gzip pieces, pieces to expositions.

Text 0.0.4 and OpenMetrics 1.0 share sample lines; headers, names of counter families and the end differ.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import replace
from datetime import date
from enum import Enum
from functools import cache, lru_cache
from hashlib import blake2b
from itertools import groupby
from struct import pack
from types import MappingProxyType
from typing import NamedTuple

from msgspec import Struct, field

from exporter.domain.model import Family

GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
GZIP_LEVEL = 1  # daily figures shrink to 1/15 to 1/30 at any level; this one costs a tenth of the default
RAW_DEFLATE = -zlib.MAX_WBITS
CRC_POLYNOMIAL = 0xEDB88320
SMALL = 16 * 1024  # bytes below which a piece is not compressed alone
RUN = 1024 * 1024
EXPONENTS_FROM = 1e6  # from here on Go's %g writes exponents
END = b"# EOF\n"  # of an exposition in OpenMetrics
AT_ONCE = 1000  # lines encoded together: a text with one emoji takes four bytes per character
LONGEST_LABEL = 1024  # in characters; a name is in more than 100 series of its company


class Format(Enum):
    """An exposition format, by its content type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class GzipPiece(NamedTuple):
    """A part of an exposition, and the same as raw deflate, if it is large enough.

    `deflated` has no end, so that more can follow, and refers to nothing before it; `crc` is its checksum.
    """

    plain: bytes
    deflated: bytes | None = None
    crc: int = 0

    @classmethod
    def packed(cls, plain: bytes, least: int = 0) -> "GzipPiece":
        """Compresses a part, unless it is smaller than `least` bytes."""
        if len(plain) < least:
            return cls(plain)
        packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, RAW_DEFLATE)
        return cls(plain, packer.compress(plain) + packer.flush(zlib.Z_FULL_FLUSH), zlib.crc32(plain))


_packed_once = lru_cache(1024)(GzipPiece.packed)
"""For headers, which are the same in consecutive expositions."""


class Body:
    """An exposition in one format: its pieces, which formats share, small ones compressed together; checksum, size."""

    def __init__(self, pieces: Iterable[GzipPiece] = ()) -> None:
        self.pieces: list[GzipPiece] = []
        for alone, run in groupby(pieces, key=lambda piece: piece.deflated is not None):
            if alone:
                self.pieces += run
            else:
                plain = b"".join(piece.plain for piece in run)
                self.pieces.append(_packed_once(plain) if len(plain) <= SMALL else GzipPiece.packed(plain))
        self.crc = 0
        for piece in self.pieces:
            self.crc = _product(_shift(len(piece.plain)), self.crc) ^ piece.crc
        self.size = sum(len(piece.plain) for piece in self.pieces)

    @property
    def plain(self) -> bytes:
        return b"".join(piece.plain for piece in self.pieces)

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
        """Returns exposition and tail as one gzip member: some readers ignore a second one."""
        packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, RAW_DEFLATE)
        end = packer.compress(tail) + packer.flush(zlib.Z_FINISH)
        size = (self.size + len(tail)) & 0xFFFFFFFF
        deflated = (piece.deflated or b"" for piece in self.pieces)
        return b"".join((GZIP_HEADER, *deflated, end, pack("<II", zlib.crc32(tail, self.crc), size)))


def _product(one: int, other: int) -> int:
    """Multiplies polynomials modulo that of CRC-32, whose highest bit is the lowest power.

    So checksums of two pieces are combined, as by zlib's crc32_combine, without another look at the bytes.
    """
    found = 0
    while one:
        if one & 1 << 31:
            found ^= other
        one = one << 1 & 0xFFFFFFFF
        other = other >> 1 ^ (CRC_POLYNOMIAL if other & 1 else 0)
    return found


@lru_cache(1024)
def _shift(length: int) -> int:
    """Returns the polynomial that a checksum is multiplied by when so many bytes follow."""
    found, power = 1 << 31, 1 << 23  # x to the power of 0, and of 8: that of one byte
    while length:
        if length & 1:
            found = _product(power, found)
        power, length = _product(power, power), length >> 1
    return found


_COMPANY = b'company_id="'


class Chunk(NamedTuple):
    """The lines of one family from one source and report.

    The `family` keeps its samples only if they name no companies. `days` are as in `DeferredFamily`.
    """

    family: Family
    piece: GzipPiece
    series: int
    days: Set[date] | None = None

    def with_companies(self, some: "Chunk", companies: Iterable[str]) -> "Chunk | None":
        """Returns the chunk with the lines of some companies replaced; None if these have other labels than before."""
        if not self.series:
            return None if some.series else self
        ids = {escaped(label_value(company)).encode() for company in companies}
        start = self.piece.plain.find(_COMPANY) + len(_COMPANY)
        same = self.piece.plain[:start]  # as each line begins: with the family's name and the source
        lines, others = self.piece.plain.split(same), some.piece.plain.split(same)
        places = [place for place, line in enumerate(lines) if line[: line.find(b'"')] in ids]
        if len(lines) - 1 != self.series or len(places) != some.series or any(b"\\" in each for each in ids):
            return None
        for place, line in zip(places, others[1:], strict=True):
            if lines[place].rpartition(b" ")[0] != line.rpartition(b" ")[0]:
                return None
            lines[place] = line
        return self._replace(piece=GzipPiece.packed(same.join(lines), SMALL))


class Quoted(Struct):
    """Escaped values and labels, shared by families that are about the same companies.

    Labels are kept for one tuple of label `names` at a time: consecutive families mostly share it.
    """

    names: tuple[str, ...] = ()
    labels: dict[tuple[str, ...], str] = {}
    escaped: Callable[[str], str] = field(default_factory=lambda: cache(lambda value: escaped(label_value(value))))


def write(family: Family, quoted: Quoted | None = None, days: Set[date] | None = None) -> Chunk:
    """Writes the lines of one family; families about the same companies may share `quoted`."""
    quoted = quoted or Quoted()
    if quoted.names != family.label_names:
        quoted.names, quoted.labels = family.label_names, {}
    labels, template = quoted.labels, ",".join(f'{name}="%s"' for name in family.label_names)
    start, encoded = f"{family.name}{{", list[bytes]()
    for first in range(0, len(family.samples), AT_ONCE):
        lines = []
        for values, figure in family.samples[first : first + AT_ONCE]:
            written = labels.get(values)
            if written is None:
                written = labels[values] = template % tuple(map(quoted.escaped, values))
            lines.append(f"{start}{written}}} {repr(figure) if figure < EXPONENTS_FROM else number(figure)}\n")
        encoded.append("".join(lines).encode())
    kept = replace(family, samples=()) if family.has_companies else family
    return Chunk(kept, GzipPiece.packed(b"".join(encoded), SMALL), len(family.samples), days)


def label_value(text: str) -> str:
    """Cuts a long label value; a digest at its end keeps it unique."""
    if len(text) <= LONGEST_LABEL:
        return text
    digest = blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()
    return f"{text[: LONGEST_LABEL - len(digest) - 1]}…{digest}"


def escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def number(figure: float) -> str:
    """Writes a figure as prometheus-client does: 12.0, 1.234567e+06."""
    text = repr(figure)
    dot = text.find(".")
    if figure >= EXPONENTS_FROM and dot > 1:  # else Python writes an exponent, too
        mantissa = f"{text[0]}.{text[1:dot]}{text[dot + 1 :]}".rstrip("0.")
        return f"{mantissa}e+{dot - 1:02d}"
    return text


Exposition = Mapping[Format, Body]

EMPTY: Exposition = MappingProxyType({format_: Body() for format_ in Format})


def join(chunks: Iterable[Chunk]) -> Exposition:
    """Makes an exposition: families by name, each with one header, its chunks in the given order."""
    by_name: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        by_name.setdefault(chunk.family.name, []).append(chunk)
    pieces: dict[Format, list[GzipPiece]] = {format_: [] for format_ in Format}
    for name, of_family in sorted(by_name.items()):
        family = of_family[0].family
        base = name.removesuffix("_total") if family.kind == "counter" else name
        unquoted = family.help.replace("\\", r"\\").replace("\n", r"\n")  # the older format leaves quotes
        for format_, named, text in ((Format.TEXT, name, unquoted), (Format.OPENMETRICS, base, escaped(family.help))):
            header = f"# HELP {named} {text}\n# TYPE {named} {family.kind}\n".encode()
            pieces[format_] += (GzipPiece(header), *(chunk.piece for chunk in of_family))
    return {format_: Body(each) for format_, each in pieces.items()}


Key = tuple[str, str]  # source and report; the report is empty for what a source has once
