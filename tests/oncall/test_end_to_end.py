"""From a broken limit to the notification, with real platform, exporter, Prometheus, Alertmanager and receiver.

The files are those of config/ and alert_rules/ (what is on by default), with other addresses and scaled time
(tests/oncall/time_scaling.py). One run has several sources, each with its own fault, because five programs per scenario
would take too long.
"""

import socket
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from exporter.simulator.paradigm.world import World
from exporter.simulator.scenarios import NORMAL
from tests import loopback
from tests.e2e import programs
from tests.e2e.prometheus import Prometheus
from tests.oncall import shipped, time_scaling
from tests.oncall.accelerated import AcceleratedSetup, Platform, listening, running
from tests.oncall.alerting import alertmanager
from tests.oncall.collector import Message, collecting
from tests.oncall.shipped import Config, mapping, mappings, words
from tests.oncall.time_scaling import Acceleration

pytestmark = [pytest.mark.e2e, pytest.mark.once, pytest.mark.alone]

SCRAPE = EVALUATE = "300ms"
COMPANIES = 6
SEED = 1
PERIODS = shipped.cases("scenarios")
WORLD = World.from_seed(SEED, COMPANIES)


class Period(NamedTuple):
    """The result of a period: all messages, and fired alerts as (source, alert and subject)."""

    messages: tuple[Message, ...]
    fired: frozenset[tuple[str, str]]
    seconds: float


def about(labels: Mapping[str, str]) -> str:
    """Returns an alert in the notation of the cases."""
    return " ".join([labels["alertname"], *(labels[name] for name in ("activity", "report") if name in labels)][:2])


def scrape_configuration(folder: Path, target: str, alertmanager_url: str) -> str:
    """Returns the shipped Prometheus configuration with local addresses and paths and short intervals."""
    config = mapping(yaml.safe_load(shipped.PROMETHEUS.read_text()))
    (job,) = mappings(config["scrape_configs"])
    targets = [{"static_configs": [{"targets": [alertmanager_url.removeprefix("http://")]}]}]
    quick = {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE, "evaluation_interval": EVALUATE}
    changed: Config = {
        "global": quick,
        "rule_files": [f"{folder}/rules/*.yml"],
        "alerting": {"alertmanagers": targets},
        "scrape_configs": [{**job, "static_configs": [{"targets": [target]}]}],
    }
    assert config.keys() == changed.keys()
    return yaml.safe_dump(changed)


@contextmanager
def prometheus(program: Path, folder: Path, target: str, alertmanager_url: str) -> Iterator[Prometheus]:
    """Runs a Prometheus without rules; `follow` adds them."""
    file = folder / "prometheus.yml"
    file.write_text(scrape_configuration(folder, target, alertmanager_url))
    url = f"http://127.0.0.1:{programs.free_port()}"
    command: list[str | Path] = [
        program,
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--web.enable-lifecycle",
        "--rules.alert.resend-delay=1s",
    ]
    with programs.running(command, folder / "prometheus.log", lambda: programs.answers(f"{url}/-/ready")):
        yield Prometheus(url)


def follow(server: Prometheus, folder: Path, acceleration: Acceleration) -> None:
    """Loads the default rules, accelerated."""
    (folder / "rules").mkdir()
    for path in shipped.rule_files(optional=False):
        changed = time_scaling.rules(mapping(yaml.safe_load(path.read_text())), acceleration, EVALUATE)
        (folder / "rules" / path.name).write_text(yaml.safe_dump(dict(changed)))
    loopback.post(f"{server.url}/-/reload").raise_for_status()


def company(rank: int | str) -> int:
    """Returns the id of the company of this rank."""
    return WORLD.busiest(int(rank)).id


def platforms(case: Config, sockets: ExitStack) -> Mapping[str, Platform]:
    return {
        str(each["scenario"]): Platform(
            WORLD,
            sockets.enter_context(listening()),
            NORMAL if is_later(each) else str(each["scenario"]),
            tuple(company(rank) for rank in words(each.get("expected", []))),
        )
        for each in mappings(case["sources"])
    }


def moment(text: object) -> datetime:
    assert isinstance(text, datetime)  # YAML reads it
    return text.astimezone(UTC)


