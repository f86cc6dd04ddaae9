"""Five who scrape all the time, each in another manner, and how each answer was."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import httpx

TEXT, OPENMETRICS = "text/plain;version=0.0.4", "application/openmetrics-text;version=1.0.0"
OK = httpx.codes.OK
PATIENCE_S = 30.0


Manner = Callable[[httpx.AsyncClient], Awaitable[str]]
"""Scrapes once, and says what is wrong with the answer, or nothing."""


@dataclass(slots=True)
class Tally:
    """How answers were: when each came, how many seconds it took, and what was wrong with some; from `began` on."""

    began: float = field(default_factory=time.monotonic)
    times: list[tuple[float, float]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    async def scrape(self, http: httpx.AsyncClient, manner: Manner) -> None:
        """Has one scrape, and writes down how it was."""
        start = time.monotonic()
        try:
            complaint = await manner(http)
        except httpx.HTTPError as error:
            complaint = f"{manner.__name__}: {type(error).__name__} {error}"
        end = time.monotonic()
        self.times.append((end - self.began, end - start))
        if complaint:
            self.wrong.append(f"{end - self.began:.0f} s: {complaint}")


async def text(http: httpx.AsyncClient) -> str:
    """As an old Prometheus does, over a connection that stays open."""
    answer = await http.get("/metrics", headers={"Accept": TEXT, "Accept-Encoding": "identity"})
    return _judged(answer, b"\n")


async def openmetrics(http: httpx.AsyncClient) -> str:
    """As a new Prometheus does."""
    answer = await http.get("/metrics", headers={"Accept": OPENMETRICS, "Accept-Encoding": "gzip"})
    return _judged(answer, b"# EOF\n")


async def anew(http: httpx.AsyncClient) -> str:
    """Over a new connection each time."""
    return _judged(await http.get("/metrics", headers={"Connection": "close"}), b"\n")


async def hasty(http: httpx.AsyncClient) -> str:
    """Hangs up after the first bytes of the answer."""
    async with http.stream("GET", "/metrics", headers={"Accept-Encoding": "identity"}) as answer:
        if answer.status_code != OK:
            return f"hasty: {answer.status_code}"
        await anext(answer.aiter_raw(1024))
        return ""


async def curious(http: httpx.AsyncClient) -> str:
    """Looks at the status page and at the dated figures."""
    for path in ("/", "/api/v1/days?limit=10"):
        answer = await http.get(path)
        if answer.status_code != OK or not answer.content:
            return f"{path}: {answer.status_code} with {len(answer.content)} bytes"
    return ""


MANNERS: Sequence[Manner] = (text, openmetrics, anew, hasty, curious)


def _judged(answer: httpx.Response, ends: bytes) -> str:
    """Says what is wrong with a page: it is always whole, and always has figures."""
    if answer.status_code != OK:
        return f"/metrics: {answer.status_code}"
    if b"paradigm_user_queries_last_day{" not in answer.content or not answer.content.endswith(ends):
        return f"/metrics: {len(answer.content)} bytes without figures or end"
    return ""


async def scrape_on(url: str, manner: Manner, pause: float, tally: Tally) -> None:
    """Scrapes in one manner until cancelled."""
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE_S) as http:
        while True:
            await tally.scrape(http, manner)
            await asyncio.sleep(pause)
