"""An exporter and the simulated platforms that it polls, all in a virtual time that runs faster, over real HTTP.

The parts are those of `serve`, put together by `cli.wiring`, but for two things. APScheduler waits by the machine's
clock, so the driver here waits, divided, for the moments that the schedule would poll at. And a poll, which takes the
time of real requests, must last no virtual quarter of an hour: polls come one by one, and a scrape in the midst of one
gets the page of before, so that all reports of a source change at once.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Thread

import yaml
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.app.assemble import Exporter, assemble
from exporter.app.process import serving
from exporter.domain import calendars
from exporter.domain.clock import Clock
from exporter.platforms.registry import platforms
from exporter.polling.poller import Poller
from exporter.polling.schedule import SPREAD
from exporter.settings import Source, load
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import HOLIDAYS, World
from exporter.simulator.scenarios import NORMAL
from exporter.web.server.server import listen, url
from tests import loopback
from tests.e2e.programs import wait_for
from tests.oncall.faster import Acceleration

PATIENCE_S = 60
ACTIVITIES = ["user_queries", "model_responses", "model_responses_with_docs"]


@dataclass(frozen=True, slots=True)
class Platform:
    """A simulated platform that a source polls; `scenario` is what is wrong before the first poll.

    `expected` are the ids of companies that must be in its reports.
    """

    world: World
    listening: socket.socket
    scenario: str = NORMAL
    expected: tuple[int, ...] = ()

    def set(self, scenario: str) -> None:
        """Says what is wrong from now on."""
        loopback.post(f"{url(self.listening)}/control", json={"scenarios": [scenario]}).raise_for_status()


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs: the virtual time, the platforms by the names of their sources, and where the exporter listens."""

    acceleration: Acceleration
    platforms: Mapping[str, Platform]
    listening: socket.socket

    def configuration(self) -> str:
        """Returns the exporter's configuration: what limits real time, and limits for more than one activity."""
        years = range(self.acceleration.began.year - 1, self.acceleration.began.year + 1)
        return yaml.safe_dump(
            {
                "sources": {name: _options(each) for name, each in self.platforms.items()},
                "thresholds": [{"activity": ACTIVITIES, "drop_ratio": 0.5, "min_baseline": 20}],
                "calendars": {"default": {"holidays": [date(year, *each) for year in years for each in HOLIDAYS]}},
            }
        )


def _options(platform: Platform) -> Mapping[str, object]:
    return {
        "platform": "paradigm",
        "base_url": url(platform.listening),
        "api_key": platform.world.keys.admin,
        "poll": {"requests_per_minute": 6000, "jitter": "0%"},
        "companies": {"expected": [str(company) for company in platform.expected]},
    }


@contextmanager
def running(stage: Stage, folder: Path) -> Iterator[Callable[[str, str], None]]:
    """Runs platforms and exporter, in a thread of their own; the block starts when every source was polled once.

    Yields what says which scenario a source's platform is in from now on. It does so between two polls: a platform
    that fails in the middle of one would fail for some reports an hour before the others.
    """
    loop = asyncio.new_event_loop()
    polling = asyncio.Lock()

    async def between_polls(name: str, scenario: str) -> None:
        async with polling:
            await asyncio.to_thread(stage.platforms[name].set, scenario)

    def trouble(name: str, scenario: str) -> None:
        asyncio.run_coroutine_threadsafe(between_polls(name, scenario), loop).result(PATIENCE_S)

    ready, ended = asyncio.Event(), asyncio.Event()
    thread = Thread(target=loop.run_forever)
    thread.start()
    run = asyncio.run_coroutine_threadsafe(_run(stage, folder, polling, ready, ended), loop)
    try:
        wait_for(lambda: ready.is_set() or run.done(), "every source to be polled once", PATIENCE_S)
        if not run.done():
            yield trouble
    finally:
        loop.call_soon_threadsafe(ended.set)
        try:
            run.result(PATIENCE_S)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


