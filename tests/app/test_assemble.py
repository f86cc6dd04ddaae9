"""Every option arrives where it is used, and the assembled parts run against a platform."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from msgspec import structs

from exporter.app.assemble import assemble, endpoint_of
from exporter.app.process import serving
from exporter.cli.demo.command import demonstration
from exporter.domain.calendars import Calendar
from exporter.domain.errors import ConfigError
from exporter.ledger.day_status import DayRules
from exporter.platforms.registry import platforms
from exporter.settings import Settings, load
from exporter.simulator.app import create_app
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.paradigm.world import World
from exporter.web.server.server import listen, url
from tests.cli.conftest import CANARY

TIMEOUT_S = 20
EVERY_OPTION = """
sources:
  production:
    platform: paradigm
    base_url: https://paradigm.example
    api_key: {key}
    timezone: Europe/Paris
    poll: {{interval: 30m, jitter: 20%, timeout: 40s, max_body: 1MiB, requests_per_minute: 7}}
    reports: [chat-sessions]
    families: {{exclude: ["paradigm_unique_*"]}}
    companies: {{include: [17]}}
    settle: 8h
    reread_days: 5
    history_days: 70
    max_staleness: 2d
    calendar: french
calendars:
  french: {{weekend: [sun], holidays: [2026-12-25]}}
"""
PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Returns settings in which no option has its default."""
    file = tmp_path / "exporter.yml"
    file.write_text(EVERY_OPTION.format(key=CANARY))
    return load(file, {}, platforms())


def test_options_arrive_at_the_poller(settings: Settings) -> None:
    """What to request, which companies to hold, which families to serve, and how days count."""
    seen = settings.sources["production"].target

    rules = DayRules(
        zone=PARIS,
        settle=timedelta(hours=8),
        reread_days=5,
        keep_days=70,
        max_staleness=timedelta(days=2),
        calendar=Calendar(frozenset({6}), frozenset({date(2026, 12, 25)})),
    )
    assert ("production", ["chat-sessions"]) == (seen.source, [report.name for report in seen.reports])
    assert (rules, timedelta(minutes=30)) == (seen.rules, seen.interval)
    assert ("17", ("paradigm_unique_*",)) == (seen.scope.company_id, seen.excluded)
    assert [True, False] == [seen.companies.wants(company_id, "Northwind") for company_id in ("17", "18")]


def test_options_arrive_at_the_schedule(settings: Settings) -> None:
    """How often, how late, and in which zone midnight is."""
    target = settings.sources["production"].target

    assert (target.interval, target.jitter) == (timedelta(minutes=30), 0.2)
    assert (target.rules.zone, target.rules.settle) == (PARIS, timedelta(hours=8))


def test_options_arrive_at_the_client(settings: Settings) -> None:
    """Where the platform is and through what it is reached, without showing a password."""
    base_url, proxy_url = "https://paradigm.example", f"http://u:{CANARY}@proxy.example"
    made = endpoint_of(replace(settings.sources["production"], base_url=base_url, proxy_url=proxy_url))

    assert (made.base_url, made.proxy_url) == (base_url, proxy_url)
    assert CANARY not in repr(made)


def test_a_key_is_read_again_at_each_use_only_from_a_file(settings: Settings, tmp_path: Path) -> None:
    literal = settings.sources["production"]
    (tmp_path / "key").write_text(CANARY)
    in_file = endpoint_of(replace(literal, api_key=tmp_path / "key")).key

    assert endpoint_of(literal).key == literal.key()
    assert not isinstance(in_file, str)
    assert in_file() == CANARY


def test_an_unusable_authority_is_refused_before_anything_runs(settings: Settings) -> None:
    each = replace(settings.sources["production"], ca_file=Path(__file__))

    with pytest.raises(ConfigError, match="production: ca_file"):
        assemble(structs.replace(settings, sources={"production": each}))


