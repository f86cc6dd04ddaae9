"""A small simulated platform on a Monday morning in March 2026, and a client for it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, date, datetime

import httpx
import pytest

from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
Connect = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def now() -> datetime:
    """The moment at which the simulated platform stands still."""
    return NOW


@pytest.fixture
def today() -> date:
    """The day of `now`, a Monday."""
    return NOW.date()


@pytest.fixture
def world() -> World:
    """Twenty companies that have begun to move to agents."""
    return World.from_seed(7)


@pytest.fixture
def connect(world: World) -> Connect:
    """Opens a client, with the admin's key unless another is given, to a platform in the given scenarios."""

    async def at_once(_seconds: float) -> None:
        return None

    @asynccontextmanager
    async def opened(*scenarios: str, key: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
        app = create_app(world, lambda: NOW, scenarios=scenarios, sleep=at_once)
        headers = {"Authorization": f"Bearer {world.keys.admin if key is None else key}"}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://paradigm", headers=headers) as client:
            yield client

    return opened
