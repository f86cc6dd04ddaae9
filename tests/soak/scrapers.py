"""Five kinds of scrapers, and a log of their scrapes."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import httpx

TEXT, OPENMETRICS = "text/plain;version=0.0.4", "application/openmetrics-text;version=1.0.0"
OK = httpx.codes.OK
TIMEOUT_S = 30.0

Scraper = Callable[[httpx.AsyncClient], Awaitable[str]]
"""Scrapes once; returns what is wrong with the response, or an empty string."""


@dataclass(slots=True)
class ScrapeLog:
    """Scrapes since `started`: the second at which each ended, its duration, and a line for each error."""

    started: float = field(default_factory=time.monotonic)
    times: list[tuple[float, float]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def scrape(self, http: httpx.AsyncClient, scraper: Scraper) -> None:
        """Scrapes once and logs it."""
        start = time.monotonic()
        try:
            error_message = await scraper(http)
        except httpx.HTTPError as error:
            error_message = f"{scraper.__name__}: {type(error).__name__} {error}"
        end = time.monotonic()
        self.times.append((end - self.started, end - start))
        if error_message:
            self.errors.append(f"{end - self.started:.0f} s: {error_message}")


async def text(http: httpx.AsyncClient) -> str:
    """Scrapes the text format over a persistent connection."""
    response = await http.get("/metrics", headers={"Accept": TEXT, "Accept-Encoding": "identity"})
    return _error(response, b"\n")


async def openmetrics(http: httpx.AsyncClient) -> str:
    """Scrapes OpenMetrics with gzip."""
    response = await http.get("/metrics", headers={"Accept": OPENMETRICS, "Accept-Encoding": "gzip"})
    return _error(response, b"# EOF\n")


async def new_connection(http: httpx.AsyncClient) -> str:
    """Opens a new connection for each scrape."""
    return _error(await http.get("/metrics", headers={"Connection": "close"}), b"\n")


async def hang_up(http: httpx.AsyncClient) -> str:
    """Closes the connection after the first bytes of the response."""
    async with http.stream("GET", "/metrics", headers={"Accept-Encoding": "identity"}) as response:
        if response.status_code != OK:
            return f"hang_up: {response.status_code}"
        await anext(response.aiter_raw(1024))
        return ""


async def status_page_and_api(http: httpx.AsyncClient) -> str:
    """Requests the status page and the API."""
    for path in ("/", "/api/v1/days?limit=10"):
        response = await http.get(path)
        if response.status_code != OK or not response.content:
            return f"{path}: {response.status_code} with {len(response.content)} bytes"
    return ""


SCRAPERS: Sequence[Scraper] = (text, openmetrics, new_connection, hang_up, status_page_and_api)


def _error(response: httpx.Response, end: bytes) -> str:
    """Returns what is wrong with an exposition: it must be complete and have figures."""
    if response.status_code != OK:
        return f"/metrics: {response.status_code}"
    if b"paradigm_user_queries_last_day{" not in response.content or not response.content.endswith(end):
        return f"/metrics: {len(response.content)} bytes without figures or end"
    return ""


async def scrape_forever(url: str, scraper: Scraper, pause: float, log: ScrapeLog) -> None:
    """Scrapes until cancelled."""
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=TIMEOUT_S) as http:
        while True:
            await log.scrape(http, scraper)
            await asyncio.sleep(pause)
