"""The one place that writes the exposition formats: families to lines, lines to pages, pages to the board.

Text 0.0.4 and OpenMetrics 1.0 share every sample line; they differ in header lines, in the name of a counter's
family and in the last line. Knows no HTTP: the web takes the finished bytes of the board's one slot. A page is
rendered and compressed once, when data change; a scrape adds the live self-metrics behind it (`Body.with_tail`).
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import groupby
from struct import pack
from types import MappingProxyType
from typing import NamedTuple

from exporter.model import Family, Sample

GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
GZIP_LEVEL = 1  # daily figures compress 15 to 30 times at any level; this one costs a tenth of the default
RAW_DEFLATE = -zlib.MAX_WBITS


class Format(Enum):
    """An exposition format, by its content type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Chunk(NamedTuple):
    """The lines of one family from one source and report, and the headers of the family in each format."""

    family: str
    headers: Mapping[Format, str]
    lines: str


def write(family: Family) -> Chunk:
    """Writes the lines of one family."""
    openmetrics_name = family.name.removesuffix("_total") if family.kind == "counter" else family.name
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    headers = {
        Format.TEXT: f"# HELP {family.name} {text}\n# TYPE {family.name} {family.kind}\n",
        Format.OPENMETRICS: f"# HELP {openmetrics_name} {_quoted(family.help)}\n"
        f"# TYPE {openmetrics_name} {family.kind}\n",
    }
    return Chunk(family.name, headers, "".join(_lines(family.name, family.label_names, family.samples)))


def _lines(name: str, label_names: Sequence[str], samples: Iterable[Sample]) -> Iterable[str]:
    quoted: dict[str, str] = {}  # the same few sources, modes and names stand on every line
    labels = ",".join(f'{label}="%s"' for label in label_names)
    template = f"{name}{{{labels}}} %s\n"
    for values, figure in samples:
        for value in values:
            if value not in quoted:
                quoted[value] = _quoted(value)
        yield template % (*(quoted[value] for value in values), number(figure))


def _quoted(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def number(figure: float) -> str:
    """Writes a figure as prometheus-client does, so that both parts of a page agree: 12.0, 1.234567e+06."""
    text = repr(figure)
    dot = text.find(".")
    if figure > 0 and dot > 6:  # noqa: PLR2004 where Go's %g turns to exponents
        mantissa = f"{text[0]}.{text[1:dot]}{text[dot + 1 :]}".rstrip("0.")
        return f"{mantissa}e+{dot - 1:02d}"
    return text


@dataclass(frozen=True, slots=True)
class Body:
    """A rendered page in one format; `deflated` is the same, as raw deflate that ends on a byte (full flush)."""

    plain: bytes
    deflated: bytes
    crc: int

    @classmethod
    def of(cls, plain: bytes) -> "Body":
        """Compresses a page."""
        packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, RAW_DEFLATE)
        deflated = packer.compress(plain) + packer.flush(zlib.Z_FULL_FLUSH)
        return cls(plain, deflated, zlib.crc32(plain))

    def with_tail(self, tail: bytes) -> bytes:
        """Returns page and tail."""
        return self.plain + tail

    def with_tail_gzipped(self, tail: bytes) -> bytes:
        """Returns page and tail as one gzip member: a second one would be cut off silently by some readers."""
        packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, RAW_DEFLATE)
        end = packer.compress(tail) + packer.flush(zlib.Z_FINISH)
        size = (len(self.plain) + len(tail)) & 0xFFFFFFFF
        return b"".join((GZIP_HEADER, self.deflated, end, pack("<II", zlib.crc32(tail, self.crc), size)))


Page = Mapping[Format, Body]
"""A page in every format."""

EMPTY: Page = MappingProxyType({format_: Body.of(b"") for format_ in Format})


def join(chunks: Iterable[Chunk]) -> Page:
    """Makes a page: families by name, each in one piece with one header, its chunks in the order given."""
    by_family = [(name, list(group)) for name, group in groupby(sorted(chunks, key=_family), key=_family)]
    return {
        format_: Body.of(
            "".join(
                "".join((group[0].headers[format_], *(chunk.lines for chunk in group))) for _, group in by_family
            ).encode()
        )
        for format_ in Format
    }


def _family(chunk: Chunk) -> str:
    return chunk.family


@dataclass(frozen=True, slots=True)
class Published:
    """What everybody outside the poller may see: the page, and the (source, report) pairs that have served figures."""

    page: Page = field(default_factory=lambda: EMPTY)
    served: frozenset[tuple[str, str]] = frozenset()


class Board:
    """The one slot between poller and web. `publish` is called by the worker thread alone; `shown` by anybody."""

    def __init__(self) -> None:
        self.shown = Published()
        self._chunks: dict[tuple[str, str], tuple[Chunk, ...]] = {}

    def publish(self, source: str, report: str, families: Iterable[Family], *, serves: bool) -> None:
        """Replaces what one report of one source has on the page; `serves` tells whether its figures are there."""
        self._chunks[source, report] = tuple(write(family) for family in families)
        page = join(chunk for key in sorted(self._chunks) for chunk in self._chunks[key])
        served = self.shown.served | {(source, report)} if serves else self.shown.served
        self.shown = Published(page, served)
