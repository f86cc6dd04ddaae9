"""The Prometheus that is asked what the dashboards ask; it lives through one run of the tests."""

from collections.abc import Iterator
from dataclasses import dataclass

import anyio
import pytest

from tests.dashboards.story import Story
from tests.dashboards.tsdb import Past, Tools, evaluated, filled, running, store
from tests.dashboards.zones import BEGIN, EVALUATED, NOW, recordings, scraped
from tests.oncall.amtool import program
from tests.oncall.shipped import SUITES


@dataclass(frozen=True)
class Lived:
    """Twelve days, and the Prometheus that saw them."""

    story: Story
    past: Past


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """Lives through twelve days of both platforms and runs Prometheus on what was scraped."""
    tools = Tools.found()
    story = Story()
    anyio.run(story.live)
    with filled(story, tools, tmp_path_factory.mktemp("past"), twin="staging") as past:
        yield Lived(story, past)


@pytest.fixture(scope="session", params=SUITES)
def zones(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """Runs a Prometheus of each suite of Debian that saw sources of many zones."""
    tools = Tools(program("prometheus", request.param), program("promtool", request.param))
    folder = tmp_path_factory.mktemp("zones")
    store(scraped(), tools, folder)
    for rule in recordings():
        with running(tools, folder, BEGIN + EVALUATED, NOW) as past:
            found = list(evaluated(past, rule))
        store([*found, "# EOF\n"], tools, folder)
    with running(tools, folder, BEGIN, NOW) as past:
        yield past
