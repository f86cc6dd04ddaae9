"""Two minutes in the life of a real exporter: every source polls well, meets its fault, and polls well again.

The process polls by its own schedule, once a minute. Each source has a way to the platform of its own and a fault of
its own, all at the same time; one source has none.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from tests.e2e import programs
from tests.faults.faults import MAX_BODY
from tests.faults.front import LOOPBACK
from tests.faults.resolver import ADDRESS
from tests.faults.street import Case, Street, cases, names_can_be_ours, street, trust
from tests.faults.witness import REPORTS, Part, Witness, growing, truth
from tests.road.road import PassedClock
from tests.threaded import served

HOUR = timedelta(hours=1)
SETTLE = timedelta(hours=6)
COMPANIES = 3
LOOK_EACH_S = 2.0
PATIENCE_S = 100
STEADY = "steady"
COMMAND = (sys.executable, "-m", "exporter.cli")
OF_ITS_OWN = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"')


@dataclass(frozen=True, slots=True)
class Toll:
    """What a process holds: open files, threads, and the most memory that it ever took, in MiB."""

    files: int
    threads: int
    peak_mib: float

    @classmethod
    def of(cls, pid: int) -> "Toll":
        """Reads it from the kernel."""
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        return cls(files, int(status["Threads"]), int(status["VmHWM"].split()[0]) / 1024)


@dataclass(frozen=True, slots=True)
class Story:
    """How it went: the toll `before` and `after` the faults; `rose` are the outcomes that polls had during them."""

    cases: Sequence[Case]
    witness: Witness
    before: Toll
    after: Toll
    rose: Mapping[Part, frozenset[str]]
    log: str

    def told(self, source: str) -> str:
        """Returns what the exporter's log says of the failures of a source."""
        return "\n".join(line for line in self.log.splitlines() if f"source={source} " in line and "reason=" in line)


def zone_at_noon(now: datetime) -> ZoneInfo:
    """Returns a zone in which a day has begun long ago and ends in hours: no midnight comes in the way."""
    ahead = (12 - now.hour + 12) % 24 - 12
    return ZoneInfo(f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT")


def configuration(here: Sequence[Case], ways: Street, steady: str, world: World, ca_file: Path) -> str:
    """Returns the exporter's configuration."""
    common: dict[str, object] = {
        "platform": "paradigm",
        "api_key": world.keys.admin,
        "timezone": world.zone.key,
        "reports": list(REPORTS),
        "poll": {"interval": "1m", "jitter": "0%", "timeout": "10s", "max_body": MAX_BODY, "requests_per_minute": 600},
    }
    sources = {STEADY: {**common, "base_url": steady}}
    for case in here:
        more: dict[str, object] = {"ca_file": str(ca_file)} if case.secure else {"allow_http": True}
        sources[case.source] = {**common, **more, "base_url": ways.url(case)}
    return yaml.safe_dump({"sources": sources})


@contextmanager
def exporting(folder: Path, config: str, *, own_names: bool) -> Iterator[tuple[str, int]]:
    """Runs `serve`; yields its URL and its process id."""
    address = f"127.0.0.1:{programs.free_port()}"
    (folder / "exporter.yml").write_text(config)
    (folder / "resolv.conf").write_text(f"nameserver {ADDRESS}\n")
    around = (*OF_ITS_OWN, folder / "resolv.conf") if own_names else ()
    command = (*COMMAND, "serve", f"--config.file={folder / 'exporter.yml'}", f"--web.listen-address={address}")
    url = f"http://{address}"
    with programs.running(
        ["env", "NO_PROXY=*", *around, *command], folder / "serve.log", lambda: programs.answers(f"{url}/-/healthy")
    ) as process:
        yield url, process.pid


@dataclass(frozen=True, slots=True)
class Life:
    """A running exporter with what surrounds it; `clock` is the platform's, and `began` is where it started."""

    witness: Witness
    world: World
    clock: PassedClock
    began: datetime
    parts: Sequence[Part]

    def goes_on(self, stage: str, hours: int, is_over: Callable[[], bool]) -> None:
        """Looks every other second until a stage is over, which has a truth of its own, or until patience ends."""
        self.clock.moment = self.began + hours * HOUR
        self.witness.truths.append(truth(self.world, self.clock.moment, SETTLE))
        self.witness.stage = stage
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.witness.look()
            if is_over():
                return
            time.sleep(LOOK_EACH_S)  # a real process lives by the real clock

    def is_well(self) -> bool:
        """Tells whether every part was polled well and shows the newest truth."""
        witness = self.witness
        return all(witness.is_newest(part) and witness.polls[part, "ok"] for part in self.parts)

    def rose(self, before: Mapping[tuple[Part, str], float]) -> Mapping[Part, frozenset[str]]:
        """Returns the outcomes that were counted of each part since."""
        more = {key for key, count in self.witness.polls.items() if count > before[key]}
        return {part: frozenset(outcome for each, outcome in more if each == part) for part in self.parts}


def lived(folder: Path) -> Story:
    """Lives through it."""
    now = datetime.now(UTC)
    world, clock = growing(World.from_seed(1, COMPANIES, zone_at_noon(now)), now), PassedClock(now)
    own_names, certificates = names_can_be_ours(), trust(folder)
    here = [case for case in cases() if own_names or case.host == LOOPBACK]
    parts = [Part(source, report) for source in (STEADY, *(case.source for case in here)) for report in REPORTS]
    with (
        served(create_app(world, clock.now)) as platform,
        street(int(platform.rpartition(":")[2]), here, certificates.contexts) as ways,
    ):
        config = configuration(here, ways, platform, world, certificates.ca_file)
        with exporting(folder, config, own_names=own_names) as (url, pid):
            life = Life(Witness(url), world, clock, now, parts)
            life.goes_on("start", 0, life.is_well)
            polls, before = dict(life.witness.polls), Toll.of(pid)
            ways.harm()
            life.goes_on("fault", 1, lambda: all(life.rose(polls).values()))
            rose = life.rose(polls)
            ways.heal()
            life.goes_on("after", 2, life.is_well)
            return Story(here, life.witness, before, Toll.of(pid), rose, (folder / "serve.log").read_text())
