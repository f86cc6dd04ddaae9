"""Runs exporter processes one after another on a simulated clock, and checks every figure after each event."""

from datetime import date, datetime, timedelta
from pathlib import Path

import httpx
from msgspec.structs import replace

from exporter.domain.calendars import day_at, end
from exporter.domain.model import Days
from exporter.polling.outputs import StateStore
from exporter.polling.state_file import StateFile
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from tests.pipeline.expected import Covered, ExpectedReport
from tests.pipeline.pipeline import RULES, ManualClock, Pipeline, target_with

PLATFORM_IDENTITY = {"platform": "simulated"}


class Platform(httpx.AsyncBaseTransport):
    """The simulated platform, which records its responses; `down` and `past_down` make requests fail."""

    def __init__(self, world: World, clock: ManualClock) -> None:
        self._app = httpx.ASGITransport(create_app(world, clock.now, sleep=clock.sleep))
        self._clock = clock
        self._zone = world.zone
        self.down = self.past_down = False
        self.responses: list[Covered] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        days = Days(date.fromisoformat(query["start_date"]), date.fromisoformat(query["end_date"]))
        is_past = days.last < day_at(self._clock.moment, self._zone)
        if self.past_down if is_past else self.down:
            raise httpx.ConnectError("connection refused")
        self.responses.append((days, self._clock.moment))
        return await self._app.handle_async_request(request)


class Timeline:
    """A sequence of exporter processes, each with the state file `state` if one is given, and the expected figures."""

    def __init__(
        self, world: World, start: datetime, state: Path | None = None, settle: timedelta = RULES.settle
    ) -> None:
        self.world, self.clock, self.state = world, ManualClock(start), state
        self.platform = Platform(world, self.clock)
        self.target = target_with(replace(RULES, zone=world.zone, settle=settle))
        self._reset_expected()

    def _reset_expected(self) -> None:
        self.expected, self.last_day_timestamp = ExpectedReport(self.world, settle=self.target.rules.settle), 0.0

    async def __aenter__(self) -> "Timeline":
        key = self.world.keys.admin
        self.pipeline = await Pipeline(self.platform, self.clock, key, self.target, store=self._store()).__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pipeline.__aexit__()

    def _store(self) -> StateStore | None:
        return (
            StateFile(self.state, self.clock.now).store("s", PLATFORM_IDENTITY, self.target.rules)
            if self.state
            else None
        )

    def midnight(self) -> datetime:
        """Returns the next midnight."""
        return end(day_at(self.clock.moment, self.world.zone), self.world.zone)

    async def run(self, event: str) -> None:
        """Runs one event and compares every figure; the last day moves back only after a restart without a state."""
        match event:
            case "restart" | "restart from empty":
                await self._restart(without_state=event == "restart from empty")
            case "midnight":
                self.clock.moment = self.midnight()
                await self.pipeline.poller.render_all()
            case _:
                await self._poll(event)
        assert self.expected.served(self.clock.moment) == self.pipeline.page("paradigm_"), event
        assert self.pipeline.text() == self.pipeline.text_rendered_again(), event
        last = max(self.pipeline.page("chat_usage_report_day_timestamp_seconds").values(), default=0.0)
        assert self.last_day_timestamp <= last
        self.last_day_timestamp = last

    async def _restart(self, *, without_state: bool) -> None:
        await self.__aexit__()
        if without_state and self.state:
            self.state.unlink(missing_ok=True)
        if without_state or self.expected.is_stale(self.clock.moment):
            self._reset_expected()
        await self.__aenter__()

    async def _poll(self, event: str) -> None:
        self.platform.down, self.platform.past_down = event == "outage", event == "past fails"
        self.platform.responses.clear()
        await self.pipeline.poller.poll()
        self.expected.record(self.platform.responses)