@asynccontextmanager
async def simulated(*scenarios: str) -> AsyncIterator[Mapping[str, str]]:
    """Serves a simulated platform while the block runs; yields a configuration with one report."""
    world = World.from_seed(1, 3)
    app = create_app(world, lambda: datetime.now(UTC), scenarios=scenarios)
    with listen("127.0.0.1:0", "") as listening:
        async with serving(app, listening):
            both = demonstration(world, Bots.from_seed(1), url(listening))
            demo = {name: value for name, value in both.items() if "__DEMO__" in name}
            yield {**demo, "CHAT_USAGE_SOURCES__DEMO__REPORTS": "chat-sessions"}


async def until(http: httpx.AsyncClient, path: str, says: str) -> str:
    """Requests until the answer contains some words, and returns it; the exporter runs in between."""
    async with asyncio.timeout(TIMEOUT_S):
        while says not in (answer := (await http.get(path)).text):  # noqa: ASYNC110 a scrape can only ask again
            await asyncio.sleep(0.01)
    return answer


@pytest.mark.anyio
async def test_an_exporter_polls_while_it_is_open(caplog: pytest.LogCaptureFixture) -> None:
    """It becomes ready, stays alive, logs one line for each report and poll, and stops everything at its end."""
    caplog.set_level(logging.INFO, "exporter")
    counted = 'chat_usage_polls_total{outcome="ok",report="chat-sessions",source="demo"} 1.0\n'  # once it is published
    async with simulated() as environ:
        exporter = assemble(load(None, environ, platforms()))
        transport = httpx.ASGITransport(exporter.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as http:
            before = await http.get("/-/ready")
            async with exporter.polling():
                await until(http, "/-/ready", "ready\n")
                page = await until(http, "/metrics", counted)
                health = await http.get("/-/healthy")

    polled = [record for record in caplog.records if record.msg == "polled"]
    assert (503, 200) == (before.status_code, health.status_code)
    assert 'paradigm_user_queries_last_day{source="demo"' in page
    assert [("demo", "chat-sessions", "ok")] == [
        (vars(record)["source"], vars(record)["report"], vars(record)["outcome"]) for record in polled
    ]


@pytest.mark.anyio
async def test_a_failed_poll_is_one_line_and_a_count(caplog: pytest.LogCaptureFixture) -> None:
    """A warning says why, without the key; the metrics say the same, and there is no figure."""
    caplog.set_level(logging.INFO, "exporter")
    async with simulated("key-rejected") as environ:
        exporter = assemble(load(None, environ, platforms()))
        transport = httpx.ASGITransport(exporter.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as http, exporter.polling():
            counted = 'chat_usage_polls_total{outcome="auth",report="chat-sessions",source="demo"} 1.0'
            page = await until(http, "/metrics", counted)
            ready = await http.get("/-/ready")

    [failed] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert ("poll failed", "auth") == (failed.msg, vars(failed)["outcome"])
    assert environ["CHAT_USAGE_SOURCES__DEMO__API_KEY"] not in caplog.text + str(vars(failed)) + page
    assert ("# TYPE paradigm_" in page, ready.status_code) == (False, 503)
    assert 'last_outcome{source="demo",report="chat-sessions",outcome="auth"} 1.0\n' in page


@pytest.mark.parametrize("base", ["http://127.0.0.1:9855", "http://192.0.2.7:9855", "http://[::1]:9855"])
def test_a_demo_configures_itself(base: str) -> None:
    """Wherever its platform listens, also with plain http to another host."""
    world = World.from_seed(1, 3)

    demo = load(None, demonstration(world, Bots.from_seed(1), base), platforms()).sources["demo"]

    assert ("demo", base, world.keys.admin) == (demo.name, demo.base_url, demo.key())


def test_a_demo_shows_both_platforms() -> None:
    """ChatCaptain is a second source, with one chatbot and its key."""
    world, bots, base = World.from_seed(1, 3), Bots.from_seed(1), "http://127.0.0.1:9855"

    both = demonstration(world, bots, base)

    start = "CHAT_USAGE_SOURCES__DEMO_BOT__"
    bot = {name.removeprefix(start): value for name, value in both.items() if name.startswith(start)}
    chatbot = bots.chatbots[0]
    assert (bot["PLATFORM"], bot["CHATBOT_ID"], bot["API_KEY"]) == ("chatcaptain", chatbot.id, chatbot.key)
    assert (bot["BASE_URL"], bot["COMPANY"]) == (base, "Northwind")
