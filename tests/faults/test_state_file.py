"""The state file on a full disk, in a read-only folder, after kills, and shared by two processes.

The file is always complete, and figures that could not be saved are requested again.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from time import monotonic

import pytest

from exporter.polling.state_format import decoded
from exporter.simulator.paradigm.world import World
from tests.faults.scrape_checker import expected_figures, growing
from tests.pipeline.pipeline import RULES, ManualClock, Pipeline, Series, utc
from tests.polling.test_state_file import Platform, pipeline

pytestmark = pytest.mark.anyio

NOON = utc(2026, 3, 3, 12)
HOUR = timedelta(hours=1)
ROOT = Path(__file__).parents[2]
DISK_BYTES = 200_000
"""More than the state needs."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mounts a small tmpfs."""
    folder = tmp_path / "disk"
    folder.mkdir()
    can_mount = shutil.which("mount") and os.geteuid() == 0
    if not can_mount or _mount("-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", folder):
        pytest.skip("mounting a tmpfs takes root")
    yield folder
    subprocess.run(["umount", folder], check=True)


def _mount(*arguments: str | Path) -> int:
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode


def fill(folder: Path) -> Callable[[], object]:
    """Fills the disk; returns a function that frees it."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return ballast.unlink


def make_read_only(folder: Path) -> Callable[[], object]:
    """Makes the disk read-only; returns a function that undoes it."""
    assert _mount("-o", "remount,ro", folder) == 0
    return lambda: _mount("-o", "remount,rw", folder)


def use_up_inodes(folder: Path) -> Callable[[], object]:
    """Leaves no free inode; returns a function that undoes it."""
    assert _mount("-o", "remount,nr_inodes=2", folder) == 0
    return lambda: _mount("-o", "remount,nr_inodes=99", folder)


def served(subject: Pipeline) -> Mapping[Series, float]:
    return subject.page("paradigm_")


def expected(platform: Platform, clock: ManualClock) -> Mapping[Series, float]:
    return expected_figures(platform.world, clock.moment, RULES.settle)["chat-sessions"]


@pytest.mark.parametrize(
    ("break_disk", "reason"),
    [
        pytest.param(fill, "No space left on device", id="full-disk"),
        pytest.param(make_read_only, "Read-only file system", id="read-only-folder"),
        pytest.param(use_up_inodes, "No space left on device", id="no-inode-left"),
    ],
)
async def test_a_disk_without_space_changes_no_figure(
    small_disk: Path, break_disk: Callable[[Path], Callable[[], object]], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Polls continue, each logs one line with the reason, and the first poll with free space is saved."""
    clock = ManualClock(NOON)
    platform, path = Platform(clock), small_disk / "state"
    async with pipeline(path, platform, clock) as subject:
        await subject.poller.poll()
        saved = path.read_bytes()
        repair = break_disk(small_disk)
        for _ in range(2):
            clock.moment += HOUR
            await subject.poller.poll()
            assert served(subject) == expected(platform, clock)
        assert path.read_bytes() == saved
        reasons = [str(record.__dict__["reason"]) for record in caplog.records]
        assert reasons == [f"{reason}; give the exporter's user a writable folder with free space"] * 2
        repair()
        clock.moment += HOUR
        await subject.poller.poll()

    platform.down = True
    async with pipeline(path, platform, clock) as after:
        assert served(after) == expected(platform, clock)


KILL_AT_EACH_STEP = """
import os, signal, sys
from pathlib import Path
from exporter.polling.state_file import replace_file

path, step = Path(sys.argv[1]), int(sys.argv[2])
pieces = [bytes([65 + n]) * 1000 for n in range(8)]


def killed_at(point):
    '''Writes in a child process that is killed at its nth function call or return; tells whether it got there.'''
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == signal.SIGKILL
    remaining = point

    def count(*_):
        nonlocal remaining
        remaining -= 1
        if remaining < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)
    replace_file(path, iter(pieces))
    sys.setprofile(None)
    os._exit(0)


point = 0
while True:
    path.write_bytes(b"old")
    died = killed_at(point)
    content = path.read_bytes()
    assert content in (b"old", b"".join(pieces)), (point, content[:80])
    replace_file(path, [b"next"])
    assert path.read_bytes() == b"next"
    assert list(path.parent.iterdir()) == [path]
    if not died:
        break
    point += step
print(point)
"""


@pytest.mark.once
def test_a_kill_at_any_point_of_writing_leaves_a_complete_file(tmp_path: Path, tell: Callable[[str], None]) -> None:
    """Either the old or the new one; what the killed process left behind does not disturb the next."""
    command = [sys.executable, "-c", KILL_AT_EACH_STEP, str(tmp_path / "state"), "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    points = int(done.stdout)
    assert points > 50
    tell(f"faults of the state file: killed at {points} points of writing it, files cut short: 0")


WRITE_FOREVER = """
import contextlib, sys
from pathlib import Path
from exporter.polling.state_file import replace_file

path, letter = Path(sys.argv[1]), sys.argv[2].encode()
print("ready", flush=True)
while True:
    with contextlib.suppress(OSError):  # the other process is writing it
        replace_file(path, (letter * 5000 for _ in range(20)))
"""
COMPLETE = {letter.encode() * 100_000 for letter in "ab"}
ROUNDS, MAX_ROUND_S = 5, 1.0


@pytest.mark.once
def test_two_processes_on_one_file_leave_a_complete_file(tmp_path: Path) -> None:
    """Even if both are killed while writing, the content is that of one or the other."""
    path, all_seen = tmp_path / "state", set[bytes]()
    for seed in range(ROUNDS):
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITE_FOREVER, str(path), letter], cwd=ROOT, stdout=subprocess.PIPE)
            for letter in "ab"
        ]
        for each in writers:
            assert each.stdout is not None
            assert each.stdout.readline() == b"ready\n"
        until, seen = monotonic() + MAX_ROUND_S * Random(seed).random() + 0.2, set[bytes]()
        while monotonic() < until:
            if path.exists():
                seen.add(path.read_bytes())
        assert [each.poll() for each in writers] == [None, None]
        for each in writers:
            each.send_signal(signal.SIGKILL)
            each.communicate()
        assert seen <= COMPLETE
        assert path.read_bytes() in COMPLETE
        all_seen |= seen
    assert all_seen == COMPLETE


async def test_two_exporters_on_one_file_serve_correct_figures(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning is logged, and a restart serves correct figures, whoever wrote last."""
    clock = ManualClock(NOON)
    platform, path = Platform(clock), tmp_path / "state"
    async with pipeline(path, platform, clock) as one, pipeline(path, platform, clock) as other:
        for subject in (one, other, one, other):
            await subject.poller.poll()
            assert served(subject) == expected(platform, clock)
            clock.moment += HOUR

    assert "state file replaced by another process" in caplog.text
    clock.moment -= HOUR
    platform.down = True
    async with pipeline(path, platform, clock) as after:
        assert served(after) == expected(platform, clock)
        assert decoded(path.read_bytes())


def test_expected_figures_change_every_hour() -> None:
    """Otherwise outdated figures would pass for current ones."""
    world = growing(World.from_seed(1, 6), NOON)
    expected = [expected_figures(world, NOON + n * HOUR, RULES.settle)["chat-sessions"] for n in range(3)]
    assert all(one != other for one, other in pairwise(expected))
