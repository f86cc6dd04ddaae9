"""When polls and midnights happen: triggers are pure, the schedule runs on APScheduler with timers of milliseconds."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from random import Random
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.domain import calendars
from exporter.domain.clock import Clock
from exporter.domain.scope import Scope
from exporter.metrics.target import Target
from exporter.polling.schedule import AfterMidnight, Every, Schedule, triggers
from tests.pipeline.pipeline import RULES

pytestmark = pytest.mark.anyio

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SPREAD = 2 * MINUTE
SOON = timedelta(milliseconds=30)
TIMEOUT_S = 20
ZONES = (
    "UTC",
    "Europe/Paris",  # clocks change at 01:00 UTC
    "America/New_York",
    "America/Sao_Paulo",  # they jumped from 00:00 to 01:00
    "America/St_Johns",  # they were set back from 00:01 to 23:01 of the day before
    "America/Havana",  # midnight comes twice
    "Australia/Lord_Howe",  # they change by half an hour
    "Asia/Kathmandu",
    "Pacific/Apia",  # 2011-12-30 has no time at all
)

zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.datetimes(datetime(2005, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 made aware
delays = st.sampled_from((MINUTE, 6 * HOUR + MINUTE, DAY + MINUTE, 14 * DAY))


def midnights(around: datetime, zone: ZoneInfo) -> list[datetime]:
    """Returns the starts of the days around a moment, each once."""
    days = (around.astimezone(zone).date() + timedelta(days=n) for n in range(-20, 40))
    return sorted({calendars.start(day, zone) for day in days})


class Least(Random):
    """Chance that always gives the least."""

    def random(self) -> float:
        return 0.0


# Triggers.


@given(zones, moments, delays, st.randoms(use_true_random=False))
def test_each_midnight_has_one_moment(zone: ZoneInfo, now: datetime, delay: timedelta, chance: Random) -> None:
    """The delay after each midnight, at most the spread later; none is left out, none comes twice."""
    trigger, starts = AfterMidnight(zone, delay, SPREAD, chance), midnights(now, zone)
    fired: list[datetime] = []
    for _ in range(10):
        fired.append(trigger.get_next_fire_time(fired[-1] if fired else None, fired[-1] if fired else now))

    last = [max(start for start in starts if start + delay <= moment) for moment in fired]
    first = starts.index(last[0])
    assert now <= fired[0]
    assert last == starts[first : first + 10]
    assert all(start + delay <= moment <= start + delay + SPREAD for start, moment in zip(last, fired, strict=True))
    assert starts[first - 1] + delay + SPREAD <= now


def polled(
    interval: timedelta, zone: ZoneInfo, settle: timedelta, *, jitter: float = 0.0, source: str = "production"
) -> Target:
    return Target(source, "paradigm", (), Scope(), replace(RULES, zone=zone, settle=settle), interval, jitter=jitter)


targets = st.builds(polled, st.sampled_from((MINUTE, HOUR, DAY)), zones, delays, jitter=st.sampled_from((0.0, 0.1)))
lateness = st.timedeltas(timedelta(0), 3 * DAY) | st.timedeltas(timedelta(0), 70 * 365 * DAY)


@given(targets, moments, lateness, st.randoms(use_true_random=False))
def test_a_late_scheduler_catches_up_once(target: Target, now: datetime, late: timedelta, chance: Random) -> None:
    """After a sleep, or from 1970 on: each next moment is later than the one before, and the search ends at once."""
    for trigger in triggers(target, chance).values():
        due = trigger.get_next_fire_time(None, now)
        woken, missed = due + late, [due]
        while missed[-1] <= woken and len(missed) <= 3:
            missed.append(trigger.get_next_fire_time(missed[-1], woken))

        assert missed[-1] > woken
        assert len(missed) <= 3
        assert missed == sorted(set(missed))


@given(st.timedeltas(timedelta(seconds=1), DAY), st.floats(0, 1), moments, st.randoms(use_true_random=False))
def test_polls_are_an_interval_apart(interval: timedelta, jitter: float, now: datetime, chance: Random) -> None:
    """Up to the jitter later, never earlier, and the next one counts from there."""
    trigger, fired = Every(interval, jitter, chance), [now]
    for _ in range(5):
        fired.append(trigger.get_next_fire_time(fired[-1], fired[-1]))
    waits = [after - before for before, after in pairwise(fired)]
    assert all(interval <= wait <= interval * (1 + jitter) + timedelta(microseconds=1) for wait in waits)


@pytest.mark.parametrize(
    ("zone", "now", "midnight"),
    [
        pytest.param("UTC", "2026-11-20T12:00Z", "2026-11-21T00:00Z", id="UTC"),
        pytest.param("Europe/Paris", "2026-03-29T12:00Z", "2026-03-29T22:00Z", id="after a day of 23 hours"),
        pytest.param("Europe/Paris", "2026-03-28T12:00Z", "2026-03-28T23:00Z", id="before a day of 23 hours"),
        pytest.param("Europe/Paris", "2026-10-25T12:00Z", "2026-10-25T23:00Z", id="after a day of 25 hours"),
        pytest.param("America/Sao_Paulo", "2018-11-03T12:00Z", "2018-11-04T03:00Z", id="a day that starts at 01:00"),
        pytest.param("America/Havana", "2026-10-31T12:00Z", "2026-11-01T04:00Z", id="midnight comes twice"),
        pytest.param("Pacific/Apia", "2011-12-29T12:00Z", "2011-12-30T10:00Z", id="a day of no time"),
    ],
)
def test_the_turn_of_the_day_is_midnight_itself(zone: str, now: str, midnight: str) -> None:
    """Without delay and spread, on days of any length."""
    trigger = AfterMidnight(ZoneInfo(zone), timedelta(0), timedelta(0), Least())

    fired = trigger.get_next_fire_time(None, datetime.fromisoformat(now))

    assert fired == datetime.fromisoformat(midnight)
    assert trigger.get_next_fire_time(fired, fired) > fired


def test_a_start_just_after_midnight_polls_once_more() -> None:
    """Within the spread the moment is still to come, or now."""
    trigger = AfterMidnight(ZoneInfo("UTC"), MINUTE, SPREAD, Least())
    now = datetime(2026, 11, 20, 0, 2, 59, tzinfo=UTC)

    fired = trigger.get_next_fire_time(None, now)

    assert now <= fired <= datetime(2026, 11, 20, 0, 3, tzinfo=UTC)
    assert trigger.get_next_fire_time(fired, fired).date() == date(2026, 11, 21)


# The schedule.


@dataclass
class Poller:
    """A poller that counts what it is asked for; `ends` are given out one by one, as when figures become too old."""

    target: Target = field(init=False)
    hangs: bool = False
    breaks: bool = False
    ends: list[datetime | None] = field(default_factory=list)
    polls: int = 0
    running: int = 0
    together: int = 0
    refreshes: int = 0
    cancelled: int = 0
    happened: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def poll(self) -> None:
        self.polls += 1
        self.running += 1
        self.together = max(self.together, self.running)
        await self._tell()
        try:
            if self.hangs:
                await asyncio.Event().wait()
            if self.breaks:
                raise ValueError("a slip of the poller")
        except asyncio.CancelledError:
            self.cancelled += 1
            await turns()  # as connections need to close
            raise
        finally:
            self.running -= 1

    async def render_all(self) -> None:
        self.refreshes += 1
        await self._tell()

    def expires_at(self) -> datetime | None:
        return self.ends.pop(0) if self.ends else None

    async def _tell(self) -> None:
        async with self.happened:
            self.happened.notify_all()

    async def until(self, condition: Callable[["Poller"], bool]) -> None:
        async with asyncio.timeout(TIMEOUT_S), self.happened:
            await self.happened.wait_for(lambda: condition(self))


@dataclass
class MovedClock:
    """The machine's clocks, each moved by something; `asked` is set whenever the monotonic one is read."""

    wall: timedelta = timedelta(0)
    ticks: float = 0.0
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.wall

    def monotonic(self) -> float:
        self.asked.set()
        return time.monotonic() + self.ticks

    def for_schedule(self) -> Clock:
        return Clock(self.now, self.monotonic, random=Least())


