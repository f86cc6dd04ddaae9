"""A wall clock that jumps while the platform's goes right: what is served was said, and all heals when it is right."""

from collections.abc import Callable
from datetime import timedelta
from random import Random

import httpx
import pytest

from exporter.domain.calendars import day_at
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import MODES, World
from tests.faults.witness import growing, truth
from tests.road.road import RULES, PassedClock, Road, Series, only, series, utc

pytestmark = pytest.mark.anyio

NOON = utc(2026, 3, 3, 12)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SERIES = 20
JUMPS = {
    "forth a minute": timedelta(minutes=1),
    "forth an hour": HOUR,
    "forth over midnight": timedelta(hours=13),
    "forth a day": DAY,
    "forth a month": 31 * DAY,
    "forth thirty years": 365 * 30 * DAY,
    "back a minute": -timedelta(minutes=1),
    "back an hour": -HOUR,
    "back over midnight": -timedelta(hours=13),
    "back a day": -DAY,
    "back a month": -31 * DAY,
    "back thirty years": -365 * 30 * DAY,
}


class TwoClocks:
    """An exporter whose clock may be wrong, before a platform whose clock is right."""

    def __init__(self) -> None:
        self.right, self.ours = PassedClock(NOON), PassedClock(NOON)
        self.world = growing(World.from_seed(1, 6), NOON)
        app = create_app(self.world, self.right.now, sleep=self.right.sleep)
        self.road = Road(httpx.ASGITransport(app), self.ours, self.world.keys.admin)

    async def a_minute_later(self, wrong_by: timedelta) -> None:
        """Polls, at another time than it is by our clock."""
        self.right.moment += timedelta(minutes=1)
        self.ours.moment = self.right.moment + wrong_by
        await self.road.poller.refresh()  # as the schedule does at a midnight that seems to have come
        await self.road.poller.poll()

    def truth(self) -> dict[Series, float]:
        return dict(truth(self.world, self.right.moment, RULES.settle)["chat-sessions"])

    def said(self) -> set[tuple[Series, float]]:
        """Returns what the platform says of any day at this moment, as if that were the last day."""
        today, name = day_at(self.right.moment, self.world.zone), "paradigm_user_queries_last_day"
        found = set()
        for company in self.world.companies:
            for mode in MODES:
                key = series(name, company_id=str(company.id), company=company.name, mode=mode)
                for n in range(RULES.keep_days):
                    row = self.world.truth(company.id, today - n * DAY, mode, at=self.right.moment)
                    found.add((key, 0.0 if row is None else float(row.user_queries)))
        return found


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS.keys())
async def test_a_jump_leaves_nothing_behind(jump: timedelta) -> None:
    """Under the wrong clock each use that is told was said; the first poll under the right one gives exactly the truth.

    A clock that is days ahead takes days that have not come for days without use: nobody can tell them apart but by
    `chat_usage_api_clock_skew_seconds`.
    """
    clocks = TwoClocks()
    async with clocks.road as road:
        await clocks.a_minute_later(timedelta(0))
        assert road.page("paradigm_") == clocks.truth()
        await clocks.a_minute_later(jump)
        told = {figure for figure in road.page("paradigm_user_queries_last_day").items() if figure[1]}
        assert told <= clocks.said()
        await clocks.a_minute_later(timedelta(0))
        assert road.page("paradigm_") == clocks.truth()
        assert only(road, "chat_usage_report_up") == 1
        assert set(road.outcomes()) == {"ok"}


async def test_jumps_without_end_end_in_the_truth(tell: Callable[[str], None]) -> None:
    """Seeded: a clock that is right at times, and wrong in any way between."""
    chance, clocks, right = Random(1), TwoClocks(), 0
    async with clocks.road as road:
        for _ in range(SERIES):
            for _ in range(chance.randrange(3)):
                await clocks.a_minute_later(timedelta(minutes=chance.randrange(-100_000, 100_000)))
            await clocks.a_minute_later(timedelta(0))
            right += road.page("paradigm_") == clocks.truth()
    told = f"{len(JUMPS)} jumps forth or back, {SERIES} series of jumps, figures wrong afterwards: {SERIES - right}"
    tell(f"faults of the clock: {told}")
    assert right == SERIES
