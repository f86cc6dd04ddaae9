"""Every value on the page is the simulator's own, whenever polls happened; nothing moves backwards.

The expectation is a naive calculation of its own, from the simulator's truth and the moments of the polls.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.domain.calendars import day_at, end, start
from exporter.domain.model import Days
from exporter.simulator.paradigm.world import MODES, Figures, Mode, World
from tests.examples import examples
from tests.road.road import RULES, PassedClock, Road, Series, only, series, utc

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
COUNTS = {
    "paradigm_sessions": "sessions",
    "paradigm_user_queries": "user_queries",
    "paradigm_model_responses": "model_responses",
    "paradigm_model_responses_with_docs": "model_responses_with_docs",
    "paradigm_unique_models": "unique_models",
}
AVERAGE = "paradigm_session_length_average"
NEWEST = "paradigm_last_model_response_timestamp_seconds"


class Naive:
    """What must be served, worked out day by day from truth and the moments of polls."""

    def __init__(self, world: World, settle: timedelta) -> None:
        self.world = world
        self.settle = settle
        self.polls: list[datetime] = []
        self._rows: dict[tuple[int, Mode], dict[date, Figures]] = {}  # of the last poll, for speed

    def first_day(self) -> date:
        """Returns the oldest held day: the history pass asked for it, and for all days since."""
        return day_at(self.polls[-1], self.world.zone) - RULES.keep_days * DAY

    def last_day(self) -> date | None:
        """Returns the newest day that some poll saw after its settle time."""
        day = day_at(self.polls[-1], self.world.zone) - DAY
        while day >= self.first_day():
            if any(poll >= end(day, self.world.zone) + self.settle for poll in self.polls):
                return day
            day -= DAY
        return None

    def served(self, now: datetime) -> dict[Series, float]:
        expected: dict[Series, float] = {}
        today = day_at(self.polls[-1], self.world.zone)
        days = [("_last_day", self.last_day())] + ([("_today", today)] if today == day_at(now, self.world.zone) else [])
        self._rows.clear()
        for company in self.world.companies:
            for mode in MODES:
                for suffix, day in days:
                    if day is not None:
                        expected.update(self.of_day(company.id, mode, suffix, day))
                for suffix, length in (("_7d", 7), ("_28d", 28)):
                    expected.update(self.of_window(company.id, mode, suffix, length))
                moments = [row.last_model_response.timestamp() for row in self.rows(company.id, mode, today).values()]
                if moments:
                    expected[self.key(NEWEST, company.id, mode)] = max(moments)
        return expected

    def rows(self, company: int, mode: Mode, until: date) -> dict[date, Figures]:
        """Returns the rows of the days asked so far, as the last poll saw them."""
        if (company, mode) not in self._rows:
            asked = Days(self.first_day(), day_at(self.polls[-1], self.world.zone))
            seen = ((day, self.world.truth(company, day, mode, at=self.polls[-1])) for day in asked)
            self._rows[company, mode] = {day: row for day, row in seen if row is not None}
        return {day: row for day, row in self._rows[company, mode].items() if day <= until}

    def of_day(self, company: int, mode: Mode, suffix: str, day: date) -> Iterator[tuple[Series, float]]:
        rows = self.rows(company, mode, day)
        if not rows:
            return
        row = rows.get(day)
        for family, field in COUNTS.items():
            yield self.key(family + suffix, company, mode), 0.0 if row is None else getattr(row, field)
        if row is not None:
            yield self.key(AVERAGE + suffix, company, mode), row.average_length

    def of_window(self, company: int, mode: Mode, suffix: str, length: int) -> Iterator[tuple[Series, float]]:
        """Yields the sums over the days that end with the last one; only counts that add up have them."""
        last = self.last_day()
        rows = self.rows(company, mode, last) if last is not None else {}
        if last is None or not rows:
            return
        window = [rows[day] for day in (last - n * DAY for n in range(length)) if day in rows]
        for family, field in COUNTS.items():
            if field != "unique_models":
                yield self.key(family + suffix, company, mode), sum(getattr(row, field) for row in window)

    def key(self, name: str, company: int, mode: str) -> Series:
        found = self.world.company(company)
        assert found is not None
        return series(name, company_id=str(company), company=found.name, mode=mode)


async def travel(world: World, begin: datetime, steps: Sequence[timedelta], settle: timedelta) -> None:
    """Polls at each step and compares the whole page, right after each poll and right after each midnight."""
    clock, naive = PassedClock(begin), Naive(world, settle)
    newest = 0.0
    async with Road.to(world, clock, settle=settle) as road:
        for step in (timedelta(0), *steps):
            target = clock.moment + step
            midnight = end(day_at(clock.moment, world.zone), world.zone)
            if naive.polls and midnight < target:
                clock.moment = midnight
                await road.poller.refresh()
                assert naive.served(midnight) == road.page("paradigm_")
            clock.moment = target
            await road.poller.poll()
            naive.polls.append(target)
            assert naive.served(target) == road.page("paradigm_")
            served = road.page("chat_usage_report_day_timestamp_seconds").values()
            assert newest <= max(served, default=0.0)
            newest = max(served, default=0.0)
            last = naive.last_day()
            assert newest == (start(last, world.zone).timestamp() if last else 0.0)
        assert {"ok": len(steps) + 1} == road.outcomes()
        assert set(road.page("chat_usage_report_window_coverage_ratio").values()) == {1.0}
        assert only(road, "chat_usage_report_restatements_total") == 0


ZONES = ("UTC", "Europe/Paris", "Pacific/Apia", "America/St_Johns")
BEGINNINGS = (  # days around clock changes, leap day, new year, the start of agents
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
    begin=st.sampled_from(BEGINNINGS),
    minutes=st.lists(st.integers(1, 60 * 40), min_size=1, max_size=8),
    settle=st.sampled_from((0, 6, 30)),
)
async def test_every_value_is_the_simulators_own(
    seed: int, zone: str, begin: datetime, minutes: list[int], settle: int
) -> None:
    """Over seeds, zones, clock changes and any rhythm of polls."""
    world = World.from_seed(seed, 8, ZoneInfo(zone))

    await travel(world, begin, [timedelta(minutes=n) for n in minutes], timedelta(hours=settle))


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
    """Four days around each change of the clocks, every two hours and a bit."""
    world = World.from_seed(7, 6, ZoneInfo(zone), agents_from=date(2010, 1, 1))

    await travel(world, begin, [timedelta(hours=2, minutes=7)] * 46, RULES.settle)