def zone_with(midnight: timedelta) -> ZoneInfo:
    """Returns a zone whose midnight was so long ago, to the microsecond; its name, which it lacks, is not asked for."""
    now = datetime.now(UTC)
    since = now - now.replace(hour=0, minute=0, second=0, microsecond=0)
    offset = (midnight - since + DAY / 2) % DAY - DAY / 2
    return cast("ZoneInfo", timezone(offset))


def due(
    poller: Poller,
    *,
    interval: timedelta = DAY,
    midnight: timedelta = DAY / 2,
    settle: timedelta = 6 * HOUR,
    source: str = "production",
) -> Poller:
    """Sets when a source is polled; its `midnight` was so long ago."""
    poller.target = polled(interval, zone_with(midnight), settle, source=source)
    return poller


@asynccontextmanager
async def running(*pollers: Poller, clock: MovedClock | None = None, **seconds: float) -> AsyncIterator[Schedule]:
    """Runs a schedule for the length of a block."""
    clock = clock or MovedClock()
    schedule = Schedule(clock.for_schedule(), **seconds)
    schedule.start()
    for each in pollers:
        schedule.add(each, datetime.now(UTC))
    try:
        yield schedule
    finally:
        await schedule.stop()


async def turns() -> None:
    """Lets everything happen that can happen without time."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_every_source_is_polled_at_once() -> None:
    """A start does not wait for the interval."""
    first, second = Poller(), Poller()
    async with running(due(first), due(second, source="support-bot")):
        await first.until(lambda poller: poller.polls == 1)
        await second.until(lambda poller: poller.polls == 1)


async def test_a_poll_that_hangs_delays_no_other_source() -> None:
    """A platform that never answers is its own trouble."""
    stuck, healthy = Poller(hangs=True), Poller()
    async with running(due(stuck, source="stuck"), due(healthy, interval=SOON, source="well")):
        await healthy.until(lambda poller: poller.polls >= 3)

        assert stuck.polls >= 1


async def test_every_poll_that_is_due_while_others_run_reaches_the_poller(caplog: pytest.LogCaptureFixture) -> None:
    """The poller counts what it skips; what APScheduler drops would be in no metric."""
    poller = Poller(hangs=True)
    async with running(due(poller, interval=SOON)):
        await poller.until(lambda poller: poller.polls == 7)
    assert not caplog.records


async def test_a_poll_that_breaks_is_no_end_of_polling(caplog: pytest.LogCaptureFixture) -> None:
    """A slip of ours shows in the log, and the next poll comes all the same."""
    poller = Poller(breaks=True)
    async with running(due(poller, interval=SOON)):
        await poller.until(lambda poller: poller.polls == 2)

    assert "a slip of the poller" in caplog.text


@pytest.mark.parametrize(
    ("midnight", "settle", "polls"),
    [
        pytest.param(MINUTE - SOON, 6 * HOUR, 2, id="after midnight"),
        pytest.param(MINUTE + 6 * HOUR - SOON, 6 * HOUR, 2, id="after settle"),
        pytest.param(MINUTE - SOON, timedelta(0), 2, id="once where a day settles at once"),
    ],
)
async def test_polls_come_a_minute_after_a_day_ends_and_settles(
    midnight: timedelta, settle: timedelta, polls: int
) -> None:
    """Besides the interval: figures of the new day soon, those of the old one as soon as they are complete."""
    poller = Poller()
    async with running(due(poller, midnight=midnight, settle=settle)):
        await poller.until(lambda poller: poller.polls == polls)
        await turns()

        assert (polls, 0) == (poller.polls, poller.refreshes)


async def test_pages_turn_at_midnight() -> None:
    """Without a poll: what was today's is no longer."""
    poller = Poller()
    async with running(due(poller, midnight=-10 * SOON)):  # time enough to start, on a slow machine
        await poller.until(lambda poller: poller.refreshes == 1)

        assert poller.polls == 1


