"""Which days to ask for in a poll and in the refresh pass."""

from datetime import date, datetime, timedelta

from exporter.domain import calendars
from exporter.domain.model import Days
from exporter.ledger.day_status import DayRules, waiting_days
from exporter.ledger.ledger import Ledger


def days_to_ask(ledger: Ledger, now: datetime, rules: DayRules) -> Days:
    """Returns the days of the next poll: from the oldest unsettled or re-read one to today.

    Never more than are held; at the first start only the re-read ones.
    """
    today = calendars.day_at(now, rules.zone)
    first = today - timedelta(days=rules.reread_days)
    waiting = waiting_days(ledger.blocks, rules)
    held_since = min(ledger.blocks, default=today)
    for day in Days(held_since, today) if held_since < first else ():
        block = ledger.blocks.get(day)
        if block is None or day in waiting or block.read_at < rules.settled_at(day):
            return Days(max(min(day, first), today - timedelta(days=rules.keep_days)), today)
    return Days(first, today)


def days_to_refresh(asked: Days, rules: DayRules, held_since: date | None = None) -> Days | None:
    """Returns the held days before those that a poll just asked for, if there are any."""
    first, last = held_since or asked.last - timedelta(days=rules.keep_days), asked.first - timedelta(days=1)
    return Days(first, last) if first <= last else None
