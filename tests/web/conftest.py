"""Fixtures: a board, live metrics, and a client of the application."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from exporter.domain.model import Family, Sample
from exporter.domain.threads import Worker
from exporter.exposition.board import Board
from exporter.exposition.telemetry import Telemetry
from exporter.exposition.text import Format
from exporter.metrics.report_view import DeferredFamily
from exporter.web.app import create_app
from tests.web.web_context import web_context

Client = Callable[..., httpx.AsyncClient]


def figures(value: float, companies: int = 1) -> tuple[DeferredFamily]:
    """Returns one family with this value for each company; some names need escaping."""
    names = ('Nor"th\\wind\n', *(f"Company {number}" for number in range(2, companies + 1)))
    samples = tuple(Sample(("production", str(number), name), value) for number, name in enumerate(names, start=1))
    labels = ("source", "company_id", "company")
    return (DeferredFamily(Family("paradigm_document_uses_today", "Uses of documents.", labels, samples)),)


@pytest.fixture
def board() -> Board:
    """An empty board."""
    return Board()


@pytest.fixture
def telemetry() -> Telemetry:
    """Live metrics after one poll of a report."""
    telemetry = Telemetry()
    telemetry.expect("production", "chat-sessions")
    telemetry.polled("production", "chat-sessions", "ok")
    telemetry.request("production", "chat-sessions", "200", 0.3)
    return telemetry


@pytest.fixture
def worker() -> Iterator[Worker]:
    """The thread that renders pages."""
    worker = Worker("readers")
    yield worker
    worker.close()


@pytest.fixture
def client(board: Board, telemetry: Telemetry, worker: Worker) -> Client:
    """Makes clients that send no Accept headers of their own."""

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
