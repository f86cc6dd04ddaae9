"""Translates httpx errors into ours, with what an operator can do about them."""

import re
import socket
import ssl
from collections.abc import Iterator, Sequence

import httpx

from exporter.domain.errors import ConnectionLostError, NotJsonError, ReportError, TimedOutError
from exporter.http.endpoint import HttpRequest


class RetryableError(Exception):
    """A failed attempt that may be repeated; `reason` is fit for a log, `retry_after` are its `Retry-After` headers."""

    def __init__(self, error: ReportError, reason: str, retry_after: Sequence[str] = ()) -> None:
        super().__init__(str(error))
        self.kind, self.reason, self.retry_after = type(error), reason, retry_after

    def given_up(self, why: str) -> ReportError:
        return self.kind(f"{self} ({why})")


HTTPX_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict, OSError)
"""What httpx may raise while one request is sent; an ssl.SSLError (OSError) during an answer passes it as it is."""

_TRANSIENT = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError, OSError)
ANOTHER = "it may speak only HTTP/2, and the exporter speaks HTTP/1.1; check base_url, or put a proxy in front of it"


def translate(error: Exception, sent: HttpRequest) -> ReportError | RetryableError:
    """Returns our error for one of `HTTPX_ERRORS`."""
    match error:
        case httpx.TimeoutException() | TimeoutError():
            limit = f"{sent.endpoint.timeout:g} s; see poll.timeout"
            return TimedOutError(sent.message(f"no complete answer from {sent.site} within {limit}"))
        case httpx.DecodingError():
            return NotJsonError(sent.message(f"{sent.site} answered, but {sent.quote(str(error))}"))
    message = sent.message(_lost(error, sent))
    untrusted = any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes(error))
    if isinstance(error, _TRANSIENT) and not untrusted:
        return RetryableError(ConnectionLostError(message), type(error).__name__)
    return ConnectionLostError(message)


def _lost(error: Exception, sent: HttpRequest) -> str:
    if isinstance(error, httpx.ProxyError):
        return f"the proxy did not connect to {sent.site}: {sent.quote(str(error))}"
    for cause in causes(error):
        if text := _root(cause, sent):
            return text
    why = sent.quote(str(error)) or type(error).__name__
    other = f"; {ANOTHER}" if re.search("illegal (request|status) line", why) else ""
    return f"the connection to {sent.site} failed: {why}{other}"


def _root(cause: BaseException, sent: HttpRequest) -> str | None:
    match cause:
        case ssl.SSLCertVerificationError():
            why = sent.quote(cause.verify_message)
            return f"the certificate of {sent.site} is not trusted: {why}; for a private authority set ca_file"
        case ssl.SSLError():
            why = sent.quote(getattr(cause, "reason", None) or str(cause))
            if "NO_APPLICATION_PROTOCOL" in why:
                return f"no HTTP/1.1 with {sent.site}: {why}; {ANOTHER}"
            return f"no TLS with {sent.site}: {why}; see base_url and ca_file"
        case socket.gaierror():
            option = sent.proxy.place if sent.proxy else "base_url"
            return f"the host of {sent.proxy or sent.site} is not found: {cause.strerror}; see {option}"
        case OSError(strerror=str(why)):
            return f"the connection to {sent.site} failed: {why}"
        case _:
            return None


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yields `error` and its causes, deepest last; of a group (one per address tried) the first."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        first = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else None
        cause = first or cause.__cause__ or cause.__context__
