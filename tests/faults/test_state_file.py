"""The state file under a full disk, a read-only folder, kills at any point, a second process: nothing wrong comes out.

What cannot be written is asked for anew; what was written is whole, and its figures are the platform's own.
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
from tests.faults.witness import growing, truth
from tests.polling.test_state_file import Platform, road
from tests.road.road import RULES, PassedClock, Road, Series, utc

pytestmark = pytest.mark.anyio

NOON = utc(2026, 3, 3, 12)
HOUR = timedelta(hours=1)
ROOT = Path(__file__).parents[2]
SMALL = 200_000
"""Bytes of the small disk: more than a state takes."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mounts a disk of its own, which can be filled and locked."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = shutil.which("mount") and os.geteuid() == 0
    if not mounted or _mount("-t", "tmpfs", "-o", f"size={SMALL}", "none", folder):
        pytest.skip("a disk of its own takes root and the right to mount")
    yield folder
    subprocess.run(["umount", folder], check=True)


def _mount(*arguments: str | Path) -> int:
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode


def fill(folder: Path) -> Callable[[], object]:
    """Leaves no byte free; returns what frees them."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return ballast.unlink


def lock(folder: Path) -> Callable[[], object]:
    """Makes the disk read-only; returns what takes that back."""
    assert _mount("-o", "remount,ro", folder) == 0
    return lambda: _mount("-o", "remount,rw", folder)


def empty(folder: Path) -> Callable[[], object]:
    """Gives the disk an owner's limit of no inode more; returns what takes that back."""
    assert _mount("-o", "remount,nr_inodes=2", folder) == 0
    return lambda: _mount("-o", "remount,nr_inodes=99", folder)


def served(subject: Road) -> Mapping[Series, float]:
    return subject.page("paradigm_")


def expected(platform: Platform, clock: PassedClock) -> Mapping[Series, float]:
    return truth(platform.world, clock.moment, RULES.settle)["chat-sessions"]


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        pytest.param(fill, "No space left on device", id="full-disk"),
        pytest.param(lock, "Read-only file system", id="read-only-folder"),
        pytest.param(empty, "No space left on device", id="no-inode-left"),
    ],
)
async def test_a_disk_that_takes_nothing_changes_no_figure(
    small_disk: Path, harm: Callable[[Path], Callable[[], object]], says: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Polls go on, one line a poll says why nothing is kept, and when there is room again the next poll is kept."""
    clock = PassedClock(NOON)
    platform, path = Platform(clock), small_disk / "state"
    async with road(path, platform, clock) as subject:
        await subject.poller.poll()
        kept = path.read_bytes()
        mend = harm(small_disk)
        for _ in range(2):
            clock.moment += HOUR
            await subject.poller.poll()
            assert served(subject) == expected(platform, clock)
        assert path.read_bytes() == kept
        reasons = [str(record.__dict__["reason"]) for record in caplog.records]
        assert reasons == [f"{says}; give the exporter's user a writable folder with free space"] * 2
        mend()
        clock.moment += HOUR
        await subject.poller.poll()

    platform.down = True
    async with road(path, platform, clock) as after:
        assert served(after) == expected(platform, clock)


KILLED = """
import os, signal, sys
from pathlib import Path
from exporter.polling.state_file import replace_file

path, step = Path(sys.argv[1]), int(sys.argv[2])
pieces = [bytes([65 + n]) * 1000 for n in range(8)]


def killed_at(point):
    '''Writes in a process of its own, which dies at its so many-th step; tells whether it came so far.'''
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == signal.SIGKILL
    left = point

    def count(*_):
        nonlocal left
        left -= 1
        if left < 0:
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
def test_a_kill_at_each_point_of_writing_leaves_a_whole_file(tmp_path: Path, tell: Callable[[str], None]) -> None:
    """The old one or the new one; and what the dead process left is in nobody's way."""
    command = [sys.executable, "-c", KILLED, str(tmp_path / "state"), "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    points = int(done.stdout)
    assert points > 50
    tell(f"faults of the state file: killed at {points} points of writing it, files cut short: 0")


WRITING = """
import contextlib, sys
from pathlib import Path
from exporter.polling.state_file import replace_file

path, letter = Path(sys.argv[1]), sys.argv[2].encode()
print("ready", flush=True)
while True:
    with contextlib.suppress(OSError):  # the other one writes it
        replace_file(path, (letter * 5000 for _ in range(20)))
"""
WHOLE = {letter.encode() * 100_000 for letter in "ab"}
TIMES, TOGETHER_S = 5, 1.0


@pytest.mark.once
def test_two_processes_on_one_file_leave_a_whole_one(tmp_path: Path) -> None:
    """At every moment, also when both are killed in the middle: the content is all of one or all of the other."""
    path, came = tmp_path / "state", set[bytes]()
    for seed in range(TIMES):
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITING, str(path), letter], cwd=ROOT, stdout=subprocess.PIPE)
            for letter in "ab"
        ]
        for each in writers:
            assert each.stdout is not None
            assert each.stdout.readline() == b"ready\n"
        until, seen = monotonic() + TOGETHER_S * Random(seed).random() + 0.2, set[bytes]()
        while monotonic() < until:
            if path.exists():
                seen.add(path.read_bytes())
        assert [each.poll() for each in writers] == [None, None]
        for each in writers:
            each.send_signal(signal.SIGKILL)
            each.communicate()
        assert seen <= WHOLE
        assert path.read_bytes() in WHOLE
        came |= seen
    assert came == WHOLE


async def test_two_exporters_on_one_file_serve_what_is_right(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each says that it is not alone; whichever wrote last, a restart serves figures that were right."""
    clock = PassedClock(NOON)
    platform, path = Platform(clock), tmp_path / "state"
    async with road(path, platform, clock) as one, road(path, platform, clock) as other:
        for subject in (one, other, one, other):
            await subject.poller.poll()
            assert served(subject) == expected(platform, clock)
            clock.moment += HOUR

    assert "state file replaced by another process" in caplog.text
    clock.moment -= HOUR
    platform.down = True
    async with road(path, platform, clock) as after:
        assert served(after) == expected(platform, clock)
        assert decoded(path.read_bytes())


def test_the_figures_of_the_tests_hang_on_the_moment() -> None:
    """Or a figure of an hour ago would pass for one of now."""
    world = growing(World.from_seed(1, 6), NOON)
    truths = [truth(world, NOON + n * HOUR, RULES.settle)["chat-sessions"] for n in range(3)]
    assert all(one != other for one, other in pairwise(truths))
