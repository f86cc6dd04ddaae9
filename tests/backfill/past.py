"""A back-fill of the simulated Paradigm without a socket, whose runs a test can have killed."""

from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import httpx

from exporter import http as fetch
from exporter.backfill.backfill import Backfill, BackfillResult, Step, jobs_of
from exporter.backfill.figures import Piece, Series, helps
from exporter.backfill.manifest import opened
from exporter.backfill.openmetrics_file import Runs, WrittenFile
from exporter.domain.blocking import Worker
from exporter.domain.clock import Clock
from exporter.domain.model import Days
from exporter.platforms.paradigm.platform import PLATFORM
from exporter.polling.probe import LastCodes
from exporter.polling.target import Target
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from tests.certificates import one_authority
from tests.road.road import RULES, PassedClock, target_with, utc

NOON = utc(2026, 11, 20, 12)
REPORTS = tuple(PLATFORM.reports.values())
TARGET = target_with(RULES, reports=REPORTS)


class KilledError(BaseException):
    """Nothing catches it, as nothing catches SIGKILL."""


@dataclass(slots=True)
class Past:
    """Runs of one back-fill into `folder`/history.om; `steps` are all pieces that were handed on.

    The run that hands on piece number `dies_at` (from 0) dies: before its figures are safe, or with `late` after that
    and before the manifest knows.
    """

    folder: Path
    world: World
    days: Days
    target: Target = TARGET
    scenarios: tuple[str, ...] = ("normal",)
    dies_at: int | None = None
    late: bool = False

    @property
    def output(self) -> Path:
        return self.folder / "history.om"

    async def run(self) -> tuple[BackfillResult, list[Step], int]:
        """Goes on; returns how it went, what was handed on and how many requests that took."""
        clock, steps = PassedClock(NOON), list[Step]()
        app = create_app(self.world, clock.now, scenarios=self.scenarios, sleep=clock.sleep)
        endpoint = fetch.Endpoint(
            "s",
            "https://paradigm.example",
            PLATFORM.headers,
            lambda: self.world.keys.admin,
            timeout=60.0,
            max_body=2**28,
            requests_per_minute=6000,
            ca_file=one_authority(),
        )
        async with AsyncExitStack() as closing:
            worker = Worker("past")
            closing.callback(worker.close)
            transport = Counting(httpx.ASGITransport(app))
            client = fetch.Client(
                endpoint,
                LastCodes(),
                transport=transport,
                clock=clock.for_fetch(),
            )
            closing.push_async_callback(client.aclose)
            manifest = closing.enter_context(opened(self.backfill, {"a": "b"}, {"s": self.days}))
            mortal = Mortal(Runs(self.backfill, {"job": "history"}), self.dies_at, late=self.late)
            jobs = jobs_of(self.target, client, 6000)
            back = Backfill(jobs, manifest, mortal, worker, Clock(clock.now, clock.seconds), steps.append)
            came = await back.run()
        return came, steps, transport.requests

    @property
    def backfill(self) -> Path:
        return self.folder / "history.om.backfill"

    def written(self) -> WrittenFile:
        """Merges the file."""
        return Runs(self.backfill, {}).merge(self.output, helps(self.target))

    def killed_at(self, piece: int, *, late: bool) -> "Past":
        return replace(self, dies_at=piece, late=late)


class Mortal:
    """A file whose run dies at a piece."""

    def __init__(self, runs: Runs, dies_at: int | None, *, late: bool) -> None:
        self._runs = runs
        self._dies_at = dies_at
        self._late = late
        self._taken = 0

    async def begin(self, oldest: date) -> None:
        await self._runs.begin(oldest)

    async def take(self, piece: Piece, figures: Iterable[Series]) -> None:
        if self._dies_at == self._taken and not self._late:
            raise KilledError
        await self._runs.take(piece, figures)
        if self._dies_at == self._taken:
            raise KilledError
        self._taken += 1


class Counting(httpx.AsyncBaseTransport):
    """Counts requests on their way."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.requests = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        return await self._inner.handle_async_request(request)
