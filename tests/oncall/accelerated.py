"""Runs an exporter and simulated platforms over real HTTP in a virtual time that runs faster.

The parts are those of `serve`, with two exceptions. APScheduler uses the real clock, so the driver here waits for the
scheduled polls in scaled time. And since real requests would take much virtual time, polls run one by one, and scrapes
during a poll get the previous exposition, so that all reports of a source change at once.
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
from exporter.polling.schedule import SPREAD, delays
from exporter.settings import Source, load
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import HOLIDAYS, World
from exporter.simulator.scenarios import NORMAL
from exporter.web.server.server import listen, url
from tests import loopback
from tests.e2e.programs import wait_for
from tests.oncall.time_scaling import Acceleration

TIMEOUT_S = 60
ACTIVITIES = ["user_queries", "model_responses", "model_responses_with_docs"]


@dataclass(frozen=True, slots=True)
class Platform:
    """A simulated platform with its first `scenario`, and the ids of companies that must be in its reports."""

    world: World
    listening: socket.socket
    scenario: str = NORMAL
    expected: tuple[int, ...] = ()

    def set(self, scenario: str) -> None:
        """Changes the scenario."""
        loopback.post(f"{url(self.listening)}/control", json={"scenarios": [scenario]}).raise_for_status()


@dataclass(frozen=True, slots=True)
class AcceleratedSetup:
    """The virtual time, the platforms by source, and the exporter's socket."""

    acceleration: Acceleration
    platforms: Mapping[str, Platform]
    listening: socket.socket

    def configuration(self) -> str:
        """Returns the exporter's configuration, with limits for several activities."""
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
def running(setup: AcceleratedSetup, folder: Path) -> Iterator[Callable[[str, str], None]]:
    """Runs platforms and exporter in a thread; the block starts when every source was polled once.

    Yields a function that changes a platform's scenario between two polls. During a poll, some reports would fail an
    hour before the others.
    """
    loop = asyncio.new_event_loop()
    polling = asyncio.Lock()

    async def between_polls(name: str, scenario: str) -> None:
        async with polling:
            await asyncio.to_thread(setup.platforms[name].set, scenario)

    def set_scenario(name: str, scenario: str) -> None:
        asyncio.run_coroutine_threadsafe(between_polls(name, scenario), loop).result(TIMEOUT_S)

    ready, ended = asyncio.Event(), asyncio.Event()
    thread = Thread(target=loop.run_forever)
    thread.start()
    run = asyncio.run_coroutine_threadsafe(_run(setup, folder, polling, ready, ended), loop)
    try:
        wait_for(lambda: ready.is_set() or run.done(), "every source to be polled once", TIMEOUT_S)
        if not run.done():
            yield set_scenario
    finally:
        loop.call_soon_threadsafe(ended.set)
        try:
            run.result(TIMEOUT_S)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


async def _run(
    setup: AcceleratedSetup, folder: Path, polling: asyncio.Lock, ready: asyncio.Event, ended: asyncio.Event
) -> None:
    file = folder / "exporter.yml"
    file.write_text(setup.configuration())
    settings = load(file, {}, platforms())
    seconds, sleep = _virtual_seconds(setup.acceleration), _sleep(setup.acceleration)
    pace = Clock(setup.acceleration.now, seconds, sleep)
    exporter = assemble(settings, Clock(setup.acceleration.now, seconds), client_clock=pace)
    async with AsyncExitStack() as stack:
        for platform in setup.platforms.values():
            app = create_app(platform.world, setup.acceleration.now, scenarios=(platform.scenario,), sleep=sleep)
            await stack.enter_async_context(serving(app, platform.listening))
        stack.push_async_callback(exporter.closing.aclose)
        await asyncio.gather(*(_first(each.poller) for each in exporter.sources.running.values()))
        await stack.enter_async_context(serving(ServePreviousDuringPoll(exporter.app, polling), setup.listening))
        drivers = _drivers(exporter, settings.sources, polling, setup.acceleration)
        driving = [asyncio.ensure_future(each) for each in drivers]
        ready.set()
        await ended.wait()
        for task in driving:
            task.cancel()
        await asyncio.gather(*driving, return_exceptions=True)


class ServePreviousDuringPoll:
    """Repeats the previous response during a poll; for one client."""

    def __init__(self, app: ASGIApp, polling: asyncio.Lock) -> None:
        self._app = app
        self._polling = polling
        self._answer: tuple[Message, ...] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Responds, or repeats the previous response."""
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
    """Yields coroutines that poll each source at its interval and after the settle time, and refresh at midnight."""
    for name, each in sources.items():
        poller = exporter.sources.running[name].poller
        poll = _with_lock(poller.poll, polling)
        yield _repeat(poll, _each_interval(each), acceleration)
        for delay in (*delays(each.target).values(), None):
            job = poller.render_all if delay is None else poll
            late = timedelta(0) if delay is None else delay + SPREAD / 2
            yield _repeat(job, _after_midnight(each, late), acceleration)


def _with_lock(job: Callable[[], Awaitable[None]], lock: asyncio.Lock) -> Callable[[], Awaitable[None]]:
    async def locked() -> None:
        async with lock:
            await job()

    return locked


def _each_interval(each: Source) -> Callable[[datetime], datetime]:
    """Returns a function that computes the next poll, aligned to the interval."""

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
