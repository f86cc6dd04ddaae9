"""A small simulated ChatCaptain on a Monday morning in March 2026, and a client for it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest

from exporter.domain import calendars
from exporter.simulator.app import create_app
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.chatcaptain.exports import Exports
from exporter.simulator.paradigm.world import World

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Paris")


class Client:
    """Asks the six calls of one chatbot, with its key unless another is given."""

    def __init__(self, http: httpx.AsyncClient, chatbot_id: str) -> None:
        self.http = http
        self.root = f"/v1/chatbots/{chatbot_id}/statistics"

    async def report(self, name: str, frame: Mapping[str, str], components: str, **query: str) -> httpx.Response:
        """Asks a report, by default in days."""
        query = {"interval": "86400", "components": components, **frame, **query}
        return await self.http.get(f"{self.root}/reports/{name}", params=query)

    async def get(self, call: str, **query: str) -> httpx.Response:
        """Asks another call."""
        return await self.http.get(f"{self.root}/{call}", params=query)


Connect = Callable[..., AbstractAsyncContextManager[Client]]


def frame(first: date, last: date | None = None, zone: ZoneInfo = ZONE) -> Mapping[str, str]:
    """Returns `from` and `to` of whole days as the documentation's samples have them: the end is inclusive."""
    until = calendars.end(last or first, zone) - timedelta(milliseconds=1)
    return {"from": instant(calendars.start(first, zone)), "to": instant(until)}


def instant(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


@pytest.fixture
def bots() -> Bots:
    """Two chatbots with twelve channels each."""
    return Bots.from_seed(7, 2, 12, ZONE)


@pytest.fixture
def exports() -> Exports:
    """Exports whose files have a host of their own."""
    return Exports(7, "http://files", huge=2**20)


@pytest.fixture
def connect(bots: Bots, exports: Exports) -> Connect:
    """Opens a client of the first chatbot, to a platform in the given scenarios."""

    async def at_once(_seconds: float) -> None:
        return None

    @asynccontextmanager
    async def opened(*scenarios: str, key: str | None = None, at: datetime = NOW) -> AsyncIterator[Client]:
        world = World.from_seed(7)
        app = create_app(world, lambda: at, scenarios=scenarios, sleep=at_once, bots=bots, exports=exports)
        headers = {"x-chatcaptain-key": bots.chatbots[0].key if key is None else key}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://captain", headers=headers) as http:
            yield Client(http, bots.chatbots[0].id)

    return opened
