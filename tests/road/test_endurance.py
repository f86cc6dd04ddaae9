"""A week of simulated time with random faults: neither memory nor series grow beyond what the companies are."""

import gc
import logging
import sys
from datetime import timedelta
from random import Random

import httpx
import pytest

from exporter.exposition.text import Format
from exporter.forecast.calls import SourcePlan, forecast
from exporter.forecast.series import Size
from exporter.platforms.paradigm.platform import PLATFORM
from exporter.polling.schedule import Cadence
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from exporter.simulator.scenarios import OF_CHATCAPTAIN, SCENARIOS
from tests.road.road import RULES, PassedClock, Road, set_scenarios, target_with, utc

pytestmark = pytest.mark.anyio

COMPANIES = 8
POLLS_A_DAY = 12
CALM = ("normal", "normal", "normal")
"""Most hours are quiet ones, or figures would only ever be old."""
MOST_GROWN = 200_000
"""Bytes, after 84 polls: less than a fifth of what they need, and 2.4 kB for each of them."""


async def live_through(road: Road, platform: httpx.AsyncClient, days: int, chance: Random) -> None:
    """Polls every other hour; each time something else may be wrong."""
    trouble = [name for name in SCENARIOS if name not in OF_CHATCAPTAIN]
    for _ in range(days * POLLS_A_DAY):
        road.clock.moment += timedelta(hours=24 / POLLS_A_DAY)
        await set_scenarios(platform, chance.choice((*CALM, *trouble)))
        await road.poller.poll()
        road.clock.slept.clear()  # what the test itself keeps


def held_bytes() -> int:
    """Returns the size of all live objects: tracing allocations finds the same, and takes six times as long."""
    gc.collect()
    layer: list[object] = gc.get_objects()
    seen, size = {id(each) for each in layer}, 0
    while layer:
        size += sum(map(sys.getsizeof, layer))
        below = {id(each): each for each in gc.get_referents(*layer)}
        layer = [each for key, each in below.items() if key not in seen]
        seen |= below.keys()
    return size


async def test_a_week_of_faults_leaves_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    """From the third day to the tenth: hardly more memory, and no series more than foretold."""
    clock, world, chance = PassedClock(utc(2026, 3, 2, 12)), World.from_seed(5, COMPANIES), Random(1)
    caplog.set_level(logging.CRITICAL)  # pytest keeps every line
    transport = httpx.ASGITransport(create_app(world, clock.now, sleep=clock.sleep))
    target = target_with(reports=tuple(PLATFORM.reports.values()))
    async with (
        Road(transport, clock, world.keys.admin, target) as road,
        httpx.AsyncClient(transport=transport) as platform,
    ):
        await live_through(road, platform, 3, chance)
        before = held_bytes()
        await live_through(road, platform, 7, chance)
        grown = held_bytes() - before
        await set_scenarios(platform)
        clock.moment += timedelta(hours=1)
        await road.poller.poll()
        lines = [line for line in road.text().splitlines() if not line.startswith("#")]
        outcomes = road.outcomes()

    cadence = Cadence(target.interval, 0.0, RULES.zone, RULES.settle)
    most = forecast([SourcePlan(target, cadence, 60)], Size(COMPANIES), clock.moment).total_series
    notes = sum(line.startswith("chat_usage_field_info") for line in lines)
    assert len(lines) - notes <= most
    assert grown < MOST_GROWN
    assert {"ok", "auth", "http_error", "not_json", "schema"} <= outcomes.keys()
    assert road.board.shown.page[Format.TEXT].plain.endswith(b"\n")
