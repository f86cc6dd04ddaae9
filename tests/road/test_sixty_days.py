"""Sixty days of anything: polls, outages, late corrections, silent companies, midnights, restarts; all stays exact.

The witness beside the road only knows which questions were answered when, and the simulator's truth: from these it
works out every figure by itself, plainly.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from exporter.domain.calendars import day_at, end
from exporter.polling.report_state import StateStore
from exporter.polling.state_file import StateFile
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.world import MODES, DayView, Figures, Mode, World
from tests.examples import examples
from tests.road.road import RULES, PassedClock, Road, Series, series, target_with, utc

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
BEGIN = utc(2026, 2, 20, 9)
SUMS = {
    "paradigm_sessions": "sessions",
    "paradigm_user_queries": "user_queries",
    "paradigm_model_responses": "model_responses",
    "paradigm_model_responses_with_docs": "model_responses_with_docs",
}
MADE_BY = {"platform": "simulated"}


class Platform(httpx.AsyncBaseTransport):
    """The simulated platform; `down` and `past_down` say which questions find nobody. Writes down what it answered."""

    def __init__(self, world: World, clock: PassedClock) -> None:
        self._app = httpx.ASGITransport(create_app(world, clock.now, sleep=clock.sleep))
        self._clock = clock
        self._zone = world.zone
        self.down = self.past_down = False
        self.answered: list[tuple[date, date, datetime]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        first, last = date.fromisoformat(query["start_date"]), date.fromisoformat(query["end_date"])
        is_past = last < day_at(self._clock.moment, self._zone)
        if self.past_down if is_past else self.down:
            raise httpx.ConnectError("nobody is there")
        self.answered.append((first, last, self._clock.moment))
        return await self._app.handle_async_request(request)


class Witness:
    """Works out what must be served from the answers that a process was given, or one before that kept its state."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.truth = cache(world.truth)  # of the same days again and again
        self.seen: dict[date, datetime] = {}
        self.latest: datetime | None = None  # good poll
        self.knows_past = False

    def saw(self, answers: list[tuple[date, date, datetime]]) -> None:
        for first, last, moment in answers:
            day = first
            while day <= last:
                self.seen[day] = moment
                day += DAY
            today = day_at(moment, self.world.zone)
            if last == today:
                self.latest = moment
            self.knows_past |= last < today
            self.seen = {each: when for each, when in self.seen.items() if each >= today - RULES.keep_days * DAY}

    def is_stale(self, now: datetime) -> bool:
        """Tells whether figures are too old to be served, and a state too old to be taken up."""
        return self.latest is None or now - self.latest > RULES.max_staleness

    def last_day(self, now: datetime) -> date | None:
        settled = [d for d, when in self.seen.items() if when >= end(d, self.world.zone) + RULES.settle]
        return max((d for d in settled if d < day_at(now, self.world.zone)), default=None)

    def served(self, now: datetime) -> dict[Series, float]:
        if self.is_stale(now):
            return {}
        return {
            key: value
            for company in self.world.companies
            for mode in MODES
            for key, value in self.of(company, mode, now)
        }

    def of(self, company: Company, mode: Mode, now: datetime) -> Iterator[tuple[Series, float]]:
        truth = {day: self.truth(company.id, day, mode, at=when) for day, when in self.seen.items()}
        rows = {day: row for day, row in truth.items() if row is not None}
        last, today = self.last_day(now), day_at(now, self.world.zone)
        for suffix, day in (("_last_day", last), ("_today", today if today in self.seen else None)):
            if day is not None and any(each <= day for each in rows):
                yield from self.one_day(company, mode, suffix, rows.get(day))
        if last is not None and self.knows_past and any(each <= last for each in rows):
            yield from self.sums(company, mode, last, rows)
        if rows:
            moment = max(row.last_model_response for row in rows.values()).timestamp()
            yield self.key("paradigm_last_model_response_timestamp_seconds", company, mode), moment

    def one_day(self, company: Company, mode: Mode, suffix: str, row: Figures | None) -> Iterator[tuple[Series, float]]:
        for family, field in {**SUMS, "paradigm_unique_models": "unique_models"}.items():
            yield self.key(family + suffix, company, mode), 0.0 if row is None else getattr(row, field)
        if row is not None:
            yield self.key(f"paradigm_session_length_average{suffix}", company, mode), row.average_length

    def sums(
        self, company: Company, mode: Mode, last: date, rows: dict[date, Figures]
    ) -> Iterator[tuple[Series, float]]:
        for suffix, length in (("_7d", 7), ("_28d", 28)):
            window = [last - n * DAY for n in range(length)]
            counted = [day for day in window if day in rows and self.seen[day] >= end(day, self.world.zone)]
            for family, field in SUMS.items():
                yield self.key(family + suffix, company, mode), sum(getattr(rows[day], field) for day in counted)

    def key(self, name: str, company: Company, mode: str) -> Series:
        return series(name, company_id=str(company.id), company=company.name, mode=mode)


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
    """After each step every figure is what the witness says; the last day goes back with a new start alone."""
    world, clock = unsteady(seed, silent), PassedClock(BEGIN)
    journey = Journey(world, clock, tmp_path_factory.mktemp("state") / "state")
    await journey.begin(journey.remembering())
    try:
        for minutes, what in happened:
            if clock.moment > BEGIN + 60 * DAY:
                break
            clock.moment += timedelta(minutes=minutes)
            await journey.go(what)
            assert journey.witness.served(clock.moment) == journey.road.page("paradigm_"), what
    finally:
        await journey.close()


