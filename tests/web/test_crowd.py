"""Many scrapers during continuous publishing: each gets one complete exposition."""

import asyncio
import re
from collections import Counter

import anyio.to_thread
import httpx
import pytest

from exporter.domain.threads import Worker
from exporter.exposition.board import Board, RenderedSource
from exporter.exposition.text import RUN, Format
from tests.web.conftest import Client, figures

pytestmark = pytest.mark.anyio

SCRAPERS = 50
COMPANIES = 12_000
"""Whose lines are more than one run of bytes."""
SEEN = 2
"""So many publications each scraper waits for."""


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_each_of_fifty_scrapers_gets_one_publication(
    board: Board, client: Client, worker: Worker, encoding: str
) -> None:
    """Without errors, missing lines or lines of another publication, however slow the client is."""
    publications = iter(range(1, 1_000_000))

    def publish() -> None:
        board.put(
            "production",
            RenderedSource({"chat-sessions": figures(float(next(publications)), COMPANIES)}),
        )

    publish()
    async with client() as http:
        scrapes = [asyncio.create_task(scraped(http, encoding)) for _ in range(SCRAPERS)]
        while not all(scrape.done() for scrape in scrapes):
            await worker.run(publish)
        found = [await scrape for scrape in scrapes]

    assert len(board.shown.exposition[Format.TEXT].plain) > RUN
    assert all(len(each) == SEEN for each in found)


async def scraped(http: httpx.AsyncClient, encoding: str) -> set[str]:
    """Scrapes until it has seen several publications, each whole, and returns their values."""
    seen: set[str] = set()
    while len(seen) < SEEN:
        answer = await http.get("/metrics", headers={"Accept-Encoding": encoding})
        assert answer.status_code == httpx.codes.OK
        values = await anyio.to_thread.run_sync(read, answer.content)
        assert [COMPANIES] == list(values.values())
        seen |= values.keys()
    return seen


def read(page: bytes) -> Counter[str]:
    """Counts the values of the one family of figures."""
    return Counter(re.findall(r"^paradigm_document_uses_today\{.*\} (\S+)$", page.decode(), re.MULTILINE))
