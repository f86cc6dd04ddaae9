"""Fixtures: Prometheus servers with simulated samples, shared by all tests."""

from collections.abc import Iterator
from dataclasses import dataclass

import anyio
import pytest

from tests.dashboards.prometheus import Prometheus, Tools, evaluated, prometheus_with, running, store
from tests.dashboards.scenario import Scenario
from tests.dashboards.time_zones import BEGIN, EVALUATED, NOW, recordings, scraped
from tests.oncall.amtool import program
from tests.oncall.shipped import SUITES


@dataclass(frozen=True)
class Simulation:
    """Twelve simulated days, and a Prometheus with their samples."""

    scenario: Scenario
    prometheus: Prometheus


@pytest.fixture(scope="session")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """Simulates twelve days of both platforms and runs a Prometheus with the samples."""
    tools = Tools.found()
    scenario = Scenario()
    anyio.run(scenario.run)
    with prometheus_with(scenario, tools, tmp_path_factory.mktemp("past"), twin="staging") as prometheus:
        yield Simulation(scenario, prometheus)


@pytest.fixture(scope="session", params=SUITES)
def zones(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Runs the Prometheus of each Debian suite with samples from sources in many time zones."""
    tools = Tools(program("prometheus", request.param), program("promtool", request.param))
    folder = tmp_path_factory.mktemp("zones")
    store(scraped(), tools, folder)
    for rule in recordings():
        with running(tools, folder, BEGIN + EVALUATED, NOW) as prometheus:
            found = list(evaluated(prometheus, rule))
        store([*found, "# EOF\n"], tools, folder)
    with running(tools, folder, BEGIN, NOW) as prometheus:
        yield prometheus
