"""The error tree; every error knows its outcome label.

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
    """Anything that this program reports in one line."""


class ConfigError(ChatUsageError):
    """The configuration is wrong."""


class FailedError(ChatUsageError):
    """A command did its work and ends with exit status 1; the message has one line for each finding."""


class QueryError(ChatUsageError):
    """A parameter of a request to our own API is wrong; the message names it, its value and known values."""


class StoreError(ChatUsageError):
    """A store of time series did not take samples or did not answer."""


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
    """The platform answered 429 with a wait longer than the poll can give."""

    outcome = "rate_limited"


class TimedOutError(ReportError):
    """The whole answer did not arrive within the time-out."""

    outcome = "timeout"


class ConnectionLostError(ReportError):
    """No connection, or it ended before the answer did."""

    outcome = "connection"


class HttpStatusError(ReportError):
    """A redirect, 4xx or 5xx."""

    outcome = "http_error"


class NotFoundError(HttpStatusError):
    """404: the platform, or this release of it, has no such report."""


class UnavailableError(HttpStatusError):
    """502, 503, 504: the platform, or a proxy before it, is down."""


class TooLargeError(ReportError):
    """The answer is larger than the operator allows."""

    outcome = "too_large"


class NotJsonError(ReportError):
    """A 200 without JSON."""

    outcome = "not_json"


class SchemaError(ReportError):
    """JSON in an unexpected shape; the message names the field."""

    outcome = "schema"


class InternalError(ReportError):
    """A bug of ours; its traceback is in the log."""

    outcome = "internal"


class PlatformError(ReportError):
    """The platform reports a failure inside a 200."""

    outcome = "platform_error"
