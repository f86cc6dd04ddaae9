"""Which days are published, running or waiting, and which to ask for; pure, every moment is an argument.

A day is published once a good answer that covers it was asked for after its end and the settle time. With the
same settings the last day never moves backwards, unless the clock does.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from exporter.domain import calendars
from exporter.domain.calendars import Calendar
from exporter.domain.model import Days
from exporter.ledger.ledger import Ledger

BASELINE_DAYS = 42
"""Baselines are made of the same weekdays in this many days."""
LONGEST_CLOSURE = 60
"""Consecutive days off that are held beyond the configured days."""
WAIT_FOR_ROWS = timedelta(hours=24)


class DayRules(Struct, frozen=True):
    """The operator's settings about days; `max_staleness` is how long figures outlive the last good poll."""

    zone: ZoneInfo
    settle: timedelta
    reread_days: int
    keep_days: int
    max_staleness: timedelta
    calendar: Calendar
    company_calendars: tuple[Calendar, ...] = ()

    def settled_at(self, day: date) -> datetime:
        return calendars.end(day, self.zone) + self.settle

    def held_since(self, now: datetime) -> date:
        """Returns the oldest day to hold: after a long closure, earlier than `keep_days`.

        The baseline of the newest complete business day needs the six weeks before it; with fewer configured
        days there are no baselines.
        """
        today = calendars.day_at(now, self.zone)
        oldest = today - timedelta(days=self.keep_days)
        if self.keep_days <= BASELINE_DAYS:
            return oldest
        for calendar in {self.calendar, *self.company_calendars}:
            days = (today - timedelta(days=n) for n in range(1, LONGEST_CLOSURE))
            newest = next((day for day in days if calendar.is_working(day) and self.settled_at(day) <= now), today)
            oldest = min(oldest, newest - timedelta(days=BASELINE_DAYS))
        return oldest


class DayStatus(Struct, frozen=True):
    """The status of one report's held days at one moment.

    `last_day` is the newest published day, `running` the running day if it was read, `today` the same if it has
    rows; `empty_day`: a business day without any row waits. `stale` figures must not be served. `covered` days
    were read after their end and count for windows; `published` days are served as complete.
    """

    last_day: date | None
    today: date | None
    empty_day: bool
    stale: bool
    covered: frozenset[date] = frozenset()
    published: frozenset[date] = frozenset()
    running: date | None = None


def day_status(ledger: Ledger, now: datetime, last_read: datetime | None, rules: DayRules) -> DayStatus:
    """Returns the status of one report's held days at the moment `now`.

    A settled business day waits while it may still get rows: as long as neither it nor a later day has any.
    """
    today = calendars.day_at(now, rules.zone)
    published, covered = set[date](), set[date]()
    is_listed = empty_day = False
    for day in sorted(ledger.blocks, reverse=True):
        read_at, settled_at = ledger.blocks[day].read_at, rules.settled_at(day)
        is_listed = is_listed or ledger.blocks[day].listed
        may_get_rows = not is_listed and rules.calendar.is_working(day) and read_at < settled_at + WAIT_FOR_ROWS
        if read_at >= calendars.end(day, rules.zone):
            covered.add(day)
        if read_at >= settled_at and may_get_rows:
            empty_day = True
        elif read_at >= settled_at and day < today:
            published.add(day)
    block = ledger.blocks.get(today)
    running = today if block is not None and block.read_at >= calendars.start(today, rules.zone) else None
    return DayStatus(
        last_day=max(published, default=None),
        today=running if block is not None and block.listed else None,
        empty_day=empty_day,
        stale=last_read is None or now - last_read > rules.max_staleness,
        covered=frozenset(covered),
        published=frozenset(published),
        running=running,
    )


def days_to_ask(ledger: Ledger, now: datetime, rules: DayRules) -> Days:
    """Returns the days of the next poll: from the oldest one that is not published, or is re-read, to today."""
    today = calendars.day_at(now, rules.zone)
    first = today - timedelta(days=rules.reread_days)
    held_since = min(ledger.blocks, default=today)
    if held_since < first:
        published = day_status(ledger, now, now, rules).published
        oldest = next((day for day in Days(held_since, first) if day not in published), first)
        first = max(oldest, today - timedelta(days=rules.keep_days))
    return Days(first, today)


def days_to_refresh(asked: Days, rules: DayRules, held_since: date | None = None) -> Days | None:
    """Returns the held days before those that a poll just asked for, if there are any."""
    first, last = held_since or asked.last - timedelta(days=rules.keep_days), asked.first - timedelta(days=1)
    return Days(first, last) if first <= last else None
