"""The one place that writes the exposition formats: families to lines, lines to expositions.

Text 0.0.4 and OpenMetrics 1.0 share every sample line; they differ in header lines, in the name of a counter's
family and in the last line. Knows no HTTP: the web takes the finished bytes of the board's one slot. An exposition
is rendered and compressed once, when data change; a scrape adds the live self-metrics behind it (`Body.with_tail`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from itertools import groupby, islice
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from exporter.domain.model import Expendable, Family
from exporter.exposition.gzip_pieces import Body, GzipPiece

AT_ONCE = 1000
"""Lines encoded together: of all lines, one name with an emoji makes a text of four bytes a character."""


class Format(Enum):
    """An exposition format, by its content type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Chunk(NamedTuple):
    """The lines of one family from one source and report, and the headers of the family in each format."""

    family: str
    headers: Mapping[Format, bytes]
    piece: GzipPiece
    series: int
    expendable: Expendable

    @property
    def lines(self) -> str:
        """The lines as text."""
        return self.piece.plain.decode()


@dataclass(slots=True)
class Quoted:
    """What families that are about the same companies write once: values with their escapes, labels by their values.

    Labels are kept for one tuple of label `names` at a time, since that of a family is mostly that of the next one.
    """

    names: tuple[str, ...] = ()
    labels: dict[tuple[str, ...], str] = field(default_factory=dict)
    escaped: Callable[[str], str] = field(default_factory=lambda: cache(escaped))


def write(family: Family, quoted: Quoted | None = None) -> Chunk:
    """Writes the lines of one family; families that are about the same companies may share what is `quoted`."""
    openmetrics_name = family.name.removesuffix("_total") if family.kind == "counter" else family.name
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    headers = {
        Format.TEXT: f"# HELP {family.name} {text}\n# TYPE {family.name} {family.kind}\n",
        Format.OPENMETRICS: f"# HELP {openmetrics_name} {escaped(family.help)}\n"
        f"# TYPE {openmetrics_name} {family.kind}\n",
    }
    lines = _lines(family, quoted or Quoted())
    plain = b"".join("".join(some).encode() for some in iter(lambda: tuple(islice(lines, AT_ONCE)), ()))
    encoded = {format_: header.encode() for format_, header in headers.items()}
    return Chunk(family.name, encoded, GzipPiece.of(plain), len(family.samples), family.expendable)


def _lines(family: Family, quoted: Quoted) -> Iterator[str]:
    if quoted.names != family.label_names:
        quoted.names, quoted.labels = family.label_names, {}
    labels, template = quoted.labels, ",".join(f'{name}="%s"' for name in family.label_names)
    for values, figure in family.samples:
        written = labels.get(values)
        if written is None:
            written = labels[values] = template % tuple(map(quoted.escaped, values))
        yield f"{family.name}{{{written}}} {number(figure)}\n"


def escaped(text: str) -> str:
    """Writes a text as it is between quotes, in either format."""
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def number(figure: float) -> str:
    """Writes a figure as prometheus-client does, so that both parts of an exposition agree: 12.0, 1.234567e+06."""
    text = repr(figure)
    dot = text.find(".")
    if figure > 0 and dot > 6:  # noqa: PLR2004 where Go's %g turns to exponents
        mantissa = f"{text[0]}.{text[1:dot]}{text[dot + 1 :]}".rstrip("0.")
        return f"{mantissa}e+{dot - 1:02d}"
    return text


Page = Mapping[Format, Body]
"""An exposition in every format."""

EMPTY: Page = MappingProxyType({format_: Body.of(b"") for format_ in Format})


_FAMILY = attrgetter("family")


def join(chunks: Iterable[Chunk]) -> Page:
    """Makes a page: families by name, each in one piece with one header, its chunks in the order given."""
    by_family = [(name, list(group)) for name, group in groupby(sorted(chunks, key=_FAMILY), key=_FAMILY)]
    return {
        format_: Body.joined(
            piece
            for _, group in by_family
            for piece in (GzipPiece(group[0].headers[format_]), *(chunk.piece for chunk in group))
        )
        for format_ in Format
    }


Key = tuple[str, str]
"""Whose chunks they are: source and report; the report is empty for what a source has once."""
