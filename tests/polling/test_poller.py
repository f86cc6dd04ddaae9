"""What a poll does when the platform does not: the cause is named, and nothing that stands falls."""

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

import httpx
import pytest
from msgspec.structs import replace

from exporter.domain.clock import Clock
from exporter.domain.scope import Scope
from exporter.domain.selectors import Companies
from exporter.domain.threads import Worker
from exporter.exposition.board import Board
from exporter.exposition.telemetry import Telemetry
from exporter.http import RetryBudget
from exporter.ledger.day_status import DayRules
from exporter.metrics.target import ReportState, Target
from exporter.platforms.api import Request
from exporter.platforms.paradigm.platform import CHAT_SESSIONS, REPORTS
from exporter.polling.outputs import PollOutputs, StateStore
from exporter.polling.poller import Poller
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from exporter.web.status.problems import report_problems
from tests.pipeline.pipeline import RULES, ManualClock, Pipeline, Series, only, set_scenarios, target_with, utc

pytestmark = pytest.mark.anyio

NOON = utc(2026, 3, 3, 12)
HOUR = timedelta(hours=1)


def world() -> World:
    return World.from_seed(1, 6)


def figures(pipeline: Pipeline) -> Mapping[Series, float]:
    return pipeline.page("paradigm_")


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
    async with Pipeline(httpx.MockTransport(answer), ManualClock(NOON), "key") as pipeline:
        assert pipeline.outcomes() == {}
        assert set(pipeline.page("chat_usage_polls_total").values()) == {0}
        await pipeline.poller.poll()

        assert pipeline.outcomes() == {outcome: 1}
        assert not figures(pipeline)
        assert only(pipeline, "chat_usage_poll_last_success_timestamp_seconds") == 0
        assert not pipeline.board.shown.served


async def test_figures_go_when_they_are_too_old_and_their_freshness_stays() -> None:
    """At max_staleness; the day that they described is still told."""
    clock = ManualClock(NOON)
    async with Pipeline.to(world(), clock) as pipeline:
        await pipeline.poller.poll()
        day = pipeline.page("chat_usage_report_day_timestamp_seconds")
        expires = pipeline.poller.expires_at()
        assert expires == NOON + RULES.max_staleness

        clock.moment = expires
        await pipeline.poller.render_all()
        assert {key.name for key in figures(pipeline)} >= {"paradigm_user_queries_last_day"}
        clock.moment = expires + timedelta(seconds=1)
        await pipeline.poller.render_all()

        assert not figures(pipeline)
        assert day == pipeline.page("chat_usage_report_day_timestamp_seconds")
        assert pipeline.poller.expires_at() is None


