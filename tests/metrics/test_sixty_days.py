"""Sixty days on which rows come partial, vanish and come back: each hour all figures are those of a plain witness.

The witness knows the platform's answers alone: who had a row of which day, with which figure, when.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache, cached_property, partial
from random import Random
from statistics import median
from typing import NamedTuple

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from exporter.domain.calendars import Calendar, Days, day_at, end
from exporter.ledger.day_status import day_status
from exporter.metrics import activities
from exporter.metrics.limits import CompanyCalendar, CompanyLimits
from tests.examples import examples
from tests.metrics.exporter import DAY, EASTER_AND_MORE, HOUR, LIMITED, PARIS, RATIO, Exporter, Served, target_of
from tests.pipeline.pipeline import utc

BEGIN = utc(2026, 3, 20, 9)
FIRST = BEGIN.date() - timedelta(days=80)
NAMES = {"1": "Northwind", "2": "Tailspin", "3": "Fabrikam", "4": "Contoso"}
CLOSED = Calendar(holidays=EASTER_AND_MORE | {date(2026, 4, day) for day in range(7, 18)})
LIMITS = CompanyLimits((LIMITED,), (CompanyCalendar("id:2", CLOSED),))
TARGET = target_of(LIMITS)
RULES = TARGET.rules
SETTLE, STALE = RULES.settle, RULES.max_staleness
QUERIES = "paradigm_user_queries"
Row = tuple[str, date]
Figures = dict[str, float]


NOBODY_WORKS = (date(2026, 4, 14), date(2026, 4, 29), date(2026, 5, 15))
"""Business days by all calendars."""
GONE = (2, 8, 14, 40, 90, 9000)
ends = cache(partial(end, zone=PARIS))


class Life(NamedTuple):
    """A row: its figure, of which a third is listed from the hour `since` on; then it is `gone` for some hours.

    When it is back it may lack the figure.
    """

    value: float
    since: int
    gone: int
    lacks: bool


@dataclass
class World:
    """What the platform lists; days off are silent, some companies for weeks, and rows vanish when their day ends."""

    seed: int

    @cached_property
    def rows(self) -> Mapping[Row, Life]:
        """Returns the rows of all days."""
        random, found = Random(self.seed), dict[Row, Life]()
        silent = {company: self._silence(random) for company in NAMES}
        for day, company in ((day, company) for day in Days(FIRST, BEGIN.date() + 62 * DAY) for company in NAMES):
            works = RULES.calendar.is_working(day) or (company == "3" and day not in EASTER_AND_MORE)
            gone = random.choice(GONE) if random.random() < 0.2 else 0
            life = Life(random.randint(10, 99) + 0.0, random.randint(6, 20), gone, random.random() < 0.03)
            if works and day not in (*silent[company], *NOBODY_WORKS) and random.random() > 0.05:
                found[company, day] = life
        return found

    def _silence(self, random: Random) -> Days:
        first = FIRST + random.randint(0, 100) * DAY
        return Days(first, first + random.randint(0, 45) * DAY)

    def figure(self, company: str, day: date, at: datetime) -> float | None:
        """Returns what is listed of a company and day at a moment."""
        if (company, day) not in self.rows:
            return None
        row, ended = self.rows[company, day], ends(day)
        if at < ended:
            return row.value // 3 if at >= ended - DAY + row.since * HOUR else None
        return None if at < ended + row.gone * HOUR else math.nan if row.lacks else row.value


@dataclass
class Witness:
    """What must be served, from the answers alone."""

    world: World
    read_at: dict[date, datetime] = field(default_factory=dict)
    seen: dict[date, tuple[Figures, Figures]] = field(default_factory=dict)
    first: dict[str, date] = field(default_factory=dict)
    first_day: Mapping[str, date] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    knows_past: bool = False
    latest: datetime | None = None

    def saw(self, days: Days, now: datetime) -> None:
        """Takes note of an answer."""
        here = {day: {c: v for c in NAMES if (v := self.world.figure(c, day, now)) is not None} for day in days}
        answered = {company for of_day in here.values() for company in of_day}
        today = day_at(now, PARIS)
        if answered or today in days:
            missed = {c for c in NAMES if any(self._has_row(c, day) for day in days)} | self.withdrawn
            self.withdrawn = missed - answered
        for day in days:
            if day <= today:
                found = self.seen.setdefault(day, ({}, {}))[now >= ends(day)]
                found |= {c: v for c, v in here[day].items() if c not in found or not math.isnan(v)}
                self.read_at[day] = now
        self.knows_past |= days.last < today
        if days.last == today:
            self.latest = now
        self._forget(today, now)

    def _forget(self, today: date, now: datetime) -> None:
        """Lets days go that no limit needs; a company without any row in the others is forgotten."""
        judged = [self._newest_working(calendar, now) for calendar in (RULES.calendar, CLOSED)]
        oldest = min(today - 60 * DAY, *(day - 42 * DAY for day in judged))
        gone = sorted(day for day in self.seen if day < oldest)
        for day in gone:
            for company in NAMES:
                if self._counts(company, day):
                    self.first.setdefault(company, day)
            del self.seen[day], self.read_at[day]
        for company in NAMES if gone else ():
            if not any(self._has_row(company, day) for day in self.seen):
                self.first.pop(company, None)
                self.withdrawn.discard(company)

    def _newest_working(self, calendar: Calendar, now: datetime) -> date:
        days = (day_at(now, PARIS) - n * DAY for n in range(1, 60))
        return next(day for day in days if calendar.is_working(day) and ends(day) + SETTLE <= now)

    def _after(self, day: date) -> Figures:
        """Returns the rows that answers had after the day's end; before it, all."""
        return self.seen[day][self._covered(day)]

    def _has_row(self, company: str, day: date) -> bool:
        return any(company in rows for rows in self.seen.get(day, ()))

    def _counts(self, company: str, day: date) -> bool:
        return company in self._after(day)

    def _value(self, company: str, day: date) -> float:
        """Returns the figure of a day, unknown where a row was lost, 0 from the first row on."""
        if day not in self.seen or not self._has_row(company, day):
            return 0.0 if self.first_day[company] <= day else math.nan
        return self._after(day).get(company, math.nan)

    def _first(self, company: str) -> date:
        held = (day for day in self.seen if self._counts(company, day))
        return self.first.get(company) or min(held, default=date.max)

    def _is_listed(self, day: date) -> bool:
        return bool(self._after(day))

    def _waits(self, day: date) -> bool:
        settled = ends(day) + SETTLE
        is_late = settled <= self.read_at[day] < settled + 24 * HOUR
        later = any(self._is_listed(each) for each in self.seen if each >= day)
        return is_late and RULES.calendar.is_working(day) and not later

    def published(self, now: datetime) -> list[date]:
        """Returns the days that are served as complete, oldest first."""
        ended = [day for day in sorted(self.seen) if day < day_at(now, PARIS)]
        return [d for d in ended if self.read_at[d] >= ends(d) + SETTLE and not self._waits(d)]

    def today(self, now: datetime) -> date | None:
        """Returns the running day if somebody has a row of it."""
        today = day_at(now, PARIS)
        return today if today in self.seen and self._is_listed(today) else None

    def is_stale(self, now: datetime) -> bool:
        return self.latest is None or now - self.latest > STALE

    def served(self, now: datetime) -> Served:
        """Returns all figures, baselines and lower limits."""
        found: dict[tuple[str, str], float] = {}
        published = self.published(now)
        if self.is_stale(now) or not published:
            return found
        self.first_day = {company: self._first(company) for company in NAMES}
        for company in NAMES:
            if company not in self.withdrawn and self.first_day[company] < date.max:
                found |= {
                    (name, company): value for name, value in self._of(company, published, now) if not math.isnan(value)
                }
        return found

    def _of(self, company: str, published: list[date], now: datetime) -> Iterator[tuple[str, float]]:
        last, today, calendar = published[-1], self.today(now), CLOSED if company == "2" else RULES.calendar
        working = next(day for day in reversed(published) if calendar.is_working(day))
        if today and self.first_day[company] <= today:
            yield from ((name, self._value(company, today)) for name in (f"{QUERIES}_today", activities.TODAY))
        yield from ((name, self._value(company, last)) for name in (f"{QUERIES}_last_day", activities.LAST_DAY))
        yield activities.LAST_WORKING_DAY, self._value(company, working)
        if self.knows_past and self.first_day[company] <= last:
            yield from ((f"{QUERIES}_{n}d", self._sum(company, last, n)) for n in (7, 28))
        if self.knows_past:
            yield activities.BASELINE, self._usual(company, last, calendar)
            yield activities.LIMIT, RATIO * self._usual(company, working, calendar)

    def _covered(self, day: date) -> bool:
        return day in self.seen and self.read_at[day] >= ends(day)

    def _sum(self, company: str, last: date, length: int) -> float:
        days = [last - n * DAY for n in range(length)]
        return sum(
            0.0 if day < self.first_day[company] and not self._has_row(company, day) else self._value(company, day)
            for day in days
            if self._covered(day)
        )

    def _usual(self, company: str, day: date, calendar: Calendar) -> float:
        earlier = [day - 7 * n * DAY for n in range(1, 7)]
        points = [self._value(company, d) for d in earlier if self._covered(d) and d not in calendar.holidays]
        points = [point for point in points if not math.isnan(point)]
        return median(points) if len(points) >= 3 else math.nan


@settings(max_examples=examples(6), phases=(Phase.explicit, Phase.generate))
@given(st.integers(0, 2**32))
def test_every_hour_of_sixty_days_is_what_the_answers_say(seed: int) -> None:
    """Not only after polls: what is made of the held days depends on the moment through the status of days alone."""
    world, random = World(seed), Random(seed)
    exporter, witness = Exporter(TARGET, NAMES, world.figure), Witness(world)
    wait, before = 0, None
    for hours in range(60 * 24):
        now = BEGIN + HOUR * hours + timedelta(minutes=5)
        if wait == 0:
            for days in exporter.poll(now, past=random.random() > 0.2):
                witness.saw(days, now)
            wait = random.choice((1, 3, 5, 7, 12, 80 if random.random() < 0.1 else 6))
            before = None
        wait -= 1
        status = day_status(exporter.state.ledger, now, exporter.state.health.read_at, RULES)
        assert status.stale is witness.is_stale(now), now
        assert status.last_day == max(witness.published(now), default=None), now
        assert status.today == witness.today(now), now
        if status != before:
            assert exporter.served(now) == pytest.approx(witness.served(now)), now
        before = status