async def _run(stage: Stage, folder: Path, polling: asyncio.Lock, ready: asyncio.Event, ended: asyncio.Event) -> None:
    file = folder / "exporter.yml"
    file.write_text(stage.configuration())
    settings = load(file, {}, platforms())
    seconds, sleep = _virtual_seconds(stage.acceleration), _sleep(stage.acceleration)
    pace = Clock(stage.acceleration.now, seconds, sleep)
    exporter = assemble(settings, Clock(stage.acceleration.now, seconds), client_clock=pace)
    async with AsyncExitStack() as stack:
        for platform in stage.platforms.values():
            app = create_app(platform.world, stage.acceleration.now, scenarios=(platform.scenario,), sleep=sleep)
            await stack.enter_async_context(serving(app, platform.listening))
        stack.push_async_callback(exporter.closing.aclose)
        await asyncio.gather(*(_first(poller) for poller in exporter.sources.pollers))
        await stack.enter_async_context(serving(Steady(exporter.app, polling), stage.listening))
        drivers = _drivers(exporter, settings.sources, polling, stage.acceleration)
        driving = [asyncio.ensure_future(each) for each in drivers]
        ready.set()
        await ended.wait()
        for task in driving:
            task.cancel()
        await asyncio.gather(*driving, return_exceptions=True)


class Steady:
    """An application that answers while somebody polls as it answered before; it is asked by one client alone."""

    def __init__(self, app: ASGIApp, polling: asyncio.Lock) -> None:
        self._app = app
        self._polling = polling
        self._answer: tuple[Message, ...] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers anew, or again."""
        if self._answer and self._polling.locked():
            for message in self._answer:
                await send(message)
            return
        answer: list[Message] = []

        async def keeping(message: Message) -> None:
            answer.append(message)
            await send(message)

        await self._app(scope, receive, keeping)
        self._answer = tuple(answer)


async def _first(poller: Poller) -> None:
    await poller.start()
    await poller.poll()


def _drivers(
    exporter: Exporter, sources: Mapping[str, Source], polling: asyncio.Lock, acceleration: Acceleration
) -> Iterator[Awaitable[None]]:
    """Yields what polls each source at its interval and after midnight and settle, and turns its page at midnight."""
    for each, poller in zip(sources.values(), exporter.sources.pollers, strict=True):
        poll = _alone(poller.poll, polling)
        yield _repeat(poll, _each_interval(each), acceleration)
        for delay in (*each.cadence.delays().values(), None):
            job = poller.refresh if delay is None else poll
            late = timedelta(0) if delay is None else delay + SPREAD / 2
            yield _repeat(job, _after_midnight(each, late), acceleration)


def _alone(job: Callable[[], Awaitable[None]], lock: asyncio.Lock) -> Callable[[], Awaitable[None]]:
    async def alone() -> None:
        async with lock:
            await job()

    return alone


def _each_interval(each: Source) -> Callable[[datetime], datetime]:
    """Returns what tells when a source is polled next: on the hour, however long the programs took to start."""

    def following(moment: datetime) -> datetime:
        return moment + each.poll.interval - (moment - datetime.min.replace(tzinfo=UTC)) % each.poll.interval

    return following


def _after_midnight(each: Source, late: timedelta) -> Callable[[datetime], datetime]:
    return lambda moment: calendars.next_midnight(moment - late, each.target.rules.zone) + late


async def _repeat(
    job: Callable[[], Awaitable[None]], following: Callable[[datetime], datetime], acceleration: Acceleration
) -> None:
    moment = acceleration.now()
    while True:
        moment = following(moment)
        await asyncio.sleep(max(acceleration.real(moment - acceleration.now()), 0))
        await job()


def _sleep(acceleration: Acceleration) -> Callable[[float], Awaitable[None]]:
    return lambda seconds: asyncio.sleep(seconds / acceleration.factor)


def _virtual_seconds(acceleration: Acceleration) -> Callable[[], float]:
    return lambda: acceleration.now().timestamp()


def listening() -> socket.socket:
    """Opens a socket on a free loopback port."""
    return listen("127.0.0.1:0", "a test")
