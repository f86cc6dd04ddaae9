"""All errors; those of reports have a value of the label `outcome`.

A message names the thing, the place of the value and the remedy, never a key or a report's data.
"""

from typing import ClassVar

OUTCOMES = (
    "ok",
    "auth",
    "rate_limited",
    "timeout",
    "connection",
    "http_error",
    "too_large",
    "not_json",
    "schema",
    "platform_error",
    "skipped",
    "internal",
)
"""Every value of the label `outcome` of `chat_usage_polls_total`, in the order of the exposition."""


class ChatUsageError(Exception):
    """An error that is reported in one line."""


class ConfigError(ChatUsageError):
    """The configuration is wrong."""


class FailedError(ChatUsageError):
    """A command ends with exit status 1 because of what it found; the message has one line for each finding."""


class QueryError(ChatUsageError):
    """A parameter of a request to our own API is wrong; the message names it, its value and known values."""


class StoreError(ChatUsageError):
    """A time series database refused samples or did not answer."""


class ReportError(ChatUsageError):
    """The poll of one report failed."""

    outcome: ClassVar[str]


class AuthError(ReportError):
    """The platform rejected the key (401) or its permissions (403)."""

    outcome = "auth"

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class RateLimitedError(ReportError):
    """The platform answered 429 to all attempts, or with a wait that is too long for this poll."""

    outcome = "rate_limited"


class TimedOutError(ReportError):
    """The answer was not complete within the timeout."""

    outcome = "timeout"


class ConnectionLostError(ReportError):
    """There was no connection, or it closed before the end of the answer."""

    outcome = "connection"


class HttpStatusError(ReportError):
    """The platform answered with a redirect, 4xx or 5xx."""

    outcome = "http_error"


class NotFoundError(HttpStatusError):
    """404: the platform, or its release, has no such report."""


class UnavailableError(HttpStatusError):
    """502, 503 or 504: the platform, or a proxy in front of it, is down."""


class TooLargeError(ReportError):
    """The answer is larger than `poll.max_body`."""

    outcome = "too_large"


class NotJsonError(ReportError):
    """The answer with status 200 is not JSON."""

    outcome = "not_json"


class SchemaError(ReportError):
    """The JSON has an unexpected shape; the message names the field."""

    outcome = "schema"


class InternalError(ReportError):
    """A bug of the exporter; the log has its traceback."""

    outcome = "internal"


class PlatformError(ReportError):
    """The platform reports a failure with status 200."""

    outcome = "platform_error"


ALIKE = (AuthError, RateLimitedError, TimedOutError, ConnectionLostError, NotFoundError, UnavailableError)
"""Errors of the key, the host or the report: two in a row are evidence that other requests fail alike."""
DIVISIBLE = (HttpStatusError, PlatformError)
"""Errors of a request for several items that one of them may have caused."""
