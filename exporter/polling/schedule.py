"""APScheduler jobs that poll sources and render at midnight, and a watchdog for clock jumps.

APScheduler follows the wall clock. If that jumps it would wait for the old time, or start everything as missed; so
the watchdog and every due job compare it with the monotonic clock, and after a jump all jobs are made anew.
"""

import asyncio
import logging
import random
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol, cast
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.date import DateTrigger

from exporter.domain import calendars
from exporter.domain.clock import Clock
from exporter.metrics.target import Target

log = logging.getLogger(__name__)

AFTER_MIDNIGHT, SPREAD = timedelta(minutes=1), timedelta(minutes=2)
BEAT_SECONDS, COMPARISON_SECONDS = 15.0, 30.0
JUMP_SECONDS = 10.0  # slewing moves a clock by 15 ms in 30 s; more than this was a step

Job = Callable[[], Awaitable[None]]


class Pollable(Protocol):
    """The part of `exporter.polling.poller.Poller` that is needed here."""

    target: Target

    async def poll(self) -> None: ...
    async def render_all(self) -> None: ...
    def expires_at(self) -> datetime | None: ...


class Every(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 ships no types
    """Fires every `interval`, up to `jitter` (a share of it) late; missed times count once.

    APScheduler's own trigger loops over all missed times: minutes, after a clock went from 1970 to now.
    """

    def __init__(self, interval: timedelta, jitter: float, chance: random.Random) -> None:
        self._interval = interval
        self._jitter = jitter
        self._chance = chance

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        wait = self._interval * (1 + self._jitter * self._chance.random())
        due = (previous_fire_time or now) + wait
        return due if due > now else now + wait


class AfterMidnight(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 ships no types
    """Fires once a day, `delay` after the zone's midnight plus a random part of `spread`, also on 23-hour days."""

    def __init__(self, zone: ZoneInfo, delay: timedelta, spread: timedelta, chance: random.Random) -> None:
        self._zone = zone
        self._delay = delay
        self._spread = spread
        self._chance = chance

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Returns the next moment after `now`, of a later midnight than the previous one."""
        after = now if previous_fire_time is None else max(now, previous_fire_time)
        midnight = calendars.next_midnight(after - self._delay - self._spread, self._zone)
        if previous_fire_time is not None and midnight + self._delay <= previous_fire_time:
            midnight = calendars.next_midnight(midnight, self._zone)
        return max(midnight + self._delay + self._spread * self._chance.random(), now)


def delays(target: Target) -> Mapping[str, timedelta]:
    """Returns the earliest delay of each poll after midnight, by name; each poll is up to `SPREAD` later."""
    settle = target.rules.settle
    settled = {"settled": settle + AFTER_MIDNIGHT} if settle else {}
    return {"midnight": AFTER_MIDNIGHT, **settled}


def triggers(target: Target, chance: random.Random) -> Mapping[str, BaseTrigger]:
    """Returns the triggers of a source's polls by name."""
    zone = target.rules.zone
    after_midnight = {name: AfterMidnight(zone, delay, SPREAD, chance) for name, delay in delays(target).items()}
    return {"interval": Every(target.interval, target.jitter, chance), **after_midnight}


class Schedule:
    """Polls sources until stopped; `beat` and `comparison` are seconds between heartbeats and clock comparisons."""

    def __init__(self, clock: Clock, beat: float = BEAT_SECONDS, comparison: float = COMPARISON_SECONDS) -> None:
        self._pollers: dict[str, Pollable] = {}
        self._clock = clock
        self._beats = Every(timedelta(seconds=beat), 0.0, clock.random)
        self._comparison = comparison
        self._beat_at = clock.monotonic()
        any_number = sys.maxsize  # the poller counts overlaps; runs that APScheduler drops are not counted
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": any_number}
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)
        self._running: dict[asyncio.Task[None], tuple[Pollable | None, int]] = {}
        self._generation = 0  # jobs made in an earlier one are void
        self._offset = self._clock_offset()

    def start(self) -> None:
        """Starts on the running event loop, without sources."""
        self._scheduler.start()
        self._arm()
        self._running[asyncio.get_running_loop().create_task(self._watch())] = None, self._generation

    async def stop(self) -> None:
        """Cancels all jobs; running ones have ended when this returns."""
        if self._scheduler.running:
            self._scheduler.pause()  # shutdown takes effect one loop iteration later, and due jobs would still start
            self._scheduler.shutdown(wait=False)
        await _cancel(tuple(self._running))

    def add(self, poller: Pollable, first: datetime | None = None) -> None:
        """Polls a source at `first`, by default now, then as its target says."""
        self._pollers[poller.target.source] = poller
        self._arm_source(poller, first or self._clock.now())

    async def remove(self, source: str) -> None:
        """Stops polling a source; a running poll is cancelled and has ended when this returns."""
        poller = self._pollers.pop(source, None)
        for job in self._scheduler.get_jobs():
            if job.id.startswith(f"{source}/"):
                job.remove()
        await _cancel([task for task, (of, _) in self._running.items() if poller is not None and of is poller])

    def alive(self, within: float) -> bool:
        """Returns whether the scheduler ran a job within that many seconds."""
        return self._clock.monotonic() - self._beat_at < within

    def next_poll(self, source: str) -> datetime | None:
        """Returns when a source is polled next; None if it is not scheduled."""
        polls = (self._scheduler.get_job(f"{source}/{name}") for name in ("interval", "midnight", "settled"))
        return min((job.next_run_time for job in polls if job is not None), default=None)

    def _arm(self) -> None:
        """Makes all jobs anew from the present time."""
        self._beat_at = self._clock.monotonic()
        self._generation += 1
        beat = (self._beat, None, self._generation)
        self._scheduler.add_job(self._run, self._beats, beat, id="heartbeat", replace_existing=True)
        for poller in self._pollers.values():
            self._arm_source(poller, self._clock.now())

    def _arm_source(self, poller: Pollable, first: datetime) -> None:
        async def poll() -> None:
            await poller.poll()
            self._arm_expiry(poller)

        for name, trigger in triggers(poller.target, self._clock.random).items():
            self._add(poller, name, poll, trigger, first if name == "interval" else None)
        at_midnight = AfterMidnight(poller.target.rules.zone, timedelta(0), timedelta(0), self._clock.random)
        self._add(poller, "new_day", poller.render_all, at_midnight)
        self._arm_expiry(poller)

    def _arm_expiry(self, poller: Pollable) -> None:
        """Renders a source anew one second after its figures next become stale."""

        async def render() -> None:
            await poller.render_all()
            self._arm_expiry(poller)

        moment = poller.expires_at()
        if moment is not None:
            self._add(poller, "expiry", render, DateTrigger(moment + timedelta(seconds=1), UTC))

    def _add(self, poller: Pollable, name: str, job: Job, trigger: BaseTrigger, first: datetime | None = None) -> None:
        start = {} if first is None else {"next_run_time": first}
        name = f"{poller.target.source}/{name}"
        job_of = (job, poller, self._generation)
        self._scheduler.add_job(self._run, trigger, job_of, id=name, name=name, replace_existing=True, **start)

    async def _run(self, job: Job, poller: Pollable | None, made_in: int) -> None:
        """Runs a job where `stop` and `remove` find it; cancels the source's jobs of earlier generations."""
        self.compare_clocks()
        if poller is not None and (
            self._pollers.get(poller.target.source) is not poller or made_in != self._generation
        ):
            return  # removed or replaced after APScheduler made the task and before it began
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._running[task] = poller, made_in
        try:
            if poller is not None:
                await _cancel([each for each, (of, then) in self._running.items() if of is poller and then != made_in])
            await job()
        except asyncio.CancelledError:
            log.debug("cancelled")  # by `stop` or `remove`; APScheduler would log it as an error
        finally:
            del self._running[task]

    async def _beat(self) -> None:
        self._beat_at = self._clock.monotonic()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._comparison)
            self.compare_clocks()

    def compare_clocks(self) -> None:
        """Makes all jobs anew if the wall clock has jumped since the last comparison."""
        before, self._offset = self._offset, self._clock_offset()
        if abs(self._offset - before) > JUMP_SECONDS:
            log.warning("the wall clock jumped; polling anew", extra={"seconds": round(self._offset - before)})
            self._arm()

    def _clock_offset(self) -> float:
        """Returns how far the wall clock is ahead of the monotonic one."""
        return self._clock.now().timestamp() - self._clock.monotonic()


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancels tasks and waits for their end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
