"""The listening socket and the real server on loopback: addresses, and clients that do not block others."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from exporter.app.process import serving
from exporter.domain.errors import ConfigError
from exporter.domain.threads import Worker
from exporter.exposition.board import Board
from exporter.exposition.text import Format
from exporter.web.app import create_app
from exporter.web.server.server import Server, listen, url
from tests.web.web_context import web_context

OPTION = "--web.listen-address"
LARGE = b"#" * 30_000_000 + b"\n"  # more than the buffers of a socket take
SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: exporter\r\n\r\n"
TIMEOUT_S = 20


def can_listen(host: str) -> bool:
    """Returns whether this machine has such an address; containers may lack IPv6."""
    try:
        socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError:
        return False
    return True


def reaches(host: str, port: int) -> bool:
    """Returns whether a connection to the listening socket succeeds."""
    try:
        socket.create_connection((host, port)).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("address", "base", "hosts"),
    [
        pytest.param(":0", "http://localhost:{}", ["127.0.0.1", "::1"], id="every interface"),
        pytest.param("0.0.0.0:0", "http://localhost:{}", ["127.0.0.1"], id="every interface of IPv4"),
        pytest.param("[::]:0", "http://localhost:{}", ["::1", "127.0.0.1"], id="every interface by IPv6"),
        pytest.param("127.0.0.1:0", "http://127.0.0.1:{}", ["127.0.0.1"], id="IPv4"),
        pytest.param("[::1]:0", "http://[::1]:{}", ["::1"], id="IPv6"),
        pytest.param("::1:0", "http://[::1]:{}", ["::1"], id="IPv6 without brackets"),
        pytest.param("localhost:0", "http://127.0.0.1:{}", ["127.0.0.1"], id="a name"),
    ],
)
def test_an_address_is_listened_on(address: str, base: str, hosts: list[str]) -> None:
    """Port 0 is any free port; the URL can be opened on this machine."""
    here = [host for host in hosts if can_listen(host)]
    if hosts[0] not in here:
        with pytest.raises(ConfigError, match=f"{OPTION}$"):
            listen(address, OPTION)
        return
    with listen(address, OPTION) as listening:
        port = listening.getsockname()[1]

        assert url(listening) == base.format(port)
        assert [host for host in here if reaches(host, port)] == here


@pytest.mark.parametrize("address", ["127.0.0.1:0", ":0"])
def test_no_part_of_a_response_waits_for_an_acknowledgement(address: str) -> None:
    """Otherwise a short response on a persistent connection takes 44 ms instead of 1."""
    with listen(address, "--web.listen-address") as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), listening.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("address", ["127.0.0.1", ""], ids=["one interface", "every interface"])
def test_a_busy_port_is_reported(address: str) -> None:
    """The usual mistake: it is running already. The message names the address, the reason and the option."""
    with listen("127.0.0.1:0", OPTION) as listening:
        busy = f"{address}:{listening.getsockname()[1]}"
        with pytest.raises(ConfigError) as caught:
            listen(busy, OPTION)

    told = f"cannot listen on {busy}: address already in use; choose another address with {OPTION}"
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        pytest.param("192.0.2.1:0", "cannot assign requested address", id="not ours"),
        pytest.param("http://localhost:0", "name or service not known", id="a URL"),
    ],
)
def test_an_unavailable_address_is_reported(address: str, reason: str) -> None:
    """In the system's words, in one line."""
    with pytest.raises(ConfigError) as caught:
        listen(address, OPTION)

    assert str(caught.value) == f"cannot listen on {address}: {reason}; choose another address with {OPTION}"


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("", id="nothing"),
        pytest.param("9854", id="a port alone"),
        pytest.param("localhost", id="a host alone"),
        pytest.param("localhost:", id="no port"),
        pytest.param("[::1]", id="IPv6 without port"),
        pytest.param(":65536", id="a port too large"),
        pytest.param(":-1", id="a port below 0"),
        pytest.param(":http", id="a port by name"),
        pytest.param(": 80", id="a blank"),
        pytest.param(":٣", id="a digit of another script"),
        pytest.param("a..b:0", id="a name with an empty part"),
        pytest.param(f"{'ü' * 64}.example:0", id="a name with a part too long"),
    ],
)
def test_an_invalid_address_is_reported(address: str) -> None:
    """The message has the value, the option and the expected form."""
    with pytest.raises(ConfigError) as caught:
        listen(address, OPTION)

    told = f'{OPTION}: "{address}" is not an address; write host:port or :port, as in 127.0.0.1:9854'
    assert str(caught.value) == told


def large(_format: Format) -> bytes:
    return LARGE


APP = create_app(web_context(Board(), Worker("readers"), tail=large))


@contextmanager
def peers(base: str, says: bytes, count: int) -> Iterator[None]:
    """Connects peers that send something, or nothing, and then neither send nor read."""
    target = httpx.URL(base)
    with ExitStack() as stack:
        for _ in range(count):
            peer = stack.enter_context(socket.create_connection((target.host, target.port)))
            peer.sendall(says)
        yield


@pytest.mark.anyio
@pytest.mark.parametrize(
    "says",
    [
        pytest.param(b"", id="silent peers"),
        pytest.param(SCRAPE[:-2], id="peers that stop in their request"),
        pytest.param(SCRAPE, id="peers that do not read their answer"),
        pytest.param(b"\x16\x03\x01", id="peers that try TLS"),
    ],
)
async def test_no_peer_stops_another_one(says: bytes) -> None:
    """Prometheus gets its whole response, whoever else is connected."""
    with listen("127.0.0.1:0", OPTION) as listening:
        base = url(listening)
        async with asyncio.timeout(TIMEOUT_S), serving(APP, listening):
            with peers(base, says, count=3):
                async with httpx.AsyncClient(base_url=base, trust_env=False) as http:
                    response = await http.get("/metrics")

    assert response.content == LARGE
    assert "server" not in response.headers


@pytest.mark.anyio
async def test_a_server_ends_although_a_peer_does_not_read(caplog: pytest.LogCaptureFixture) -> None:
    """Open requests get one second; cutting them off is not logged as an error."""
    asked = asyncio.Event()

    def noticing(format_: Format) -> bytes:
        asked.set()
        return large(format_)

    running = Server(create_app(web_context(Board(), Worker("readers"), tail=noticing)))
    async with asyncio.timeout(TIMEOUT_S):
        with listen("127.0.0.1:0", OPTION) as listening, peers(url(listening), SCRAPE, count=1):
            serve = asyncio.create_task(running.serve(sockets=[listening]))
            await asked.wait()
            running.should_exit = True
            await serve

    assert caplog.text == ""


@pytest.mark.anyio
async def test_signals_are_left_alone() -> None:
    """The caller ends the server; uvicorn's own handlers would raise the signal again."""
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    with listen("127.0.0.1:0", OPTION) as listening:
        async with serving(APP, listening), httpx.AsyncClient(trust_env=False) as http:
            await http.get(f"{url(listening)}/-/healthy")

            assert before == [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
