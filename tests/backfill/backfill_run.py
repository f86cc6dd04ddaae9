"""Runs a backfill of the simulated Paradigm; a run can be killed at any piece."""

from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import httpx

from exporter import http as fetch
from exporter.backfill.backfill import Backfill, BackfillResult, Step, jobs_of
from exporter.backfill.figures import ReportDays, Series, helps
from exporter.backfill.manifest import opened
from exporter.backfill.openmetrics_file import Runs, WrittenFile
from exporter.domain.clock import Clock
from exporter.domain.model import Days
from exporter.domain.threads import Worker
from exporter.metrics.target import Target
from exporter.platforms.paradigm.platform import PLATFORM
from exporter.polling.probe import LastCodes
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from tests.certificates import one_authority
from tests.pipeline.pipeline import RULES, ManualClock, target_with, utc

NOON = utc(2026, 11, 20, 12)
REPORTS = tuple(PLATFORM.reports.values())
TARGET = target_with(RULES, reports=REPORTS)


class KilledError(BaseException):
    """Stands for SIGKILL: no code catches it."""


@dataclass(slots=True)
class BackfillRun:
    """Runs of one backfill into `folder`/history.om.

    A run is killed at piece `killed_at_piece` (from 0): before its figures are written or, if `after_write` is set,
    between that and the entry in the manifest.
    """

    folder: Path
    world: World
    days: Days
    target: Target = TARGET
    scenarios: tuple[str, ...] = ("normal",)
    killed_at_piece: int | None = None
    after_write: bool = False

    @property
    def output(self) -> Path:
        return self.folder / "history.om"

    async def run(self) -> tuple[BackfillResult, list[Step], int]:
        """Starts or resumes the backfill; returns its result, the completed steps and the number of requests."""
        clock, steps = ManualClock(NOON), list[Step]()
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
            worker = Worker("backfill")
            closing.callback(worker.close)
            transport = CountingTransport(httpx.ASGITransport(app))
            client = fetch.Client(
                endpoint,
                LastCodes(),
                transport=transport,
                clock=clock.for_fetch(),
            )
            closing.push_async_callback(client.aclose)
            manifest = closing.enter_context(opened(self.run_folder, {"a": "b"}, {"s": self.days}))
            output = KillableRuns(
                Runs(self.run_folder, {"job": "history"}), self.killed_at_piece, after_write=self.after_write
            )
            jobs = jobs_of(self.target, client)
            backfill = Backfill(jobs, manifest, output, worker, Clock(clock.now, clock.seconds), steps.append)
            result = await backfill.run()
        return result, steps, transport.requests

    @property
    def run_folder(self) -> Path:
        return self.folder / "history.om.backfill"

    def written(self) -> WrittenFile:
        """Merges the runs into the output file."""
        return Runs(self.run_folder, {}).merge(self.output, helps(self.target))

    def killed_at(self, piece: int, *, after_write: bool) -> "BackfillRun":
        return replace(self, killed_at_piece=piece, after_write=after_write)


class KillableRuns:
    """Runs of which one is killed at a piece."""

    def __init__(self, runs: Runs, killed_at_piece: int | None, *, after_write: bool) -> None:
        self._runs = runs
        self._killed_at_piece = killed_at_piece
        self._after_write = after_write
        self._pieces = 0

    async def begin(self, oldest: date) -> None:
        await self._runs.begin(oldest)

    async def take(self, piece: ReportDays, figures: Iterable[Series]) -> None:
        if self._killed_at_piece == self._pieces and not self._after_write:
            raise KilledError
        await self._runs.take(piece, figures)
        if self._killed_at_piece == self._pieces:
            raise KilledError
        self._pieces += 1


class CountingTransport(httpx.AsyncBaseTransport):
    """Counts requests."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.requests = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        return await self._inner.handle_async_request(request)
