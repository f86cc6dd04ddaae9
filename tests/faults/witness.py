"""Looks at what an exporter serves, again and again, and says of each report's figures whose truth they are."""

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
from tests.road.expected import LEVELS, after_one_poll
from tests.road.road import Series
from tests.samples import samples

REPORTS = ("chat-sessions", "users")
LINE = re.compile(r'^(paradigm_\w+)\{source="(\w+)",(.*)$', re.MULTILINE)
POLLS = re.compile(r'^chat_usage_polls_total\{outcome="(\w+)",report="([\w-]+)",source="(\w+)"\} (.*)$', re.MULTILINE)
WRONG = -1


class Part(NamedTuple):
    """A report of a source."""

    source: str
    report: str


def growing(world: World, since: datetime) -> World:
    """Returns a world whose newest days double within an hour from `since`: no two moments have the same truth."""
    first = day_at(since, world.zone) - timedelta(days=2)

    def condition(_: Company, view: DayView) -> float:
        return 1 + max((view.at - since) / timedelta(hours=1), 0) if view.day >= first else 1.0

    return world.under(condition)


HISTORY_DAYS = 60  # the default of the option


def truth(world: World, moment: datetime, settle: timedelta) -> Mapping[str, Mapping[Series, float]]:
    """Returns what must be served, by report, of what the platform said at a moment."""
    return {report: after_one_poll(world, moment, report, settle, HISTORY_DAYS) for report in REPORTS}


class Seen(NamedTuple):
    """What a part showed at one look: whose truth that was, and in which stage of the story."""

    stage: str
    part: Part
    moment: int


@dataclass
class Witness:
    """What was seen of an exporter at `url`.

    `truths` are those of the moments so far, the newest one last; `seen` counts the looks. `shown` and `polls` (how
    many ended how) are those of the last look.
    """

    url: str
    truths: list[Mapping[str, Mapping[Series, float]]] = field(default_factory=list)
    stage: str = "before"
    seen: Counter[Seen] = field(default_factory=Counter)
    shown: dict[Part, int] = field(default_factory=dict)
    polls: Mapping[tuple[Part, str], float] = field(default_factory=dict)
    slowest_s: float = 0.0
    looks: int = 0
    _known: dict[tuple[str, str], int] = field(default_factory=dict)

    def look(self) -> Mapping[Part, int]:
        """Scrapes once, takes note of all figures, and returns whose truth they are.

        Raises:
            httpx.HTTPError: there was no good answer.
        """
        began = perf_counter()
        text = loopback.get(f"{self.url}/metrics").raise_for_status().text
        self.slowest_s = max(self.slowest_s, perf_counter() - began)
        self.looks += 1
        blocks: dict[Part, list[str]] = defaultdict(list)
        for name, source, rest in LINE.findall(text):
            blocks[Part(source, REPORTS[name in LEVELS])].append(f"{name}{{{rest}\n")
        self.shown = {part: self._whose(part.report, "".join(lines)) for part, lines in blocks.items()}
        self.seen.update(Seen(self.stage, part, moment) for part, moment in self.shown.items())
        self.polls = {
            (Part(source, report), outcome): float(count) for outcome, report, source, count in POLLS.findall(text)
        }
        return self.shown

    def is_newest(self, part: Part) -> bool:
        """Tells whether a part showed the newest truth at the last look."""
        shown = self.shown.get(part, WRONG)
        return shown != WRONG and self.truths[shown][part.report] == self.truths[-1][part.report]

    def _whose(self, report: str, block: str) -> int:
        """Returns the moment whose truth these figures are."""
        key = (report, block)
        if self._known.get(key, WRONG) == WRONG:  # it may be the truth of a moment that has come since
            found = {Series(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples(block)}
            moments = (index for index, told in enumerate(self.truths) if told[report] == found)
            self._known[key] = next(moments, WRONG)
        return self._known[key]
