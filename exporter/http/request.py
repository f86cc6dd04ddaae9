"""A request as it goes out, and messages about it: the one place that makes a message out of a platform's text."""

from dataclasses import dataclass, field

import httpx

from exporter import __version__
from exporter.domain.text import one_line
from exporter.http.endpoint import Endpoint
from exporter.http.key_mask import KeyMask
from exporter.http.proxy import Proxy
from exporter.platforms.api import Request

USER_AGENT = f"chat-usage-exporter/{__version__}"
SHOWN = 160
"""Characters of foreign text in a message."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as it goes out with a `key`.

    `url` is without query; `site` is its scheme, host and port.
    """

    endpoint: Endpoint
    request: Request
    site: str
    url: str
    key: str = field(repr=False)
    mask: KeyMask = field(repr=False)
    proxy: Proxy | None
    params: httpx.QueryParams = field(default_factory=httpx.QueryParams, repr=False)

    def message(self, text: str) -> str:
        """Returns one line that says who asked for what, and through what."""
        through = f" (through the proxy {self.proxy})" if self.proxy else ""
        return f"{self.endpoint.source}: {self.request.report}: {text}{through}"

    def quote(self, text: str) -> str:
        """Returns foreign text fit for a message: without the key, printable, in one line, cut."""
        text = one_line(self.mask.in_message(text))
        return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
