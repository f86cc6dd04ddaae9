"""The cost of the running exporter: start, memory, scrapes alone and during polls, idling."""

import asyncio
import signal
import tempfile
import time
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from benchmarks import cpu, programs, scrapes
from benchmarks.figure import Figure
from benchmarks.programs import Program
from benchmarks.scrapes import Scrapes

FEW, MANY, MOST = 20, 1000, 10_000
PEAK_MIB = {MANY: 200.0, MOST: 1024.0}
SCRAPERS = 50
PEAK, PEAK_AFTER = "memory: peak, first poll and 60 days", "memory: peak, after all this"
FAILED = f"{SCRAPERS} scrapers during polls: failed"
POLLS_EVERY_S = 5.0
HELD = 60
CPU = attrgetter("cpu")
TRIES = 10  # a shared machine can be slow for seconds
USUAL = "usual way / scrape"
"""Not an expected ratio: a machine that copies bytes slowly may still run Python fast."""
USUAL_UP_TO = MANY
"""For more companies, the usual alternative takes minutes and gigabytes."""


def measure(companies: int, idle_s: float, crowd_s: float) -> Iterator[Figure]:
    """Runs an exporter and yields its costs, including some seconds of idling and of many scrapers."""
    with tempfile.TemporaryDirectory() as folder, programs.platform(companies) as platform:
        config = programs.configure(Path(folder), platform)
        with programs.exporter(config) as program:
            started = program.wait(lambda: programs.has_figures(program), "the first figures")
            bound = 2.0 if companies == FEW else None
            yield Figure("start: to the first scrape with figures", companies, started, "s", at_most=bound)
            yield Figure("start: CPU of all threads until then", companies, cpu.of_process(program.pid), "s CPU")
            program.wait(lambda: programs.has_past(program), "the history")
            yield from _memory(companies, program)
            yield from _scrapes(companies, program, Path(folder))
            if idle_s:
                yield from _idle(companies, program, idle_s)
            if crowd_s:
                yield from _crowd(companies, program, Polls(Path(folder), platform), crowd_s)


def _memory(companies: int, program: Program) -> Iterator[Figure]:
    peak = cpu.peak(program.pid)
    series = sum(not line.startswith("#") for line in program.page().splitlines())
    yield Figure(PEAK, companies, peak, "MiB", at_most=PEAK_MIB.get(companies))
    yield Figure("memory: afterwards", companies, cpu.resident(program.pid), "MiB")
    yield Figure("memory: peak per series", companies, peak * 2**20 / series, "bytes")


def _scrapes(companies: int, program: Program, folder: Path) -> Iterator[Figure]:
    """Measures scrapes by one scraper: of the exporter, of as many prepared bytes, and of the usual alternative."""
    many = companies == MANY
    packed = limit = _packed(program)
    with programs.compared("benchmarks.ready", packed.size) as ready:
        for _ in range(TRIES):  # alternating, so that the machine's speed affects both
            packed, limit = min(packed, _packed(program), key=CPU), min(limit, _packed(ready), key=CPU)
    plain = scrapes.in_turn(program, 20, "identity", cpu.of_thread)
    yield Figure("scrape: gzip", companies, packed.cpu * 1000, "ms CPU", at_most=2.0 if many else None)
    yield Figure("scrape: plain", companies, plain.cpu * 1000, "ms CPU", at_most=20.0 if many else None)
    yield Figure("scrape: gzip, half of them within", companies, packed.median * 1000, "ms")
    yield Figure("scrape: gzip, 99 % of them within", companies, packed.quantile(0.99) * 1000, "ms")
    yield Figure("page, gzip", companies, packed.size / 1024, "KiB")
    yield Figure("limit: as many bytes that are ready", companies, limit.cpu * 1000, "ms CPU")
    yield Figure("ratio: bytes that are ready / scrape", companies, limit.cpu / packed.cpu, "x")
    if companies > USUAL_UP_TO:
        return
    page = folder / "page.txt"
    page.write_text(program.page())
    with programs.compared("benchmarks.usual", page) as usual:
        made = scrapes.in_turn(usual, 2 if many else 10, "gzip", cpu.of_process)
        yield Figure("usual way: gzip", companies, made.cpu * 1000, "ms CPU")
        yield Figure("usual way: memory", companies, cpu.resident(usual.pid), "MiB")
    yield Figure(USUAL, companies, made.cpu / packed.cpu, "x", at_least=100.0 if many else None)


def _packed(program: Program) -> Scrapes:
    return scrapes.in_turn(program, 100, "gzip", cpu.of_thread)


def _idle(companies: int, program: Program, seconds: float) -> Iterator[Figure]:
    """Measures an exporter without scrapes and polls."""
    before = cpu.of_process(program.pid)
    time.sleep(seconds)
    share = (cpu.of_process(program.pid) - before) / seconds
    few = companies == FEW
    yield Figure("idle: share of a core", companies, share * 100, "%", at_most=1.0 if few else None)
    yield Figure("idle: memory", companies, cpu.resident(program.pid), "MiB", at_most=58.0 if few else None)


def _crowd(companies: int, program: Program, polls: "Polls", seconds: float) -> Iterator[Figure]:
    """Measures many simultaneous scrapers while the exporter keeps polling."""
    found = asyncio.run(_crowded(program, polls, seconds))
    bound = 150.0 if companies == MANY else None
    yield Figure(f"{SCRAPERS} scrapers during polls: half within", companies, found.median * 1000, "ms")
    yield Figure(f"{SCRAPERS} scrapers during polls: 99 % within", companies, found.quantile(0.99) * 1000, "ms", bound)
    yield Figure(FAILED, companies, found.failed, "", at_most=0.0)
    peak = cpu.peak(program.pid)
    yield Figure(PEAK_AFTER, companies, peak, "MiB", at_most=PEAK_MIB.get(companies))


class Polls(NamedTuple):
    """Causes polls of an exporter by changes to its configuration."""

    folder: Path
    platform: Program

    async def over_and_over(self, program: Program) -> None:
        """Lengthens and shortens the history in turn, so that the exporter polls or renders everything."""
        days = HELD
        while True:
            days = 2 * HELD - 1 - days  # one day less, then one more, which is requested at once
            programs.configure(self.folder, self.platform, days)
            program.process.send_signal(signal.SIGHUP)
            await asyncio.sleep(POLLS_EVERY_S)


async def _crowded(program: Program, polls: Polls, seconds: float) -> Scrapes:
    polling = asyncio.create_task(polls.over_and_over(program))
    try:
        return await scrapes.at_once(program, SCRAPERS, seconds)
    finally:
        polling.cancel()
