"""Every figure is the simulator's, whenever polls happen; days never move backwards.

The expected figures are computed independently (`tests/pipeline/expected.py`).
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.domain.calendars import start
from exporter.simulator.paradigm.world import World
from tests.examples import examples
from tests.pipeline.pipeline import RULES, only, utc
from tests.pipeline.timeline import Timeline

pytestmark = pytest.mark.anyio


async def check_polls(world: World, start_at: datetime, steps: Sequence[timedelta], settle: timedelta) -> None:
    """Polls at each step, and refreshes at the first midnight between two polls."""
    async with Timeline(world, start_at, settle=settle) as timeline:
        for step in (timedelta(0), *steps):
            target = timeline.clock.moment + step
            if timeline.expected.latest and timeline.midnight() < target:
                await timeline.run("midnight")
            timeline.clock.moment = target
            await timeline.run("poll")
            last = timeline.expected.last_day(target)
            assert timeline.last_day_timestamp == (start(last, world.zone).timestamp() if last else 0.0)
        assert {"ok": len(steps) + 1} == timeline.pipeline.outcomes()
        assert set(timeline.pipeline.page("chat_usage_report_window_coverage_ratio").values()) == {1.0}
        assert only(timeline.pipeline, "chat_usage_report_restatements_total") == 0


ZONES = ("UTC", "Europe/Paris", "Pacific/Apia", "America/St_Johns")
STARTS = (  # clock changes, leap day, new year, first day of agents
    utc(2026, 3, 27, 20),
    utc(2026, 10, 23, 1),
    utc(2026, 3, 7, 3),
    utc(2026, 11, 1, 0, 30),
    utc(2028, 2, 28, 12),
    utc(2025, 12, 30, 23, 59),
    utc(2025, 11, 28, 9),
)


@settings(max_examples=examples(40))
@given(
    seed=st.integers(0, 10_000),
    zone=st.sampled_from(ZONES),
    begin=st.sampled_from(STARTS),
    minutes=st.lists(st.integers(1, 60 * 40), min_size=1, max_size=8),
    settle=st.sampled_from((0, 6, 30)),
)
async def test_every_value_is_the_simulators_own(
    seed: int, zone: str, begin: datetime, minutes: list[int], settle: int
) -> None:
    """For any seed, time zone, clock change and poll times."""
    world = World.from_seed(seed, 8, ZoneInfo(zone))

    await check_polls(world, begin, [timedelta(minutes=n) for n in minutes], timedelta(hours=settle))


@pytest.mark.parametrize(
    ("zone", "begin"),
    [
        pytest.param("Europe/Paris", utc(2026, 3, 27), id="paris-forward"),
        pytest.param("Europe/Paris", utc(2026, 10, 23), id="paris-back"),
        pytest.param("America/St_Johns", utc(2026, 3, 6), id="st-johns-forward"),
        pytest.param("America/St_Johns", utc(2026, 10, 30), id="st-johns-back"),
        pytest.param("America/St_Johns", utc(2010, 11, 5), id="st-johns-back-over-midnight"),
        pytest.param("Pacific/Apia", utc(2020, 9, 25), id="apia-forward"),
        pytest.param("Pacific/Apia", utc(2021, 4, 2), id="apia-back"),
        pytest.param("Pacific/Apia", utc(2011, 12, 28), id="apia-over-the-date-line"),
    ],
)
async def test_days_of_23_and_25_hours_and_one_of_none(zone: str, begin: datetime) -> None:
    """Polls every two hours for four days around each clock change."""
    world = World.from_seed(7, 6, ZoneInfo(zone))
    with_agents = [replace(each, agents_from=date(2010, 1, 1)) for each in world.companies]

    await check_polls(replace(world, companies=with_agents), begin, [timedelta(hours=2, minutes=7)] * 46, RULES.settle)
