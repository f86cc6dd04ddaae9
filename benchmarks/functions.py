"""Counts the functions and modules of `exporter/` that one steady poll runs; exit status 1 above the bounds.

A steady poll is the second poll of a day: one source, only chat-sessions, with the history read, and the simulated
Paradigm in the same process. The simulator, lambdas, comprehensions and generator expressions are not counted.

usage: python -m benchmarks.functions [--list]
"""

import argparse
import asyncio
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import CodeType, FrameType

import httpx
from msgspec.structs import replace

import exporter
from exporter.app.assemble import endpoint_of
from exporter.domain.clock import Clock
from exporter.domain.threads import Worker
from exporter.exposition.board import Board
from exporter.exposition.telemetry import Telemetry
from exporter.http import Client
from exporter.platforms.registry import platforms
from exporter.polling.outputs import PollOutputs
from exporter.polling.poller import Poller
from exporter.settings import load
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World

AT_MOST_FUNCTIONS, AT_MOST_MODULES = 140, 22
REPORT = "chat-sessions"
COMPANIES = 20
MORNING = datetime(2026, 11, 20, 9, tzinfo=UTC)  # a Friday, after the settle time
ROOT = Path(exporter.__file__).parent


class Calls:
    """The code that ran while `counting`, in this thread and in those that started after `installed`."""

    def __init__(self) -> None:
        self.codes: set[CodeType] = set()
        self._on = False

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Traces all calls while the block runs."""
        threading.setprofile(self._called)
        sys.setprofile(self._called)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Counts while the block runs."""
        self._on = True
        try:
            yield
        finally:
            self._on = False

    def _called(self, frame: FrameType, event: str, _argument: object) -> None:
        if self._on and event == "call":
            self.codes.add(frame.f_code)

    def by_module(self) -> Mapping[str, list[str]]:
        """Returns the functions of the exporter that ran, by module, both in order."""
        found: dict[str, list[str]] = {}
        for code in self.codes:
            path = Path(code.co_filename)
            if path.is_relative_to(ROOT) and not code.co_name.startswith("<"):
                found.setdefault(str(path.relative_to(ROOT)), []).append(getattr(code, "co_qualname", code.co_name))
        return {module: sorted(found[module]) for module in sorted(found) if not module.startswith("simulator/")}


async def steady_poll(calls: Calls) -> None:
    """Polls twice on one day and counts the calls of the second poll."""
    moment = MORNING

    def now() -> datetime:
        return moment

    world = World.from_seed(1, COMPANIES)
    source = next(iter(load(None, {"PARADIGM_API_KEY": world.keys.admin}, platforms()).sources.values()))
    target = replace(source.target, reports=(source.platform.configured(REPORT),))
    board, telemetry, worker = Board(), Telemetry(), Worker("worker")
    client = Client(
        endpoint_of(source),
        telemetry,
        transport=httpx.ASGITransport(create_app(world, now)),
    )
    poller = Poller(target, client, PollOutputs(board, telemetry, worker), Clock(now, _seconds(now)))
    await poller.start()
    await poller.poll()
    moment += timedelta(hours=1)
    with calls.counting():
        await poller.poll()
    await client.aclose()
    worker.close()
    if [view.health.outcome for view in board.shown.views.values()] != ["ok"]:
        sys.exit("the poll failed")


def _seconds(now: Callable[[], datetime]) -> Callable[[], float]:
    return lambda: now().timestamp()


def main() -> int:
    """Prints both figures and returns the exit status."""
    options = argparse.ArgumentParser(prog="benchmarks.functions", description=__doc__)
    options.add_argument("--list", action="store_true", help="also print the names of the functions")
    given = options.parse_args()
    calls = Calls()
    with calls.installed():
        asyncio.run(steady_poll(calls))
    found = calls.by_module()
    count = sum(map(len, found.values()))
    for module, names in found.items() if given.list else ():
        print(f"{module} ({len(names)}): {', '.join(names)}")
    print(f"one steady poll of {REPORT}: {count} functions in {len(found)} modules")
    return count > AT_MOST_FUNCTIONS or len(found) > AT_MOST_MODULES


if __name__ == "__main__":
    sys.exit(main())
