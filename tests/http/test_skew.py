"""The platform's clock against ours: by the `Date` of each answer, in the middle of the wait for it."""

from collections.abc import Callable

import httpx
import pytest

from exporter.domain.errors import ReportError
from exporter.http import Client
from tests.http.fakes import GOOD, REQUEST, Bench, Notes, Time, answer, bench, endpoint

pytestmark = pytest.mark.anyio

NOON = "Fri, 20 Nov 2026 12:00:00 GMT"  # the moment at which the clock of the fakes starts


@pytest.mark.parametrize(
    ("date", "skews"),
    [
        pytest.param(NOON, [0.0], id="equal"),
        pytest.param("Fri, 20 Nov 2026 12:00:07 GMT", [7.0], id="ahead"),
        pytest.param("Thu, 19 Nov 2026 12:00:00 GMT", [-86400.0], id="an-answer-cached-for-a-day"),
        pytest.param("Friday, 20-Nov-26 12:00:01 GMT", [1.0], id="in-an-obsolete-form"),
        pytest.param("Fri, 20 Nov 2026 12:00:01 -0000", [1.0], id="of-no-zone"),
        pytest.param("yesterday", [], id="unreadable"),
        pytest.param("", [], id="empty"),
    ],
)
async def test_the_skew_is_their_clock_minus_ours(date: str, skews: list[float]) -> None:
    asked = bench(answer(date=date))
    await asked.ask()
    assert asked.notes.skews == skews


async def test_an_answer_without_a_date_says_nothing() -> None:
    asked = bench(answer())
    await asked.ask()
    assert asked.notes.skews == []


async def test_a_refusal_has_a_date_too() -> None:
    asked = bench(answer(401, date=NOON))
    with pytest.raises(ReportError):
        await asked.ask()
    assert asked.notes.skews == [0.0]


def slow(time: Time, seconds: float) -> Callable[[httpx.Request], httpx.Response]:
    """Returns a platform whose answer takes so long, dated at noon."""

    def answered(_: httpx.Request) -> httpx.Response:
        time.passed += seconds
        return httpx.Response(200, headers={"Date": NOON}, stream=httpx.ByteStream(GOOD))

    return answered


async def test_half_of_the_wait_is_the_way_back() -> None:
    """Asked at 12:00:00, dated 12:00:00, here at 12:00:04: their clock stood at 12:00:00 when ours showed 12:00:02."""
    time, notes = Time(), Notes()
    client = Client(endpoint(), notes, transport=httpx.MockTransport(slow(time, 4)), clock=time.clock)
    await client.get(REQUEST, Bench().retry_budget)
    await client.aclose()
    assert notes.skews == [-2.0]
