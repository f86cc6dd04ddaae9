"""A backfill as one OpenMetrics file: sorted lines per piece, merged into families and series at the end.

paradigm_user_queries_daily{source="production",company_id="17",company="Northwind",mode="chat"} 61.0 1717243200
The samples of a series are together and in time order, as the format demands, in whatever order pieces arrive. Until
the end they are one line, separated by tabs: a merge compares and holds one line per piece and series, not one per
sample.
"""

import asyncio
import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from msgspec import Struct

from exporter.backfill.figures import ReportDays, Series
from exporter.exposition.text import escaped, number
from exporter.polling.state_file import replace_file

RUNS = ".lines"
BETWEEN = "\t"  # between the samples of a series, until each gets a line


def lines(figures: Iterable[Series], added: Mapping[str, str]) -> Iterator[str]:
    """Yields a line per series, sorted if the families are; `added` are labels of every series."""
    for _, some in groupby(figures, key=attrgetter("family")):
        yield from sorted((_line(each, added) for each in some), key=name)


def _line(series: Series, added: Mapping[str, str]) -> str:
    pairs = ",".join(f'{label}="{escaped(value)}"' for label, value in {**series.labels, **added}.items())
    samples = [f"{_number(value)} {seconds}" for seconds, value in zip(series.seconds, series.values, strict=True)]
    return f"{series.family}{{{pairs}}} {BETWEEN.join(samples)}\n"


_number = lru_cache(10_000)(number)
"""Cached: most values are small counts."""


def name(line: str) -> str:
    """Returns the part of a line that names its series; neither values nor timestamps hold a brace."""
    return line[: line.rindex("}")]


class Runs(Struct, frozen=True):
    """The sorted lines of pieces in `folder`; `added` are labels of every series, `most_open` bounds open files."""

    folder: Path
    added: Mapping[str, str]
    most_open: int = 200  # of usually 1,024

    async def begin(self, oldest: date) -> None:
        """Takes days of any age."""

    async def take(self, piece: ReportDays, figures: Iterable[Series]) -> None:
        """Writes the lines of one piece over what an interrupted run left of it; raises OSError."""
        path = self.folder / f"{piece.source}.{piece.report}.{piece.days.first}{RUNS}"
        await asyncio.to_thread(_write, path, lines(figures, self.added))

    def merge(self, target: Path, helps: Mapping[str, str]) -> "WrittenFile":
        """Writes the file of all pieces atomically, with HELP texts by family; an OSError loses nothing."""
        paths, level = sorted(self.folder.glob(f"*{RUNS}")), 0
        while len(paths) > self.most_open:
            level += 1
            groups = [paths[n : n + self.most_open] for n in range(0, len(paths), self.most_open)]
            paths = [self.folder / f"{level}-{n:05}.merged" for n in range(len(groups))]
            for path, group in zip(paths, groups, strict=True):
                _write(path, _merged(group))
        written = WrittenFile(helps)
        _write(target, written.over(_merged(paths)))
        return written

    def clear(self) -> None:
        for path in (*self.folder.glob(f"*{RUNS}"), *self.folder.glob("*.merged")):
            path.unlink()


class WrittenFile(Struct):
    """Adds headers and the end to sorted lines, gives each sample its own, and counts families and samples."""

    helps: Mapping[str, str]
    families: int = 0
    samples: int = 0

    def over(self, found: Iterable[str]) -> Iterator[str]:
        family = ""
        for line in found:
            if not line.startswith(family + "{"):
                family = line[: line.index("{")]
                self.families += 1
                yield f"# HELP {family} {escaped(self.helps[family])}\n# TYPE {family} gauge\n"
            series, brace, samples = line.rpartition("} ")
            self.samples += samples.count(BETWEEN) + 1
            yield series + brace + samples.replace(BETWEEN, "\n" + series + brace)
        yield "# EOF\n"


def _merged(paths: Sequence[Path]) -> Iterator[str]:
    """Yields the lines of sorted files, sorted."""
    with ExitStack() as closing:
        files = [closing.enter_context(path.open(encoding="utf-8", newline="\n")) for path in paths]
        yield from heapq.merge(*files, key=name)


def _write(path: Path, found: Iterable[str]) -> None:
    replace_file(path, (line.encode() for line in found))
