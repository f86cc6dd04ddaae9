"""What bringing the past takes: `backfill` of years into a file, as a process."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import programs
from benchmarks.figure import Figure

LIKE_A_MONTH = 5.0
"""MiB by which years may take more memory than a month."""


def measure(companies: int, days: int) -> Iterator[Figure]:
    """Writes the past of so many companies and days, and before that of a month, and yields what it takes."""
    last = datetime.now(UTC).date() - timedelta(days=5)
    peaks = []
    with programs.platform(companies, days + 10) as platform, tempfile.TemporaryDirectory() as folder:
        config = programs.configure(Path(folder), platform)
        for count in (31, days):
            began, target = time.monotonic(), Path(folder) / f"{count}.om"
            first = last - timedelta(days=count - 1)
            peaks.append(_peak(config, ("--from", str(first), "--to", str(last), "--output", str(target))))
        seconds, size = time.monotonic() - began, target.stat().st_size
    yield Figure("history: peak memory for a month", companies, peaks[0], "MiB")
    bound = peaks[0] + LIKE_A_MONTH
    yield Figure(f"history: peak memory for {days} days", companies, peaks[1], "MiB", at_most=bound)
    yield Figure(f"history: {days} days, the platform's work in it", companies, seconds, "s")
    yield Figure(f"history: file of {days} days", companies, size / 2**20, "MiB")


def _peak(config: Path, options: tuple[str, ...]) -> float:
    """Runs `backfill` to its end and returns the most memory that it ever had, in MiB."""
    told = config.with_name("peak")
    command = (sys.executable, "-m", "benchmarks.peak", str(told), "backfill", f"--config.file={config}", *options)
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)  # noqa: S603 our own program
    return int(told.read_text()) / 2**20
