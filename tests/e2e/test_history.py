"""Backfills by the real command, killed and resumed, checked in real stores by PromQL sums per month."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from exporter.cli.backfill import BLOCKS
from exporter.domain.model import Days
from exporter.simulator.paradigm.world import World
from tests.e2e.commands import SEED, simulating
from tests.e2e.prometheus import Prometheus, started
from tests.platform_data import daily

pytestmark = [pytest.mark.e2e, pytest.mark.once]

NEWEST_FINAL = datetime.now(UTC).date() - timedelta(days=4)
YEARS = Days(NEWEST_FINAL - timedelta(days=1090), NEWEST_FINAL)
"""Three years, without the days that the simulated platform drops at midnight."""
PER_MINUTE = 6000
MEBIBYTE = 2**20


class Sum(NamedTuple):
    """Source, company, family and month of a sum."""

    family: str
    company_id: str
    month: date


class Ended(NamedTuple):
    """Exit status, and peak memory in bytes; None if it was killed."""

    status: int
    peak: int | None


def environment(platform: str) -> Mapping[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("CHAT_USAGE_", "PARADIGM_"))}
    return {
        **own,
        "CHAT_USAGE_SOURCES__S__PLATFORM": "paradigm",
        "CHAT_USAGE_SOURCES__S__BASE_URL": platform,
        "CHAT_USAGE_SOURCES__S__API_KEY": World.from_seed(SEED).keys.admin,
        "CHAT_USAGE_SOURCES__S__POLL__REQUESTS_PER_MINUTE": str(PER_MINUTE),
    }


def backfill(
    platform: str, target: Path, days: Days, kill_after_s: float | None = None, room: int | None = None
) -> Ended:
    """Runs the command with a file, until it ends or is killed; the file may have `room` bytes."""
    options = ("--from", str(days.first), "--to", str(days.last), "--output", target)
    return run_backfill(platform, target.parent, options, kill_after_s, room)


def run_backfill(
    platform: str,
    folder: Path,
    options: Sequence[str | Path],
    kill_after_s: float | None = None,
    room: int | None = None,
) -> Ended:
    """Runs the command until it ends or is killed; its output goes to backfill.log."""
    limit = ["prlimit", f"--fsize={room}"] if room is not None else []
    told_peak = folder / "peak"
    told_peak.unlink(missing_ok=True)  # of a run before, if this one is killed
    command: list[str | Path] = [*limit, sys.executable, "-m", "benchmarks.peak", told_peak, "backfill", *options]
    with (folder / "backfill.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment(platform), stdout=log, stderr=log)
    if kill_after_s is not None:
        time.sleep(kill_after_s)  # a random point of the run: no clock can be passed to the kernel
        os.kill(process.pid, signal.SIGKILL)  # it may have ended, but nobody waited for it yet
    return Ended(process.wait(), int(told_peak.read_text().split()[0]) if told_peak.exists() else None)


def months(days: Days) -> Iterator[Days]:
    """Yields the calendar months of the days; the first and last may be partial."""
    first = days.first
    while first <= days.last:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield Days(first, min(following - timedelta(days=1), days.last))
        first = following


def expected_sums(world: World, days: Days) -> Mapping[Sum, float]:
    found = defaultdict[Sum, float](float)
    for fact in daily(world, days, datetime.now(UTC)):
        month = max(fact.day.replace(day=1), days.first)
        found[Sum(fact.family, fact.company_id, month)] += fact.value
    return found


def stored(prometheus: Prometheus, families: Iterable[str], days: Days) -> Mapping[Sum, float]:
    """Queries the sums of each month."""
    found: dict[Sum, float] = {}
    for month in months(days):
        end = datetime.combine(month.last, datetime.min.time(), UTC) + timedelta(days=1)
        for family in families:
            samples = f"{family}[{len(month)}d] @ {end.timestamp():.0f}"
            for point in prometheus.query(f"sum by (company_id) (sum_over_time({samples}))"):
                found[Sum(family, point.labels["company_id"], month.first)] = point.value
    return found


def nonzero_sums(sums: Mapping[Sum, float]) -> Mapping[Sum, float]:
    """Leaves out zeros, which may be absent, and digits that depend on the order of addition."""
    return {which: round(value, 6) for which, value in sums.items() if value}


@pytest.fixture(scope="module")
def blocks(promtool: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Creates blocks as the command's output says, and returns their folder."""

    def made(file: Path) -> Path:
        data = tmp_path_factory.mktemp("store") / "data"
        command: list[str | Path] = [promtool, *BLOCKS[1:], file, data]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        return data

    return made


