"""A backfill as one OpenMetrics file: a run of sorted lines per piece, at the end merged into families and series.

    paradigm_user_queries_daily{source="production",company_id="17",company="Northwind",mode="chat"} 61.0 1717243200

A series' samples are together and in time order, as the format demands, in whatever order pieces arrive; and neither a
piece nor the merge holds more than its own share in memory.
"""

import asyncio
import heapq
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from exporter.backfill.figures import SUFFIX, Piece, by_family
from exporter.domain.text import label_value
from exporter.exposition.text import escaped, number
from exporter.metrics.daily import DailyFigure
from exporter.polling.state_file import replace_file

T = TypeVar("T")
EPOCH = date(1970, 1, 1).toordinal()
DAY_SECONDS = 86400
NOON_SECONDS = DAY_SECONDS // 2
RUNS = ".lines"
MOST_OPEN = 200
"""Runs that are merged at a time: open files are limited, often to 1,024."""
BLOCK = 4096
"""Lines that are written at a time."""


def noon(day: date) -> int:
    """Returns 12:00 UTC of a date, in seconds since 1970."""
    return (day.toordinal() - EPOCH) * DAY_SECONDS + NOON_SECONDS


def labels_of(figure: DailyFigure) -> Mapping[str, str]:
    """Returns the labels of a figure's series, those of the live families, in their order."""
    company = {"source": figure.source, "company_id": figure.company_id, "company": figure.company}
    return {name: label_value(value) for name, value in {**company, **figure.labels}.items()}


def lines(figures: Iterable[DailyFigure], added: Mapping[str, str]) -> Iterator[str]:
    """Yields figures as lines with a line end each, sorted by series; of a series they stay in their order.

    `added` are further labels of every series. Until they are sorted a figure is held as two numbers: a line is 200
    bytes, and there are a quarter of a million of a month of tools of 1,000 companies.
    """

    def name(figure: DailyFigure) -> str:
        pairs = ",".join(f'{label}="{escaped(value)}"' for label, value in {**labels_of(figure), **added}.items())
        return f"{figure.measure}{SUFFIX}{{{pairs}}}"

    for each in sorted(by_series(figures, name), key=lambda each: series(each.series)):
        for seconds, value in zip(each.seconds, each.values, strict=True):
            yield f"{each.series} {number(value)} {seconds}\n"


class Samples(NamedTuple, Generic[T]):
    """What a series has: how it is called, and in parallel moments (seconds since 1970) and figures, in order."""

    series: T
    seconds: "array[int]"
    values: "array[float]"


def by_series(figures: Iterable[DailyFigure], called: Callable[[DailyFigure], T]) -> Collection[Samples[T]]:
    """Puts the figures of each series together; `called` once for each, since escaping costs most."""
    found: dict[tuple[str, ...], Samples[T]] = {}
    for figure in figures:
        which = (figure.measure, figure.company_id, figure.company, *figure.labels.values())
        if which not in found:
            found[which] = Samples(called(figure), array("q"), array("d"))
        found[which].seconds.append(noon(figure.date))
        found[which].values.append(figure.value)
    return found.values()


def series(line: str) -> str:
    """Returns the part of a line that names its series; neither value nor timestamp holds a brace."""
    return line[: line.rindex("}")]


def family(line: str) -> str:
    """Returns the family's name of a line."""
    return line[: line.index("{")]


class Runs:
    """The sorted lines of the pieces in `folder`; equal series are in the order of source, report and day.

    `added` are further labels of every series; at most `most_open` files are merged at a time.
    """

    def __init__(self, folder: Path, added: Mapping[str, str], most_open: int = MOST_OPEN) -> None:
        self._folder = folder
        self._added = added
        self._most_open = most_open

    async def begin(self, oldest: date) -> None:
        """Takes days of any age."""

    async def take(self, piece: Piece, figures: Iterable[DailyFigure]) -> None:
        """Writes the lines of one piece, family after family, in the place of what an interrupted run left of it.

        Raises:
            OSError: they cannot be written.
        """
        await asyncio.to_thread(self._write, piece, figures)

    def _write(self, piece: Piece, figures: Iterable[DailyFigure]) -> None:
        path = self._folder / f"{piece.source}.{piece.report}.{piece.days.first}{RUNS}"
        found = chain.from_iterable(lines(some, self._added) for some in by_family(figures))
        replace_file(path, (part.encode() for part in _blocks(found)))

    def merge(self, target: Path, helps: Mapping[str, str]) -> "Written":
        """Writes the file of all pieces, whole or not at all; `helps` are the HELP texts by family.

        Raises:
            OSError: it cannot be written; nothing is lost.
        """
        paths, level = sorted(self._folder.glob(f"*{RUNS}")), 0
        while len(paths) > self._most_open:
            groups = [paths[n : n + self._most_open] for n in range(0, len(paths), self._most_open)]
            level += 1
            paths = [self._merged(group, f"{level}-{n:05}.merged") for n, group in enumerate(groups)]
        writing = _Document(helps)
        with _together(paths) as found:
            replace_file(target, (part.encode() for part in _blocks(writing.over(found))))
        return Written(writing.families, writing.samples)

    def clear(self) -> None:
        """Deletes the lines: the file has them."""
        for pattern in (f"*{RUNS}", "*.merged"):
            for path in self._folder.glob(pattern):
                path.unlink()

    def _merged(self, paths: Sequence[Path], name: str) -> Path:
        target = self._folder / name
        with _together(paths) as found:
            replace_file(target, (part.encode() for part in _blocks(found)))
        return target


@dataclass(frozen=True, slots=True)
class Written:
    """How many families and samples a file has."""

    families: int
    samples: int


class _Document:
    """Puts the headers before each family of sorted lines, and the end behind all; counts both."""

    def __init__(self, helps: Mapping[str, str]) -> None:
        self._helps = helps
        self.families = 0
        self.samples = 0

    def over(self, found: Iterable[str]) -> Iterator[str]:
        name = ""
        for line in found:
            if not line.startswith(name + "{"):
                name = family(line)
                self.families += 1
                yield f"# HELP {name} {escaped(self._helps[name])}\n# TYPE {name} gauge\n"
            self.samples += 1
            yield line
        yield "# EOF\n"


@contextmanager
def _together(paths: Sequence[Path]) -> Iterator[Iterator[str]]:
    """Opens sorted files for the length of a `with` block and gives their lines, sorted."""
    with ExitStack() as closing:
        files = [closing.enter_context(path.open(encoding="utf-8", newline="\n")) for path in paths]
        yield heapq.merge(*files, key=series)


def _blocks(found: Iterable[str]) -> Iterator[str]:
    """Joins lines into blocks, so that few writes are made and few lines held."""
    block: list[str] = []
    for line in found:
        block.append(line)
        if len(block) == BLOCK:
            yield "".join(block)
            block.clear()
    yield "".join(block)
