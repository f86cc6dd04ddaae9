"""New, renamed, removed and selected companies."""

from datetime import timedelta

import httpx
import pytest

from exporter.domain.selectors import Companies
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from tests.pipeline.pipeline import ManualClock, Pipeline, series, set_scenarios, target_with, utc

pytestmark = pytest.mark.anyio

NOON = utc(2026, 3, 3, 12)
INFO = "chat_usage_company_info"
UNMATCHED = "chat_usage_config_unmatched_selectors"


def told(pipeline: Pipeline) -> dict[str, tuple[str, str]]:
    """Returns name and `expected` by company id."""
    labels = [dict(key.labels) for key in pipeline.page(INFO)]
    assert {each["platform"] for each in labels} == {"paradigm"}
    return {each["company_id"]: (each["company"], each["expected"]) for each in labels}


def begin(companies: Companies) -> tuple[Pipeline, httpx.AsyncBaseTransport, World]:
    clock, world = ManualClock(NOON), World.from_seed(1, 6)
    transport = httpx.ASGITransport(create_app(world, clock.now))
    return Pipeline(transport, clock, world.keys.admin, target_with(companies=companies)), transport, world


def name_of(world: World, company_id: int) -> str:
    company = world.company(company_id)
    assert company is not None
    return company.name


async def test_expected_companies_are_marked_and_missing_ones_shown() -> None:
    """A company that was never seen has no name; `expected` changes no figures."""
    pipeline, _, world = begin(Companies(expected=("1", "999")))
    async with pipeline:
        assert told(pipeline) == {"1": ("", "true"), "999": ("", "true")}
        await pipeline.poller.poll()

        found = told(pipeline)
        assert found["1"] == (name_of(world, 1), "true")
        assert found["2"] == (name_of(world, 2), "false")
        assert found["999"] == ("", "true")


async def test_selectors_that_match_nothing_are_counted() -> None:
    """As soon as the platform has listed its companies, including excluded ones."""
    companies = Companies(include=("1", "2", "Nobody*", "77"), exclude=("2", "99"), expected=("1", "999"))
    pipeline, _, _ = begin(companies)
    async with pipeline:
        assert not pipeline.page(UNMATCHED)
        await pipeline.poller.poll()

        assert pipeline.page(UNMATCHED) == {
            series(UNMATCHED, option="companies.include"): 2,
            series(UNMATCHED, option="companies.exclude"): 1,
            series(UNMATCHED, option="companies.expected"): 1,
        }
        assert set(told(pipeline)) == {"1", "999"}


async def test_a_withdrawn_company_leaves_the_list_unless_it_is_expected() -> None:
    """A company that was seen before keeps its name."""
    pipeline, transport, world = begin(Companies())
    gone = str(world.busiest(1).id)
    async with pipeline, httpx.AsyncClient(transport=transport) as platform:
        await pipeline.poller.poll()
        assert gone in told(pipeline)
        await set_scenarios(platform, "missing-company")
        await pipeline.poller.poll()
        assert gone not in told(pipeline)

    pipeline, transport, world = begin(Companies(expected=(gone,)))
    async with pipeline, httpx.AsyncClient(transport=transport) as platform:
        await pipeline.poller.poll()
        await set_scenarios(platform, "missing-company")
        await pipeline.poller.poll()
        assert told(pipeline)[gone] == (name_of(world, int(gone)), "true")


async def test_the_list_of_companies_outlives_their_figures() -> None:
    """When figures are too old, names stay for alerts about missing companies."""
    pipeline, _, _ = begin(Companies())
    async with pipeline:
        await pipeline.poller.poll()
        before = told(pipeline)
        pipeline.clock.moment += timedelta(days=4)
        await pipeline.poller.render_all()

        assert not pipeline.page("paradigm_")
        assert told(pipeline) == before


async def test_the_series_of_a_source_are_counted() -> None:
    """All lines of the source, except the two families that count them."""
    pipeline, _, _ = begin(Companies())
    async with pipeline:
        await pipeline.poller.poll()

        lines = [
            line for line in pipeline.text().splitlines() if 'source="s"' in line and "chat_usage_series" not in line
        ]
        assert pipeline.page("chat_usage_series")[series("chat_usage_series")] == len(lines)
        assert set(pipeline.page("chat_usage_series_dropped").values()) == {0}