def test_three_years_of_fifty_companies_are_exact(
    prometheus: Path, blocks: Callable[[Path], Path], tmp_path: Path, tell: Callable[[str], None]
) -> None:
    """Sums per month, company and measure in Prometheus equal the platform's."""
    file, began = tmp_path / "history.om", time.monotonic()
    with simulating(tmp_path, "--companies=50") as platform:
        assert backfill(platform, file, YEARS).status == 0
    asked = time.monotonic()
    folder = blocks(file).parent
    made = time.monotonic()
    wanted = expected_sums(World.from_seed(SEED, 50), YEARS)
    config = folder / "prometheus.json"
    config.write_text("{}")
    with started(prometheus, folder, config, "--storage.tsdb.retention.time=10y") as store:
        found = stored(store, sorted({which.family for which in wanted}), YEARS)
    assert nonzero_sums(found) == nonzero_sums(wanted)
    tell(
        f"history: three years of 50 companies in {asked - began:.1f} s, {file.stat().st_size / MEBIBYTE:.0f} MiB; "
        f"blocks in {made - asked:.1f} s; {len(found)} sums compared in {time.monotonic() - made:.1f} s"
    )


def test_killed_ten_times_the_file_is_the_same(tmp_path: Path) -> None:
    """Byte for byte, whenever SIGKILL comes."""
    chance, days = random.Random(13), Days(NEWEST_FINAL - timedelta(days=91), NEWEST_FINAL)
    whole, torn = tmp_path / "whole.om", tmp_path / "torn.om"
    with simulating(tmp_path, "--companies=10") as platform:
        began = time.monotonic()
        assert backfill(platform, whole, days).status == 0
        length = time.monotonic() - began
        for _ in range(10):
            ended = backfill(platform, torn, days, chance.uniform(0.2, 1.0) * length)
            assert ended.status in {0, -9}
        assert backfill(platform, torn, days).status == 0
    assert torn.read_bytes() == whole.read_bytes()
    assert not list((tmp_path / "torn.om.backfill").glob("*.lines"))


def test_after_a_full_disk_the_file_is_the_same(tmp_path: Path) -> None:
    """One line reports it; with free space the same command writes the same file."""
    days = Days(NEWEST_FINAL - timedelta(days=91), NEWEST_FINAL)
    whole, torn = tmp_path / "whole.om", tmp_path / "torn.om"
    with simulating(tmp_path, "--companies=5") as platform:
        assert backfill(platform, whole, days).status == 0
        room = whole.stat().st_size // 2
        assert backfill(platform, torn, days, room=room).status == 1
        assert not torn.exists()
        lines = (tmp_path / "backfill.log").read_text().splitlines()
        assert "fix it and repeat the command to continue" in lines[-1]
        assert backfill(platform, torn, days).status == 0
    assert torn.read_bytes() == whole.read_bytes()


def test_six_months_take_no_more_memory_than_one(tmp_path: Path, tell: Callable[[str], None]) -> None:
    peaks = []
    with simulating(tmp_path, "--companies=50") as platform:
        for count in (31, 184):
            days = Days(NEWEST_FINAL - timedelta(days=count - 1), NEWEST_FINAL)
            ended = backfill(platform, tmp_path / f"{count}.om", days)
            assert ended.status == 0
            assert ended.peak
            peaks.append(ended.peak)
    tell(f"history of 50 companies: {peaks[0] / MEBIBYTE:.1f} MiB for a month, {peaks[1] / MEBIBYTE:.1f} for six")
    assert peaks[1] - peaks[0] < 5 * MEBIBYTE
