"""Figures of a time frame, added up over channels; adjoining frames add up exactly; pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import prod

from exporter.domain import calendars
from exporter.domain.model import Days
from exporter.simulator.chatcaptain.bots import Bots, Channel, Chatbot
from exporter.simulator.chatcaptain.talk import ChannelDay, channel_day
from exporter.simulator.paradigm.world import DayView, view

_WEIGHED_BY = {"inbox_join_time_average_seconds": "operator"}
"""The breakdown that weighs a level when days or channels are combined; by default conversations."""
_SUMS = {"conversations": "language", "intents": "intent", "inbox_accepted": "operator"}
"""Figures that are the sum of a breakdown."""
_BREAK_DOWNS = {
    "conversations_by_language": "language",
    "conversations_by_channel_type": "channel_type",
    "intent_hits": "intent",
    "calls_by_end_reason": "end_reason",
    "calls_by_exit_step": "exit_step",
    "calls_by_transfer_target": "transfer_target",
}
_A_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Frame:
    """From `first` to before `until`, both UTC."""

    first: datetime
    until: datetime

    @classmethod
    def of_day(cls, day: date, bots: Bots) -> "Frame":
        return cls(calendars.start(day, bots.zone), calendars.end(day, bots.zone))


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
        self.parts["channel_type"][channel.type] += weights["language"]
        for name, level in whole.levels.items():
            if weight := weights[_WEIGHED_BY.get(name, "language")]:
                self.levels[name].append((level, weight))

    def figure(self, name: str) -> int | float | Mapping[str, int] | None:
        """Returns the figure with this name in the exporter: a count, a level or a breakdown."""
        if name in _BREAK_DOWNS:
            return {each: count for each, count in self.parts[_BREAK_DOWNS[name]].items() if count}
        return self.level(name) if name.endswith(("_median", "_average_seconds")) else self.count(name)

    def count(self, name: str) -> int:
        return self.parts[_SUMS[name]].total() if name in _SUMS else self.counts[name]

    def level(self, name: str) -> float | None:
        """Returns a median or mean; None if nothing happened."""
        found = self.levels[name]
        weight = sum(each for _, each in found)
        return round(sum(level * each for level, each in found) / weight, 2) if weight else None


def tally(bots: Bots, chatbot: Chatbot, channels: Iterable[Channel], frame: Frame, at: datetime) -> Tally:
    """Returns what is known at the moment `at` of these channels of a chatbot within the frame."""
    channels = tuple(channels)
    seen = Frame(frame.first, min(frame.until, at))
    so_far = Tally()
    for day in _days(bots, seen, at):
        condition = prod(condition(chatbot.habits, day) for condition in bots.conditions)
        for channel in channels:
            so_far.add(channel, channel_day(bots.seed, chatbot, channel, day, condition), seen)
    return so_far


def _days(bots: Bots, frame: Frame, at: datetime) -> Iterator[DayView]:
    if frame.until <= frame.first:
        return
    last = calendars.day_at(frame.until - _A_MOMENT, bots.zone)
    oldest = min(calendars.day_at(at, bots.zone) - bots.keeps, last)
    for day in Days(max(calendars.day_at(frame.first, bots.zone), oldest), last):
        if seen := view(day, at, bots.zone, bots.keeps):
            yield seen
