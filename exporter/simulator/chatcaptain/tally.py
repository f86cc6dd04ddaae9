"""What is said to the chatbots: whole days of channels, and what of them is in a time frame; pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import accumulate
from math import ceil, prod
from typing import NamedTuple

from msgspec import Struct, field

from exporter.domain import calendars
from exporter.simulator.chance import draws
from exporter.simulator.chatcaptain.bots import Bots, Channel, Chatbot
from exporter.simulator.paradigm.world import DayView

LANGUAGES = {"de": 55.0, "fr": 20.0, "en": 15.0, "pt-BR": 6.0, "zh-Hans": 3.0, "unknown": 1.0}
INTENTS = {
    "Öffnungszeiten": 30.0,
    "Rückgabe / Umtausch": 20.0,
    'order "status"': 14.0,
    "prix, délais & livraison": 9.0,
    "2024": 7.0,  # a number, no date
    "价格": 6.0,
    "back\\slash {curly}": 5.0,
    "two\nlines": 4.0,
    "🤖 small talk": 3.0,
    "other": 2.0,  # the name of our own remainder
}
END_REASONS = {"user_hangup": 60.0, "transferred": 15.0, "Bot: Auflegen": 15.0, "timeout (30 s)": 8.0, "error": 2.0}
EXIT_STEPS = {"Begrüßung": 20.0, "Menü › Rechnung": 30.0, "Übergabe": 15.0, "Verabschiedung": 35.0}
TRANSFER_TARGETS = {"+49 30 901820": 60.0, "+33 1 40 20 50 50": 40.0}
"""Phone numbers: personal data that must never leave the exporter."""
OPERATORS = {"op_1": 50.0, "op_2": 30.0, "op_3": 20.0}
OPERATOR_NAMES = {"op_1": "Annegret Müßig", "op_2": "Loïc Lefèvre", "op_3": "Zsófia Őri"}
"""Personal data that must never leave the exporter."""
_WEIGHED_BY = {"inbox_join_time_average_seconds": "operator"}
"""The breakdown that weighs a level when days or channels are combined; by default conversations."""
_SUMS = {"conversations": "conversations_by_language", "intents": "intent_hits", "inbox_accepted": "operator"}
"""Figures that are the sum of a breakdown."""


class Frame(NamedTuple):
    """From `first` to before `until`, both UTC."""

    first: datetime
    until: datetime

    @classmethod
    def of_day(cls, day: date, bots: Bots) -> "Frame":
        return cls(calendars.start(day, bots.zone), calendars.end(day, bots.zone))


class StatisticsQuery(NamedTuple):
    """A valid request at the moment `at`; `numbers` are a report's components; `at_utc` cuts series at midnights."""

    bots: Bots
    chatbot: Chatbot
    channels: tuple[Channel, ...]
    frame: Frame
    at: datetime
    numbers: tuple[int, ...] = ()
    interval: timedelta = timedelta(days=1)
    at_utc: bool = False
    leaves_gaps: bool = False


class ChannelDay(Struct, frozen=True):
    """A whole day of one channel; use is spread evenly from `opens` to `closes`, at once if they are equal.

    `counts` are by the exporter's names and by what they are broken down by, or by "". `levels` are medians and means.
    """

    opens: datetime
    closes: datetime
    counts: Mapping[str, Mapping[str, int]]
    levels: Mapping[str, float]

    def share(self, moment: datetime) -> float:
        """Returns the part (ratio) of the day's use that happened before `moment`."""
        if moment <= self.opens:
            return 0.0
        return 1.0 if moment >= self.closes else (moment - self.opens) / (self.closes - self.opens)


def channel_day(seed: int, chatbot: Chatbot, channel: Channel, view: DayView, condition: float) -> ChannelDay:
    """Returns the channel's whole day; `condition` multiplies its use."""
    luck = draws(seed, chatbot.id, channel.id, view.day.toordinal())
    habits = chatbot.habits
    if channel.type == "debug":  # the bot's own check at midnight sharp: a wrong end of a day counts it twice
        opens = closes = view.start
        conversations = ceil((1 + 3 * luck[0]) * condition)
    else:
        opens = view.start + timedelta(seconds=int(view.length * (0.2 + 0.1 * luck[1])))
        closes = view.start + timedelta(seconds=int(view.length * (0.8 + 0.199 * luck[2])))
        off = 0.2 + habits.weekend if view.off else 1.0  # people talk to chatbots on Sundays
        usual = habits.size * habits.growth(view.day) * view.business * off * channel.share
        conversations = int(usual * condition * (0.8 + 0.4 * luck[0]) + 0.9 * luck[3] * bool(condition))
    return ChannelDay(opens, closes, _counts(channel, conversations, luck), _levels(channel, luck))


