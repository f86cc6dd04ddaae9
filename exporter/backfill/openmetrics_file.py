"""A backfill as one OpenMetrics file: sorted lines per piece, merged into families and series at the end.

paradigm_user_queries_daily{source="production",company_id="17",company="Northwind",mode="chat"} 61.0 1717243200
The samples of a series are together and in time order, as the format demands, in whatever order pieces arrive; a
merge holds one line per file in memory.
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
"""Files that are merged at a time; open files are often limited to 1,024."""
BLOCK = 4096
"""Lines that are written at a time."""


def noon(day: date) -> int:
    """Returns 12:00 UTC of a date, in seconds since 1970."""
    return (day.toordinal() - EPOCH) * DAY_SECONDS + NOON_SECONDS


def labels_of(figure: DailyFigure) -> Mapping[str, str]:
    """Returns the labels of a figure's series, as on the live families."""
    company = {"source": figure.source, "company_id": figure.company_id, "company": figure.company}
    return {name: label_value(value) for name, value in {**company, **figure.labels}.items()}


def lines(figures: Iterable[DailyFigure], added: Mapping[str, str]) -> Iterator[str]:
    """Yields figures as lines, sorted by series, and by time within a series; `added` are labels of every series.

    Until they are sorted a figure is two numbers: a line has 200 bytes, and a month of tools of 1,000 companies
    has 250,000 of them.
    """

    def name(figure: DailyFigure) -> str:
        pairs = ",".join(f'{label}="{escaped(value)}"' for label, value in {**labels_of(figure), **added}.items())
        return f"{figure.measure}{SUFFIX}{{{pairs}}}"

    for each in sorted(by_series(figures, name), key=lambda each: series(each.series)):
        for seconds, value in zip(each.seconds, each.values, strict=True):
            yield f"{each.series} {number(value)} {seconds}\n"


class Samples(NamedTuple, Generic[T]):
    """A series, and in parallel its moments (seconds since 1970) and figures."""

    series: T
    seconds: "array[int]"
    values: "array[float]"


def by_series(figures: Iterable[DailyFigure], called: Callable[[DailyFigure], T]) -> Collection[Samples[T]]:
    """Groups figures by series; `called` is called once per series, since escaping costs most."""
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
    return line[: line.index("{")]


class Runs:
    """The sorted lines of pieces in `folder`; `added` are labels of every series, `most_open` bounds open files."""

    def __init__(self, folder: Path, added: Mapping[str, str], most_open: int = MOST_OPEN) -> None:
        self._folder = folder
        self._added = added
        self._most_open = most_open

    async def begin(self, oldest: date) -> None:
        """Takes days of any age."""

    async def take(self, piece: Piece, figures: Iterable[DailyFigure]) -> None:
        """Writes the lines of one piece over what an interrupted run left of it; raises OSError."""
        await asyncio.to_thread(self._write, piece, figures)

    def _write(self, piece: Piece, figures: Iterable[DailyFigure]) -> None:
        path = self._folder / f"{piece.source}.{piece.report}.{piece.days.first}{RUNS}"
        found = chain.from_iterable(lines(some, self._added) for some in by_family(figures))
        replace_file(path, (part.encode() for part in _blocks(found)))

    def merge(self, target: Path, helps: Mapping[str, str]) -> "WrittenFile":
        """Writes the file of all pieces atomically, with HELP texts by family; an OSError loses nothing."""
        paths, level = sorted(self._folder.glob(f"*{RUNS}")), 0
        while len(paths) > self._most_open:
            groups = [paths[n : n + self._most_open] for n in range(0, len(paths), self._most_open)]
            level += 1
            paths = [self._merged(group, f"{level}-{n:05}.merged") for n, group in enumerate(groups)]
        written = WrittenFile(helps)
        with _together(paths) as found:
            replace_file(target, (part.encode() for part in _blocks(written.over(found))))
        return written

    def clear(self) -> None:
        for pattern in (f"*{RUNS}", "*.merged"):
            for path in self._folder.glob(pattern):
                path.unlink()

    def _merged(self, paths: Sequence[Path], name: str) -> Path:
        target = self._folder / name
        with _together(paths) as found:
            replace_file(target, (part.encode() for part in _blocks(found)))
        return target


@dataclass(slots=True)
class WrittenFile:
    """Adds headers and the end to sorted lines, and counts families and samples."""

    helps: Mapping[str, str]
    families: int = 0
    samples: int = 0

    def over(self, found: Iterable[str]) -> Iterator[str]:
        name = ""
        for line in found:
            if not line.startswith(name + "{"):
                name = family(line)
                self.families += 1
                yield f"# HELP {name} {escaped(self.helps[name])}\n# TYPE {name} gauge\n"
            self.samples += 1
            yield line
        yield "# EOF\n"


@contextmanager
def _together(paths: Sequence[Path]) -> Iterator[Iterator[str]]:
    """Opens sorted files and gives their lines, sorted."""
    with ExitStack() as closing:
        files = [closing.enter_context(path.open(encoding="utf-8", newline="\n")) for path in paths]
        yield heapq.merge(*files, key=series)


def _blocks(found: Iterable[str]) -> Iterator[str]:
    """Joins lines into blocks, for few writes and little memory."""
    block: list[str] = []
    for line in found:
        block.append(line)
        if len(block) == BLOCK:
            yield "".join(block)
            block.clear()
    yield "".join(block)
