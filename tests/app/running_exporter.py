"""Runs an exporter without its web server, with simulated platforms and a simulated clock."""

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
from exporter.app.running_sources import Reloader, Running, Sources
from exporter.domain.clock import Clock
from exporter.domain.errors import ConfigError
from exporter.domain.threads import Worker
from exporter.exposition.board import Board, RenderedSource
from exporter.exposition.series_limit import SeriesLimits
from exporter.exposition.telemetry import Telemetry
from exporter.exposition.text import Format
from exporter.platforms.paradigm.platform import CHAT_SESSIONS, PLATFORM
from exporter.polling.outputs import PollOutputs
from exporter.polling.poller import Poller
from exporter.polling.schedule import Schedule
from exporter.polling.state_file import StateFile
from exporter.settings import Settings, Source, load
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from tests.certificates import one_authority
from tests.pipeline.pipeline import ManualClock
from tests.samples import samples

TIMEOUT_S = 20
TWO_REPORTS = replace(PLATFORM, reports={name: replace(CHAT_SESSIONS, name=name) for name in ("chat-sessions", "more")})
WORLDS = {"one.example": World.from_seed(1, 6), "two.example": World.from_seed(2, 6)}
KEY = WORLDS["one.example"].keys.admin

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


class Platforms(httpx.AsyncBaseTransport):
    """The simulated platforms by host. Responses wait for `gate` if it is set; with `too_many` they are 429."""

    def __init__(self, clock: ManualClock) -> None:
        self._apps = {
            host: httpx.ASGITransport(create_app(world, clock.now, scenarios=("normal",), sleep=clock.sleep))
            for host, world in WORLDS.items()
        }
        self.requests: list[httpx.Request] = []
        self.gate: asyncio.Event | None = None
        self.too_many = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.gate is not None:
            await self.gate.wait()
        if self.too_many:
            return httpx.Response(429, headers={"Retry-After": "7200"})
        return await self._apps[request.url.host].handle_async_request(request)


class RecordingClient(fetch.Client):
    """A client that records whether it is closed."""

    closed = False

    async def aclose(self) -> None:
        await super().aclose()
        self.closed = True


class RecordingBoard(Board):
    """A board that keeps every exposition."""

    def __init__(self) -> None:
        super().__init__()
        self.pages = [self.shown.exposition]

    def put(self, source: str, rendered: RenderedSource) -> None:
        super().put(source, rendered)
        self.pages.append(self.shown.exposition)

    def replace(self, sources: Mapping[str, RenderedSource], limits: SeriesLimits) -> None:
        super().replace(sources, limits)
        self.pages.append(self.shown.exposition)


@dataclass
class RunningExporter:
    """An exporter with the configuration `file`.

    Making a client calls `before_client`, which may block, and fails for the source `unusable`.
    """

    file: Path
    clock: ManualClock
    telemetry: Telemetry = field(default_factory=Telemetry)
    board: RecordingBoard = field(default_factory=RecordingBoard)
    clients: list[RecordingClient] = field(default_factory=list)
    unusable: str = ""
    before_client: Callable[[], object] = bool
    monotonic_lead: float = 0.0

    def __post_init__(self) -> None:
        # Timers run on the real clock, so the date is real; a time zone at noon keeps midnight and settle time away.
        self.zone = ZoneInfo(f"Etc/GMT{self.clock.now().hour - 12:+d}")
        clock = Clock(self.clock.now, self.clock.seconds)
        self.platforms = Platforms(self.clock)
        self.worker = Worker("exporter")
        outputs = PollOutputs(self.board, self.telemetry, self.worker)
        self.state_file = StateFile(None, self.clock.now, gauges=self.telemetry.state)
        self.schedule = Schedule(
            Clock(self.clock.now, lambda: self.clock.seconds() + self.monotonic_lead, random=Random(0))
        )

        def make(source: Source) -> Running:
            client = self.client(source)
            store = self.state_file.store(source.name, {}, source.target.rules)
            return Running(source, client, Poller(source.target, client, outputs, clock, store))

        self.sources = Sources(make, outputs, self.schedule)
        self.reloader = Reloader(
            Settings({}, {}, SeriesLimits()),
            lambda: load(self.file, {}, {"paradigm": TWO_REPORTS}),
            self.sources,
            outputs,
            self.state_file,
            self.clock.now,
        )

    def jump(self) -> None:
        """Moves the monotonic clock ahead of the wall clock, so that all timers are set again."""
        self.monotonic_lead += 1000.0
        self.schedule.compare_clocks()

    def client(self, source: Source) -> RecordingClient:
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
        made = RecordingClient(
            endpoint,
            self.telemetry,
            transport=self.platforms,
            clock=self.clock.for_fetch(),
        )
        self.clients.append(made)
        return made

    def write(self, **options: str) -> None:
        """Writes the configuration: each argument has the options of a source in YAML, `_` those outside sources."""
        others = options.pop("_", "")
        common = f"platform: paradigm, reports: [chat-sessions], base_url: 'https://one.example', timezone: {self.zone}"
        lines = (f"  {name}: {{<<: {{{common}, api_key: {KEY}}}, {each}}}\n" for name, each in options.items())
        self.file.write_text(f"sources:\n{''.join(lines)}{others}\n")

    async def reload(self, **options: str) -> str:
        self.write(**options)
        return await self.reloader.reload()

    def running(self) -> Mapping[str, Poller]:
        return {name: each.poller for name, each in self.sources.running.items()}

    def page(self, name: str = "", **labels: str) -> Samples:
        """Returns the samples of a scrape whose names start with `name` and which have these labels."""
        text = (self.board.shown.exposition[Format.TEXT].plain + self.telemetry.tail(Format.TEXT)).decode()
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for sample in samples(text)
            if sample.name.startswith(name) and labels.items() <= sample.labels.items()
        }

    def companies(self, source: str = "a", name: str = "paradigm_") -> set[str]:
        return {dict(labels)["company_id"] for _, labels in self.page(name, source=source)}

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits until a condition is true."""
        async with asyncio.timeout(TIMEOUT_S):
            while not condition():  # noqa: ASYNC110 like a scraper, which can only ask again
                await asyncio.sleep(0.005)

    async def until_polled(self, *sources: str, polls: int = 1) -> None:
        """Waits until these sources have completed that many polls, including refresh passes."""

        def polled() -> bool:
            counts = {
                dict(key[1])["source"]: value for key, value in self.page("chat_usage_polls", outcome="ok").items()
            }
            running = {poller.target.source for poller, _ in self.schedule._running.values() if poller is not None}
            return running.isdisjoint(sources) and all(
                counts.get(each) == polls and self.page("paradigm_sessions_7d", source=each) for each in sources
            )

        await self.until(polled)


@asynccontextmanager
async def start_exporter(
    tmp_path: Path, ago: timedelta = timedelta(0), **options: str
) -> AsyncIterator[RunningExporter]:
    """Runs an exporter; yields it after all sources were polled and the time `ago` has passed."""
    exporter = RunningExporter(tmp_path / "exporter.yml", ManualClock(datetime.now(UTC) - ago))
    exporter.write(**options)
    for source in load(exporter.file, {}, {"paradigm": TWO_REPORTS}).sources.values():
        exporter.sources.add(source)
    await exporter.sources.start()
    try:
        await exporter.until_polled(*(name for name in options if name != "_"))
        exporter.clock.moment += ago
        yield exporter
    finally:
        await exporter.schedule.stop()
        await exporter.sources.aclose()
        exporter.worker.close()
