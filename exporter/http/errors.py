"""What httpx raises, as errors of ours, with what an operator can do about it; knows no answer."""

import socket
import ssl
from collections.abc import Callable, Iterator

import httpx

from exporter.domain.errors import ConnectionLostError, HttpStatusError, NotJsonError, ReportError, TimedOutError
from exporter.http.request import Asked


class Again(Exception):  # noqa: N818 -- no failure yet: the client decides whether it becomes one
    """An attempt that may be repeated; `told` is the `Retry-After` that came with it, `reason` fit for a log."""

    def __init__(self, kind: Callable[[str], ReportError], message: str, reason: str, told: str | None = None) -> None:
        super().__init__(message)
        self._kind = kind
        self._message = message
        self.reason = reason
        self.told = told

    def given_up(self, why: str) -> ReportError:
        """Returns the error that this becomes when it is not repeated."""
        return self._kind(f"{self._message} ({why})")


FOREIGN = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    httpx.CookieConflict,
    OSError,  # an ssl.SSLError in the middle of an answer passes httpx as it is
)
"""Everything that may come out of httpx while one request is asked."""

MAPPED: tuple[tuple[type[Exception], type[ReportError]], ...] = (
    (httpx.TimeoutException, TimedOutError),
    (TimeoutError, TimedOutError),
    (httpx.DecodingError, NotJsonError),
    (httpx.TooManyRedirects, HttpStatusError),
    (httpx.HTTPStatusError, HttpStatusError),
)
"""The first that fits counts; all the others of `FOREIGN` are a ConnectionLostError."""

_FLEETING = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError, OSError)


def kind(error: Exception) -> type[ReportError]:
    """Returns the class of ours that `error` becomes."""
    return next((ours for foreign, ours in MAPPED if isinstance(error, foreign)), ConnectionLostError)


def translate(error: Exception, asked: Asked, timeout: float) -> ReportError | Again:
    """Returns what one of `FOREIGN` means for the request; `timeout` (seconds) is for the message."""
    ours = kind(error)
    if ours is TimedOutError:
        return ours(asked.message(f"no whole answer from {asked.site} within {timeout:g} s (poll.timeout)"))
    if ours is ConnectionLostError:
        message = asked.message(_lost(error, asked))
        return Again(ours, message, type(error).__name__) if _may_heal(error) else ours(message)
    return ours(asked.message(f"{asked.site} answered, but {asked.quote(str(error))}"))


def _may_heal(error: Exception) -> bool:
    untrusted = any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))
    return isinstance(error, _FLEETING) and not untrusted


def _lost(error: Exception, asked: Asked) -> str:
    through = f" through the proxy {asked.proxy}" if asked.proxy else ""
    if isinstance(error, httpx.ProxyError):
        return f"the proxy did not connect to {asked.site}: {asked.quote(str(error))}; see proxy_url or HTTPS_PROXY"
    for cause in _causes(error):
        if text := _root(cause, asked):
            return text + through
    return f"the connection to {asked.site}{through} failed: {asked.quote(str(error)) or type(error).__name__}"


def _root(cause: BaseException, asked: Asked) -> str | None:
    match cause:
        case ssl.SSLCertVerificationError():
            why = asked.quote(cause.verify_message)
            return f"the certificate of {asked.site} is refused: {why}; a private authority goes into ca_file"
        case ssl.SSLError():
            why = asked.quote(getattr(cause, "reason", None) or str(cause))
            return f"no TLS with {asked.site}: {why}; see base_url and ca_file"
        case socket.gaierror():
            return f"the host of {asked.site} is not found: {cause.strerror}; see base_url"
        case OSError(strerror=str(why)):
            return f"the connection to {asked.site} failed: {why}"
        case _:
            return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yields `error` and what it comes from, deepest last; of a group (one per address tried) the first."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        first = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else None
        cause = first or cause.__cause__ or cause.__context__
