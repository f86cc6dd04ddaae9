"""On real sockets: nothing hangs, nothing is taken for whole that is not, and the key goes nowhere else."""

import asyncio
import gzip
import logging
from dataclasses import replace

import pytest

from exporter.domain.errors import ConnectionLostError, HttpStatusError, TimedOutError, TooLargeError
from exporter.http import RetryBudget
from tests.http.fakes import GOOD, KEY, MAX_BODY, REQUEST, Bench, endpoint
from tests.scripted_server import Act, Drip, Step, free_port, scripted_server

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = OK + b"Content-Length: %d\r\n\r\n" % len(GOOD) + GOOD
HASTY = 0.3


def at(url: str, timeout: float = 5) -> Bench:
    return Bench(endpoint=replace(endpoint(base_url=url), timeout=timeout))


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param((WHOLE,), id="content-length"),
        pytest.param((OK + b"Connection: close\r\n\r\n" + GOOD,), id="until-the-end-of-the-connection"),
        pytest.param((CHUNKED, b"9\r\n" + GOOD[:9], b"\r\n%x\r\n" % len(GOOD[9:]), GOOD[9:] + b"\r\n0\r\n\r\n"),
                     id="chunked"),
        pytest.param((b"HTTP/1.1 103 Early Hints\r\n\r\n" + WHOLE,), id="after-an-early-hint"),
        pytest.param((Drip(WHOLE, 0),), id="byte-by-byte"),
    ],
)  # fmt: skip
async def test_a_whole_answer_is_taken(steps: tuple[Step, ...]) -> None:
    async with scripted_server(*steps) as server:
        assert await at(server.url).ask() == GOOD
        assert f"Authorization: Bearer {KEY}" in server.heads[0]


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        pytest.param((Act.HANG,), "error", id="before-the-headers"),
        pytest.param((OK, Act.HANG), "error", id="in-the-headers"),
        pytest.param((OK + b"Content-Length: 90\r\n\r\n{", Act.HANG), "200", id="in-the-body"),
        pytest.param((OK + b"Content-Length: 90\r\n\r\n", Drip(b"1" * 90, 0.05)), "200", id="a-byte-now-and-then"),
        pytest.param((Drip(WHOLE, 0.05),), "error", id="a-header-byte-now-and-then"),
        pytest.param((b"HTTP/1.1 400 Bad\r\nContent-Length: 9\r\n\r\n", Act.HANG), "400", id="in-an-error"),
    ],
)
async def test_the_time_out_holds_for_the_whole_answer(steps: tuple[Step, ...], code: str) -> None:
    async with scripted_server(*steps) as server:
        asked = at(server.url, HASTY)
        with pytest.raises(TimedOutError, match=r"no complete answer from http://127\.0\.0\.1:\d+ within 0\.3 s"):
            await asyncio.wait_for(asked.ask(), 5)
        assert asked.notes.codes == [code], "not asked again"


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param((Act.RESET,), id="reset-before-the-headers"),
        pytest.param((OK + b"Content-Length: 90\r\n\r\n{", Act.RESET), id="reset-in-the-body"),
        pytest.param((), id="closed-without-a-word"),
        pytest.param((OK,), id="closed-in-the-headers"),
        pytest.param((OK + b"Content-Length: 90\r\n\r\n" + GOOD,), id="shorter-than-its-length"),
        pytest.param((CHUNKED + b"9\r\n" + GOOD[:9] + b"\r\n",), id="no-last-chunk"),
        pytest.param((CHUNKED + b"much\r\n",), id="broken-chunk"),
        pytest.param((b"SSH-2.0-OpenSSH_9.2\r\n\r\n",), id="another-protocol"),
        pytest.param((OK + b"X: " + b"1" * 200_000 + b"\r\n\r\n",), id="endless-header"),
        pytest.param((OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(GOOD)[:-4],), id="gzip-cut"),
    ],
)
async def test_an_answer_cut_short_is_a_lost_connection_and_asked_again(steps: tuple[Step, ...]) -> None:
    async with scripted_server(*steps) as server:
        asked = at(server.url)
        with pytest.raises(ConnectionLostError, match=r"http://127\.0\.0\.1:\d+ .*\(attempt 3 of 3\)"):
            await asked.ask()
        assert len(server.heads) == 3