async def test_pages_turn_when_figures_become_too_old() -> None:
    """A second after that moment, and again for the next report; the moment is asked for after each poll."""
    soon = datetime.now(UTC) - timedelta(seconds=1) + SOON
    poller = Poller(ends=[None, soon, soon + SOON])
    async with running(due(poller)):
        await poller.until(lambda poller: poller.refreshes == 2)

        assert (1, []) == (poller.polls, poller.ends)


@pytest.mark.parametrize("seconds", [-3600.0, -11.0, 11.0, 3600.0])
async def test_a_jump_of_the_wall_clock_arms_everything_anew(seconds: float, caplog: pytest.LogCaptureFixture) -> None:
    """APScheduler would wait for the old time; the heart, which waited with it, beats at once."""
    clock, poller = MovedClock(timedelta(seconds=-100 - seconds), -100.0), Poller()
    async with running(due(poller), clock=clock) as schedule:
        await poller.until(lambda poller: poller.polls == 1)
        clock.wall, clock.ticks = timedelta(0), 0.0
        assert not schedule.alive(60)

        schedule.compare_clocks()
        schedule.compare_clocks()

        assert schedule.alive(60)
        await poller.until(lambda poller: poller.polls == 2)
    assert caplog.text.count("the wall clock jumped; polling anew") == 1


