"""New, renamed, removed and selected companies."""

from datetime import timedelta

import httpx
import pytest

from exporter.domain.selectors import Companies
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from tests.road.road import PassedClock, Road, series, set_scenarios, target_with, utc

pytestmark = pytest.mark.anyio

NOON = utc(2026, 3, 3, 12)
INFO = "chat_usage_company_info"
UNMATCHED = "chat_usage_config_unmatched_selectors"


def told(road: Road) -> dict[str, tuple[str, str]]:
    """Returns name and `expected` by company id."""
    labels = [dict(key.labels) for key in road.page(INFO)]
    assert {each["platform"] for each in labels} == {"paradigm"}
    return {each["company_id"]: (each["company"], each["expected"]) for each in labels}


def begin(companies: Companies) -> tuple[Road, httpx.AsyncBaseTransport, World]:
    clock, world = PassedClock(NOON), World.from_seed(1, 6)
    transport = httpx.ASGITransport(create_app(world, clock.now))
    return Road(transport, clock, world.keys.admin, target_with(companies=companies)), transport, world


def name_of(world: World, company_id: int) -> str:
    company = world.company(company_id)
    assert company is not None
    return company.name


async def test_expected_companies_are_marked_and_missing_ones_shown() -> None:
    """A company that was never seen has no name; `expected` changes no figures."""
    road, _, world = begin(Companies(expected=("1", "999")))
    async with road:
        assert told(road) == {"1": ("", "true"), "999": ("", "true")}
        await road.poller.poll()

        found = told(road)
        assert found["1"] == (name_of(world, 1), "true")
        assert found["2"] == (name_of(world, 2), "false")
        assert found["999"] == ("", "true")


async def test_selectors_that_match_nothing_are_counted() -> None:
    """As soon as the platform has listed its companies, including excluded ones."""
    companies = Companies(include=("1", "2", "Nobody*", "77"), exclude=("2", "99"), expected=("1", "999"))
    road, _, _ = begin(companies)
    async with road:
        assert not road.page(UNMATCHED)
        await road.poller.poll()

        assert road.page(UNMATCHED) == {
            series(UNMATCHED, option="companies.include"): 2,
            series(UNMATCHED, option="companies.exclude"): 1,
            series(UNMATCHED, option="companies.expected"): 1,
        }
        assert set(told(road)) == {"1", "999"}


async def test_a_withdrawn_company_leaves_the_list_unless_it_is_expected() -> None:
    """A company that was seen before keeps its name."""
    road, transport, world = begin(Companies())
    gone = str(world.busiest(1).id)
    async with road, httpx.AsyncClient(transport=transport) as platform:
        await road.poller.poll()
        assert gone in told(road)
        await set_scenarios(platform, "missing-company")
        await road.poller.poll()
        assert gone not in told(road)

    road, transport, world = begin(Companies(expected=(gone,)))
    async with road, httpx.AsyncClient(transport=transport) as platform:
        await road.poller.poll()
        await set_scenarios(platform, "missing-company")
        await road.poller.poll()
        assert told(road)[gone] == (name_of(world, int(gone)), "true")


async def test_the_list_of_companies_outlives_their_figures() -> None:
    """When figures are too old, names stay for alerts about missing companies."""
    road, _, _ = begin(Companies())
    async with road:
        await road.poller.poll()
        before = told(road)
        road.clock.moment += timedelta(days=4)
        await road.poller.refresh()

        assert not road.page("paradigm_")
        assert told(road) == before


async def test_the_series_of_a_source_are_counted() -> None:
    """All lines of the source, except the two families that count them."""
    road, _, _ = begin(Companies())
    async with road:
        await road.poller.poll()

        lines = [line for line in road.text().splitlines() if 'source="s"' in line and "chat_usage_series" not in line]
        assert road.page("chat_usage_series")[series("chat_usage_series")] == len(lines)
        assert set(road.page("chat_usage_series_dropped").values()) == {0}
