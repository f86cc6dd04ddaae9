"""A client of the API, and comparisons of its figures with /metrics."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple

import httpx
import msgspec

from exporter.domain.model import Days, Reading
from exporter.domain.threads import Worker
from exporter.exposition.board import Board, rendered
from exporter.ledger.ledger import Asked, Ledger, fold
from exporter.metrics.target import Health, ReportState, Target
from exporter.web.app import create_app
from tests.pipeline.pipeline import target_with
from tests.samples import samples
from tests.web.web_context import web_context

COMPANY_LABELS = ("source", "company_id", "company")


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A figure of a response; every field is required."""

    date: str
    source: str
    report: str
    company_id: str
    company: str
    measure: str
    labels: dict[str, str]
    value: float
    state: str
    evidence: str

    @property
    def key(self) -> "Key":
        """Identifies it among the figures of its day."""
        return Key(self.measure, self.source, self.company_id, self.company, frozenset(self.labels.items()))


class Key(NamedTuple):
    """Identifies a series and a figure."""

    measure: str
    source: str
    company_id: str
    company: str
    labels: frozenset[tuple[str, str]]


class Day(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A held day of a report."""

    date: str
    state: str


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A report in a response."""

    source: str
    report: str
    timezone: str
    stale: bool
    last_day: str | None
    days: list[Day]


class Response(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A JSON response."""

    reports: list[Report]
    figures: list[Figure]
    next: str | None

    def states(self, report: str = "chat-sessions") -> Mapping[str, str]:
        """Returns the states of a report's days."""
        (found,) = (each for each in self.reports if each.report == report)
        return {each.date: each.state for each in found.days}


@asynccontextmanager
async def client_of(board: Board, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Yields a client of an application that serves this board."""
    worker = Worker("readers")
    app = create_app(web_context(board, worker, **options))
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://exporter") as http:
            yield http
    finally:
        worker.close()


async def get_days(http: httpx.AsyncClient, query: str = "") -> Response:
    """Requests days; the status must be 200."""
    response = await http.get(f"/api/v1/days?{query}")
    assert response.status_code == 200, response.text
    return msgspec.json.decode(response.content, type=Response)


def figures_of_window(text: str, suffix: str, measures: Iterable[str]) -> Mapping[Key, float]:
    """Returns the samples of a window in an exposition."""
    names = {f"{measure}{suffix}": measure for measure in measures}
    return dict(_samples(text, names))


def _samples(text: str, names: Mapping[str, str]) -> Iterator[tuple[Key, float]]:
    for sample in samples(text):
        if sample.name in names:
            own = frozenset(pair for pair in sample.labels.items() if pair[0] not in COMPANY_LABELS)
            source, company_id, company = (sample.labels[label] for label in COMPANY_LABELS)
            yield Key(names[sample.name], source, company_id, company, own), sample.value


def figures_on(figures: Sequence[Figure], day: str) -> Mapping[Key, float]:
    """Returns the figures of a day; none may occur twice."""
    found = [each for each in figures if each.date == day]
    assert len({each.key for each in found}) == len(found)
    return {each.key: each.value for each in found}


def board_with(reading: Reading, days: Days, now: datetime, target: Target | None = None) -> Board:
    """Returns a board with one report, after one response at `now` for these days."""
    target = target or target_with()
    (report,) = target.reports
    ledger = fold(Ledger(), reading, Asked(days, days.last, now, target.rules.keep_days), target.companies.wants)
    health = Health(target.interval, now, now, 1.0, "ok", history=True, read_at=now)
    board = Board()
    board.put(
        target.source,
        rendered(target, {report.name: ReportState(ledger, health, reading.names)}, target.reports, now),
    )
    return board
