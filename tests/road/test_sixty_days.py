"""Sixty days of anything: polls, outages, late corrections, silent companies, midnights, restarts; all stays exact.

What is expected (`tests/road/expected.py`) knows only which questions were answered when, and the simulator's truth.
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
from tests.road.journey import Journey
from tests.road.road import RULES, utc

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
BEGIN = utc(2026, 2, 20, 9)


def unsteady(seed: int, silent: dict[int, tuple[int, int]]) -> World:
    """Returns a world in which days are corrected up to four days late, and some companies fall silent for a while."""

    def corrected(_: Company, view: DayView) -> float:
        lag = timedelta(hours=(view.day.toordinal() * 37 + seed) % 100)
        return 1.0 if view.at >= end(view.day, world.zone) + lag else 0.7

    def quiet(company: Company, view: DayView) -> float:
        first, last = silent.get(company.id, (1, 0))
        return 0.0 if first <= (view.day - BEGIN.date()).days <= last else 1.0

    world = World.from_seed(seed, 6, ZoneInfo("Europe/Paris"))
    return world.under(corrected).under(quiet)


happenings = st.sampled_from(
    ("poll", "poll", "poll", "poll", "outage", "past fails", "midnight", "restart", "restart from empty")
)
steps = st.tuples(st.integers(20, 1400), happenings)
silences = st.dictionaries(st.integers(2, 6), st.tuples(st.integers(0, 40), st.integers(0, 60)), max_size=3)


# No shrinking of days: it takes minutes.
@settings(max_examples=examples(6), phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.integers(0, 1000), silences, st.lists(steps, min_size=90, max_size=150))
async def test_the_page_is_exact_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    silent: dict[int, tuple[int, int]],
    happened: list[tuple[int, str]],
) -> None:
    """After each step every figure is the expected one; the last day goes back with a new start alone."""
    state = tmp_path_factory.mktemp("state") / "state"
    async with Journey(unsteady(seed, silent), BEGIN, state) as journey:
        for minutes, what in happened:
            if journey.clock.moment > BEGIN + 60 * DAY:
                break
            journey.clock.moment += timedelta(minutes=minutes)
            await journey.go(what)


async def test_three_days_of_outage_over_a_months_end(tmp_path: Path) -> None:
    """Every day of them ends up complete, read again until it is final, and exact."""
    world = unsteady(3, {})
    async with Journey(world, BEGIN + 6 * DAY, tmp_path / "state") as journey:
        for what, hours in (("poll", 24), ("outage", 72), ("poll", 24 * 5)):
            for _ in range(0, hours, 3):
                journey.clock.moment += timedelta(hours=3)
                await journey.go(what)
        now = journey.clock.moment
        last = journey.expected.last_day(now)
        coverage = set(journey.road.page("chat_usage_report_window_coverage_ratio").values())

    missed = [BEGIN.date() + n * DAY for n in range(7, 11)]
    assert missed[0].month < missed[-1].month
    assert last == day_at(now, world.zone) - DAY
    assert coverage == {1.0}
    for day in missed:
        read = journey.expected.seen[day]
        assert read >= end(day, world.zone) + RULES.settle
        assert world.truth(1, day, "chat", at=read) == world.truth(1, day, "chat", at=read + 30 * DAY)
