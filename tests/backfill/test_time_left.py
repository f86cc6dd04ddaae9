"""How long a back-fill will take is known from its first minute on: by channels, days, and the rate limit."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import httpx
import pytest
from msgspec import structs

from exporter.app.assemble import endpoint_of
from exporter.backfill.backfill import Backfill, Step, jobs_of
from exporter.backfill.figures import ReportDays, Series
from exporter.backfill.manifest import opened
from exporter.cli.backfill import seconds_left
from exporter.cli.demo.command import demonstration
from exporter.domain.model import Days
from exporter.domain.threads import Worker
from exporter.http import Client
from exporter.platforms.registry import platforms
from exporter.polling.probe import LastCodes
from exporter.settings import load
from exporter.simulator.app import create_app
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.paradigm.world import World
from tests.http.fakes import Time

pytestmark = pytest.mark.anyio

CHANNELS = 5
DAYS = Days(date(2026, 10, 18), date(2026, 11, 16))
PER_MINUTE = 60
WORLD, BOTS = World.from_seed(1, 1), Bots.from_seed(1, channel_count=CHANNELS)
SOURCE = load(None, demonstration(WORLD, BOTS, "http://127.0.0.1:1"), platforms()).sources["demo_bot"]


@dataclass
class Nowhere:
    """Where figures go that nobody wants; it dies, if it is to, when it is given the first ones."""

    dies: bool = False

    async def begin(self, _oldest: date) -> None:
        """Takes days of any age."""

    async def take(self, _piece: ReportDays, figures: Iterable[Series]) -> None:
        if self.dies:
            raise OSError("no room")
        for _ in figures:
            pass


@dataclass
class Slow(httpx.AsyncBaseTransport):
    """The simulated platform, whose answers take `seconds` of a clock that goes only by what is waited for."""

    time: Time
    seconds: float
    requests: int = 0

    def __post_init__(self) -> None:
        self._app = httpx.ASGITransport(create_app(WORLD, self.time.clock.now, bots=BOTS))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.time.passed += self.seconds
        self.requests += 1
        return await self._app.handle_async_request(request)


@dataclass
class Run:
    """A run into `folder`; of each step when it was, and how long the rest was said to take."""

    folder: Path
    seconds: float
    time: Time = field(default_factory=Time)
    told: list[tuple[float, float]] = field(default_factory=list)
    last: Step | None = None
    requests: int = 0

    async def go(self, destination: Nowhere) -> None:
        worker, platform, began = Worker("test"), Slow(self.time, self.seconds), self.time.passed
        endpoint = replace(endpoint_of(SOURCE), requests_per_minute=PER_MINUTE)
        client = Client(endpoint, LastCodes(), transport=platform, clock=self.time.clock)

        def note(step: Step) -> None:
            self.last, took = step, self.time.passed - began
            self.told.append((self.time.passed, seconds_left(step, step.asked / took)))

        try:
            with opened(self.folder, {"a": "b"}, {SOURCE.name: DAYS}) as manifest:
                jobs = jobs_of(structs.replace(SOURCE.target, requests_per_minute=PER_MINUTE), client)
                result = await Backfill(jobs, manifest, destination, worker, self.time.clock, note).run()
                assert result.failed == ()
        finally:
            self.requests += platform.requests
            worker.close()
            await client.aclose()


@pytest.mark.parametrize("seconds", [0.01, 0.5, 3.0], ids=["limited", "as fast as may be", "slow"])
async def test_the_time_left_is_right_from_the_first_piece_on(tmp_path: Path, seconds: float) -> None:
    """Within a factor of 1.5, though the first report has a request a day, the second one five, and a burst is free."""
    run = Run(tmp_path / "m", seconds)
    await run.go(Nowhere())

    assert len(run.told) > len(SOURCE.target.reports)
    assert run.requests > len(DAYS) * (CHANNELS + 1)
    ended = run.told[-1][0]
    ratios = [said / (ended - at) for at, said in run.told if ended - at > 5]
    assert [ratio for ratio in ratios if not 1 / 1.5 <= ratio <= 1.5] == []
    assert run.last is not None
    assert (run.last.done, run.last.left) == (run.last.total, 0)


async def test_a_run_that_goes_on_knows_it_too(tmp_path: Path) -> None:
    """Also where the one before died after the samples, and before it had handed anything on."""
    run = Run(tmp_path / "m", 3.0)
    with pytest.raises(OSError, match="no room"):
        await run.go(Nowhere(dies=True))
    await run.go(Nowhere())

    ended = run.told[-1][0]
    assert [said for at, said in run.told if ended - at > 5 and not 1 / 1.5 <= said / (ended - at) <= 1.5] == []
