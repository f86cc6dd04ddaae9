"""All six reports together: current levels, label limits, small groups, and unsupported reports."""

from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from exporter.metrics.label_limits import LabelLimits
from exporter.platforms.paradigm.platform import PLATFORM
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from tests.pipeline.expected import after_one_poll
from tests.pipeline.pipeline import ManualClock, Pipeline, series, target_with, utc

pytestmark = pytest.mark.anyio

NOON = utc(2026, 11, 20, 12)
HOUR = timedelta(hours=1)
REPORTS = tuple(PLATFORM.reports.values())


class WithoutReports(httpx.AsyncBaseTransport):
    """The simulated platform without some reports, to which it responds with `answer`."""

    def __init__(self, clock: ManualClock, world: World, *missing: str) -> None:
        self._app = httpx.ASGITransport(create_app(world, clock.now, sleep=clock.sleep))
        self.missing = set(missing)
        self.answer = (404, b'{"detail": "Not found."}')
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rstrip("/").rpartition("/")[2]
        self.asked.append(name)
        if name in self.missing:
            return httpx.Response(self.answer[0], stream=httpx.ByteStream(self.answer[1]))
        return await self._app.handle_async_request(request)


def begin(*missing: str, **options: Any) -> tuple[Pipeline, WithoutReports, World]:
    clock, world = ManualClock(NOON), World.from_seed(3, 8)
    platform = WithoutReports(clock, world, *missing)
    target = replace(target_with(reports=REPORTS), **options)
    return Pipeline(platform, clock, world.keys.admin, target), platform, world


async def test_members_are_current_levels() -> None:
    """Without window and day; a newer level replaces the older one."""
    pipeline, _, world = begin()
    async with pipeline:
        await pipeline.poller.poll()
        page = pipeline.page("paradigm_members")
        day = series("chat_usage_report_day_timestamp_seconds", report="users")
        assert day not in pipeline.page("chat_usage_report_day")

        pipeline.clock.moment += timedelta(days=300)
        await pipeline.poller.poll()
        assert page != pipeline.page("paradigm_members") == after_one_poll(world, pipeline.clock.moment, "users")


async def test_every_report_has_exactly_its_figures() -> None:
    """In each window the simulator's figures and no others."""
    pipeline, _, world = begin()
    async with pipeline:
        await pipeline.poller.poll()
        page = pipeline.page("paradigm_")

    expected = {report.name: after_one_poll(world, NOON, report.name) for report in REPORTS}
    assert all(expected.values())
    assert page == reduce(or_, map(dict, expected.values()))


async def test_tools_beyond_the_limit_add_up_as_other() -> None:
    """One tool per company keeps its series; the sum over tools stays the same."""
    whole, _, _ = begin()
    capped, _, _ = begin(limits=LabelLimits({"tools": 1}, 128))
    async with whole, capped:
        await whole.poller.poll()
        await capped.poller.poll()

        for window in ("_last_day", "_7d", "_28d"):
            name = f"paradigm_tool_uses{window}"
            tools = {dict(key.labels)["company_id"]: set[str]() for key in capped.page(name)}
            for key in capped.page(name):
                tools[dict(key.labels)["company_id"]].add(dict(key.labels)["tool"])
            assert max(len(found) for found in tools.values()) == 2
            assert all("other" in found for found in tools.values() if len(found) > 1)
            assert sum(capped.page(name).values()) == sum(whole.page(name).values())


async def test_small_groups_are_not_served() -> None:
    """Numbers of people below the limit are absent in every window; 0 is served."""
    pipeline, _, _ = begin(min_group=20)
    all_, _, _ = begin()
    async with pipeline, all_:
        await pipeline.poller.poll()
        await all_.poller.poll()

        for name in ("paradigm_active_users", "paradigm_members"):
            told, there = pipeline.page(name), all_.page(name)
            assert told == {key: value for key, value in there.items() if value >= 20 or value == 0}
            assert told != there
        assert pipeline.page("paradigm_user_queries") == all_.page("paradigm_user_queries")


def supported(pipeline: Pipeline) -> set[str]:
    return {dict(key.labels)["report"] for key, value in pipeline.page("chat_usage_report_supported").items() if value}


async def test_a_report_that_the_platform_lacks_is_asked_once_a_day() -> None:
    """It has no series, does not count as failed, and is served from the first poll that finds it."""
    pipeline, platform, _ = begin("tools", "user-activities")
    async with pipeline:
        await pipeline.poller.poll()
        assert supported(pipeline) == {report.name for report in REPORTS} - {"tools", "user-activities"}
        for _ in range(23):
            pipeline.clock.moment += HOUR
            await pipeline.poller.poll()
        assert platform.asked.count("tools") == 1

        platform.missing.clear()
        pipeline.clock.moment += HOUR
        await pipeline.poller.poll()
        assert supported(pipeline) == {report.name for report in REPORTS}
        assert pipeline.page("paradigm_tool_uses_last_day")


async def test_an_unsupported_report_is_requested_again_after_a_clock_that_was_ahead() -> None:
    """Otherwise it would wait ten years."""
    pipeline, platform, _ = begin("tools")
    pipeline.clock.moment += 3650 * 24 * HOUR
    async with pipeline:
        await pipeline.poller.poll()
        assert platform.asked.count("tools") == 1
        pipeline.clock.moment -= 3650 * 24 * HOUR
        await pipeline.poller.poll()
        assert platform.asked.count("tools") == 2


async def test_a_report_with_another_schema_is_unsupported() -> None:
    """But not a login page."""
    pipeline, platform, _ = begin("tools")
    platform.answer = (200, b'{"detail": "in another shape"}')
    async with pipeline:
        await pipeline.poller.poll()
        assert "tools" not in supported(pipeline)

    pipeline, platform, _ = begin("tools")
    platform.answer = (200, b"<!doctype html><title>Log in</title>")
    async with pipeline:
        await pipeline.poller.poll()
        assert "tools" in supported(pipeline)


async def test_a_report_configured_by_name_is_required() -> None:
    """Each failed poll counts."""
    pipeline, platform, _ = begin("tools", required=frozenset({"tools"}))
    async with pipeline:
        await pipeline.poller.poll()
        pipeline.clock.moment += HOUR
        await pipeline.poller.poll()

        assert "tools" in supported(pipeline)
        assert platform.asked.count("tools") == 2


async def test_a_platform_without_any_report_fails() -> None:
    """A wrong base URL gives 404 too, so no report is unsupported until one was found."""
    pipeline, _, _ = begin(*(report.name for report in REPORTS))
    async with pipeline:
        await pipeline.poller.poll()

        assert supported(pipeline) == {report.name for report in REPORTS}


async def test_a_report_that_was_good_before_is_not_unsupported() -> None:
    """From then on a 404 is a failure, and the figures stay."""
    pipeline, platform, _ = begin()
    async with pipeline:
        await pipeline.poller.poll()
        before = pipeline.page("paradigm_tool_uses")
        platform.missing.add("tools")
        pipeline.clock.moment += HOUR
        await pipeline.poller.poll()

        assert "tools" in supported(pipeline)
        assert pipeline.page("paradigm_tool_uses") == before