def _counts(channel: Channel, conversations: int, luck: tuple[float, ...]) -> Mapping[str, Mapping[str, int]]:
    calls = conversations if channel.type == "voice" else 0
    transfers = 0 if channel.type == "debug" else int(conversations * 0.1 * (1 + luck[7]))
    accepted = int(transfers * 0.85 + 0.5)
    totals = {
        "messages": int(conversations * (4 + 5 * luck[4])),
        "interactions": int(conversations * (2 + 2 * luck[4])),
        "steps": int(conversations * (5 + 7 * luck[5])),
        "call_duration": int(calls * (40 + 200 * luck[6])),
        "inbox_transfers": transfers,
        "inbox_not_accepted": transfers - accepted,
    }
    parts = {
        "conversations_by_language": _parted(conversations, LANGUAGES),
        "intent_hits": _parted(int(conversations * (1 + luck[5])), INTENTS),
        "calls_by_end_reason": _parted(calls, END_REASONS),
        "calls_by_exit_step": _parted(calls, EXIT_STEPS),
        "calls_by_transfer_target": _parted(int(calls * 0.15), TRANSFER_TARGETS),
        "operator": _parted(accepted, OPERATORS),
    }
    return {name: {"": total} for name, total in totals.items()} | parts


def _levels(channel: Channel, luck: tuple[float, ...]) -> Mapping[str, float]:
    written = {
        "conversation_messages_median": (6 + int(10 * luck[4])) / 2,
        "message_length_median": (30 + int(90 * luck[5])) / 2,
        "intent_score_median": round(0.6 + 0.35 * luck[6], 2),
        "inbox_join_time_average_seconds": round(15 + 90 * luck[1], 1),
    }
    spoken = {
        "call_duration_median": round(30 + 180 * luck[6], 1),
        "call_user_inputs_median": (2 + int(8 * luck[2])) / 2,
    }
    return written | spoken if channel.type == "voice" else written


def _parted(total: int, weights: Mapping[str, float]) -> Mapping[str, int]:
    """Divides a total by weights so that the parts add up to it; empty parts are left out."""
    whole = sum(weights.values())
    ends = [int(total * upto / whole + 0.5) for upto in accumulate(weights.values())]
    return {name: end - start for name, start, end in zip(weights, [0, *ends], ends, strict=False) if end > start}


class Tally(Struct):
    """Counts as those of a day, and levels with their weights."""

    counts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    levels: defaultdict[str, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, channel: Channel, whole: ChannelDay, frame: Frame) -> None:
        """Adds the frame's part of a channel's day; rounding down at both ends makes adjoining frames add up."""
        before, after = whole.share(frame.first), whole.share(frame.until)
        if before == after:
            return
        added: Counter[str] = Counter()
        for name, parts in whole.counts.items():
            for part, count in parts.items():
                within = int(count * after) - int(count * before)
                added[name] += within
                self.counts[name][part] += within
        self.counts["conversations_by_channel_type"][channel.type] += added["conversations_by_language"]
        for name, level in whole.levels.items():
            if weight := added[_WEIGHED_BY.get(name, "conversations_by_language")]:
                self.levels[name].append((level, weight))

    def figure(self, name: str) -> int | float | Mapping[str, int] | None:
        """Returns the figure with this name in the exporter: a count, a level or a breakdown."""
        if "_by_" in name or name == "intent_hits":
            return {part: count for part, count in self.counts[name].items() if count}
        return self.level(name) if name.endswith(("_median", "_average_seconds")) else self.count(name)

    def count(self, name: str) -> int:
        return self.counts[_SUMS.get(name, name)].total()

    def level(self, name: str) -> float | None:
        """Returns a median or mean; None if nothing happened."""
        found = self.levels[name]
        weight = sum(each for _, each in found)
        return round(sum(level * each for level, each in found) / weight, 2) if weight else None


def tally(query: StatisticsQuery) -> Tally:
    """Returns what is known at the moment `at` of a query."""
    bots, chatbot, channels, frame, at, *_ = query
    seen = Frame(frame.first, max(frame.first, min(frame.until, at)))
    first, last = (calendars.day_at(moment, bots.zone) for moment in (seen.first, seen.until - timedelta.resolution))
    so_far = Tally()
    for day in bots.views(first, last, at):
        condition = prod(condition(chatbot.habits, day) for condition in bots.conditions)
        for channel in channels:
            so_far.add(channel, channel_day(bots.seed, chatbot, channel, day, condition), seen)
    return so_far
