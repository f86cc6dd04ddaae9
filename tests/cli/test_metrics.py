"""The catalogue is what the program serves: compared with a real page, polled over HTTP from the simulated platform."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.app.assemble import assemble
from exporter.app.process import serving
from exporter.cli.demo.command import demonstration
from exporter.cli.main import run
from exporter.cli.metrics import catalogue, example
from exporter.domain.clock import Clock
from exporter.domain.model import Family
from exporter.metrics import report_health
from exporter.metrics.activities import MISSING
from exporter.metrics.report_health import UNMATCHED_INFO
from exporter.platforms.registry import platforms
from exporter.settings import load
from exporter.simulator.app import create_app
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.paradigm.world import World
from exporter.web.server.server import listen, url

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ENTRIES = {entry.name: entry for entry in catalogue()}


@dataclass(frozen=True)
class Page:
    """What a scrape of a polled exporter holds, family by family, under the names of the catalogue."""

    families: Mapping[str, Metric]

    @classmethod
    def read(cls, text: str) -> "Page":
        families = parse_openmetrics(text)  # type: ignore[no-untyped-call]  # the library ships no types for it
        return cls({each.name + ("_total" if each.type == "counter" else ""): each for each in families})


@pytest.fixture
async def page() -> Page:
    """An exporter as `demo` assembles it, polled once at noon of a Friday."""
    world = World.from_seed(1)
    with listen("127.0.0.1:0", "") as listening:
        bots = Bots.from_seed(1)
        async with serving(create_app(world, lambda: NOON, bots=bots), listening):
            environ = {
                **demonstration(world, bots, url(listening)),
                "CHAT_USAGE_SOURCES__DEMO__API_KEY_EXPIRES": "2027-03-01",
                "CHAT_USAGE_THRESHOLDS": '[{"activity": ["sessions", "conversations"], "above": 9, "team": "sales"}]',
            }
            settings = load(None, environ, platforms())
            exporter = assemble(settings, Clock(lambda: NOON, lambda: 0.0))
            for each in exporter.sources.running.values():
                await each.poller.start()
                await each.poller.poll()
            exporter.telemetry.paused("demo", NOON)
            transport = httpx.ASGITransport(exporter.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as http:
                answer = await http.get("/metrics", headers={"Accept": "application/openmetrics-text"})
            await exporter.closing.aclose()
    return Page.read(answer.text)


def labels(family: Metric) -> set[frozenset[str]]:
    """Returns the label names of the samples, without the bounds of buckets."""
    return {frozenset(sample.labels.keys() - {"le"}) for sample in family.samples}


@pytest.mark.anyio
async def test_every_family_of_a_page_is_in_the_catalogue(page: Page) -> None:
    """With the same type, labels and help; nothing is served that is not documented."""
    served = {name: (each.type, labels(each), each.documentation) for name, each in page.families.items()}

    assert served == {
        name: (entry.kind, {frozenset(entry.label_names)}, entry.help)
        for name, entry in ENTRIES.items()
        if name in served
    }


@pytest.mark.anyio
async def test_every_family_of_the_catalogue_is_served(page: Page) -> None:
    """Nothing is documented that does not exist; three show only what is wrong, two need a state file."""
    assert sorted(ENTRIES.keys() - page.families) == [
        MISSING,
        UNMATCHED_INFO.name,
        report_health.UNREAD.name,
        "chat_usage_state_last_write_success_timestamp_seconds",
        "chat_usage_state_last_write_successful",
    ]


def test_each_family_stands_once_in_the_catalogue() -> None:
    """A name that two reports share would be two families of one name on a page."""
    names = [entry.name for entry in catalogue()]

    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("entry", [pytest.param(entry, id=name) for name, entry in ENTRIES.items()])
def test_each_example_is_a_sample_of_its_family(entry: Family) -> None:
    """It can be pasted into a page: it parses, and has exactly the labels that are listed."""
    [family] = parse_text(f"# TYPE {entry.name} {entry.kind}\n{example(entry)}\n")

    [sample] = family.samples
    assert sample.name.removesuffix("_bucket") == entry.name
    assert tuple(name for name in sample.labels if name != "le") == entry.label_names
    assert ("le" in sample.labels) is (entry.kind == "histogram")


def test_the_catalogue_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Everything of every family, for programs."""
    assert run(["metrics", "--format", "json"]) == 0

    printed = json.loads(capsys.readouterr().out)
    fields = ["name", "type", "labels", "help", "example"]
    assert [list(each) for each in printed] == [fields] * len(ENTRIES)
    assert [tuple(each.values()) for each in printed] == [
        (each.name, each.kind, list(each.label_names), each.help, example(each)) for each in catalogue()
    ]


def test_the_page_of_the_documentation_is_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    """Stale? `make docs`."""
    assert run(["metrics", "--format", "markdown"]) == 0

    assert capsys.readouterr().out == (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()


@pytest.mark.parametrize("name", [name for name in ENTRIES if not name.startswith(("python_", "process_"))])
def test_help_is_one_short_sentence(name: str) -> None:
    """Those of prometheus-client's own families are its own."""
    text = ENTRIES[name].help

    assert re.fullmatch(r"[A-Z01].*[^.]\.", text)
    assert ". " not in text
    assert len(text) < 120
