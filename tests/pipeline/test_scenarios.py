"""What /metrics shows in each scenario of the simulated platform."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, timedelta

import httpx
import pytest

from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from exporter.simulator.scenarios import OF_CHATCAPTAIN, SCENARIOS
from tests.pipeline.pipeline import ManualClock, Pipeline, Series, only, series, set_scenarios, utc

pytestmark = pytest.mark.anyio

NOON = utc(2026, 3, 3, 12)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
QUERIES = "paradigm_user_queries_last_day"


@asynccontextmanager
async def polled() -> AsyncIterator[tuple[Pipeline, httpx.AsyncClient]]:
    """Yields an exporter after a good poll at noon, and a client of the simulator."""
    clock, world = ManualClock(NOON), World.from_seed(1, 6)
    transport = httpx.ASGITransport(create_app(world, clock.now, sleep=clock.sleep))
    async with (
        Pipeline(transport, clock, world.keys.admin) as pipeline,
        httpx.AsyncClient(transport=transport) as platform,
    ):
        await pipeline.poller.poll()
        yield pipeline, platform


def figures(pipeline: Pipeline) -> Mapping[Series, float]:
    return pipeline.page("paradigm_")


def companies(pipeline: Pipeline) -> set[str]:
    return {dict(key.labels)["company_id"] for key in figures(pipeline)}


def queries(pipeline: Pipeline, world: World, company_id: int) -> float:
    company = world.company(company_id)
    assert company is not None
    return pipeline.page(QUERIES)[series(QUERIES, company_id=str(company_id), company=company.name, mode="chat")]


FAILING = {
    "outage": "http_error",
    "key-rejected": "auth",
    "html-200": "not_json",
    "truncated": "not_json",
    "schema-change": "schema",
}


@pytest.mark.parametrize(("scenario", "outcome"), FAILING.items())
async def test_a_failing_platform_is_named_and_takes_nothing_away(scenario: str, outcome: str) -> None:
    """Figures stay, the outcome is counted, and one good poll restores everything."""
    async with polled() as (pipeline, platform):
        before = figures(pipeline)
        pipeline.clock.moment += HOUR
        await set_scenarios(platform, scenario)
        await pipeline.poller.poll()

        assert before == figures(pipeline)
        assert pipeline.outcomes() == {"ok": 1, outcome: 1}
        assert only(pipeline, "chat_usage_report_up") == 0
        assert only(pipeline, "chat_usage_poll_last_success_timestamp_seconds") == NOON.timestamp()
        assert only(pipeline, "chat_usage_poll_last_attempt_timestamp_seconds") == pipeline.clock.seconds()
        assert [
            dict(key.labels)["outcome"] for key, value in pipeline.page("chat_usage_poll_last_outcome").items() if value
        ] == [outcome]

        await set_scenarios(platform)
        pipeline.clock.moment += HOUR
        await pipeline.poller.poll()

        assert pipeline.outcomes() == {"ok": 2, outcome: 1}
        assert only(pipeline, "chat_usage_report_up") == 1


async def test_rate_limited_delays_the_poll() -> None:
    """Every second request is refused for a second: the poll waits and succeeds."""
    clock = ManualClock(NOON)
    async with Pipeline.to(World.from_seed(1, 6), clock, "rate-limited") as pipeline:
        await pipeline.poller.poll()

        assert pipeline.outcomes() == {"ok": 1}
        assert max(clock.slept) >= 1
        waited = only(pipeline, "chat_usage_api_retry_wait_seconds_total")
        assert waited == pytest.approx(sum(clock.slept))
        codes = {
            dict(key.labels)["code"]: value for key, value in pipeline.page("chat_usage_api_requests_total").items()
        }
        assert codes == {"429": 2, "200": 2}  # the past is asked for as well


async def test_key_swapped_serves_no_company_as_0() -> None:
    """With a company admin's key the other companies are withdrawn and counted, and return with the right key."""
    async with polled() as (pipeline, platform):
        everybody = companies(pipeline)
        await set_scenarios(platform, "key-swapped")
        await pipeline.poller.poll()

        assert companies(pipeline) == {"1"}
        assert only(pipeline, "chat_usage_report_companies_withdrawn") == len(everybody) - 1
        assert pipeline.outcomes() == {"ok": 2}

        await set_scenarios(platform)
        await pipeline.poller.poll()

        assert companies(pipeline) == everybody
        assert only(pipeline, "chat_usage_report_companies_withdrawn") == 0


async def test_a_late_day_is_waited_for() -> None:
    """Without rows for yesterday until 14:00 the day before stays, and a gauge shows that a day is awaited."""
    clock = ManualClock(utc(2026, 3, 3, 13))
    async with Pipeline.to(World.from_seed(1, 6), clock, "late-day") as pipeline:
        await pipeline.poller.poll()
        assert only(pipeline, "chat_usage_report_day_timestamp_seconds") == utc(2026, 3, 1).timestamp()
        assert only(pipeline, "chat_usage_report_empty_day") == 1

        clock.moment = utc(2026, 3, 3, 14)
        await pipeline.poller.poll()
        assert only(pipeline, "chat_usage_report_day_timestamp_seconds") == utc(2026, 3, 2).timestamp()
        assert only(pipeline, "chat_usage_report_empty_day") == 0


