"""Runs one soak test: injects random faults, scrapes, samples the process and checks the figures at the end."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import httpx

from tests.samples import samples
from tests.soak.check_figures import CheckedSource, check, outcomes
from tests.soak.platform_figures import PlatformFigures
from tests.soak.process_sample import Sample, sample
from tests.soak.processes import CHATCAPTAIN, PARADIGM, Processes, wait_until
from tests.soak.random_faults import FROZEN, STOPPED, Period, random_periods
from tests.soak.scrapers import SCRAPERS, ScrapeLog, scrape_forever

MAX_SAMPLES = 720
SCRAPE_INTERVAL_S = 1.0
POLL_TIMEOUT_S = 120.0
"""Allowed time until every report was polled well, at the start and at the end."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Duration and poll interval in seconds, number of companies, and seed of the random faults."""

    seconds: float
    interval: float
    companies: int
    seed: int


@dataclass(frozen=True, slots=True)
class Recording:
    """What a soak test recorded.

    Attributes:
        samples: samples of the exporter's process.
        scrapes: end and duration of each scrape in seconds.
        faults: how often each fault occurred.
        outcomes: number of polls by outcome.
        compared: number of figures compared at the end.
        errors: a line for each wrong figure, bad response or error of the exporter.
    """

    plan: Plan
    samples: Sequence[Sample]
    scrapes: Sequence[tuple[float, float]]
    faults: Mapping[str, int]
    reloads: int
    outcomes: Mapping[str, float]
    compared: int
    errors: Sequence[str]


async def run_soak(plan: Plan, folder: Path) -> Recording:
    """Runs one soak test with its files in `folder`.

    Raises:
        TimeoutError: the exporter did not read past days in time.
    """
    processes = await asyncio.to_thread(Processes, folder, plan.companies, plan.interval, plan.seed)
    try:
        if not await asyncio.to_thread(wait_until, lambda: _has_past_days(processes.exposition()), POLL_TIMEOUT_S):
            raise TimeoutError(f"no past days after {POLL_TIMEOUT_S:g} s")
        recorder = _Recorder(processes, plan)
        await recorder.run()
        compared, errors = await _check_figures(processes)
        polls = outcomes(processes.exposition())
    finally:
        status = await asyncio.to_thread(processes.close)
    if status:
        errors = (*errors, f"the exporter ended with {status}")
    if polls.get("internal") or "Traceback" in processes.exporter.log.read_text():
        errors = (*errors, f"internal errors of the exporter: {processes.exporter.log}")
    return Recording(
        plan,
        recorder.samples,
        recorder.log.times,
        recorder.faults,
        recorder.reloads,
        polls,
        compared,
        (*recorder.log.errors, *errors),
    )


class _Recorder:
    """Scrapes, samples the process and injects faults, all at the same time."""

    def __init__(self, processes: Processes, plan: Plan) -> None:
        self._processes = processes
        self._plan = plan
        self.samples: list[Sample] = []
        self.log = ScrapeLog()
        self.faults: Counter[str] = Counter()
        self.reloads = 0

    async def run(self) -> None:
        """Runs for the planned time."""
        scraping = [
            scrape_forever(self._processes.exporter_url, each, SCRAPE_INTERVAL_S, self.log) for each in SCRAPERS
        ]
        tasks = [asyncio.create_task(each) for each in (*scraping, self._sample(), self._inject_faults())]
        try:
            await asyncio.wait(tasks, timeout=self._plan.seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for each in ended:
            if isinstance(each, Exception):
                raise each

    async def _sample(self) -> None:
        started, pause = time.monotonic(), max(0.5, self._plan.seconds / MAX_SAMPLES)
        while True:
            seconds = time.monotonic() - started
            self.samples.append(sample(self._processes.exporter.popen.pid, seconds))
            await asyncio.sleep(pause)

    async def _inject_faults(self) -> None:
        for period in random_periods(Random(self._plan.seed)):
            self.faults.update(period.faults)
            if period.reload:
                self.reloads += 1
                self._processes.reload(guest=self.reloads % 2 == 1)
            await _run_period(self._processes, period, period.polls * self._plan.interval)


async def _run_period(processes: Processes, period: Period, seconds: float) -> None:
    """Keeps the faults of a period for this time."""
    scenarios = [each for each in period.faults if each not in (FROZEN, STOPPED)]
    await asyncio.to_thread(processes.control, scenarios=scenarios)
    stopped, frozen = STOPPED in period.faults, FROZEN in period.faults
    if stopped:
        await asyncio.to_thread(processes.platform.stop)
    elif frozen:
        processes.platform.send(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        if stopped:
            await asyncio.to_thread(processes.platform.start)
        elif frozen:
            processes.platform.send(signal.SIGCONT)


async def _check_figures(processes: Processes) -> tuple[int, tuple[str, ...]]:
    """Ends all faults, stops the platforms' clock, waits for a good poll of every report, and compares all figures."""
    now = datetime.now(UTC)
    await asyncio.to_thread(processes.control, scenarios=[], now=now.isoformat())
    processes.reload(guest=False)
    if not await asyncio.to_thread(
        wait_until, lambda: _polled_since(processes.exposition(), now.timestamp()), POLL_TIMEOUT_S
    ):
        return 0, (f"not every report had a good poll in {POLL_TIMEOUT_S:g} s without faults",)
    exposition = await asyncio.to_thread(processes.exposition)
    with httpx.Client(base_url=processes.platform_url, trust_env=False) as http:
        figures = PlatformFigures(http, processes.bot)
        ids = tuple(str(company.id) for company in processes.world.companies)
        sources = (
            CheckedSource(PARADIGM, "paradigm_", ids, figures.company),
            CheckedSource(CHATCAPTAIN, "chatcaptain_", (processes.bot.id,), lambda _, day: figures.chatbot(day)),
        )
        results = [await asyncio.to_thread(check, exposition, each, now.date()) for each in sources]
    return sum(each.compared for each in results), tuple(line for each in results for line in each.errors)


def _values(exposition: str, name: str) -> list[float]:
    return [each.value for each in samples(exposition) if each.name == name]


def _has_past_days(exposition: str) -> bool:
    covered = _values(exposition, "chat_usage_report_window_coverage_ratio")
    return bool(covered) and set(covered) == {1.0}


def _polled_since(exposition: str, moment: float) -> bool:
    polled = _values(exposition, "chat_usage_poll_last_success_timestamp_seconds")
    return bool(polled) and min(polled) > moment and "guest" not in exposition
