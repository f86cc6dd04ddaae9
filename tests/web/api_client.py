"""Asks the application over a road what it says of days, and says the same of /metrics."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple

import httpx
import msgspec

from exporter.domain.blocking import Worker
from exporter.domain.model import Days, Reading
from exporter.exposition.board import Board
from exporter.ledger.ledger import Asked, Ledger, fold
from exporter.metrics.report_view import Health
from exporter.polling.render import rendered
from exporter.polling.target import ReportState, Target
from exporter.web.app import create_app
from tests.road.road import target_with
from tests.samples import samples
from tests.web.contexts import web_context

LABELS_OF_A_COMPANY = ("source", "company_id", "company")


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One figure of an answer, with every field that it must have."""

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
        """What tells it from every other figure of its day."""
        return Key(self.measure, self.source, self.company_id, self.company, frozenset(self.labels.items()))


class Key(NamedTuple):
    """What a series and a figure have in common."""

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
    """What an answer says of a report."""

    source: str
    report: str
    timezone: str
    stale: bool
    last_day: str | None
    days: list[Day]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole answer in JSON."""

    reports: list[Report]
    figures: list[Figure]
    next: str | None

    def states(self, report: str = "chat-sessions") -> Mapping[str, str]:
        """Returns the states of a report's days."""
        (found,) = (each for each in self.reports if each.report == report)
        return {each.date: each.state for each in found.days}


@asynccontextmanager
async def asking(board: Board, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Yields a client of the application over a board."""
    worker = Worker("readers")
    app = create_app(web_context(board, worker, **options))
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://exporter") as http:
            yield http
    finally:
        worker.close()


async def days(http: httpx.AsyncClient, query: str = "") -> Answer:
    """Asks in JSON; the answer must be a good one."""
    response = await http.get(f"/api/v1/days?{query}")
    assert response.status_code == 200, response.text
    return msgspec.json.decode(response.content, type=Answer)


def window(text: str, suffix: str, measures: Iterable[str]) -> Mapping[Key, float]:
    """Returns the samples of a window on a page, by what they have in common with figures."""
    names = {f"{measure}{suffix}": measure for measure in measures}
    return dict(_samples(text, names))


def _samples(text: str, names: Mapping[str, str]) -> Iterator[tuple[Key, float]]:
    for sample in samples(text):
        if sample.name in names:
            own = frozenset(pair for pair in sample.labels.items() if pair[0] not in LABELS_OF_A_COMPANY)
            source, company_id, company = (sample.labels[label] for label in LABELS_OF_A_COMPANY)
            yield Key(names[sample.name], source, company_id, company, own), sample.value


def on(figures: Sequence[Figure], day: str) -> Mapping[Key, float]:
    """Returns the figures of a day; none may be there twice."""
    found = [each for each in figures if each.date == day]
    assert len({each.key for each in found}) == len(found)
    return {each.key: each.value for each in found}


def published(reading: Reading, days: Days, now: datetime, target: Target | None = None) -> Board:
    """Returns a board about one report, of which one answer came at `now` that covers these days."""
    target = target or target_with()
    (report,) = target.reports
    ledger = fold(Ledger(), reading, Asked(days, days.last, now, target.rules.keep_days), target.companies.wants)
    health = Health(target.interval, now, now, 1.0, "ok", history=True)
    board = Board()
    board.put(
        target.source,
        rendered(target, {report.name: ReportState(ledger, health, reading.names)}, target.reports, now),
    )
    return board