async def test_a_slow_platform_only_takes_longer() -> None:
    """The poll succeeds and its duration shows it."""
    async with polled() as (pipeline, platform):
        before = figures(pipeline)
        await set_scenarios(platform, "slow")
        await pipeline.poller.poll()

        assert pipeline.clock.slept[-1] == 3.0
        assert pipeline.outcomes() == {"ok": 2}
        assert before == figures(pipeline)


async def test_a_restatement_corrects_the_same_day() -> None:
    """A complete day that was 20 % too low is correct afterwards, and stays the last day."""
    clock, world = ManualClock(utc(2026, 3, 4, 7)), World.from_seed(1, 6)
    truth = world.truth(1, date(2026, 3, 2), "chat", at=NOON)
    assert truth is not None
    async with Pipeline.to(world, clock, "restatement", settle=timedelta(hours=30)) as pipeline:
        await pipeline.poller.poll()
        early = queries(pipeline, world, 1)
        clock.moment = utc(2026, 3, 4, 13)
        await pipeline.poller.poll()

        assert early < queries(pipeline, world, 1) == truth.user_queries
        assert only(pipeline, "chat_usage_report_day_timestamp_seconds") == utc(2026, 3, 2).timestamp()


async def test_a_missing_company_loses_its_series() -> None:
    """It is withdrawn instead of 0, and the others stay exact."""
    world = World.from_seed(1, 6)
    gone = str(world.busiest(1).id)
    async with polled() as (pipeline, platform):
        before = figures(pipeline)
        await set_scenarios(platform, "missing-company")
        await pipeline.poller.poll()

        assert only(pipeline, "chat_usage_report_companies_withdrawn") == 1
        assert figures(pipeline) == {
            key: value for key, value in before.items() if dict(key.labels)["company_id"] != gone
        }


async def test_a_quiet_company_shows_a_tenth() -> None:
    """The small figure is served; the other companies do not change."""
    world = World.from_seed(1, 6)
    quiet = world.busiest(0).id
    async with polled() as (pipeline, platform):
        before = pipeline.page(QUERIES)
        await set_scenarios(platform, "quiet-company")
        await pipeline.poller.poll()
        after = pipeline.page(QUERIES)

        changed = {dict(key.labels)["company_id"] for key in before if before[key] != after[key]}
        assert changed == {str(quiet)}
        assert queries(pipeline, world, quiet) < 0.2 * sum(
            value for key, value in before.items() if ("company_id", str(quiet)) in key.labels
        )


async def test_field_renamed_costs_one_figure() -> None:
    """Queries in chats are absent instead of 0, all other figures stay, and the renamed field is reported."""
    clock, world = ManualClock(NOON), World.from_seed(1, 6)
    async with Pipeline.to(world, clock) as usual, Pipeline.to(world, clock, "field-renamed") as renamed:
        await usual.poller.poll()
        await renamed.poller.poll()

        lost = {
            key
            for key in figures(usual)
            if key.name.startswith("paradigm_user_queries") and ("mode", "chat") in key.labels
        }
        assert {key.name.removeprefix("paradigm_user_queries") for key in lost} == {
            "_last_day",
            "_today",
            "_7d",
            "_28d",
        }
        assert figures(renamed) == {key: value for key, value in figures(usual).items() if key not in lost}
        assert {dict(key.labels)["kind"]: count for key, count in renamed.page("chat_usage_schema_drift").items()} == {
            "unknown": 1,
            "missing": 1,
            "retyped": 0,
        }
        assert renamed.outcomes() == {"ok": 1}


async def test_scenarios_can_be_combined() -> None:
    """A missing company and a rate limit at the same time."""
    async with polled() as (pipeline, platform):
        await set_scenarios(platform, "missing-company", "rate-limited")
        await pipeline.poller.poll()
        await pipeline.poller.poll()  # every other request is refused, this poll's first one

        assert only(pipeline, "chat_usage_report_companies_withdrawn") == 1
        assert only(pipeline, "chat_usage_api_retry_wait_seconds_total") >= 1
        assert pipeline.outcomes() == {"ok": 3}


def test_every_scenario_has_a_test() -> None:
    """Its name is in the test's name; those of ChatCaptain do not affect this platform.

    `tests/pipeline/test_pipeline.py` uses the normal one.
    """
    here = {name for name in globals() if name.startswith("test_")}
    named = {name for name in SCENARIOS if any(name.replace("-", "_") in test for test in here)}

    assert SCENARIOS.keys() - OF_CHATCAPTAIN - named == FAILING.keys() | {"normal"}
