"""One soak from the first poll to the verdict: the weather changes, five scrape, one watches."""

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
from tests.soak import right
from tests.soak.sample import Sample, sample
from tests.soak.scrapers import MANNERS, Tally, scrape_on
from tests.soak.stage import CHATCAPTAIN, PARADIGM, Stage, until
from tests.soak.truth import Truth
from tests.soak.weather import FROZEN, GONE, Spell, spells

SAMPLES = 720
SCRAPE_PAUSE_S = 1.0
CALM_S = 120.0
"""How long it may take until everything was polled well: at the start, its past included, and at the end."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to soak, in seconds, of that between two polls; how many companies; which chance."""

    seconds: float
    interval: float
    companies: int
    seed: int


@dataclass(frozen=True, slots=True)
class Record:
    """What was seen: the samples, the answers to scrapers, which troubles there were how often, how polls ended.

    `wrong` has a line for each figure, answer or end that was not as it must be; `compared` counts the figures.
    """

    plan: Plan
    samples: Sequence[Sample]
    scrapes: Sequence[tuple[float, float]]
    troubles: Mapping[str, int]
    reloads: int
    outcomes: Mapping[str, float]
    compared: int
    wrong: Sequence[str]


async def soak(plan: Plan, folder: Path) -> Record:
    """Runs one soak with its files in `folder`.

    Raises:
        TimeoutError: the exporter had not read the past in time.
    """
    stage = await asyncio.to_thread(Stage, folder, plan.companies, plan.interval, plan.seed)
    try:
        if not await asyncio.to_thread(until, lambda: _has_past(stage.page()), CALM_S):
            raise TimeoutError(f"no past after {CALM_S:g} s")
        target_with = _Watching(stage, plan)
        await target_with.last()
        compared, wrong = await _end(stage, plan)
        outcomes = right.outcomes(stage.page())
    finally:
        status = await asyncio.to_thread(stage.close)
    if status:
        wrong = (*wrong, f"the exporter ended with {status}")
    if outcomes.get("internal") or "Traceback" in stage.exporter.log.read_text():
        wrong = (*wrong, f"errors of the exporter itself: {stage.exporter.log}")
    return Record(
        plan,
        target_with.samples,
        target_with.tally.times,
        target_with.troubles,
        target_with.reloads,
        outcomes,
        compared,
        (*target_with.tally.wrong, *wrong),
    )


class _Watching:
    """The time between the start and the end, and what is noted of it."""

    def __init__(self, stage: Stage, plan: Plan) -> None:
        self._stage = stage
        self._plan = plan
        self.samples: list[Sample] = []
        self.tally = Tally()
        self.troubles: Counter[str] = Counter()
        self.reloads = 0

    async def last(self) -> None:
        """Lets everything go on at once for as long as planned."""
        scraping = [scrape_on(self._stage.exporter_url, each, SCRAPE_PAUSE_S, self.tally) for each in MANNERS]
        tasks = [asyncio.create_task(each) for each in (*scraping, self._watch(), self._change())]
        try:
            await asyncio.wait(tasks, timeout=self._plan.seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for each in ended:
            if isinstance(each, Exception):
                raise each

    async def _watch(self) -> None:
        began, pause = time.monotonic(), max(0.5, self._plan.seconds / SAMPLES)
        while True:
            seconds = time.monotonic() - began
            self.samples.append(sample(self._stage.exporter.process.pid, seconds))
            await asyncio.sleep(pause)

    async def _change(self) -> None:
        chance = Random(self._plan.seed)
        for spell in spells(chance):
            self.troubles.update(spell.troubles)
            if spell.reload:
                self.reloads += 1
                self._stage.reload(guest=self.reloads % 2 == 1)
            await _pass(self._stage, spell, spell.polls * self._plan.interval)


async def _pass(stage: Stage, spell: Spell, seconds: float) -> None:
    """Lets a spell be for so long."""
    scenarios = [each for each in spell.troubles if each not in (FROZEN, GONE)]
    await asyncio.to_thread(stage.control, scenarios=scenarios)
    gone, frozen = GONE in spell.troubles, FROZEN in spell.troubles
    if gone:
        await asyncio.to_thread(stage.platform.end)
    elif frozen:
        stage.platform.tell(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        if gone:
            await asyncio.to_thread(stage.platform.start)
        elif frozen:
            stage.platform.tell(signal.SIGCONT)


async def _end(stage: Stage, plan: Plan) -> tuple[int, tuple[str, ...]]:
    """Stops the platforms' clock in good weather, waits for a good poll of everything, and compares."""
    now = datetime.now(UTC)
    await asyncio.to_thread(stage.control, scenarios=[], now=now.isoformat())
    stage.reload(guest=False)
    if not await asyncio.to_thread(until, lambda: _polled_since(stage.page(), now.timestamp()), CALM_S):
        return 0, (f"not every report had a good poll in {CALM_S:g} s of good weather",)
    page = await asyncio.to_thread(stage.page)
    with httpx.Client(base_url=stage.platform_url, trust_env=False) as http:
        truth = Truth(http, stage.bot)
        ids = tuple(str(company.id) for company in stage.world.companies)
        accounts = (
            right.Account(PARADIGM, "paradigm_", ids, truth.company),
            right.Account(CHATCAPTAIN, "chatcaptain_", (stage.bot.id,), lambda _, day: truth.chatbot(day)),
        )
        results = [await asyncio.to_thread(right.compare, page, each, now.date()) for each in accounts]
    return sum(each.compared for each in results), tuple(line for each in results for line in each.wrong)


def _values(page: str, name: str) -> list[float]:
    return [each.value for each in samples(page) if each.name == name]


def _has_past(page: str) -> bool:
    covered = _values(page, "chat_usage_report_window_coverage_ratio")
    return bool(covered) and set(covered) == {1.0}


def _polled_since(page: str, moment: float) -> bool:
    polled = _values(page, "chat_usage_poll_last_success_timestamp_seconds")
    return bool(polled) and min(polled) > moment and "guest" not in page
