"""Runs exporter and simulated platforms on loopback with a simulated clock, for browsers and other programs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx

from exporter.app.assemble import Exporter, assemble
from exporter.app.process import serving
from exporter.cli.demo.command import demonstration
from exporter.domain.clock import Clock
from exporter.platforms.registry import platforms
from exporter.settings import load
from exporter.simulator.app import create_app
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.paradigm.world import World
from exporter.web.server.server import listen, url
from tests.pipeline.pipeline import ManualClock, utc

NOON = utc(2026, 11, 20, 12)  # a Friday
LONG_INTERVALS = {
    "CHAT_USAGE_SOURCES__DEMO__POLL__INTERVAL": "1h",
    "CHAT_USAGE_SOURCES__DEMO_BOT__POLL__INTERVAL": "1h",
    "CHAT_USAGE_SOURCES__DEMO_BOT__HISTORY_DAYS": "47",  # the minimum, since each day takes a request
}
FIRST_REPORTS = {
    "CHAT_USAGE_SOURCES__DEMO__REPORTS": "chat-sessions",
    "CHAT_USAGE_SOURCES__DEMO_BOT__REPORTS": "overview",
}


@dataclass(frozen=True, slots=True)
class RunningDemo:
    """An exporter at `url` that has polled `platform` once, at noon; its clock stands still."""

    url: str
    platform: str
    clock: ManualClock
    exporter: Exporter

    async def poll_after_an_hour(self, scenario: str) -> None:
        """Sets a scenario, advances the clock by an hour and polls."""
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{self.platform}/control", json={"scenarios": [scenario]})
            answer.raise_for_status()
        self.clock.moment += timedelta(hours=1)
        await asyncio.gather(*(each.poller.poll() for each in self.exporter.sources.running.values()))


@asynccontextmanager
async def running_demo(
    companies: int = 20, scenario: str = "normal", *, one_report: bool = False
) -> AsyncIterator[RunningDemo]:
    """Serves platforms and exporter; with `one_report`, which is faster, only the first report of each source."""
    clock, world, bots = ManualClock(NOON), World.from_seed(1, companies), Bots.from_seed(1, channel_count=2)
    platform = create_app(world, clock.now, scenarios=(scenario,), bots=bots)
    with listen("127.0.0.1:0", "test") as listening, listen("127.0.0.1:0", "test") as simulated:
        environ = {
            **demonstration(world, bots, url(simulated)),
            **LONG_INTERVALS,
            **(FIRST_REPORTS if one_report else {}),
        }
        exporter = assemble(load(None, environ, platforms()), Clock(clock.now, clock.seconds))
        async with serving(platform, simulated), serving(exporter.app, listening):
            try:
                pollers = [each.poller for each in exporter.sources.running.values()]
                for poller in pollers:
                    await poller.start()
                await asyncio.gather(*(poller.poll() for poller in pollers))
                yield RunningDemo(url(listening), url(simulated), clock, exporter)
            finally:
                await exporter.closing.aclose()
