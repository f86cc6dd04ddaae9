"""A source as its client sees it, the mask for keys in answers, and one request, whose messages quote without keys."""

import ipaddress
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import httpx

from exporter.domain.text import one_line
from exporter.platforms.api import Request

KEY_PLACE = "api_key_file or api_key"  # where a key is configured, for messages
SHOWN = 160  # length of foreign text in a message
SHORTEST = 8  # length of a key that is masked in answers; a shorter one could be part of any word
MASKED = b"[key]"
SHORT_ESCAPES = frozenset('"\\/')  # visible letters that JSON may write after a backslash
VISIBLE_ESCAPE = re.compile(rb"\\u00[2-7]")


class Observer(Protocol):
    """Observes requests; called on the event loop, must not block."""

    def request(self, report: str, code: str, seconds: float) -> None:
        """Notes one attempt: `code` is its status, `error` or `cancelled`."""

    def waited(self, report: str, seconds: float) -> None:
        """Notes a wait between two attempts; waits for the rate limit are not reported."""

    def paused(self, until: datetime) -> None:
        """Notes that the platform asked for no requests until that moment."""

    def dated(self, skew: float) -> None:
        """Notes that the platform's clock is `skew` seconds ahead, by the `Date` of an answer."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One source as the client sees it.

    `key` returns the current key, which fits a header, or raises ConfigError; `headers` authenticates by it.
    `timeout` is in seconds, for one attempt with its whole answer; `max_body` in bytes, after decompression;
    `requests_per_minute` is also the burst. `remedies` holds the platform's own advice by status. Endpoints may
    share `keys_in_use`, the newest key of each source: clients add theirs and mask all.
    """

    source: str
    base_url: str
    headers: Callable[[str], Mapping[str, str]]
    key: Callable[[], str] = field(repr=False)
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


class KeyMask:
    """Masks `keys`, users and passwords in them, and the words of `Authorization`, also where JSON escapes letters.

    A platform may echo a key in an error, a name or a field name, and what it sends ends in logs, on the status page,
    in /metrics, the API and files, each with its own escapes; so the keys of all sources are masked on arrival.
    """

    def __init__(self, keys: Collection[str], headers: Mapping[str, str]) -> None:
        sent = " ".join(value for name, value in headers.items() if name.lower() == "authorization")
        parts = (part for key in keys for part in key.split(":", 1) if ":" in key)
        self._all = sorted({*keys, *parts, *sent.split()}, key=len, reverse=True)
        self._words = tuple(word.encode() for word in self._all if len(word) >= SHORTEST)
        self._short = tuple(f"\\{letter}".encode() for letter in SHORT_ESCAPES.intersection("".join(self._all)))

    def in_body(self, body: bytes) -> bytes:
        """Returns a body without the keys; `body` itself if it holds none, which is fast."""
        if any(escape in body for escape in self._short) or VISIBLE_ESCAPE.search(body):
            return re.sub("|".join(map(_any_form, self._words)).encode(), MASKED, body) if self._words else body
        for word in self._words:
            if word in body:
                body = body.replace(word, MASKED)
        return body

    def in_text(self, text: str) -> str:
        return self.in_body(text.encode(errors="replace")).decode()

    def in_message(self, text: str) -> str:
        """Returns an error's text without the keys; a short key is masked where it is a word by itself."""
        text = self.in_text(text)
        short = "|".join(re.escape(word) for word in self._all if 0 < len(word) < SHORTEST)
        return re.sub(rf"(?<!\w)(?:{short})(?!\w)", MASKED.decode(), text) if short else text


def _any_form(word: bytes) -> str:
    """Returns a pattern for a word, each of its letters in all ways in which JSON may write it, the longest first."""
    pattern = ""
    for letter in word.decode():
        plain = re.escape(letter)
        short = rf"\\{plain}|" if letter in SHORT_ESCAPES else ""
        pattern += rf"(?:{short}\\u(?i:{ord(letter):04x})|{plain})"
    return pattern


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
