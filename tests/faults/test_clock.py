"""A wall clock that jumps: no figure is invented, and the first poll after the clock is right corrects all."""

from collections.abc import Callable
from datetime import timedelta
from random import Random

import httpx
import pytest

from exporter.domain.calendars import day_at
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import MODES, World
from tests.faults.scrape_checker import expected_figures, growing
from tests.pipeline.pipeline import RULES, ManualClock, Pipeline, Series, only, series, utc

pytestmark = pytest.mark.anyio

NOON = utc(2026, 3, 3, 12)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RANDOM_SERIES = 20
JUMPS = {
    "forward a minute": timedelta(minutes=1),
    "forward an hour": HOUR,
    "forward past midnight": timedelta(hours=13),
    "forward a day": DAY,
    "forward a month": 31 * DAY,
    "forward thirty years": 365 * 30 * DAY,
    "back a minute": -timedelta(minutes=1),
    "back an hour": -HOUR,
    "back past midnight": -timedelta(hours=13),
    "back a day": -DAY,
    "back a month": -31 * DAY,
    "back thirty years": -365 * 30 * DAY,
}


class TwoClocks:
    """An exporter whose clock may be wrong, and a platform whose clock is right."""

    def __init__(self) -> None:
        self.platform_clock, self.clock = ManualClock(NOON), ManualClock(NOON)
        self.world = growing(World.from_seed(1, 6), NOON)
        app = create_app(self.world, self.platform_clock.now, sleep=self.platform_clock.sleep)
        self.pipeline = Pipeline(httpx.ASGITransport(app), self.clock, self.world.keys.admin)

    async def poll_after_a_minute(self, *, clock_error: timedelta = timedelta(0)) -> None:
        """Polls while the exporter's clock is off by `clock_error`."""
        self.platform_clock.moment += timedelta(minutes=1)
        self.clock.moment = self.platform_clock.moment + clock_error
        await self.pipeline.poller.render_all()  # as the schedule does at what seems to be midnight
        await self.pipeline.poller.poll()

    def expected(self) -> dict[Series, float]:
        return dict(expected_figures(self.world, self.platform_clock.moment, RULES.settle)["chat-sessions"])

    def figures_of_all_days(self) -> set[tuple[Series, float]]:
        """Returns the platform's current figures of every day, each as if that day were the last day."""
        today, name = day_at(self.platform_clock.moment, self.world.zone), "paradigm_user_queries_last_day"
        found = set()
        for company in self.world.companies:
            for mode in MODES:
                key = series(name, company_id=str(company.id), company=company.name, mode=mode)
                for n in range(RULES.keep_days):
                    row = self.world.truth(company.id, today - n * DAY, mode, at=self.platform_clock.moment)
                    found.add((key, 0.0 if row is None else float(row.user_queries)))
        return found


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS.keys())
async def test_the_poll_after_a_jump_gives_correct_figures(jump: timedelta) -> None:
    """While the clock is wrong, every figure is one that the platform reported; afterwards all are correct.

    A clock that is days ahead counts future days as days without usage; `chat_usage_api_clock_skew_seconds` tells.
    """
    clocks = TwoClocks()
    async with clocks.pipeline as pipeline:
        await clocks.poll_after_a_minute()
        assert pipeline.page("paradigm_") == clocks.expected()
        await clocks.poll_after_a_minute(clock_error=jump)
        served = {figure for figure in pipeline.page("paradigm_user_queries_last_day").items() if figure[1]}
        assert served <= clocks.figures_of_all_days()
        await clocks.poll_after_a_minute()
        assert pipeline.page("paradigm_") == clocks.expected()
        assert only(pipeline, "chat_usage_report_up") == 1
        assert set(pipeline.outcomes()) == {"ok"}


async def test_figures_are_correct_after_any_series_of_jumps(tell: Callable[[str], None]) -> None:
    """The clock is right now and then, and wrong by a random amount in between."""
    random, clocks, correct = Random(1), TwoClocks(), 0
    async with clocks.pipeline as pipeline:
        for _ in range(RANDOM_SERIES):
            for _ in range(random.randrange(3)):
                await clocks.poll_after_a_minute(clock_error=timedelta(minutes=random.randrange(-100_000, 100_000)))
            await clocks.poll_after_a_minute()
            correct += pipeline.page("paradigm_") == clocks.expected()
    summary = (
        f"{len(JUMPS)} jumps forward or back, {RANDOM_SERIES} series of jumps, wrong figures: {RANDOM_SERIES - correct}"
    )
    tell(f"faults of the clock: {summary}")
    assert correct == RANDOM_SERIES