class Journey:
    """One exporter after the other on the same platform, and the witness of what they were answered."""

    def __init__(self, world: World, clock: PassedClock, path: Path) -> None:
        self.world, self.clock, self.path = world, clock, path
        self.platform = Platform(world, clock)
        self.witness = Witness(world)
        self.target = target_with(replace(RULES, zone=world.zone))
        self.newest = 0.0

    def remembering(self) -> StateStore:
        """Returns the memory of a process that keeps its state."""
        return StateFile(self.path, self.clock.now).store("s", MADE_BY, self.target.rules)

    async def begin(self, store: StateStore) -> None:
        """Starts a process."""
        key = self.world.keys.admin
        self.road = await Road(self.platform, self.clock, key, self.target, store=store).__aenter__()

    async def close(self) -> None:
        """Ends it."""
        await self.road.__aexit__()

    async def go(self, what: str) -> None:
        """Lets one thing happen, and holds the last day against the one before."""
        if what in ("restart", "restart from empty"):
            await self.close()
            if what == "restart from empty":
                self.path.unlink(missing_ok=True)
            if what == "restart from empty" or self.witness.is_stale(self.clock.moment):
                self.witness, self.newest = Witness(self.world), 0.0
            await self.begin(self.remembering())
        elif what == "midnight":
            self.clock.moment = end(day_at(self.clock.moment, self.world.zone), self.world.zone)
            await self.road.poller.refresh()
        else:
            self.platform.down, self.platform.past_down = what == "outage", what == "past fails"
            self.platform.answered.clear()
            await self.road.poller.poll()
            self.witness.saw(self.platform.answered)
        last = max(self.road.page("chat_usage_report_day_timestamp_seconds").values(), default=0.0)
        assert self.newest <= last
        self.newest = last


async def test_three_days_of_outage_over_a_months_end(tmp_path: Path) -> None:
    """Every day of them ends up complete, read again until it is final, and exact."""
    world, clock = unsteady(3, {}), PassedClock(BEGIN + 6 * DAY)
    journey = Journey(world, clock, tmp_path / "state")
    await journey.begin(journey.remembering())
    try:
        for what, hours in (("poll", 24), ("outage", 72), ("poll", 24 * 5)):
            for _ in range(0, hours, 3):
                clock.moment += timedelta(hours=3)
                await journey.go(what)
                assert journey.witness.served(clock.moment) == journey.road.page("paradigm_")
        last = journey.witness.last_day(clock.moment)
        coverage = set(journey.road.page("chat_usage_report_window_coverage_ratio").values())
    finally:
        await journey.close()

    missed = [BEGIN.date() + n * DAY for n in range(7, 11)]
    assert missed[0].month < missed[-1].month
    assert last == day_at(clock.moment, world.zone) - DAY
    assert coverage == {1.0}
    for day in missed:
        read = journey.witness.seen[day]
        assert read >= end(day, world.zone) + RULES.settle
        assert world.truth(1, day, "chat", at=read) == world.truth(1, day, "chat", at=read + 30 * DAY)
