"""A source as its client sees it, and one request to it, whose messages quote answers without keys."""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import httpx

from exporter.domain.wording import one_line
from exporter.http.key_mask import KeyMask
from exporter.platforms.api import Request

KEY_PLACE = "api_key_file or api_key"  # where a key is configured, for messages
SHOWN = 160  # length of foreign text in a message


class Observer(Protocol):
    """Observes requests; called on the event loop, must not block."""

    def request(self, source: str, report: str, code: str, seconds: float) -> None:
        """Notes one attempt: `code` is its status, `error` or `cancelled`."""

    def waited(self, source: str, report: str, seconds: float) -> None:
        """Notes a wait between two attempts; waits for the rate limit are not reported."""

    def paused(self, source: str, until: datetime) -> None:
        """Notes that the platform asked for no requests until that moment."""

    def dated(self, source: str, skew: float) -> None:
        """Notes that the platform's clock is `skew` seconds ahead, by the `Date` of an answer."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One source as the client sees it.

    `key` fits a header; it is the key itself, or a function that reads the newest one, which may block, or raises
    ConfigError. `headers` authenticates by it.
    `timeout` is in seconds, for one attempt with its whole answer; `max_body` in bytes, after decompression;
    `requests_per_minute` is also the burst. `remedies` holds the platform's own advice by status. Endpoints may
    share `keys_in_use`, the newest key of each source: clients add theirs and mask all.
    """

    source: str
    base_url: str
    headers: Callable[[str], Mapping[str, str]]
    key: str | Callable[[], str] = field(repr=False)
    timeout: float
    max_body: int
    requests_per_minute: float
    ca_file: str | None = None
    proxy_url: str | None = field(default=None, repr=False)  # may hold a password
    remedies: Mapping[int, str] = field(default_factory=dict)
    keys_in_use: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy's `url` and the `place` where it is configured; as text without its password."""

    url: str = field(repr=False)
    place: str

    def __str__(self) -> str:
        return f"{site(httpx.URL(self.url))} of {self.place}"


def site(url: httpx.URL) -> str:
    """Returns scheme, host and port."""
    return f"{url.scheme}://{url.netloc.decode()}"


def through(proxy: Proxy | None) -> str:
    """Returns what to append to a message about a request."""
    return f" (through the proxy {proxy})" if proxy else ""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as it is sent; `url` has no query, `site` is its scheme, host and port."""

    endpoint: Endpoint
    request: Request
    site: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    mask: KeyMask = field(repr=False)
    proxy: Proxy | None
    params: httpx.QueryParams = field(repr=False)

    def message(self, text: str) -> str:
        """Returns one line: source, report, text, and the proxy if there is one."""
        return f"{self.endpoint.source}: {self.request.report}: {text}{through(self.proxy)}"

    def quote(self, text: str) -> str:
        """Makes foreign text fit for a message: without the key, printable, one line, cut."""
        text = one_line(self.mask.in_message(text))
        return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def is_loopback(host: str) -> bool:
    """Returns whether a host is this machine, judged by its name alone."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
