"""The cost of polls with few changes, in CPU seconds of all threads: the whole poller, without the network.

The figures of 100 companies have increased since the poll before; a correction also changes those of one past day.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import msgspec

from benchmarks.figure import Figure
from benchmarks.stages import NOW, TODAY, TRIES, source
from exporter.app import interpreter
from exporter.domain.clock import Clock
from exporter.domain.model import Days
from exporter.domain.threads import Worker
from exporter.exposition.board import Board
from exporter.exposition.telemetry import Telemetry
from exporter.http import RetryBudget
from exporter.platforms.api import Request
from exporter.polling.outputs import PollOutputs
from exporter.polling.poller import Poller
from exporter.simulator.paradigm.reports import REPORTS
from exporter.simulator.paradigm.world import World

CHANGED = 100
"""Number of companies that change from poll to poll."""
CORRECTED = TODAY - timedelta(days=2)
STEADY_MS, CORRECTION_MS = {1000: 250.0, 10_000: 2500.0}, {1000: 350.0}
STEADY = "steady poll: 4 days, 6 reports, 100 companies changed"


@dataclass(slots=True)
class Platform:
    """Responds like the simulated one at `now`; until `is_corrected`, one past day is as it was in its evening.

    `seconds` is the CPU time for making responses, which is not the poll's.
    """

    world: World
    now: datetime = NOW
    is_corrected: bool = False
    seconds: float = 0.0
    _known: dict[tuple[str, Days], dict[str, object]] = field(default_factory=dict)

    async def get(self, request: Request, _budget: RetryBudget) -> bytes:
        """Returns the changing companies as of now, and all others as of noon."""
        began = time.process_time()
        days = Days(*(date.fromisoformat(request.params[key]) for key in ("start_date", "end_date")))
        answer = self._answer(slice(CHANGED), self.now, request.report, days, is_corrected=self.is_corrected)
        rest = self._known.get((request.report, days)) or self._others(request.report, days)
        body = msgspec.json.encode({key: _with(said, rest[key]) for key, said in answer.items()})
        self.seconds += time.process_time() - began
        return body

    def _others(self, report: str, days: Days) -> dict[str, object]:
        """Returns the companies that do not change, each as JSON; cached for a poll's days."""
        answer = self._answer(slice(CHANGED, None), NOW, report, days, is_corrected=True)
        texts = {
            key: [msgspec.Raw(msgspec.json.encode(each)) for each in said] if isinstance(said, list) else said
            for key, said in answer.items()
        }
        if TODAY in days:
            self._known[report, days] = texts
        return texts

    def _answer(
        self, companies: slice, at: datetime, report: str, days: Days, *, is_corrected: bool
    ) -> dict[str, object]:
        evening = datetime(CORRECTED.year, CORRECTED.month, CORRECTED.day, 18, tzinfo=UTC)
        views = [
            self.world.view(CORRECTED, evening) or view if view.day == CORRECTED and not is_corrected else view
            for view in self.world.views(days.first, days.last, at)
        ]
        return REPORTS[report].answer(self.world, self.world.companies[companies], views)


def _with(said: object, rest: object) -> object:
    return [*said, *rest] if isinstance(said, list) and isinstance(rest, list) else said


def measure(companies: int) -> Iterator[Figure]:
    """Yields the costs of a first poll with history, the best of several steady polls, and one with a correction."""
    first, steady, correction = asyncio.run(_polls(companies))
    yield Figure("first poll and 60 days, 6 reports", companies, first * 1000, "ms CPU")
    yield Figure(STEADY, companies, steady * 1000, "ms CPU", at_most=STEADY_MS.get(companies))
    bound = CORRECTION_MS.get(companies)
    yield Figure("poll after a correction of one past day", companies, correction * 1000, "ms CPU", at_most=bound)


async def _polls(companies: int) -> tuple[float, float, float]:
    interpreter.collect_rarely()
    interpreter.switch_often()
    platform, worker = Platform(World.from_seed(1, companies)), Worker("worker")
    clock = Clock(lambda: platform.now)
    poller = Poller(source(), platform, PollOutputs(Board(), Telemetry(), worker), clock)

    async def cost(action: Callable[[], Awaitable[None]]) -> float:
        platform.now += timedelta(minutes=10)
        platform.seconds, began = 0.0, time.process_time()
        await action()
        return time.process_time() - began - platform.seconds

    await poller.start()
    first = await cost(poller.poll)
    steady = min([await cost(poller.poll) for _ in range(TRIES)])
    corrections = []
    for _ in range(TRIES):
        platform.is_corrected = not platform.is_corrected
        corrections.append(await cost(poller.poll))
    worker.close()
    return first, steady, min(corrections)
