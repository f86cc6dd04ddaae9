"""What `backfill` takes, as a process that writes a file: its own CPU, without that of the platform, and memory."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from benchmarks import programs
from benchmarks.figure import Figure

MONTH = 31
TRIES = 2
LIKE_A_MONTH = 5.0
"""MiB by which years may take more memory than a month."""


class Taken(NamedTuple):
    """CPU and wall seconds, the peak of memory and the length of the file, both in MiB."""

    cpu: float
    wall: float
    peak: float
    file: float


class Backfill(NamedTuple):
    """The program with a configuration in this folder."""

    config: Path

    def run(self, days: int) -> Taken:
        """Writes so many days into a file."""
        taken, target = self.config.with_name("taken"), self.config.with_name(f"{time.monotonic_ns()}.om")
        last = datetime.now(UTC).date() - timedelta(days=5)
        span = ("--from", str(last - timedelta(days=days - 1)), "--to", str(last), "--output", str(target))
        command = (sys.executable, "-m", "benchmarks.peak", str(taken), "backfill", f"--config.file={self.config}")
        began = time.monotonic()
        subprocess.run((*command, *span), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)  # noqa: S603 our own program
        peak, cpu = taken.read_text().split()
        return Taken(float(cpu), time.monotonic() - began, int(peak) / 2**20, target.stat().st_size / 2**20)


@contextmanager
def backfill(companies: int, days: int) -> Iterator[Backfill]:
    with programs.platform(companies, days + 10) as platform, tempfile.TemporaryDirectory() as folder:
        yield Backfill(programs.configure(Path(folder), platform))


def month(companies: int) -> Iterator[Figure]:
    """Yields the CPU of a month, the least of some tries."""
    with backfill(companies, MONTH) as program:
        seconds = min(program.run(MONTH).cpu for _ in range(TRIES))
    yield Figure(f"backfill: {MONTH} days, start included", companies, seconds, "s CPU")


def measure(companies: int, days: int) -> Iterator[Figure]:
    """Yields what many days take, and their memory compared with that of a month."""
    with backfill(companies, days) as program:
        of_month, taken = program.run(MONTH), program.run(days)
    yield Figure("history: peak memory for a month", companies, of_month.peak, "MiB")
    bound = of_month.peak + LIKE_A_MONTH
    yield Figure(f"history: peak memory for {days} days", companies, taken.peak, "MiB", at_most=bound)
    yield Figure(f"history: {days} days, own CPU", companies, taken.cpu, "s CPU")
    yield Figure(f"history: {days} days, the platform's work in it", companies, taken.wall, "s")
    yield Figure(f"history: file of {days} days", companies, taken.file, "MiB")
