"""A board with figures, live metrics, and the application over them."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from exporter.domain.blocking import Worker
from exporter.domain.model import Family, Sample
from exporter.exposition.board import Board
from exporter.exposition.telemetry import Telemetry
from exporter.exposition.text import Format
from exporter.web.app import create_app
from tests.web.contexts import web_context

Client = Callable[..., httpx.AsyncClient]


def figures(value: float, companies: int = 1) -> tuple[Family, ...]:
    """Returns what a poll publishes: one family, `value` for each company, among them names that need escapes."""
    names = ('Nor"th\\wind\n', *(f"Company {number}" for number in range(2, companies + 1)))
    samples = tuple(Sample(("production", str(number), name), value) for number, name in enumerate(names, start=1))
    return (Family("paradigm_document_uses_today", "Uses of documents.", ("source", "company_id", "company"), samples),)


@pytest.fixture
def board() -> Board:
    """A board on which nothing was published yet."""
    return Board()


@pytest.fixture
def telemetry() -> Telemetry:
    """Live metrics of one report that was polled once."""
    telemetry = Telemetry()
    telemetry.expect("production", "chat-sessions")
    telemetry.polled("production", "chat-sessions", "ok")
    telemetry.observer("production").request("chat-sessions", "200", 0.3)
    return telemetry


@pytest.fixture
def worker() -> Iterator[Worker]:
    """The thread in which pages for people are made."""
    worker = Worker("readers")
    yield worker
    worker.close()


@pytest.fixture
def client(board: Board, telemetry: Telemetry, worker: Worker) -> Client:
    """Makes a client of the application; it sends no header of its own that the application reads."""

    def connected(
        tail: Callable[[Format], bytes] = telemetry.tail,
        alive: Callable[[float], bool] = lambda _within: True,
        sources: tuple[str, ...] = ("production", "support-bot"),
    ) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(create_app(web_context(board, worker, tail=tail, alive=alive, sources=sources)))
        client = httpx.AsyncClient(transport=transport, base_url="http://exporter")
        for name in ("accept", "accept-encoding"):
            del client.headers[name]
        return client

    return connected
