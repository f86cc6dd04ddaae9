"""A request as it is sent, and messages about it; the one place that quotes a platform's text."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from exporter.domain.text import one_line
from exporter.http.endpoint import Endpoint, Proxy, through
from exporter.http.key_mask import KeyMask
from exporter.platforms.api import Request

SHOWN = 160  # length of foreign text in a message


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
