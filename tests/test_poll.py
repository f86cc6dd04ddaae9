"""What a poll does when the platform does not: the cause is named, and nothing that stands falls."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from exporter.fetch import Patience
from exporter.judge import DayRules
from exporter.page import Board
from exporter.poll import Outlet, Poller, Time, Watch
from exporter.simulate.app import create_app
from exporter.simulate.world import World
from exporter.source import Request, Scope
from exporter.sources.paradigm import CHAT_SESSIONS
from exporter.telemetry import Telemetry
from exporter.worker import Worker
from tests.road import RULES, PassedClock, Road, Series, utc

pytestmark = pytest.mark.anyio

NOON = utc(2026, 3, 3, 12)
HOUR = timedelta(hours=1)


def world() -> World:
    return World.from_seed(1, 6)


async def set_scenarios(platform: httpx.AsyncClient, *names: str) -> None:
    answer = await platform.post("https://simulator.example/control", json={"scenarios": names})
    assert answer.is_success


def figures(road: Road) -> Mapping[Series, float]:
    return road.page("paradigm_")


def only(road: Road, name: str) -> float:
    """Returns the value of the one series of this name."""
    (value,) = road.page(name).values()
    return value


@pytest.mark.parametrize(
    ("scenario", "outcome"),
    [
        ("outage", "http_error"),
        ("key-rejected", "auth"),
        ("html-200", "not_json"),
        ("truncated", "not_json"),
        ("schema-change", "schema"),
    ],
)
async def test_a_failing_platform_is_named_and_takes_nothing_away(scenario: str, outcome: str) -> None:
    """The figures keep standing, the cause shows, and one good poll puts all right."""
    clock = PassedClock(NOON)
    transport = httpx.ASGITransport(create_app(world(), clock.now))
    async with Road(transport, clock, world().keys.admin) as road, httpx.AsyncClient(transport=transport) as platform:
        await road.poller.poll()
        before = figures(road)
        clock.moment += HOUR
        await set_scenarios(platform, scenario)
        await road.poller.poll()

        assert before == figures(road)
        assert road.outcomes() == {"ok": 1, outcome: 1}
        assert only(road, "chat_usage_report_up") == 0
        assert only(road, "chat_usage_poll_last_success_timestamp_seconds") == NOON.timestamp()
        assert only(road, "chat_usage_poll_last_attempt_timestamp_seconds") == clock.seconds()
        assert [
            dict(key.labels)["outcome"] for key, value in road.page("chat_usage_poll_last_outcome").items() if value
        ] == [outcome]

        await set_scenarios(platform)
        clock.moment += HOUR
        await road.poller.poll()

        assert road.outcomes() == {"ok": 2, outcome: 1}
        assert only(road, "chat_usage_report_up") == 1


async def test_a_rate_limited_platform_is_waited_for() -> None:
    """Every other request is refused for a second: the poll waits as told and is good."""
    clock = PassedClock(NOON)
    async with Road.to(world(), clock, "rate-limited") as road:
        await road.poller.poll()

        assert road.outcomes() == {"ok": 1}
        assert max(clock.slept) >= 1
        waited = only(road, "chat_usage_api_retry_wait_seconds_total")
        assert waited == pytest.approx(sum(clock.slept))
        codes = {dict(key.labels)["code"]: value for key, value in road.page("chat_usage_api_requests_total").items()}
        assert codes == {"429": 1, "200": 1}


def refuse(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def hang(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("nothing came")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        pytest.param(refuse, "connection", id="nobody-listens"),
        pytest.param(hang, "timeout", id="no-answer"),
        pytest.param(
            lambda _: httpx.Response(200, stream=httpx.ByteStream(b'{"detail": "no"}')),
            "schema",
            id="an-error-in-a-200",
        ),
        pytest.param(
            lambda _: httpx.Response(302, headers={"location": "https://x.example/"}), "http_error", id="moved"
        ),
        pytest.param(lambda _: httpx.Response(403), "auth", id="forbidden"),
        pytest.param(lambda _: httpx.Response(429, headers={"retry-after": "86400"}), "rate_limited", id="a-day-long"),
    ],
)
async def test_before_the_first_good_poll_the_page_says_why_there_is_nothing(
    answer: Callable[[httpx.Request], httpx.Response], outcome: str
) -> None:
    """No figure, no zero; the report's health is there from the start."""
    async with Road(httpx.MockTransport(answer), PassedClock(NOON), "key") as road:
        assert road.outcomes() == {}
        assert set(road.page("chat_usage_polls_total").values()) == {0}
        await road.poller.poll()

        assert road.outcomes() == {outcome: 1}
        assert not figures(road)
        assert only(road, "chat_usage_poll_last_success_timestamp_seconds") == 0
        assert not road.board.shown.served


async def test_figures_go_when_they_are_too_old_and_their_freshness_stays() -> None:
    """At max_staleness; the day that they described is still told."""
    clock = PassedClock(NOON)
    async with Road.to(world(), clock) as road:
        await road.poller.poll()
        day = road.page("chat_usage_report_day_timestamp_seconds")
        expires = road.poller.expires_at()
        assert expires == NOON + RULES.max_staleness

        clock.moment = expires
        await road.poller.refresh()
        assert {key.name for key in figures(road)} >= {"paradigm_user_queries_last_day"}
        clock.moment = expires + timedelta(seconds=1)
        await road.poller.refresh()

        assert not figures(road)
        assert day == road.page("chat_usage_report_day_timestamp_seconds")
        assert road.poller.expires_at() is None


