"""What passes is asked again, as the platform says and the retry budget allows; what does not pass is not."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from exporter.domain.errors import ConnectionLostError, HttpStatusError, RateLimitedError, ReportError, TimedOutError
from exporter.http import Client, RetryBudget
from tests.http.fakes import GOOD, KEY, NOON, REQUEST, answer, bench

pytestmark = pytest.mark.anyio

RESET = httpx.ReadError("reset")


@pytest.mark.parametrize(
    ("setback", "code"),
    [
        pytest.param(answer(429), "429", id="429"),
        pytest.param(answer(500), "500", id="500"),
        pytest.param(answer(502, b"<html>"), "502", id="502"),
        pytest.param(answer(503), "503", id="503"),
        pytest.param(answer(504), "504", id="504"),
        pytest.param(RESET, "error", id="reset"),
        pytest.param(httpx.ConnectError("refused"), "error", id="refused"),
        pytest.param(httpx.RemoteProtocolError("cut short"), "error", id="cut-short"),
        pytest.param(httpx.ProxyError("502 Bad Gateway"), "error", id="proxy"),
        pytest.param(OSError("record layer failure"), "error", id="tls-breaks-in-the-middle"),
    ],
)
async def test_a_setback_is_asked_again(setback: httpx.Response | Exception, code: str) -> None:
    asked = bench(setback, setback, answer())
    assert await asked.ask() == GOOD
    assert asked.notes.codes == [code, code, "200"]
    assert asked.notes.waits == asked.time.slept == [2, 4], "full jitter, at its most, doubles"
    assert asked.retry_budget.left == 1800 - 6
    assert asked.notes.reports == {"chat-sessions"}


@pytest.mark.parametrize(
    ("setback", "error"),
    [
        pytest.param(answer(429), RateLimitedError, id="429"),
        pytest.param(answer(503), HttpStatusError, id="503"),
        pytest.param(RESET, ConnectionLostError, id="reset"),
    ],
)
@pytest.mark.parametrize(("method", "attempts"), [("POST", 1), ("GET", 3)])
async def test_attempts_are_counted(
    setback: httpx.Response | Exception, error: type[ReportError], method: str, attempts: int
) -> None:
    asked = bench(setback)
    with pytest.raises(error, match=rf"\(attempt {attempts} of {attempts}\)"):
        await asked.ask(replace(REQUEST, method=method))
    assert len(asked.notes.codes) == attempts
    assert len(asked.notes.waits) == attempts - 1


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(httpx.ReadTimeout("slow"), id="time-out"),
        pytest.param(httpx.UnsupportedProtocol("gopher"), id="no-such-protocol"),
        pytest.param(httpx.LocalProtocolError("ours"), id="our-own-fault"),
        pytest.param(httpx.DecodingError("bad"), id="no-gzip"),
    ],
)
async def test_what_will_not_heal_is_not_asked_again(failure: Exception) -> None:
    asked = bench(failure)
    with pytest.raises(ReportError):
        await asked.ask()
    assert asked.notes.codes == ["error"]
    assert asked.retry_budget.left == 1800


async def test_a_time_out_of_the_library_is_one_of_ours() -> None:
    with pytest.raises(TimedOutError, match=r"within 5 s; see poll\.timeout"):
        await bench(httpx.ConnectTimeout("slow")).ask()


@pytest.mark.parametrize(
    ("told", "waits"),
    [
        pytest.param("30", 30, id="seconds"),
        pytest.param(" 30 ", 30, id="seconds-with-space"),
        pytest.param("12.5", 12.5, id="a-fraction"),
        pytest.param("Fri, 20 Nov 2026 12:01:00 GMT", 60, id="date"),
        pytest.param("Friday, 20-Nov-26 12:01:00 GMT", 60, id="date-of-rfc-850"),
        pytest.param("Fri, 20 Nov 2026 12:01:00 -0000", 60, id="date-without-zone"),
        pytest.param("0", 2, id="zero-leaves-the-jitter"),
        pytest.param("1", 2, id="never-sooner-than-the-jitter"),
        pytest.param("Fri, 20 Nov 2020 12:00:00 GMT", 2, id="past"),
        pytest.param("-5", 2, id="negative"),
        pytest.param("soon", 2, id="unreadable"),
        pytest.param("Fri, 99 Nov 2026 12:01:00 GMT", 2, id="no-such-date"),
        pytest.param("", 2, id="empty"),
        pytest.param("²", 2, id="a-digit-that-is-none"),
        pytest.param("30|60", 60, id="two-headers"),
        pytest.param("60, 30", 60, id="two-joined-by-a-proxy"),
        pytest.param("30|Fri, 20 Nov 2026 12:01:00 GMT", 60, id="seconds-and-a-date"),
        pytest.param("Fri, 20 Nov 2026 12:01:00 GMT, 30", 60, id="a-date-and-seconds-joined"),
        pytest.param("soon|30", 30, id="one-unreadable"),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_the_least_wait(told: str, waits: float, status: int) -> None:
    asked = bench(answer(status), answer())
    assert asked.platform
    headers = httpx.Headers([(b"Retry-After", each.encode()) for each in told.split("|")])
    asked.platform.answers[0].headers = headers  # type: ignore[union-attr]  # no exception, an answer
    assert await asked.ask() == GOOD
    assert asked.notes.waits == [waits]


@pytest.mark.parametrize(
    ("status", "error"), [pytest.param(429, RateLimitedError, id="429"), pytest.param(503, HttpStatusError, id="503")]
)
@pytest.mark.parametrize(
    "told",
    [
        pytest.param("86400", id="a-day"),
        pytest.param("9" * 400, id="beyond-all-numbers"),
        pytest.param("Sat, 21 Nov 2026 12:00:00 GMT", id="a-day-as-date"),
    ],
)
async def test_a_wait_beyond_the_budget_gives_up_at_once(status: int, error: type[ReportError], told: str) -> None:
    asked = bench(answer(status, retry_after=told))
    with pytest.raises(error, match="this poll can wait 1800 s"):
        await asked.ask()
    assert asked.notes.codes == [str(status)]
    assert asked.time.slept == []
    assert asked.retry_budget.left == 1800, "what is not waited is not spent"


async def test_requests_of_a_poll_share_its_retry_budget() -> None:
    retry_budget = RetryBudget(50)
    first, second = bench(answer(429, retry_after="30"), answer()), bench(answer(429, retry_after="30"), answer())
    first.retry_budget = second.retry_budget = retry_budget
    assert await first.ask() == GOOD
    with pytest.raises(RateLimitedError, match="next attempt is in 30 s, but this poll can wait 20 s"):
        await second.ask()


OTHER = replace(REQUEST, report="chats-feedback", path="/reporting/chats-feedback/")


@pytest.mark.parametrize(
    ("status", "error"), [pytest.param(429, RateLimitedError, id="429"), pytest.param(503, HttpStatusError, id="503")]
)
@pytest.mark.parametrize(
    ("told", "hours"),
    [
        pytest.param("3600", 1, id="an-hour"),
        pytest.param("Fri, 20 Nov 2026 13:00:00 GMT", 1, id="an-hour-as-date"),
        pytest.param("9" * 400, 24, id="a-day-at-most"),
    ],
)
async def test_a_long_retry_after_pauses_the_whole_source(
    told: str, hours: int, status: int, error: type[ReportError]
) -> None:
    """One request; until that moment none of any report goes out, whatever asks, and then they do again."""
    asked = bench(answer(status, retry_after=told), answer())
    assert asked.platform
    client = asked.client()
    until = NOON + timedelta(hours=hours)
    for minute in range(0, 60 * hours, 20):
        asked.time.passed = minute * 60 + 1.0 if minute else 0.0
        for request in (REQUEST, OTHER):
            with pytest.raises(error, match=f"are paused until {until:%Y-%m-%dT%H:%M:%SZ}"):
                await client.get(request, RetryBudget(600))
    assert asked.notes.codes == [str(status)]
    assert asked.notes.pauses == [until]

    asked.time.passed = hours * 3600 - 500.0
    assert await client.get(OTHER, RetryBudget(600)) == GOOD
    assert await client.get(REQUEST, RetryBudget(0)) == GOOD
    assert asked.notes.waits == [500]
    await client.aclose()


async def test_a_request_that_is_cut_off_is_no_error_of_the_platform() -> None:
    """By a reload or the end of the program; one that times out is."""
    asked, begun = bench(answer()), asyncio.Event()

    async def hang(_: httpx.Request) -> httpx.Response:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    client = Client(asked.endpoint, asked.notes, transport=httpx.MockTransport(hang))
    asking = asyncio.create_task(client.get(REQUEST, asked.retry_budget))
    await begun.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert asked.notes.codes == ["cancelled"]
    await client.aclose()


async def test_retries_are_told_at_debug_without_body_or_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await bench(answer(503, b"private " + KEY.encode()), RESET, answer()).ask()
    ours = [record for record in caplog.records if record.name.startswith("exporter")]
    assert [record.getMessage() for record in ours] == [
        "production: chat-sessions: attempt 1 failed (503), next in 2.0 s",
        "production: chat-sessions: attempt 2 failed (ReadError), next in 4.0 s",
    ]
    assert {record.levelno for record in ours} == {logging.DEBUG}
    assert KEY not in caplog.text


async def test_what_is_raised_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="exporter")
    with pytest.raises(HttpStatusError):
        await bench(answer(400)).ask()
    assert caplog.records == []
