"""A store is compared by sums that it adds up itself: what differs is said with both figures, and nothing else is."""

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from urllib.parse import parse_qs

import httpx
import msgspec
import pytest

from exporter.backfill.figures import ReportDays, Series, noon
from exporter.backfill.remote_write import RemoteWrite
from exporter.backfill.verify import Comparison, ReadBack, months
from exporter.domain.errors import StoreError
from exporter.domain.model import Days
from tests.pipeline.pipeline import ManualClock

pytestmark = pytest.mark.anyio

PIECE = ReportDays("s", "r", Days(date(2026, 8, 30), date(2026, 9, 2)))
AUGUST, SEPTEMBER = months(PIECE.days)


def figure(day: date, company: str, value: float, mode: str = "chat") -> Series:
    labels = {"source": "s", "company_id": company, "company": "N", "mode": mode}
    return Series("m_daily", labels, array("q", [noon(day)]), array("d", [value]))


FIGURES = [
    figure(date(2026, 8, 30), "1", 1),
    figure(date(2026, 8, 31), "1", 2),
    figure(date(2026, 9, 1), "1", 4),
    figure(date(2026, 9, 1), "1", 8, "agent"),
    figure(date(2026, 9, 2), "2", 0),
]


@dataclass
class Store:
    """Answers a question by the month that ends when it is asked for: sums by company."""

    august: dict[str, float] = field(default_factory=lambda: {"1": 3.0})
    september: dict[str, float] = field(default_factory=lambda: {"1": 12.0, "2": 0.0})
    questions: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = parse_qs(request.content.decode())
        self.questions += asked["query"]
        end = datetime.fromtimestamp(float(asked["time"][0]), UTC)
        sums = {(9, 1): self.august, (9, 3): self.september}[end.month, end.day]
        result = [{"metric": {"company_id": who}, "value": [0, str(value)]} for who, value in sums.items()]
        return httpx.Response(200, content=msgspec.json.encode({"status": "success", "data": {"result": result}}))


async def compare(store: Store, figures: Sequence[Series] = FIGURES) -> Comparison:
    http = httpx.AsyncClient(transport=httpx.MockTransport(store))
    comparison = Comparison("http://store/", http, {"job": 'x"'})
    await comparison.take(PIECE, figures)
    return comparison


async def test_equal_sums_are_counted_and_not_told() -> None:
    """A question per family and month, about our own series alone."""
    store = Store()
    found = await compare(store)
    assert (found.compared, found.differing, found.lines) == (3, 0, [])
    assert store.questions == [
        rf'sum by (company_id) (sum_over_time(m_daily{{source="s",job="x\""}}[{days}d]))' for days in (2, 2)
    ]


DIFFERENT = {
    "lost": (Store(august={}), "company 1, 2026-08-30 to 2026-08-31: the platform has 3, the store 0"),
    "doubled": (Store(august={"1": 6}), "company 1, 2026-08-30 to 2026-08-31: the platform has 3, the store 6"),
    "other": (Store(august={"1": 3, "9": 5}), "company 9, 2026-08-30 to 2026-08-31: the platform has 0, the store 5"),
    "later": (Store(september={"1": 11.5}), "company 1, 2026-09-01 to 2026-09-02: the platform has 12, the store 11.5"),
}


@pytest.mark.parametrize(("store", "words"), DIFFERENT.values(), ids=DIFFERENT)
async def test_what_differs_is_told_with_both_figures(store: Store, words: str) -> None:
    found = await compare(store)
    assert found.lines == [f"s: m_daily of {words}"]
    assert found.differing == 1


async def test_lines_end_and_the_count_goes_on() -> None:
    found = await compare(Store(august={}), [figure(AUGUST.first, str(n), 1.0) for n in range(70)])
    assert (len(found.lines), found.differing) == (50, 71)  # September's one is a surplus


def lost(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lost, "cannot be reached"),
        (lambda _: httpx.Response(404, text="404 page not found"), "answered 404, but no sums; --verify takes the URL"),
        (lambda _: httpx.Response(200, json={"data": {"result": "x"}}), "answered 200, but no sums"),
    ],
    ids=["gone", "elsewhere", "odd"],
)
async def test_a_store_that_does_not_answer_is_one_line(answer: object, words: str) -> None:
    assert callable(answer)
    comparison = Comparison("http://store", httpx.AsyncClient(transport=httpx.MockTransport(answer)), {})
    with pytest.raises(StoreError, match=re.escape(words)):
        await comparison.begin(AUGUST.first)


@dataclass
class LateStore(Store):
    """Takes samples, and has lost August's until it was asked so often."""

    right_after: int = 0
    written: int = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/write":
            self.written += 1
            return httpx.Response(204)
        self.august = {"1": 3.0 if len(self.questions) // 2 >= self.right_after else 1.0}
        return Store.__call__(self, request)


@pytest.mark.parametrize(
    ("right_after", "slept"), [(0, []), (1, [1.0]), (3, [1.0, 2.0, 4.0]), (99, [1.0, 2.0, 4.0, 8.0, 15.0])]
)
async def test_what_is_sent_counts_when_it_is_read_back(right_after: int, slept: list[float]) -> None:
    """A store may find it a moment later; what it never has is not taken for sent, and is sent again."""
    store, clock = LateStore(right_after=right_after), ManualClock(datetime(2026, 11, 20, tzinfo=UTC))
    http = httpx.AsyncClient(transport=httpx.MockTransport(store))
    write = RemoteWrite("http://store/write", http, clock.for_fetch(), {})
    both = ReadBack(write, Comparison("http://store", http, {}))
    if right_after > len(slept):
        lost = "does not have what it was sent: s: m_daily of company 1, .*: the platform has 3, the store 1; repeat"
        with pytest.raises(StoreError, match=lost):
            await both.take(PIECE, FIGURES)
    else:
        await both.take(PIECE, FIGURES)
    assert (store.written, clock.slept) == (1, slept)


async def test_before_anything_is_sent_the_store_has_to_answer() -> None:
    """At both addresses: a wrong one of the two would show after hours."""
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return httpx.Response(404 if request.url.path == "/api/v1/query" else 204)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    write = RemoteWrite("http://store/write", http, ManualClock(datetime(2026, 11, 20, tzinfo=UTC)).for_fetch(), {})
    with pytest.raises(StoreError, match="--verify takes the URL"):
        await ReadBack(write, Comparison("http://store", http, {})).begin(AUGUST.first)
    assert paths == ["/api/v1/query"]
