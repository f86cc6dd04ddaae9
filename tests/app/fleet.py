"""Runs an exporter without its web server, with simulated platforms and a clock that tests pass in."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import httpx

from exporter import http as fetch
from exporter.app.reload import Reloader
from exporter.app.running_sources import Running, Sources
from exporter.domain.blocking import Worker
from exporter.domain.clock import Clock
from exporter.domain.errors import ConfigError
from exporter.exposition.board import Board, RenderedSource
from exporter.exposition.series_limit import PageLimits
from exporter.exposition.telemetry import Telemetry
from exporter.exposition.text import Format
from exporter.platforms.paradigm.platform import CHAT_SESSIONS, PLATFORM
from exporter.polling.poller import Poller, PollOutputs
from exporter.polling.schedule import Schedule
from exporter.polling.state_file import StateFile
from exporter.settings import Settings, Source, load
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from tests.certificates import one_authority
from tests.road.road import PassedClock
from tests.samples import samples

PATIENCE_S = 20
TWICE = replace(PLATFORM, reports={name: replace(CHAT_SESSIONS, name=name) for name in ("chat-sessions", "more")})
WORLDS = {"one.example": World.from_seed(1, 6), "two.example": World.from_seed(2, 6)}
KEY = WORLDS["one.example"].keys.admin

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


class Platforms(httpx.AsyncBaseTransport):
    """The simulated platforms by their hosts; `gate`, once set up, holds every answer back until it is opened.

    While there are `too_many` requests, each is refused, and the next is wanted in two hours.
    """

    def __init__(self, clock: PassedClock) -> None:
        self._apps = {
            host: httpx.ASGITransport(create_app(world, clock.now, scenarios=("normal",), sleep=clock.sleep))
            for host, world in WORLDS.items()
        }
        self.asked: list[httpx.Request] = []
        self.gate: asyncio.Event | None = None
        self.too_many = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.gate is not None:
            await self.gate.wait()
        if self.too_many:
            return httpx.Response(429, headers={"Retry-After": "7200"})
        return await self._apps[request.url.host].handle_async_request(request)


class Client(fetch.Client):
    """A client that records whether it is closed."""

    closed = False

    async def aclose(self) -> None:
        await super().aclose()
        self.closed = True


class Slots(Board):
    """A board that keeps everything that it ever published."""

    def __init__(self) -> None:
        super().__init__()
        self.pages = [self.shown.page]

    def put(self, source: str, sheet: RenderedSource) -> None:
        super().put(source, sheet)
        self.pages.append(self.shown.page)

    def replace(self, sheets: Mapping[str, RenderedSource], limits: PageLimits) -> None:
        super().replace(sheets, limits)
        self.pages.append(self.shown.page)


@dataclass
class Fleet:
    """An exporter without its web edge: a configuration file, the sources that run by it, and what a scrape reads.

    Of the source `unusable` no client can be made; each is made after `before_client`, which may block.
    """

    file: Path
    clock: PassedClock
    telemetry: Telemetry = field(default_factory=Telemetry)
    board: Slots = field(default_factory=Slots)
    clients: list[Client] = field(default_factory=list)
    unusable: str = ""
    before_client: Callable[[], object] = bool
    ticks: float = 0.0

    def __post_init__(self) -> None:
        # Timers are real, so the date is; but it is always about noon where days end, far from midnight and settle.
        self.zone = ZoneInfo(f"Etc/GMT{self.clock.now().hour - 12:+d}")
        clock = Clock(self.clock.now, self.clock.seconds)
        self.platforms = Platforms(self.clock)
        self.worker = Worker("fleet")
        outputs = PollOutputs(self.board, self.telemetry, self.worker)
        self.state_file = StateFile(None, self.clock.now, gauges=self.telemetry.state)
        self.schedule = Schedule(self.clock.now, lambda: self.clock.seconds() + self.ticks, Random(0))

        def make(source: Source) -> Running:
            client = self.client(source)
            store = self.state_file.store(source.name, {}, source.target.rules)
            return Running(source, client, Poller(source.target, client, outputs, clock, store))

        async def use_state_file(settings: Settings) -> None:
            await self.worker.run(lambda: self.state_file.use(settings.state_file, settings.sources))

        self.sources = Sources(make, outputs, self.schedule, self.clock.now)
        self.reloader = Reloader(
            Settings({}, {}, PageLimits()),
            lambda: load(self.file, {}, {"paradigm": TWICE}),
            self.sources,
            self.telemetry.config,
            self.clock.now,
            use_state_file,
        )

    def jump(self) -> None:
        """Moves the wall clock against the monotonic one, so that all timers are set again."""
        self.ticks += 1000.0
        self.schedule.compare()

    def client(self, source: Source) -> Client:
        self.before_client()
        if source.name == self.unusable:
            raise ConfigError(f"{source.name}: its proxy is none")
        endpoint = fetch.Endpoint(
            source.name,
            source.base_url,
            source.platform.headers,
            source.key,
            timeout=60.0,
            max_body=2**28,
            requests_per_minute=6000,
            proxy_url=source.proxy_url,
            ca_file=one_authority(),
        )
        made = Client(
            endpoint,
            self.telemetry.observer(source.name),
            transport=self.platforms,
            clock=self.clock.for_fetch(),
        )
        self.clients.append(made)
        return made

    def write(self, **options: str) -> None:
        """Writes a configuration of sources, each given as the inside of a flow mapping; `_` is for other options."""
        beside = options.pop("_", "")
        usual = f"platform: paradigm, reports: [chat-sessions], base_url: 'https://one.example', timezone: {self.zone}"
        lines = (f"  {name}: {{<<: {{{usual}, api_key: {KEY}}}, {each}}}\n" for name, each in options.items())
        self.file.write_text(f"sources:\n{''.join(lines)}{beside}\n")

    async def reload(self, **options: str) -> str:
        self.write(**options)
        return await self.reloader.reload()

    def running(self) -> Mapping[str, Poller]:
        return dict(zip(self.sources.names, self.sources.pollers, strict=True))

    def page(self, name: str = "", **labels: str) -> Samples:
        """Returns the samples of a scrape whose names start with `name` and which have these labels."""
        text = (self.board.shown.page[Format.TEXT].plain + self.telemetry.tail(Format.TEXT)).decode()
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for sample in samples(text)
            if sample.name.startswith(name) and labels.items() <= sample.labels.items()
        }

    def companies(self, source: str = "a", name: str = "paradigm_") -> set[str]:
        return {dict(labels)["company_id"] for _, labels in self.page(name, source=source)}

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits until the worker and the event loop have made something true."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110 a scrape can only ask again
                await asyncio.sleep(0.005)

    async def until_polled(self, *sources: str, polls: int = 1) -> None:
        """Waits until sources were polled so often, refresh passes included, and those polls have ended."""

        def polled() -> bool:
            counts = {
                dict(key[1])["source"]: value for key, value in self.page("chat_usage_polls", outcome="ok").items()
            }
            running = {table.source for table, _ in self.schedule._running.values() if table is not None}
            return running.isdisjoint(sources) and all(
                counts.get(each) == polls and self.page("paradigm_sessions_7d", source=each) for each in sources
            )

        await self.until(polled)


@asynccontextmanager
async def fleet(tmp_path: Path, ago: timedelta = timedelta(0), **options: str) -> AsyncIterator[Fleet]:
    """Runs sources while the block runs, which starts some time after all were polled."""
    made = Fleet(tmp_path / "exporter.yml", PassedClock(datetime.now(UTC) - ago))
    made.write(**options)
    for source in load(made.file, {}, {"paradigm": TWICE}).sources.values():
        made.sources.add(source)
    await made.sources.start()
    try:
        await made.until_polled(*(name for name in options if name != "_"))
        made.clock.moment += ago
        yield made
    finally:
        await made.schedule.stop()
        await made.sources.aclose()
        made.worker.close()