def run(case: Config, folder: Path, suite_prometheus: Path, suite_alertmanager: Path) -> Period:
    """Runs a period."""
    with ExitStack() as stack:
        collector = stack.enter_context(collecting())
        routes = time_scaling.alertmanager(
            shipped.delivering_to(shipped.alertmanager(), collector.url), factor_of(case)
        )
        alerting = stack.enter_context(alertmanager(suite_alertmanager, folder, dict(routes)))
        own: socket.socket = stack.enter_context(listening())
        target = f"127.0.0.1:{own.getsockname()[1]}"
        server = stack.enter_context(prometheus(suite_prometheus, folder, target, alerting.url))
        server.wait_until("up")  # it looks for targets 5 s after its start
        began = datetime.now(UTC)
        acceleration = Acceleration(factor_of(case), began, moment(case["began"]))
        setup = AcceleratedSetup(acceleration, platforms(case, stack), own)
        set_scenario = stack.enter_context(running(setup, folder))
        server.wait_until("up == 1")
        follow(server, folder, acceleration)
        pass_time(case, setup.acceleration, set_scenario)
        fired = server.query(
            'count by (source, alertname, activity, report) (last_over_time(ALERTS{alertstate="firing"}[1h]))'
        )
        return Period(
            tuple(collector.messages),
            frozenset((point.labels.get("source", ""), about(point.labels)) for point in fired),
            (datetime.now(UTC) - began).total_seconds(),
        )


def factor_of(case: Config) -> float:
    return float(str(case["factor"]))


def is_later(source: Config) -> bool:
    """Tells whether the fault of a source starts after its first poll."""
    return isinstance(source.get("from"), datetime)


def pass_time(case: Config, acceleration: Acceleration, set_scenario: Callable[[str, str], None]) -> None:
    """Waits until the period is over, and starts faults."""
    later = [each for each in mappings(case["sources"]) if is_later(each)]
    for due in sorted({*(moment(each["from"]) for each in later), moment(case["until"])}):
        left = acceleration.real(due - acceleration.now())
        programs.wait_for(lambda due=due: acceleration.now() >= due, f"{due} to come", left + 5)  # type: ignore[misc]  # mypy cannot infer a default's type
        for each in later:
            if moment(each["from"]) == due:
                set_scenario(str(each["scenario"]), str(each["scenario"]))


@pytest.fixture(scope="module")
def periods(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Period]:
    """Runs all periods in parallel, once for all tests, since they mostly wait."""
    servers = programs.find("prometheus"), programs.find("alertmanager")
    with ThreadPoolExecutor() as pool:
        passing = {
            str(case["id"]): pool.submit(run, case, tmp_path_factory.mktemp("period"), *servers) for case in PERIODS
        }
        return {name: period.result() for name, period in passing.items()}


@pytest.fixture
def period(periods: Mapping[str, Period], request: pytest.FixtureRequest) -> Period:
    """Returns the result of a period by name."""
    return periods[request.param]


def written(message: Message) -> Config:
    """Returns a message in the notation of the cases."""
    text: Config = {
        "to": message.receiver,
        "status": message.status,
        "alerts": sorted(about(labels) for labels in (*message.firing, *message.resolved)),
    }
    ranks = {str(company(rank)): rank for rank in reversed(range(COMPANIES))}
    return text | ({"company": ranks[message.group["company_id"]]} if "company_id" in message.group else {})


def in_order(messages: list[Config]) -> list[Config]:
    """Returns messages in the order of alerts; the order of receivers is random."""
    same = groupby(messages, key=lambda each: (each["status"], each["alerts"]))
    return [message for _, several in same for message in sorted(several, key=lambda each: str(each["to"]))]


SCENARIOS = [
    pytest.param(case["id"], source, id=f"{case['id']}: {source['scenario']}")
    for case in PERIODS
    for source in mappings(case["sources"])
]
OF_PERIODS = pytest.mark.parametrize("period", [case["id"] for case in PERIODS], indirect=True)


@pytest.mark.parametrize(("period", "source"), SCENARIOS, indirect=["period"])
def test_a_scenario_delivers_exactly_its_messages(period: Period, source: Config) -> None:
    """Complete messages in order; a source without a fault delivers none."""
    mine = [written(message) for message in period.messages if message.group.get("source") == source["scenario"]]

    assert source["messages"] == in_order(mine)


@pytest.mark.parametrize(("period", "source"), SCENARIOS, indirect=["period"])
def test_undelivered_alerts_fired(period: Period, source: Config) -> None:
    """The rule fired, but routes or inhibitions suppressed it."""
    silent = {(str(source["scenario"]), one) for one in words(source.get("silently", []))}

    assert silent <= period.fired


@OF_PERIODS
def test_nothing_else_is_delivered(period: Period) -> None:
    """The exporter itself has no fault, and nothing else is monitored."""
    known = {source["scenario"] for case in PERIODS for source in mappings(case["sources"])}

    assert {message.group.get("source") for message in period.messages} <= known


@OF_PERIODS
def test_a_period_takes_less_than_two_minutes(period: Period) -> None:
    assert period.seconds < 120
