"""Every exception of httpx is exactly one of ours, and says what an operator can do."""

import socket
import ssl

import httpx
import pytest

from exporter.domain.errors import ConnectionLostError, NotJsonError, ReportError, TimedOutError
from tests.http.fakes import KEY, bench

EXPECTED: dict[type[Exception], type[ReportError]] = {
    httpx.HTTPError: ConnectionLostError,
    httpx.HTTPStatusError: ConnectionLostError,  # cannot be: statuses are read here
    httpx.RequestError: ConnectionLostError,
    httpx.TooManyRedirects: ConnectionLostError,  # cannot be: none is followed
    httpx.DecodingError: NotJsonError,
    httpx.TransportError: ConnectionLostError,
    httpx.TimeoutException: TimedOutError,
    httpx.ConnectTimeout: TimedOutError,
    httpx.ReadTimeout: TimedOutError,
    httpx.WriteTimeout: TimedOutError,
    httpx.PoolTimeout: TimedOutError,
    httpx.NetworkError: ConnectionLostError,
    httpx.ConnectError: ConnectionLostError,
    httpx.ReadError: ConnectionLostError,
    httpx.WriteError: ConnectionLostError,
    httpx.CloseError: ConnectionLostError,
    httpx.ProxyError: ConnectionLostError,
    httpx.UnsupportedProtocol: ConnectionLostError,
    httpx.ProtocolError: ConnectionLostError,
    httpx.LocalProtocolError: ConnectionLostError,
    httpx.RemoteProtocolError: ConnectionLostError,
    httpx.InvalidURL: ConnectionLostError,
    httpx.CookieConflict: ConnectionLostError,  # cannot be: no cookies are kept
    httpx.StreamError: ConnectionLostError,  # the client was closed under a request
    httpx.StreamConsumed: ConnectionLostError,
    httpx.StreamClosed: ConnectionLostError,
    httpx.ResponseNotRead: ConnectionLostError,
    httpx.RequestNotRead: ConnectionLostError,
}


def made(error: type[Exception]) -> Exception:
    """Makes one without its arguments, which differ from class to class."""
    return error.__new__(error)


def test_every_exception_that_httpx_has_is_mapped_here() -> None:
    """A new one fails this test until somebody decides what it is."""
    public = {each for each in vars(httpx).values() if isinstance(each, type) and issubclass(each, Exception)}
    assert public == set(EXPECTED)


@pytest.mark.anyio
@pytest.mark.parametrize("foreign", EXPECTED, ids=lambda foreign: foreign.__name__)
async def test_each_is_caught_and_becomes_its_one_error(foreign: type[Exception]) -> None:
    with pytest.raises(ReportError) as caught:
        await bench(made(foreign)).ask()
    assert type(caught.value) is EXPECTED[foreign]


def caused(error: Exception, *causes: BaseException) -> Exception:
    """Chains the causes behind the error, as httpx, httpcore and anyio do."""
    last: BaseException = error
    for cause in causes:
        last.__cause__ = cause
        last = cause
    return error


REFUSED = ConnectionRefusedError(111, "Connection refused")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "says"),
    [
        pytest.param(
            caused(httpx.ConnectError("x"), socket.gaierror(-2, "Name or service not known")),
            "the host of https://paradigm.example is not found: Name or service not known; see base_url",
            id="dns",
        ),
        pytest.param(
            caused(httpx.ConnectError("All connection attempts failed"), OSError("All failed"), REFUSED),
            "the connection to https://paradigm.example failed: Connection refused",
            id="refused",
        ),
        pytest.param(
            caused(httpx.ConnectError("x"), OSError("x"), ExceptionGroup("several", [REFUSED, REFUSED])),
            "the connection to https://paradigm.example failed: Connection refused",
            id="refused-at-several-addresses",
        ),
        pytest.param(ssl.SSLError(1, "[SSL] bad record"), "no TLS with https://paradigm.example: [SSL] bad", id="tls"),
        pytest.param(httpx.ProxyError(f"407 {KEY}"), "the proxy did not connect to https://paradigm.example: 407 [key]",
                     id="proxy"),
        pytest.param(ssl.SSLError(1, "TLSV1_ALERT_NO_APPLICATION_PROTOCOL"), "may speak only HTTP/2", id="http2-alpn"),
        pytest.param(httpx.RemoteProtocolError("illegal request line"), "may speak only HTTP/2", id="http2"),
        pytest.param(httpx.ReadError(""), "the connection to https://paradigm.example failed: ReadError", id="no-text"),
        pytest.param(httpx.RemoteProtocolError(f"Illegal header {KEY}"), "Illegal header [key]", id="key-in-the-text"),
    ],
)  # fmt: skip
async def test_a_lost_connection_says_why(error: Exception, says: str) -> None:
    with pytest.raises(ConnectionLostError) as caught:
        await bench(error).ask()
    assert says in str(caught.value)
    assert KEY not in str(caught.value)
