"""Scrapes an exporter repeatedly and compares each report's figures with the expected ones."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter
from typing import NamedTuple

from exporter.domain.calendars import day_at
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.world import DayView, World
from tests import loopback
from tests.pipeline.expected import LEVELS, after_one_poll
from tests.pipeline.pipeline import Series
from tests.samples import samples

REPORTS = ("chat-sessions", "users")
USAGE_SAMPLE = re.compile(r'^(paradigm_\w+)\{source="(\w+)",(.*)$', re.MULTILINE)
POLLS_SAMPLE = re.compile(
    r'^chat_usage_polls_total\{outcome="(\w+)",report="([\w-]+)",source="(\w+)"\} (.*)$', re.MULTILINE
)
HISTORY_DAYS = 60  # the default of the option
WRONG = -1
"""Index of figures that were never correct."""

ExpectedFigures = Mapping[str, Mapping[Series, float]]
"""Figures by report."""


class ReportKey(NamedTuple):
    """A report of a source."""

    source: str
    report: str


def growing(world: World, since: datetime) -> World:
    """Returns a world whose newest days double within an hour from `since`, so that expected figures always differ."""
    first = day_at(since, world.zone) - timedelta(days=2)

    def condition(_: Company, view: DayView) -> float:
        return 1 + max((view.at - since) / timedelta(hours=1), 0) if view.day >= first else 1.0

    return world.under(condition)


def expected_figures(world: World, moment: datetime, settle: timedelta) -> ExpectedFigures:
    """Returns what the exporter must serve after a poll at this moment."""
    return {report: after_one_poll(world, moment, report, settle, HISTORY_DAYS) for report in REPORTS}


class Observation(NamedTuple):
    """What one scrape showed of a report: the index of the expected figures that it matches, or `WRONG`."""

    stage: str
    key: ReportKey
    matched: int


@dataclass
class ScrapeChecker:
    """Checks the exporter at `url`.

    Attributes:
        expected: the figures of each stage so far, newest last.
        stage: the name of the current stage.
        observations: how often each observation was made.
        latest: by report, the index in `expected` that the last scrape matched.
        polls: polls by report and outcome at the last scrape.
        slowest_s: duration of the slowest scrape.
        scrapes: number of scrapes.
    """

    url: str
    expected: list[ExpectedFigures] = field(default_factory=list)
    stage: str = "before"
    observations: Counter[Observation] = field(default_factory=Counter)
    latest: dict[ReportKey, int] = field(default_factory=dict)
    polls: Mapping[tuple[ReportKey, str], float] = field(default_factory=dict)
    slowest_s: float = 0.0
    scrapes: int = 0
    _matches: dict[tuple[str, str], int] = field(default_factory=dict)

    def scrape(self) -> Mapping[ReportKey, int]:
        """Scrapes once and returns `latest`.

        Raises:
            httpx.HTTPError: the response was no success.
        """
        started = perf_counter()
        text = loopback.get(f"{self.url}/metrics").raise_for_status().text
        self.slowest_s = max(self.slowest_s, perf_counter() - started)
        self.scrapes += 1
        lines: dict[ReportKey, list[str]] = defaultdict(list)
        for name, source, rest in USAGE_SAMPLE.findall(text):
            lines[ReportKey(source, REPORTS[name in LEVELS])].append(f"{name}{{{rest}\n")
        self.latest = {key: self._match(key.report, "".join(of_report)) for key, of_report in lines.items()}
        self.observations.update(Observation(self.stage, key, matched) for key, matched in self.latest.items())
        self.polls = {
            (ReportKey(source, report), outcome): float(count)
            for outcome, report, source, count in POLLS_SAMPLE.findall(text)
        }
        return self.latest

    def is_current(self, key: ReportKey) -> bool:
        """Tells whether the last scrape showed the newest expected figures of a report."""
        index = self.latest.get(key, WRONG)
        return index != WRONG and self.expected[index][key.report] == self.expected[-1][key.report]

    def _match(self, report: str, text: str) -> int:
        """Returns the index of the expected figures that equal these samples, or `WRONG`."""
        key = (report, text)
        if self._matches.get(key, WRONG) == WRONG:  # may match figures that were added since
            served = {Series(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples(text)}
            matching = (index for index, figures in enumerate(self.expected) if figures[report] == served)
            self._matches[key] = next(matching, WRONG)
        return self._matches[key]