@pytest.mark.parametrize("jump", [-10 * 365 * DAY, 57 * HOUR, 10 * 365 * DAY, 56 * 365 * DAY], ids=str)
async def test_a_poll_that_a_jump_overtakes_is_ended_and_none_runs_beside_it(jump: timedelta) -> None:
    """It asked for the days of the wrong clock; nothing overlaps, so nothing is skipped, whichever job is due first."""
    clock, poller = MovedClock(wall=-jump), Poller(hangs=True)
    async with running(due(poller), clock=clock) as schedule:
        await poller.until(lambda poller: poller.polls == 1)
        clock.wall = timedelta(0)
        schedule.compare_clocks()
        await poller.until(lambda poller: poller.polls == 2)
        await turns()

        assert (poller.polls, poller.cancelled, poller.together) == (2, 1, 1)


async def test_all_that_a_jump_makes_due_is_one_poll() -> None:
    """After a suspend the interval, a midnight, a settle time have passed: one poll is enough, none is skipped."""
    clock, poller = MovedClock(wall=-57 * HOUR), Poller(hangs=True)
    async with running(due(poller), clock=clock) as schedule:
        await poller.until(lambda poller: poller.polls == 1)
        clock.wall = timedelta(0)
        for job in schedule._scheduler.get_jobs():
            job.modify(next_run_time=clock.now())
        await poller.until(lambda poller: poller.polls == 2)
        await turns()

        assert (poller.polls, poller.cancelled, poller.together) == (2, 1, 1)


@pytest.mark.parametrize("seconds", [-9.0, 0.0, 9.0])
async def test_a_clock_that_is_slewed_arms_nothing(seconds: float, caplog: pytest.LogCaptureFixture) -> None:
    """Time servers move clocks a little all the time."""
    clock, poller = MovedClock(), Poller()
    async with running(due(poller), clock=clock) as schedule:
        await poller.until(lambda poller: poller.polls == 1)
        clock.wall += timedelta(seconds=seconds)
        schedule.compare_clocks()
        await turns()

    assert (1, "") == (poller.polls, caplog.text)


