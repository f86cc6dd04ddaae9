"""From a breach to the person on call, with the real parts: platform, exporter, Prometheus, Alertmanager, receiver.

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
STRETCHES = shipped.cases("scenarios")
WORLD = World.from_seed(SEED, COMPANIES)


class Stretch(NamedTuple):
    """What came of a stretch of time: all messages, and what fired, as (source, alert and what it is about)."""

    messages: tuple[Message, ...]
    fired: frozenset[tuple[str, str]]
    seconds: float


def about(labels: Mapping[str, str]) -> str:
    """Returns an alert as the cases write it."""
    return " ".join([labels["alertname"], *(labels[name] for name in ("activity", "report") if name in labels)][:2])


def scrape_configuration(folder: Path, target: str, alertmanager_url: str) -> str:
    """Returns the shipped configuration of Prometheus with addresses and paths of here, and quick intervals."""
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
    """Runs a Prometheus that has no rules yet; `follow` gives it some."""
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
    """Gives a Prometheus the rules that are on by default, accelerated."""
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


def run(case: Config, folder: Path, suite_prometheus: Path, suite_alertmanager: Path) -> Stretch:
    """Lets a stretch of time pass."""
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
        return Stretch(
            tuple(collector.messages),
            frozenset((point.labels.get("source", ""), about(point.labels)) for point in fired),
            (datetime.now(UTC) - began).total_seconds(),
        )


def factor_of(case: Config) -> float:
    return float(str(case["factor"]))


def is_later(source: Config) -> bool:
    """Tells whether the trouble of a source begins when it was polled already."""
    return isinstance(source.get("from"), datetime)


def pass_time(case: Config, acceleration: Acceleration, set_scenario: Callable[[str, str], None]) -> None:
    """Waits until the stretch is over, and lets troubles begin on the way."""
    later = [each for each in mappings(case["sources"]) if is_later(each)]
    for due in sorted({*(moment(each["from"]) for each in later), moment(case["until"])}):
        left = acceleration.real(due - acceleration.now())
        programs.wait_for(lambda due=due: acceleration.now() >= due, f"{due} to come", left + 5)  # type: ignore[misc]  # mypy cannot infer a default's type
        for each in later:
            if moment(each["from"]) == due:
                set_scenario(str(each["scenario"]), str(each["scenario"]))


@pytest.fixture(scope="module")
def stretches(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Stretch]:
    """Lets the stretches of time pass side by side, once for all tests; they wait more than they work."""
    servers = programs.find("prometheus"), programs.find("alertmanager")
    with ThreadPoolExecutor() as pool:
        passing = {
            str(case["id"]): pool.submit(run, case, tmp_path_factory.mktemp("stretch"), *servers) for case in STRETCHES
        }
        return {name: stretch.result() for name, stretch in passing.items()}


@pytest.fixture
def stretch(stretches: Mapping[str, Stretch], request: pytest.FixtureRequest) -> Stretch:
    """Returns what came of the stretch of time whose name is asked for."""
    return stretches[request.param]


def written(message: Message) -> Config:
    """Returns a message as the cases write it."""
    text: Config = {
        "to": message.receiver,
        "status": message.status,
        "alerts": sorted(about(labels) for labels in (*message.firing, *message.resolved)),
    }
    ranks = {str(company(rank)): rank for rank in reversed(range(COMPANIES))}
    return text | ({"company": ranks[message.group["company_id"]]} if "company_id" in message.group else {})


def in_order(messages: list[Config]) -> list[Config]:
    """Returns messages in the order of their alerts; who of several receivers is the first to hear is chance."""
    same = groupby(messages, key=lambda each: (each["status"], each["alerts"]))
    return [message for _, several in same for message in sorted(several, key=lambda each: str(each["to"]))]


SCENARIOS = [
    pytest.param(case["id"], source, id=f"{case['id']}: {source['scenario']}")
    for case in STRETCHES
    for source in mappings(case["sources"])
]
OF_STRETCHES = pytest.mark.parametrize("stretch", [case["id"] for case in STRETCHES], indirect=True)


@pytest.mark.parametrize(("stretch", "source"), SCENARIOS, indirect=["stretch"])
def test_a_scenario_delivers_exactly_its_messages(stretch: Stretch, source: Config) -> None:
    """Whole messages in order, from the breach to the receiver; a source that is well delivers none."""
    mine = [written(message) for message in stretch.messages if message.group.get("source") == source["scenario"]]

    assert source["messages"] == in_order(mine)


@pytest.mark.parametrize(("stretch", "source"), SCENARIOS, indirect=["stretch"])
def test_what_is_no_message_was_seen(stretch: Stretch, source: Config) -> None:
    """The rule fired, and the routes or an inhibition kept it from everybody."""
    silent = {(str(source["scenario"]), one) for one in words(source.get("silently", []))}

    assert silent <= stretch.fired


@OF_STRETCHES
def test_nothing_is_delivered_that_is_of_no_scenario(stretch: Stretch) -> None:
    """The exporter itself is well all the time, and nothing else is watched."""
    known = {source["scenario"] for case in STRETCHES for source in mappings(case["sources"])}

    assert {message.group.get("source") for message in stretch.messages} <= known


@OF_STRETCHES
def test_a_stretch_takes_less_than_two_minutes(stretch: Stretch) -> None:
    assert stretch.seconds < 120
