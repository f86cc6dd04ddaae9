"""Figures of a time frame, added up over channels; adjoining frames add up exactly; pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import prod
from typing import NamedTuple

from exporter.domain import calendars
from exporter.simulator.chatcaptain.bots import Bots, Channel, Chatbot
from exporter.simulator.chatcaptain.talk import ChannelDay, channel_day

_WEIGHED_BY = {"inbox_join_time_average_seconds": "operator"}
"""The breakdown that weighs a level when days or channels are combined; by default conversations."""
_SUMS = {"conversations": "conversations_by_language", "intents": "intent_hits", "inbox_accepted": "operator"}
"""Figures that are the sum of a breakdown."""
_A_MOMENT = timedelta(microseconds=1)


class Frame(NamedTuple):
    """From `first` to before `until`, both UTC."""

    first: datetime
    until: datetime

    @classmethod
    def of_day(cls, day: date, bots: Bots) -> "Frame":
        return cls(calendars.start(day, bots.zone), calendars.end(day, bots.zone))


class StatisticsQuery(NamedTuple):
    """A valid request at the moment `at`; `numbers` are those of the components of a report.

    Series are cut at the frame's start, or `at_utc` midnights, and may leave out intervals in which nothing happened.
    """

    bots: Bots
    chatbot: Chatbot
    channels: tuple[Channel, ...]
    frame: Frame
    at: datetime
    numbers: tuple[int, ...] = ()
    interval: timedelta = timedelta(days=1)
    at_utc: bool = False
    leaves_gaps: bool = False


@dataclass(slots=True)
class Tally:
    """Counts, breakdowns (`parts`), and levels with their weights."""

    counts: Counter[str] = field(default_factory=Counter)
    parts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    levels: defaultdict[str, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, channel: Channel, whole: ChannelDay, frame: Frame) -> None:
        """Adds the frame's part of a channel's day; rounding down at both ends makes adjoining frames add up."""
        before, after = whole.share(frame.first), whole.share(frame.until)
        if before == after:
            return
        for name, count in whole.counts.items():
            self.counts[name] += int(count * after) - int(count * before)
        weights: Counter[str] = Counter()
        for part, items in whole.parts.items():
            for name, count in items:
                within = int(count * after) - int(count * before)
                weights[part] += within
                self.parts[part][name] += within
        self.parts["conversations_by_channel_type"][channel.type] += weights["conversations_by_language"]
        for name, level in whole.levels.items():
            if weight := weights[_WEIGHED_BY.get(name, _SUMS["conversations"])]:
                self.levels[name].append((level, weight))

    def figure(self, name: str) -> int | float | Mapping[str, int] | None:
        """Returns the figure with this name in the exporter: a count, a level or a breakdown."""
        if "_by_" in name or name == "intent_hits":
            return {each: count for each, count in self.parts[name].items() if count}
        return self.level(name) if name.endswith(("_median", "_average_seconds")) else self.count(name)

    def count(self, name: str) -> int:
        return self.parts[_SUMS[name]].total() if name in _SUMS else self.counts[name]

    def level(self, name: str) -> float | None:
        """Returns a median or mean; None if nothing happened."""
        found = self.levels[name]
        weight = sum(each for _, each in found)
        return round(sum(level * each for level, each in found) / weight, 2) if weight else None


def tally(query: StatisticsQuery) -> Tally:
    """Returns what is known at the moment `at` of a query."""
    bots, chatbot, channels, frame, at, *_ = query
    seen = Frame(frame.first, max(frame.first, min(frame.until, at)))
    first, last = (calendars.day_at(moment, bots.zone) for moment in (seen.first, seen.until - _A_MOMENT))
    so_far = Tally()
    for day in bots.views(first, last, at):
        condition = prod(condition(chatbot.habits, day) for condition in bots.conditions)
        for channel in channels:
            so_far.add(channel, channel_day(bots.seed, chatbot, channel, day, condition), seen)
    return so_far