async def test_a_company_that_the_key_no_longer_sees_is_not_served_as_zero() -> None:
    """A company admin's key in place of the admin's: the others are withdrawn and counted."""
    clock = PassedClock(NOON)
    transport = httpx.ASGITransport(create_app(world(), clock.now))
    async with Road(transport, clock, world().keys.admin) as road, httpx.AsyncClient(transport=transport) as platform:
        await road.poller.poll()
        companies = {dict(key.labels)["company_id"] for key in figures(road)}
        await set_scenarios(platform, "key-swapped")
        await road.poller.poll()

        assert {dict(key.labels)["company_id"] for key in figures(road)} == {"1"}
        assert only(road, "chat_usage_report_companies_withdrawn") == len(companies) - 1

        await set_scenarios(platform)
        await road.poller.poll()

        assert {dict(key.labels)["company_id"] for key in figures(road)} == companies
        assert only(road, "chat_usage_report_companies_withdrawn") == 0


async def test_a_report_that_is_a_day_late_is_waited_for() -> None:
    """No company has a row for yesterday until 14:00: the day before stays, and the gauge says that a day waits."""
    clock = PassedClock(utc(2026, 3, 3, 13))
    async with Road.to(world(), clock, "late-day") as road:
        await road.poller.poll()
        assert only(road, "chat_usage_report_day_timestamp_seconds") == utc(2026, 3, 1).timestamp()
        assert only(road, "chat_usage_report_empty_day") == 1

        clock.moment = utc(2026, 3, 3, 14)
        await road.poller.poll()
        assert only(road, "chat_usage_report_day_timestamp_seconds") == utc(2026, 3, 2).timestamp()
        assert only(road, "chat_usage_report_empty_day") == 0


class Waiting:
    """A platform that answers when it is let; it never lies, it is only slow."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.free = asyncio.Event()

    async def get(self, request: Request, patience: Patience) -> bytes:
        self.asked.set()
        await self.free.wait()
        return b'{"reporting": [], "reporting_agents": []}'


class Broken:
    """A platform adapter with a bug of ours in it."""

    async def get(self, request: Request, patience: Patience) -> bytes:
        raise ZeroDivisionError


def poller(fetch: Waiting | Broken, telemetry: Telemetry, rules: DayRules = RULES) -> Poller:
    watch = Watch("s", (CHAT_SESSIONS,), Scope(), rules, HOUR)
    clock = PassedClock(NOON)
    return Poller(watch, fetch, Outlet(Board(), telemetry, Worker("poll")), Time(clock.now, clock.seconds))


def counted(telemetry: Telemetry, outcome: str) -> float | None:
    labels = {"source": "s", "report": "chat-sessions", "outcome": outcome}
    return telemetry.registry.get_sample_value("chat_usage_polls_total", labels)


async def test_a_poll_that_overlaps_is_skipped_and_counted() -> None:
    """One poll of a source runs at a time; the running one is not disturbed."""
    platform, telemetry = Waiting(), Telemetry()
    subject = poller(platform, telemetry)
    await subject.start()
    running = asyncio.create_task(subject.poll())
    await platform.asked.wait()

    await subject.poll()
    platform.free.set()
    await running

    assert (counted(telemetry, "ok"), counted(telemetry, "skipped")) == (1, 1)


async def test_an_error_of_our_own_is_one_more_outcome(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with its traceback, for a report to us, and the next poll comes as planned."""
    telemetry = Telemetry()
    subject = poller(Broken(), telemetry)
    await subject.start()

    await subject.poll()
    await subject.poll()

    assert counted(telemetry, "internal") == 2
    assert "ZeroDivisionError" in caplog.text


async def test_a_poll_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Source, report, outcome and what was left out; on failure the reason; never a key."""
    caplog.set_level(logging.INFO)
    clock, key = PassedClock(NOON), world().keys.admin
    transport = httpx.ASGITransport(create_app(world(), clock.now))
    async with Road(transport, clock, key) as road, httpx.AsyncClient(transport=transport) as platform:
        await road.poller.poll()
        await set_scenarios(platform, "key-rejected")
        await road.poller.poll()

    lines = [record for record in caplog.records if record.name == "exporter.poll"]
    assert [(record.levelname, record.message) for record in lines] == [("INFO", "polled"), ("WARNING", "poll failed")]
    assert "api_key" in lines[1].__dict__["reason"]
    assert not any(key in str(record.__dict__) for record in lines)


async def test_companies_and_families_that_are_not_wanted_are_not_served() -> None:
    """The filter is ours also where the platform filters; excluded families are gone from the page."""
    clock = PassedClock(NOON)
    async with Road.to(world(), clock) as road:
        road.poller.watch = replace(
            road.poller.watch, wanted=lambda identity, _: identity == "2", excluded=("paradigm_*_today", "*_average_*")
        )
        await road.poller.poll()

        names = {key.name for key in figures(road)}
        assert {dict(key.labels)["company_id"] for key in figures(road)} == {"2"}
        assert "paradigm_user_queries_last_day" in names
        assert not {name for name in names if name.endswith("_today") or "average" in name}