class Waiting:
    """A platform that answers when it is let; it never lies, it is only slow."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.free = asyncio.Event()

    async def get(self, request: Request, retry_budget: RetryBudget) -> bytes:
        self.asked.set()
        await self.free.wait()
        return b'{"reporting": [], "reporting_agents": []}'


class Broken:
    """A platform adapter with a bug of ours in it."""

    async def get(self, request: Request, retry_budget: RetryBudget) -> bytes:
        raise ZeroDivisionError


def poller(fetch: Waiting | Broken, telemetry: Telemetry, rules: DayRules = RULES) -> Poller:
    target = Target("s", "paradigm", (CHAT_SESSIONS,), Scope(), rules, HOUR)
    clock = ManualClock(NOON)
    return Poller(target, fetch, PollOutputs(Board(), telemetry, Worker("poll")), Clock(clock.now, clock.seconds))


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


async def test_memory_is_released_after_the_past_was_read() -> None:
    """Answers about the past are the largest; a poll without them releases nothing."""
    platform, released, clock = Waiting(), list[int](), ManualClock(NOON)
    platform.free.set()
    outputs = PollOutputs(Board(), Telemetry(), Worker("poll"), release_memory=lambda: released.append(1))
    target = Target("s", "paradigm", (CHAT_SESSIONS,), Scope(), RULES, HOUR)
    subject = Poller(target, platform, outputs, Clock(clock.now, clock.seconds))
    await subject.start()

    await subject.poll()
    assert released == [1]
    await subject.poll()
    assert released == [1]


async def test_the_past_of_a_report_is_saved_while_that_of_others_is_asked_for() -> None:
    """A restart within the refresh pass, which takes minutes with many reports, repeats only what is missing."""
    platform, saved, clock = Waiting(), list[set[str]](), ManualClock(NOON)
    platform.free.set()

    def save(states: Mapping[str, ReportState]) -> None:
        saved.append({name for name, each in states.items() if not each.to_refresh})

    reports = tuple(dataclasses.replace(CHAT_SESSIONS, name=name) for name in ("first", "second"))
    store = StateStore(dict, save)
    target = Target("s", "paradigm", reports, Scope(), RULES, HOUR)
    outputs = PollOutputs(Board(), Telemetry(), Worker("poll"))
    subject = Poller(target, platform, outputs, Clock(clock.now, clock.seconds), store)
    await subject.start()

    await subject.poll()
    assert saved == [set(), {"first"}, {"first", "second"}]


async def test_an_hour_of_rest_holds_for_all_that_a_source_asks() -> None:
    """One request, then none of its reports, of the next polls, or of the past; the page says until when."""
    clock, subject = ManualClock(NOON), world()
    app, asked, busy = httpx.ASGITransport(create_app(subject, clock.now)), list[str](), [NOON + 5 * HOUR]

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if clock.moment < busy[0]:
            return await app.handle_async_request(request)
        busy[0] += 100 * HOUR
        return httpx.Response(429, headers=[("Retry-After", "30"), ("Retry-After", "3600")])

    reports = (CHAT_SESSIONS, REPORTS["chats-feedback"])
    async with Pipeline(
        httpx.MockTransport(answer), clock, subject.keys.admin, target_with(reports=reports)
    ) as pipeline:
        await pipeline.poller.poll()
        clock.moment = busy[0]
        asked.clear()
        for _ in range(3):
            await pipeline.poller.poll()
            clock.moment += HOUR / 6
        assert len(asked) == 1
        assert pipeline.outcomes() == {"ok": 1, "rate_limited": 3}
        assert set(pipeline.page("chat_usage_api_paused_until").values()) == {(NOON + 6 * HOUR).timestamp()}
        views = pipeline.board.shown.views.values()
        reasons = [problem.why for view in views for problem in report_problems(view, clock.moment)]
        assert len(reasons) == 2
        assert all("are paused until 2026-03-03T18:00:00Z" in reason for reason in reasons)

        clock.moment = NOON + 6 * HOUR
        await pipeline.poller.poll()
        assert len(asked) == 1 + len(reports)
        assert pipeline.outcomes() == {"ok": 2, "rate_limited": 3}


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
    clock, key = ManualClock(NOON), world().keys.admin
    transport = httpx.ASGITransport(create_app(world(), clock.now))
    async with Pipeline(transport, clock, key) as pipeline, httpx.AsyncClient(transport=transport) as platform:
        await pipeline.poller.poll()
        await set_scenarios(platform, "key-rejected")
        await pipeline.poller.poll()

    lines = [record for record in caplog.records if record.name.startswith("exporter.polling")]
    assert [(record.levelname, record.message) for record in lines] == [
        ("INFO", "polled"),
        ("INFO", "history read"),
        ("WARNING", "poll failed"),
    ]
    assert "api_key" in lines[2].__dict__["reason"]
    assert not any(key in str(record.__dict__) for record in lines)


async def test_companies_and_families_that_are_not_wanted_are_not_served() -> None:
    """The filter is ours also where the platform filters; excluded families are gone from the page."""
    clock = ManualClock(NOON)
    async with Pipeline.to(world(), clock) as pipeline:
        pipeline.poller.target = replace(
            pipeline.poller.target, companies=Companies(include=("2",)), excluded=("paradigm_*_today", "*_average_*")
        )
        await pipeline.poller.poll()

        names = {key.name for key in figures(pipeline)}
        assert {dict(key.labels)["company_id"] for key in figures(pipeline)} == {"2"}
        assert "paradigm_user_queries_last_day" in names
        assert not {name for name in names if name.endswith("_today") or "average" in name}
