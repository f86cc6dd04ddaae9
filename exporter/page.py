"""The one place that writes the exposition formats: families to lines, lines to pages, pages to the board.

Text 0.0.4 and OpenMetrics 1.0 share every sample line; they differ in header lines, in the name of a counter's
family and in the last line. Knows no HTTP: the web takes the finished bytes of the board's one slot. A page is
rendered and compressed once, when data change; a scrape adds the live self-metrics behind it (`Body.with_tail`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import groupby, islice
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from exporter.families import View
from exporter.model import Expendable, Family, Sample
from exporter.packed import Body as Body  # noqa: PLC0414 who takes a page finds here what it is made of
from exporter.packed import Piece
from exporter.roster import SourceView

AT_ONCE = 1000
"""Lines encoded together: of a page's lines, one name with an emoji makes a text of four bytes a character."""


class Format(Enum):
    """An exposition format, by its content type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Chunk(NamedTuple):
    """The lines of one family from one source and report, and the headers of the family in each format."""

    family: str
    headers: Mapping[Format, bytes]
    piece: Piece
    series: int
    expendable: Expendable

    @property
    def lines(self) -> str:
        """The lines as text."""
        return self.piece.plain.decode()


def write(family: Family, quoted: "Quoted | None" = None) -> Chunk:
    """Writes the lines of one family; families that are about the same companies may share what is `quoted`."""
    openmetrics_name = family.name.removesuffix("_total") if family.kind == "counter" else family.name
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    headers = {
        Format.TEXT: f"# HELP {family.name} {text}\n# TYPE {family.name} {family.kind}\n",
        Format.OPENMETRICS: f"# HELP {openmetrics_name} {escaped(family.help)}\n"
        f"# TYPE {openmetrics_name} {family.kind}\n",
    }
    lines = _lines(family, Quoted() if quoted is None else quoted)
    plain = b"".join("".join(some).encode() for some in iter(lambda: tuple(islice(lines, AT_ONCE)), ()))
    encoded = {format_: header.encode() for format_, header in headers.items()}
    return Chunk(family.name, encoded, Piece.of(plain), len(family.samples), family.expendable)


def _lines(family: Family, quoted: "Quoted") -> Iterator[str]:
    labels = quoted.labels(family.label_names)
    for values, figure in family.samples:
        yield f"{family.name}{{{labels[values]}}} {number(figure)}\n"


class Quoted:
    """What stands between the braces of lines, written once for families that are about the same companies.

    Kept for one tuple of label names at a time, since that of a family is mostly that of the next one.
    """

    def __init__(self) -> None:
        self._values = _Values()
        self._labels = _Labels((), self._values)

    def labels(self, names: tuple[str, ...]) -> Mapping[tuple[str, ...], str]:
        """Returns labels as they are written, by their values."""
        if self._labels.names != names:
            self._labels = _Labels(names, self._values)
        return self._labels


class _Values(dict[str, str]):
    """Label values as they are written, each escaped once."""

    def __missing__(self, text: str) -> str:
        written = self[text] = escaped(text)
        return written


class _Labels(dict[tuple[str, ...], str]):
    """Labels of these names as they are written."""

    def __init__(self, names: tuple[str, ...], values: _Values) -> None:
        super().__init__()
        self.names = names
        self._template = ",".join(f'{name}="%s"' for name in names)
        self._values = values

    def __missing__(self, values: tuple[str, ...]) -> str:
        written = self[values] = self._template % tuple(map(self._values.__getitem__, values))
        return written


def escaped(text: str) -> str:
    """Writes a text as it stands between quotes, in either format."""
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def number(figure: float) -> str:
    """Writes a figure as prometheus-client does, so that both parts of a page agree: 12.0, 1.234567e+06."""
    text = repr(figure)
    dot = text.find(".")
    if figure > 0 and dot > 6:  # noqa: PLR2004 where Go's %g turns to exponents
        mantissa = f"{text[0]}.{text[1:dot]}{text[dot + 1 :]}".rstrip("0.")
        return f"{mantissa}e+{dot - 1:02d}"
    return text


Page = Mapping[Format, Body]
"""A page in every format."""

EMPTY: Page = MappingProxyType({format_: Body.of(b"") for format_ in Format})


_FAMILY = attrgetter("family")


def join(chunks: Iterable[Chunk]) -> Page:
    """Makes a page: families by name, each in one piece with one header, its chunks in the order given."""
    by_family = [(name, list(group)) for name, group in groupby(sorted(chunks, key=_FAMILY), key=_FAMILY)]
    return {
        format_: Body.joined(
            piece
            for _, group in by_family
            for piece in (Piece(group[0].headers[format_]), *(chunk.piece for chunk in group))
        )
        for format_ in Format
    }


Key = tuple[str, str]
"""Whose chunks they are: source and report; the report is empty for what a source has once."""


@dataclass(frozen=True, slots=True)
class Published:
    """What everybody outside the poller may see: the page, and the (source, report) pairs that have served figures.

    `views` and `rosters` are what the page was made from, by source and report, and by source.
    """

    page: Page = field(default_factory=lambda: EMPTY)
    served: frozenset[Key] = frozenset()
    views: Mapping[Key, View] = field(default_factory=dict)
    rosters: Mapping[str, SourceView] = field(default_factory=dict)


SERIES = "chat_usage_series"
SERIES_HELP = "Series of the source on the page, the exporter's live metrics left out."
DROPPED = "chat_usage_series_dropped"
DROPPED_HELP = "Series of the source that limits.max_series keeps off the page, by what they are."
REASONS = {
    Expendable.CHANNELS: "channels",
    Expendable.OPEN_LABELS: "open_labels",
    Expendable.MONTH: "28d",
    Expendable.WEEK: "7d",
}


def too_many(chunks: Iterable[Chunk], max_series: int) -> frozenset[Expendable]:
    """Returns the kinds of series that must go, in their order, so that the others are at most `max_series`.

    What is never expendable stays, however many that is.
    """
    counts = Counter[Expendable]()
    for chunk in chunks:
        counts[chunk.expendable] += chunk.series
    gone: set[Expendable] = set()
    for kind in REASONS:
        if counts.total() <= max_series:
            break
        del counts[kind]
        gone.add(kind)
    return frozenset(gone)


def cardinality(chunks: Mapping[Key, Sequence[Chunk]], gone: frozenset[Expendable]) -> tuple[Family, Family]:
    """Counts the series of each source: those on the page, and those that are kept off it, by kind."""
    shown, dropped = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for (source, _), found in chunks.items():
        dropped.update({(source, reason): 0 for reason in REASONS.values()})
        for chunk in found:
            if chunk.expendable in gone:
                dropped[source, REASONS[chunk.expendable]] += chunk.series
            else:
                shown[(source,)] += chunk.series
    return (
        Family(SERIES, SERIES_HELP, ("source",), _counted(shown)),
        Family(DROPPED, DROPPED_HELP, ("source", "reason"), _counted(dropped)),
    )


def _counted(counts: Mapping[tuple[str, ...], int]) -> tuple[Sample, ...]:
    return tuple(Sample(labels, float(count)) for labels, count in sorted(counts.items()))


class Sheet(NamedTuple):
    """What a source has on the page: families by report, and the names of the reports that have figures there.

    `views` (by report) and `roster` are what the families were made from.
    """

    reports: Mapping[str, Iterable[Family]]
    serves: Iterable[str] = ()
    views: Mapping[str, View] = MappingProxyType({})
    roster: SourceView | None = None


NOTHING = Sheet(MappingProxyType({}))


class Board:
    """The one slot between poller and web. Written by the worker thread alone; `shown` is for anybody."""

    def __init__(self, max_series: int = 2_000_000) -> None:
        self.shown = Published()
        self._max_series = max_series
        self._chunks: Mapping[Key, tuple[Chunk, ...]] = {}

    def publish(self, source: str, reports: Mapping[str, Iterable[Family]], serves: Iterable[str] = ()) -> None:
        """Replaces what some reports of a source have on the page, all at once; `serves` names those with figures."""
        self.put(source, Sheet(reports, serves))

    def put(self, source: str, sheet: Sheet) -> None:
        """Does the same, with what the families were made from."""
        self._show(self._chunks, {source: sheet})

    def replace(self, sheets: Mapping[str, Sheet], max_series: int) -> None:
        """Replaces all that some sources have on the page, in one step; a source with `NOTHING` goes."""
        self._max_series = max_series
        self._show({key: found for key, found in self._chunks.items() if key[0] not in sheets}, sheets)

    def _show(self, kept: Mapping[Key, tuple[Chunk, ...]], sheets: Mapping[str, Sheet]) -> None:
        written = {
            (source, report): tuple(write(family, quoted) for family in families)
            for source, sheet in sheets.items()
            for quoted in (Quoted(),)
            for report, families in sheet.reports.items()
        }
        chunks = {**kept, **written}
        gone = too_many((chunk for found in chunks.values() for chunk in found), self._max_series)
        left = (chunk for key in sorted(chunks) for chunk in chunks[key] if chunk.expendable not in gone)
        counts = (write(family) for family in cardinality(chunks, gone) if family.samples)
        served = self.shown.served | {(source, report) for source, sheet in sheets.items() for report in sheet.serves}
        views = {key: view for key, view in self.shown.views.items() if key in kept}
        views |= {(source, report): view for source, sheet in sheets.items() for report, view in sheet.views.items()}
        rosters = {source: roster for source, roster in self.shown.rosters.items() if (source, "") in kept}
        rosters |= {source: sheet.roster for source, sheet in sheets.items() if sheet.roster is not None}
        self._chunks = chunks
        self.shown = Published(join((*left, *counts)), served & chunks.keys(), views, rosters)
