"""Runs a real exporter for two minutes: every source polls well, meets its fault, and polls well again.

The exporter polls every minute. Each source has its own proxy and fault, all at the same time; one source has none.
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
from tests.faults.fault_proxy import LOOPBACK
from tests.faults.faults import MAX_BODY
from tests.faults.proxies import Case, FaultProxies, can_replace_resolv_conf, cases, make_certificates, running_proxies
from tests.faults.scrape_checker import REPORTS, ReportKey, ScrapeChecker, expected_figures, growing
from tests.pipeline.pipeline import ManualClock
from tests.threaded_server import serve_in_thread

HOUR = timedelta(hours=1)
SETTLE = timedelta(hours=6)
COMPANIES = 3
SCRAPE_INTERVAL_S = 2.0
STAGE_TIMEOUT_S = 100
STEADY = "steady"
"""The source without a fault."""
COMMAND = (sys.executable, "-m", "exporter.cli")
WITH_RESOLV_CONF = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"')


@dataclass(frozen=True, slots=True)
class ResourceUsage:
    """Resources of a process: open files, threads, and peak memory in MiB."""

    files: int
    threads: int
    peak_mib: float

    @classmethod
    def of(cls, pid: int) -> "ResourceUsage":
        """Reads them from /proc."""
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        return cls(files, int(status["Threads"]), int(status["VmHWM"].split()[0]) / 1024)


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """What the scenario recorded: resources `before` and `after` the faults, poll outcomes during them, the log."""

    cases: Sequence[Case]
    checker: ScrapeChecker
    before: ResourceUsage
    after: ResourceUsage
    outcomes: Mapping[ReportKey, frozenset[str]]
    log: str

    def logged_failures(self, source: str) -> str:
        """Returns the log lines about failures of a source."""
        return "\n".join(line for line in self.log.splitlines() if f"source={source} " in line and "reason=" in line)


def zone_at_noon(now: datetime) -> ZoneInfo:
    """Returns a time zone in which it is about noon, so that no test crosses midnight."""
    ahead = (12 - now.hour + 12) % 24 - 12
    return ZoneInfo(f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT")


def configuration(cases: Sequence[Case], proxies: FaultProxies, steady_url: str, world: World, ca_file: Path) -> str:
    """Returns the exporter's configuration file."""
    common: dict[str, object] = {
        "platform": "paradigm",
        "api_key": world.keys.admin,
        "timezone": world.zone.key,
        "reports": list(REPORTS),
        "poll": {"interval": "1m", "jitter": "0%", "timeout": "10s", "max_body": MAX_BODY, "requests_per_minute": 600},
    }
    sources = {STEADY: {**common, "base_url": steady_url}}
    for case in cases:
        tls: dict[str, object] = {"ca_file": str(ca_file)} if case.secure else {"allow_http": True}
        sources[case.source] = {**common, **tls, "base_url": proxies.url(case)}
    return yaml.safe_dump({"sources": sources})


@contextmanager
def running_exporter(folder: Path, config: str, dns_address: str) -> Iterator[tuple[str, int]]:
    """Runs `serve`, with a DNS server of its own if one is given; yields its URL and process id."""
    address = f"127.0.0.1:{programs.free_port()}"
    (folder / "exporter.yml").write_text(config)
    (folder / "resolv.conf").write_text(f"nameserver {dns_address}\n")
    wrapper = (*WITH_RESOLV_CONF, folder / "resolv.conf") if dns_address else ()
    command = (*COMMAND, "serve", f"--config.file={folder / 'exporter.yml'}", f"--web.listen-address={address}")
    url = f"http://{address}"
    with programs.running(
        ["env", "NO_PROXY=*", *wrapper, *command], folder / "serve.log", lambda: programs.answers(f"{url}/-/healthy")
    ) as process:
        yield url, process.pid


@dataclass(frozen=True, slots=True)
class Scenario:
    """A running exporter and its platform, whose clock starts at `started`."""

    checker: ScrapeChecker
    world: World
    platform_clock: ManualClock
    started: datetime
    keys: Sequence[ReportKey]

    def run_stage(self, name: str, hours: int, is_over: Callable[[], bool]) -> None:
        """Sets the platform's clock and scrapes until the stage is over or timed out."""
        self.platform_clock.moment = self.started + hours * HOUR
        self.checker.expected.append(expected_figures(self.world, self.platform_clock.moment, SETTLE))
        self.checker.stage = name
        deadline = time.monotonic() + STAGE_TIMEOUT_S
        while time.monotonic() < deadline:
            self.checker.scrape()
            if is_over():
                return
            time.sleep(SCRAPE_INTERVAL_S)  # a real process runs on the real clock

    def is_up_to_date(self) -> bool:
        """Tells whether every report was polled well and shows the newest figures."""
        checker = self.checker
        return all(checker.is_current(key) and checker.polls[key, "ok"] for key in self.keys)

    def outcomes_since(self, before: Mapping[tuple[ReportKey, str], float]) -> Mapping[ReportKey, frozenset[str]]:
        """Returns the poll outcomes of each report since the counters were `before`."""
        increased = {key for key, count in self.checker.polls.items() if count > before[key]}
        return {key: frozenset(outcome for each, outcome in increased if each == key) for key in self.keys}


def run_scenario(folder: Path) -> ScenarioResult:
    """Runs the scenario with its files in `folder`."""
    now = datetime.now(UTC)
    world, clock = growing(World.from_seed(1, COMPANIES, zone_at_noon(now)), now), ManualClock(now)
    has_dns, certificates = can_replace_resolv_conf(), make_certificates(folder)
    possible = [case for case in cases() if has_dns or case.host == LOOPBACK]
    keys = [ReportKey(source, report) for source in (STEADY, *(case.source for case in possible)) for report in REPORTS]
    with (
        serve_in_thread(create_app(world, clock.now)) as platform_url,
        running_proxies(int(platform_url.rpartition(":")[2]), possible, certificates.contexts) as proxies,
    ):
        config = configuration(possible, proxies, platform_url, world, certificates.ca_file)
        with running_exporter(folder, config, proxies.dns_address) as (url, pid):
            scenario = Scenario(ScrapeChecker(url), world, clock, now, keys)
            scenario.run_stage("start", 0, scenario.is_up_to_date)
            polls, before = dict(scenario.checker.polls), ResourceUsage.of(pid)
            proxies.inject_faults()
            scenario.run_stage("fault", 1, lambda: all(scenario.outcomes_since(polls).values()))
            outcomes = scenario.outcomes_since(polls)
            proxies.remove_faults()
            scenario.run_stage("after", 2, scenario.is_up_to_date)
            log = (folder / "serve.log").read_text()
            return ScenarioResult(possible, scenario.checker, before, ResourceUsage.of(pid), outcomes, log)