async def test_the_watchdog_compares_by_itself() -> None:
    """Nobody has to call; a jump is found at the next look, and once."""
    clock, poller = MovedClock(), Poller()
    async with running(due(poller), clock=clock, comparison=0.001):
        await poller.until(lambda poller: poller.polls == 1)
        clock.wall -= HOUR
        await poller.until(lambda poller: poller.polls == 2)
        await turns()

    assert poller.polls == 2


async def test_health_is_a_heart_that_beats() -> None:
    """A scheduler that runs beats; one that stands still is found out by the monotonic clock."""
    clock = MovedClock()
    async with running(clock=clock, beat=0.01) as schedule:
        clock.ticks += 100.0
        assert not schedule.alive(60)
        async with asyncio.timeout(TIMEOUT_S):
            while not schedule.alive(60):
                clock.asked.clear()
                await clock.asked.wait()


async def test_stop_cancels_what_runs_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Polls have ended when stop returns, before the connections that they use are closed."""
    stuck, clock = Poller(hangs=True), MovedClock()
    async with running(due(stuck, interval=SOON), clock=clock):
        await stuck.until(lambda poller: poller.polls == 2)
    at_return = stuck.cancelled
    await turns()

    assert at_return == stuck.polls >= 2
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_stop_right_after_the_start_polls_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """What was due does not begin any more."""
    poller = Poller()
    async with running(due(poller)):
        pass
    await turns()

    assert (0, "") == (poller.polls, caplog.text)


async def test_stop_without_a_start_is_nothing() -> None:
    """Whoever fails in between may still clean up."""
    await Schedule(Clock()).stop()


async def test_a_source_that_is_removed_is_polled_no_more(caplog: pytest.LogCaptureFixture) -> None:
    """What runs has ended when remove returns, and says nothing; the other source goes on."""
    stuck, healthy = Poller(hangs=True), Poller()
    async with running(due(stuck, interval=SOON, source="stuck"), due(healthy, interval=SOON)) as schedule:
        await stuck.until(lambda poller: poller.polls == 2)
        await schedule.remove("stuck")
        at_return = stuck.cancelled
        polls = healthy.polls
        await healthy.until(lambda poller: poller.polls >= polls + 3)

    assert at_return == stuck.polls >= 2
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_source_whose_jobs_wait_is_removed_in_silence() -> None:
    poller = Poller()
    async with running(due(poller)) as schedule:
        await poller.until(lambda poller: poller.polls == 1)
        await turns()

        await schedule.remove("production")
        await schedule.remove("production")


@pytest.mark.parametrize("steps", range(8))
async def test_no_poll_begins_after_removal(steps: int) -> None:
    """However far it was on its way: APScheduler makes a task when the time has come, and the loop starts it later."""
    poller, successor = Poller(), Poller()
    async with running() as schedule:
        schedule.add(due(poller), datetime.now(UTC))
        for _ in range(steps):
            await asyncio.sleep(0)
        await schedule.remove("production")
        begun = poller.polls
        schedule.add(due(successor), datetime.now(UTC))
        await successor.until(lambda poller: poller.polls == 1)

    assert poller.polls == begun


async def test_a_source_is_added_while_others_run() -> None:
    """Its first poll comes when it is told to, and the next ones by its timetable."""
    early, late = Poller(), Poller()
    async with running() as schedule:
        schedule.add(due(early, interval=SOON), datetime.now(UTC))
        schedule.add(due(late, source="late"), datetime.now(UTC) + HOUR)
        await early.until(lambda poller: poller.polls >= 3)

        assert late.polls == 0


async def test_a_jump_of_the_clock_arms_what_was_added_and_not_what_was_removed() -> None:
    clock, gone, here = MovedClock(), Poller(), Poller()
    async with running(due(gone), clock=clock) as schedule:
        await gone.until(lambda poller: poller.polls == 1)
        await schedule.remove("production")
        schedule.add(due(here, source="here"), datetime.now(UTC) + HOUR)
        clock.wall -= timedelta(seconds=100)
        schedule.compare_clocks()
        await here.until(lambda poller: poller.polls == 1)

    assert gone.polls == 1
