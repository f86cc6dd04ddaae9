"""Figures stay exact over sixty days of random events: polls, outages, late corrections, quiet companies, restarts.

The expected figures are computed independently (`tests/pipeline/expected.py`).
"""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from exporter.domain.calendars import day_at, end
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.world import DayView, World
from tests.examples import examples
from tests.pipeline.pipeline import RULES, utc
from tests.pipeline.timeline import Timeline

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
BEGIN = utc(2026, 2, 20, 9)


def unsteady(seed: int, silent: dict[int, tuple[int, int]]) -> World:
    """Returns a world with corrections up to four days late, and with companies that are quiet for a while."""

    def corrected(_: Company, view: DayView) -> float:
        lag = timedelta(hours=(view.day.toordinal() * 37 + seed) % 100)
        return 1.0 if view.at >= end(view.day, world.zone) + lag else 0.7

    def quiet(company: Company, view: DayView) -> float:
        first, last = silent.get(company.id, (1, 0))
        return 0.0 if first <= (view.day - BEGIN.date()).days <= last else 1.0

    world = World.from_seed(seed, 6, ZoneInfo("Europe/Paris"))
    return world.under(corrected).under(quiet)


events = st.sampled_from(
    ("poll", "poll", "poll", "poll", "outage", "past fails", "midnight", "restart", "restart from empty")
)
steps = st.tuples(st.integers(20, 1400), events)
quiet_periods = st.dictionaries(st.integers(2, 6), st.tuples(st.integers(0, 40), st.integers(0, 60)), max_size=3)


# Without shrinking, which takes minutes.
@settings(max_examples=examples(6), phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.integers(0, 1000), quiet_periods, st.lists(steps, min_size=90, max_size=150))
async def test_the_page_is_exact_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    silent: dict[int, tuple[int, int]],
    steps_taken: list[tuple[int, str]],
) -> None:
    """After each event every figure is the expected one."""
    state = tmp_path_factory.mktemp("state") / "state"
    async with Timeline(unsteady(seed, silent), BEGIN, state) as timeline:
        for minutes, event in steps_taken:
            if timeline.clock.moment > BEGIN + 60 * DAY:
                break
            timeline.clock.moment += timedelta(minutes=minutes)
            await timeline.run(event)


async def test_three_days_of_outage_over_a_months_end(tmp_path: Path) -> None:
    """Every day of the outage becomes complete and final, and is exact."""
    world = unsteady(3, {})
    async with Timeline(world, BEGIN + 6 * DAY, tmp_path / "state") as timeline:
        for event, hours in (("poll", 24), ("outage", 72), ("poll", 24 * 5)):
            for _ in range(0, hours, 3):
                timeline.clock.moment += timedelta(hours=3)
                await timeline.run(event)
        now = timeline.clock.moment
        last = timeline.expected.last_day(now)
        coverage = set(timeline.pipeline.page("chat_usage_report_window_coverage_ratio").values())

    missed = [BEGIN.date() + n * DAY for n in range(7, 11)]
    assert missed[0].month < missed[-1].month
    assert last == day_at(now, world.zone) - DAY
    assert coverage == {1.0}
    for day in missed:
        read = timeline.expected.covered[day]
        assert read >= end(day, world.zone) + RULES.settle
        assert world.truth(1, day, "chat", at=read) == world.truth(1, day, "chat", at=read + 30 * DAY)
