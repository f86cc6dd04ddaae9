"""SIGTERM and SIGKILL at any point of a real exporter's life: the next one starts as if nothing had been."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from exporter.polling.state_format import decoded
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from tests.e2e import programs
from tests.faults.faults import everywhere
from tests.faults.story import COMMAND, HOUR, SETTLE, configuration, zone_at_noon
from tests.faults.street import Case, Street, street
from tests.faults.witness import REPORTS, WRONG, Part, Witness, growing, truth
from tests.road.road import PassedClock
from tests.threaded import served

pytestmark = [pytest.mark.e2e, pytest.mark.once]

LIVES = 12
LONGEST_S = 2.0
"""Longer than a start, a first poll and the first writing of the state take."""
PATIENCE_S = 60
ENDS_WITHIN_S = 5
SOURCE = "kept"
REFUSED = next(fault for fault in everywhere() if fault.shut)
PARTS = [Part(SOURCE, report) for report in REPORTS]


class Scene(NamedTuple):
    """A platform, the way to it, and the folder of an exporter that keeps its state."""

    ways: Street
    clock: PassedClock
    world: World
    folder: Path
    url: str

    @property
    def state(self) -> Path:
        """The state file."""
        return self.folder / "state"

    @property
    def log(self) -> Path:
        """The log of the exporter that lives now."""
        return self.folder / "log"

    def begin(self) -> subprocess.Popen[bytes]:
        """Starts the exporter and waits for nothing."""
        address = self.url.removeprefix("http://")
        options = ("serve", f"--config.file={self.folder / 'exporter.yml'}", f"--web.listen-address={address}")
        with self.log.open("wb") as log:
            return subprocess.Popen(["env", "NO_PROXY=*", *COMMAND, *options], stdout=log, stderr=log)

    def lives(self) -> bool:
        """Tells whether the exporter answers."""
        return programs.answers(f"{self.url}/-/healthy")

    def witness(self) -> Witness:
        """Returns one that knows the present truth."""
        return Witness(self.url, [truth(self.world, self.clock.moment, SETTLE)])


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    now = datetime.now(UTC)
    world, clock = growing(World.from_seed(1, 20, zone_at_noon(now)), now), PassedClock(now)
    case = Case(SOURCE, REFUSED)
    with (
        served(create_app(world, clock.now)) as platform,
        street(int(platform.rpartition(":")[2]), [case], {}) as ways,
    ):
        text = configuration([case], ways, platform, world, tmp_path / "none")
        (tmp_path / "exporter.yml").write_text(f"state_file: state\n{text}")
        yield Scene(ways, clock, world, tmp_path, f"http://127.0.0.1:{programs.free_port()}")


def test_a_life_may_end_at_any_point(scene: Scene, tell: Callable[[str], None]) -> None:
    """Seeded points: the end is orderly or sudden, what is kept is whole, and the last one serves what was kept."""
    slowest = 0.0
    for number in range(LIVES):
        slowest = max(slowest, cut_short(scene, Random(number)))

    polls_and_keeps(scene)
    scene.ways.harm()
    serves_what_was_kept(scene)
    scene.ways.heal()
    scene.clock.moment += HOUR
    polls_and_keeps(scene)
    tell(f"faults of the process: {LIVES} ended by SIGTERM or SIGKILL at seeded points, figures wrong afterwards: 0 "
         f"(SIGTERM took {slowest:.1f} s at most)")  # fmt: skip


def cut_short(scene: Scene, chance: Random) -> float:
    """Starts an exporter and ends it at some point; returns how many seconds that took."""
    number, process = chance.choice((signal.SIGTERM, signal.SIGKILL)), scene.begin()
    if chance.random() < 0.7:
        programs.wait_for(scene.lives, "the exporter", PATIENCE_S)
        time.sleep(chance.random() * LONGEST_S / 3)  # of a real process
    else:
        time.sleep(chance.random() * LONGEST_S)
    began = time.monotonic()
    process.send_signal(number)
    status, took, log = process.wait(PATIENCE_S), time.monotonic() - began, scene.log.read_text()
    assert status in ({0, -signal.SIGTERM} if number == signal.SIGTERM else {-signal.SIGKILL}), log
    assert status != -signal.SIGTERM or "msg=serving" not in log, "it ended without order"
    assert "Traceback" not in log
    assert took < ENDS_WITHIN_S
    assert not scene.state.exists() or decoded(scene.state.read_bytes())
    return took


def polls_and_keeps(scene: Scene) -> None:
    """Lets an exporter poll once, and end well."""
    began, process, witness = datetime.now(UTC), scene.begin(), scene.witness()
    try:
        programs.wait_for(scene.lives, "the exporter", PATIENCE_S)
        programs.wait_for(lambda: looks(witness), "the truth of the present moment", PATIENCE_S)
        programs.wait_for(lambda: is_kept(scene, began), "all of it to be kept", PATIENCE_S)
    finally:
        programs.end(process, PATIENCE_S)
    assert process.returncode == 0


def serves_what_was_kept(scene: Scene) -> None:
    """Starts an exporter that has nothing but its state: the first page has all that was true, and nothing else."""
    process, witness = scene.begin(), scene.witness()
    try:
        programs.wait_for(scene.lives, "the exporter", PATIENCE_S)
        programs.wait_for(witness.look, "the figures that were kept", PATIENCE_S)
        assert {witness.shown.get(part, WRONG) for part in PARTS} == {0}
    finally:
        programs.end(process, PATIENCE_S)
    assert process.returncode == 0


def looks(witness: Witness) -> bool:
    """Looks once, and tells whether all is as it should be."""
    witness.look()
    return all(witness.is_newest(part) for part in PARTS)


def is_kept(scene: Scene, since: datetime) -> bool:
    """Tells whether the state file has polls of this life, and the past."""
    if not scene.state.exists():
        return False
    healths = [decoded(scene.state.read_bytes())[SOURCE].reports[report].health for report in REPORTS]
    polled = [health.last_success is not None and health.last_success >= since for health in healths]
    return all(polled) and healths[0].history
