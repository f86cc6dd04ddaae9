"""One exporter after the other before one simulated platform; after each step the whole page is the expected one."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import httpx

from exporter.domain.calendars import day_at, end
from exporter.domain.model import Days
from exporter.polling.state_file import StateFile
from exporter.polling.target import StateStore
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from tests.road.expected import Answered, ExpectedReport
from tests.road.road import RULES, PassedClock, Road, target_with

MADE_BY = {"platform": "simulated"}


class Platform(httpx.AsyncBaseTransport):
    """The simulated platform; `down` and `past_down` say which questions find nobody. Writes down what it answered."""

    def __init__(self, world: World, clock: PassedClock) -> None:
        self._app = httpx.ASGITransport(create_app(world, clock.now, sleep=clock.sleep))
        self._clock = clock
        self._zone = world.zone
        self.down = self.past_down = False
        self.answered: list[Answered] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        days = Days(date.fromisoformat(query["start_date"]), date.fromisoformat(query["end_date"]))
        is_past = days.last < day_at(self._clock.moment, self._zone)
        if self.past_down if is_past else self.down:
            raise httpx.ConnectError("nobody is there")
        self.answered.append((days, self._clock.moment))
        return await self._app.handle_async_request(request)


class Journey:
    """A process at a time, which keeps its state in the file `state` where there is one, and what it must serve."""

    def __init__(
        self, world: World, begin: datetime, state: Path | None = None, settle: timedelta = RULES.settle
    ) -> None:
        self.world, self.clock, self.state = world, PassedClock(begin), state
        self.platform = Platform(world, self.clock)
        self.target = target_with(replace(RULES, zone=world.zone, settle=settle))
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.expected, self.newest = ExpectedReport(self.world, settle=self.target.rules.settle), 0.0

    async def __aenter__(self) -> "Journey":
        key = self.world.keys.admin
        self.road = await Road(self.platform, self.clock, key, self.target, store=self._store()).__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.road.__aexit__()

    def _store(self) -> StateStore | None:
        return StateFile(self.state, self.clock.now).store("s", MADE_BY, self.target.rules) if self.state else None

    def midnight(self) -> datetime:
        """Returns the next one."""
        return end(day_at(self.clock.moment, self.world.zone), self.world.zone)

    async def go(self, what: str) -> None:
        """Lets one thing happen and compares every figure; the last day goes back with a new start alone."""
        match what:
            case "restart" | "restart from empty":
                await self._restart(forget=what == "restart from empty")
            case "midnight":
                self.clock.moment = self.midnight()
                await self.road.poller.refresh()
            case _:
                await self._poll(what)
        assert self.expected.served(self.clock.moment) == self.road.page("paradigm_"), what
        assert self.road.text() == self.road.text_made_anew(), what
        last = max(self.road.page("chat_usage_report_day_timestamp_seconds").values(), default=0.0)
        assert self.newest <= last
        self.newest = last

    async def _restart(self, *, forget: bool) -> None:
        await self.__aexit__()
        if forget and self.state:
            self.state.unlink(missing_ok=True)
        if forget or self.expected.is_stale(self.clock.moment):
            self._begin_anew()
        await self.__aenter__()

    async def _poll(self, what: str) -> None:
        self.platform.down, self.platform.past_down = what == "outage", what == "past fails"
        self.platform.answered.clear()
        await self.road.poller.poll()
        self.expected.saw(self.platform.answered)
