"""Scrapers: one at a time, to measure the cost of a scrape; many at once, to measure how long they wait."""

import asyncio
import statistics
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import NamedTuple

from benchmarks.programs import Program

ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"
"""Some of the headers that Prometheus sends."""
HEAD = f"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: {ACCEPT}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
EVERY_S = 1.0


class Scrapes(NamedTuple):
    """Seconds that each scrape took, bytes of the last one, CPU seconds per scrape, and number of failures."""

    seconds: tuple[float, ...]
    size: int = 0
    cpu: float = 0.0
    failed: int = 0

    def quantile(self, share: float) -> float:
        """Returns the seconds within which this share of scrapes ended (nearest rank)."""
        ranked = sorted(self.seconds)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]

    @property
    def median(self) -> float:
        """The median in seconds."""
        return statistics.median(self.seconds)


def in_turn(program: Program, times: int, encoding: str, cpu: Callable[[int], float]) -> Scrapes:
    """Scrapes a number of times on a keep-alive connection, like Prometheus, if the program keeps it open.

    `cpu` returns the CPU seconds of a process id.
    """
    took: list[float] = []
    connection = HTTPConnection("127.0.0.1", program.port, timeout=120)
    size, before = 0, cpu(program.pid)
    for _ in range(times):
        began = time.monotonic()
        connection.request("GET", "/metrics", headers={"Accept": ACCEPT, "Accept-Encoding": encoding})
        size = len(connection.getresponse().read())
        took.append(time.monotonic() - began)
    connection.close()
    return Scrapes(tuple(took), size, (cpu(program.pid) - before) / times)


async def at_once(program: Program, scrapers: int, seconds: float) -> Scrapes:
    """Runs many scrapers, each once a second at its own offset, for a number of seconds."""
    end = time.monotonic() + seconds
    tasks = [_scraper(program, number * EVERY_S / scrapers, end) for number in range(scrapers)]
    found = await asyncio.gather(*tasks)
    return Scrapes(tuple(each for scrapes, _ in found for each in scrapes), failed=sum(failed for _, failed in found))


async def _scraper(program: Program, offset: float, end: float) -> tuple[list[float], int]:
    took: list[float] = []
    failed = 0
    await asyncio.sleep(offset)
    while (began := time.monotonic()) < end:
        try:
            await _scrape(program)
            took.append(time.monotonic() - began)
        except (OSError, ValueError, asyncio.IncompleteReadError):
            failed += 1
        await asyncio.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))
    return took, failed


async def _scrape(program: Program) -> None:
    """Reads one page.

    Raises:
        ValueError: the response is not a 200 with a length.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", program.port)
    try:
        writer.write(HEAD.encode())
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        if not lines[0].startswith("http/1.1 200"):
            raise ValueError(lines[0])
        (length,) = (int(line.removeprefix("content-length:")) for line in lines if line.startswith("content-length:"))
        await reader.readexactly(length)
    finally:
        writer.close()
