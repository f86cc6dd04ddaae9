"""A simulated week with random faults: neither memory nor series grow."""

import gc
import logging
import sys
from datetime import timedelta
from random import Random

import httpx
import pytest

from exporter.exposition.text import Format
from exporter.forecast import Size, forecast
from exporter.platforms.paradigm.platform import PLATFORM
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from exporter.simulator.scenarios import OF_CHATCAPTAIN, SCENARIOS
from tests.pipeline.pipeline import ManualClock, Pipeline, set_scenarios, target_with, utc

pytestmark = pytest.mark.anyio

COMPANIES = 8
POLLS_A_DAY = 12
NO_FAULT = ("normal", "normal", "normal")
"""Most hours have no fault, so that figures stay fresh."""
MAX_GROWTH = 200_000
"""Bytes over 84 polls: 2.4 kB per poll."""


async def run_days(pipeline: Pipeline, platform: httpx.AsyncClient, days: int, random: Random) -> None:
    """Polls every two hours, each time with a random fault or none."""
    faults = [name for name in SCENARIOS if name not in OF_CHATCAPTAIN]
    for _ in range(days * POLLS_A_DAY):
        pipeline.clock.moment += timedelta(hours=24 / POLLS_A_DAY)
        await set_scenarios(platform, random.choice((*NO_FAULT, *faults)))
        await pipeline.poller.poll()
        pipeline.clock.slept.clear()  # memory of the test, not of the exporter


def held_bytes() -> int:
    """Returns the size of all live objects; tracemalloc gives the same result, six times slower."""
    gc.collect()
    layer: list[object] = gc.get_objects()
    seen, size = {id(each) for each in layer}, 0
    while layer:
        size += sum(map(sys.getsizeof, layer))
        below = {id(each): each for each in gc.get_referents(*layer)}
        layer = [each for key, each in below.items() if key not in seen]
        seen |= below.keys()
    return size


async def test_a_week_of_faults_leaks_no_memory(caplog: pytest.LogCaptureFixture) -> None:
    """From the third to the tenth day memory hardly grows, and the number of series stays within the forecast."""
    clock, world, random = ManualClock(utc(2026, 3, 2, 12)), World.from_seed(5, COMPANIES), Random(1)
    caplog.set_level(logging.CRITICAL)  # pytest keeps every log line
    transport = httpx.ASGITransport(create_app(world, clock.now, sleep=clock.sleep))
    target = target_with(reports=tuple(PLATFORM.reports.values()))
    async with (
        Pipeline(transport, clock, world.keys.admin, target) as pipeline,
        httpx.AsyncClient(transport=transport) as platform,
    ):
        await run_days(pipeline, platform, 3, random)
        before = held_bytes()
        await run_days(pipeline, platform, 7, random)
        grown = held_bytes() - before
        await set_scenarios(platform)
        clock.moment += timedelta(hours=1)
        await pipeline.poller.poll()
        lines = [line for line in pipeline.text().splitlines() if not line.startswith("#")]
        outcomes = pipeline.outcomes()

    max_series = forecast([target], Size(COMPANIES), clock.moment).total_series
    notes = sum(line.startswith("chat_usage_field_info") for line in lines)
    assert len(lines) - notes <= max_series
    assert grown < MAX_GROWTH
    assert {"ok", "auth", "http_error", "not_json", "schema"} <= outcomes.keys()
    assert pipeline.board.shown.exposition[Format.TEXT].plain.endswith(b"\n")
