"""SIGTERM and SIGKILL of a real exporter at any moment: the next process starts and serves correct figures."""

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
from tests.faults.faults import http_faults
from tests.faults.proxies import Case, FaultProxies, running_proxies
from tests.faults.scenario import COMMAND, HOUR, SETTLE, configuration, zone_at_noon
from tests.faults.scrape_checker import REPORTS, WRONG, ReportKey, ScrapeChecker, expected_figures, growing
from tests.pipeline.pipeline import ManualClock
from tests.threaded_server import serve_in_thread

pytestmark = [pytest.mark.e2e, pytest.mark.once]

PROCESSES = 12
MAX_UPTIME_S = 2.0
"""Longer than it takes to start, poll and write the state."""
TIMEOUT_S = 60
MAX_STOP_S = 5
SOURCE = "kept"
REFUSED = next(fault for fault in http_faults() if fault.refuses)
KEYS = [ReportKey(SOURCE, report) for report in REPORTS]


class Environment(NamedTuple):
    """A simulated platform behind a proxy, and the folder of an exporter with a state file."""

    proxies: FaultProxies
    clock: ManualClock
    world: World
    folder: Path
    url: str

    @property
    def state(self) -> Path:
        """The state file."""
        return self.folder / "state"

    @property
    def log(self) -> Path:
        """The log of the current process."""
        return self.folder / "log"

    def start(self) -> subprocess.Popen[bytes]:
        """Starts the exporter, without waiting for it."""
        address = self.url.removeprefix("http://")
        options = ("serve", f"--config.file={self.folder / 'exporter.yml'}", f"--web.listen-address={address}")
        with self.log.open("wb") as log:
            return subprocess.Popen(["env", "NO_PROXY=*", *COMMAND, *options], stdout=log, stderr=log)

    def is_healthy(self) -> bool:
        """Tells whether the exporter answers."""
        return programs.answers(f"{self.url}/-/healthy")

    def checker(self) -> ScrapeChecker:
        """Returns a checker that expects the platform's current figures."""
        return ScrapeChecker(self.url, [expected_figures(self.world, self.clock.moment, SETTLE)])


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Environment]:
    now = datetime.now(UTC)
    world, clock = growing(World.from_seed(1, 20, zone_at_noon(now)), now), ManualClock(now)
    case = Case(SOURCE, REFUSED)
    with (
        serve_in_thread(create_app(world, clock.now)) as platform_url,
        running_proxies(int(platform_url.rpartition(":")[2]), [case], {}) as proxies,
    ):
        text = configuration([case], proxies, platform_url, world, tmp_path / "none")
        (tmp_path / "exporter.yml").write_text(f"state_file: state\n{text}")
        yield Environment(proxies, clock, world, tmp_path, f"http://127.0.0.1:{programs.free_port()}")


def test_a_process_may_end_at_any_moment(environment: Environment, tell: Callable[[str], None]) -> None:
    """The state file is always complete, and the last process serves the figures from it."""
    slowest = 0.0
    for seed in range(PROCESSES):
        slowest = max(slowest, start_and_stop(environment, Random(seed)))

    poll_and_save(environment)
    environment.proxies.inject_faults()
    serve_from_state_file(environment)
    environment.proxies.remove_faults()
    environment.clock.moment += HOUR
    poll_and_save(environment)
    tell(f"faults of the process: {PROCESSES} ended by SIGTERM or SIGKILL at random moments, wrong figures: 0 "
         f"(SIGTERM took {slowest:.1f} s at most)")  # fmt: skip


def start_and_stop(environment: Environment, random: Random) -> float:
    """Starts an exporter and ends it at a random moment; returns how many seconds that took."""
    signal_number, process = random.choice((signal.SIGTERM, signal.SIGKILL)), environment.start()
    if random.random() < 0.7:
        programs.wait_for(environment.is_healthy, "the exporter", TIMEOUT_S)
        time.sleep(random.random() * MAX_UPTIME_S / 3)  # a real process runs on the real clock
    else:
        time.sleep(random.random() * MAX_UPTIME_S)
    began = time.monotonic()
    process.send_signal(signal_number)
    status, took, log = process.wait(TIMEOUT_S), time.monotonic() - began, environment.log.read_text()
    assert status in ({0, -signal.SIGTERM} if signal_number == signal.SIGTERM else {-signal.SIGKILL}), log
    assert status != -signal.SIGTERM or "msg=serving" not in log, "SIGTERM did not shut it down in order"
    assert "Traceback" not in log
    assert took < MAX_STOP_S
    assert not environment.state.exists() or decoded(environment.state.read_bytes())
    return took


def poll_and_save(environment: Environment) -> None:
    """Runs an exporter until its state file has a good poll of every report."""
    started, process, checker = datetime.now(UTC), environment.start(), environment.checker()
    try:
        programs.wait_for(environment.is_healthy, "the exporter", TIMEOUT_S)
        programs.wait_for(lambda: is_up_to_date(checker), "the current figures", TIMEOUT_S)
        programs.wait_for(lambda: is_saved(environment, started), "the state to be saved", TIMEOUT_S)
    finally:
        programs.end(process, TIMEOUT_S)
    assert process.returncode == 0


def serve_from_state_file(environment: Environment) -> None:
    """Runs an exporter that cannot reach the platform: the first exposition has the saved figures and no others."""
    process, checker = environment.start(), environment.checker()
    try:
        programs.wait_for(environment.is_healthy, "the exporter", TIMEOUT_S)
        programs.wait_for(checker.scrape, "the saved figures", TIMEOUT_S)
        assert {checker.latest.get(key, WRONG) for key in KEYS} == {0}
    finally:
        programs.end(process, TIMEOUT_S)
    assert process.returncode == 0


def is_up_to_date(checker: ScrapeChecker) -> bool:
    """Scrapes once and tells whether all figures are current."""
    checker.scrape()
    return all(checker.is_current(key) for key in KEYS)


def is_saved(environment: Environment, since: datetime) -> bool:
    """Tells whether the state file has good polls of every report since then, and past days."""
    if not environment.state.exists():
        return False
    healths = [decoded(environment.state.read_bytes())[SOURCE].reports[report].health for report in REPORTS]
    polled = [health.last_success is not None and health.last_success >= since for health in healths]
    return all(polled) and healths[0].history
