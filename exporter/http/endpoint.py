"""What a client is given: where to ask, as whom, within which limits, and who observes how it went."""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


class Observer(Protocol):
    """Who observes requests; called on the event loop, must not block."""

    def request(self, report: str, code: str, seconds: float) -> None:
        """Takes note of one attempt: `code` is its status, `error` or `cancelled`, `seconds` how long it took."""

    def waited(self, report: str, seconds: float) -> None:
        """Takes note of a wait between two attempts; waits for the rate limit are not reported."""

    def paused(self, until: datetime) -> None:
        """Takes note that the platform wants no request until that moment."""

    def dated(self, skew: float) -> None:
        """Takes note that the platform's clock is `skew` seconds ahead, by the `Date` of an answer: whole seconds."""


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """What one client may take.

    `timeout` is in seconds, for one attempt with its whole answer; `max_body` in bytes, after decompression;
    `requests_per_minute` is also the burst; `attempts` are those of one request, the first one included.
    """

    timeout: float
    max_body: int
    requests_per_minute: float
    attempts: int = 3


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One source as the client sees it.

    `base_url` is what request paths are appended to. `key` returns the key as it is now, without white space around it,
    and raises OSError or ConfigError; `headers` makes the authentication headers from it. `key_place` says in messages
    where the operator put the key. `ca_file` is used instead of the usual authorities, `proxy_url` instead of the
    environment's proxies. `remedies` say, by HTTP status, what the platform's documentation advises.

    `keys_in_use`, which endpoints may share, has the newest key of each source: clients add theirs and mask all.
    """

    source: str
    base_url: str
    headers: Callable[[str], Mapping[str, str]]
    key: Callable[[], str] = field(repr=False)
    key_place: str = "api_key_file or api_key"
    ca_file: str | None = None
    proxy_url: str | None = field(default=None, repr=False)  # may hold a password
    remedies: Mapping[int, str] = field(default_factory=dict)
    keys_in_use: dict[str, str] = field(default_factory=dict, repr=False)


def is_loopback(host: str) -> bool:
    """Returns whether a host is this machine, as far as its name says."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