async def test_an_endless_body_is_left_at_the_cap() -> None:
    async with scripted_server(OK + b"\r\n", b"1" * MAX_BODY, b"1", Act.HANG) as server:
        with pytest.raises(TooLargeError):
            await at(server.url).ask()


async def test_a_body_longer_than_its_length_is_what_its_length_says() -> None:
    async with scripted_server(WHOLE + b"more") as server:
        assert await at(server.url).ask() == GOOD


async def test_what_is_sent_beyond_an_answer_answers_nothing() -> None:
    """A proxy that says everything twice: each question is answered by its own answer, not by the rest of the last."""
    async with scripted_server(WHOLE, WHOLE.replace(GOOD, GOOD[::-1]), Act.HANG) as server:
        asked = at(server.url)
        client = asked.client()
        bodies = [await client.get(REQUEST, RetryBudget(1)) for _ in range(3)]
        await client.aclose()
    assert bodies == [GOOD] * 3
    assert len(server.heads) == 3


async def test_nobody_listens() -> None:
    asked = at(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ConnectionLostError, match=r"connection to http://127\.0\.0\.1:\d+ failed: .*"):
        await asked.ask()
    assert asked.notes.codes == ["error"] * 3


@pytest.mark.parametrize("status", [b"301", b"302", b"303", b"307", b"308"])
async def test_the_key_does_not_travel(status: bytes) -> None:
    """A second server, on another port, records what it gets: nothing at all."""
    async with scripted_server(WHOLE) as other:
        redirect = b"HTTP/1.1 %s Moved\r\nLocation: %s/\r\nContent-Length: 0\r\n\r\n" % (status, other.url.encode())
        async with scripted_server(redirect) as server:
            with pytest.raises(HttpStatusError, match=f"redirects to {other.url} "):
                await at(server.url).ask()
        assert other.heads == []
        assert other.connections == set()


async def test_one_client_serves_many_at_once() -> None:
    async with scripted_server(WHOLE) as server:
        asked = at(server.url)
        client = asked.client()
        bodies = await asyncio.gather(*(client.get(REQUEST, RetryBudget(1)) for _ in range(5)))
        await client.aclose()
    assert bodies == [GOOD] * 5


async def test_no_log_of_any_library_holds_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with scripted_server(WHOLE) as server:
        await at(server.url).ask()
    assert any(record.name.startswith("httpcore") for record in caplog.records)
    assert KEY not in caplog.text


async def test_requests_go_through_the_configured_proxy() -> None:
    async with scripted_server(WHOLE) as proxy:
        asked = at("http://paradigm.example/api/v2")
        asked.endpoint = replace(asked.endpoint, proxy_url=proxy.url)
        assert await asked.ask() == GOOD
        assert proxy.heads[0].startswith("GET http://paradigm.example/api/v2/reporting/chat-sessions/?start_date")


async def test_requests_go_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted_server(WHOLE) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert await at("http://paradigm.example").ask() == GOOD
        assert len(proxy.heads) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_loopback_is_never_asked_through_a_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """A simulated platform on this machine is none that a proxy could reach."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    async with scripted_server(WHOLE) as server:
        assert await at(f"http://{host}:{server.port}").ask() == GOOD


async def test_the_configured_proxy_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    async with scripted_server(WHOLE) as proxy:
        asked = at("http://paradigm.example")
        asked.endpoint = replace(asked.endpoint, proxy_url=proxy.url)
        assert await asked.ask() == GOOD


async def test_a_proxy_that_refuses_is_named_without_its_password() -> None:
    async with scripted_server(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as proxy:
        asked = at("https://paradigm.example")
        asked.endpoint = replace(asked.endpoint, proxy_url=f"http://operator:pa55@127.0.0.1:{proxy.port}")
        with pytest.raises(ConnectionLostError, match=r"the proxy did not connect to .*407 Proxy Auth") as caught:
            await asked.ask()
        assert "pa55" not in str(caught.value)
        assert all(KEY not in head for head in proxy.heads), "a tunnel is asked for without the key"


async def test_a_proxy_that_is_not_there_is_named_without_its_password() -> None:
    port = free_port()
    asked = at("https://paradigm.example")
    asked.endpoint = replace(asked.endpoint, proxy_url=f"http://operator:pa55@127.0.0.1:{port}")
    with pytest.raises(ConnectionLostError, match=f"through the proxy http://127.0.0.1:{port}") as caught:
        await asked.ask()
    assert "pa55" not in str(caught.value)
