"""What must be served, worked out plainly: from which days were answered when, and the simulator's truth of each."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cache

from exporter.domain.calendars import day_at, end
from exporter.domain.model import Days
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.world import World
from tests.road.road import RULES, Series, series
from tests.truth import FACTS, NEWEST, Fact, Labels

DAY = timedelta(days=1)
LEVELS = frozenset({"paradigm_members_active", "paradigm_members_ever"})
AVERAGES = frozenset({"paradigm_session_length_average"})
DISTINCT = frozenset({"paradigm_unique_models", "paradigm_documents_used", "paradigm_active_users"})
NOT_TODAY = frozenset({"paradigm_tool_uses"})
ROW_LABELS = ("mode", "tool")
"""What has a row of its own, and counts 0 from its first row on."""

Row = Mapping[tuple[str, Labels], float]
Answered = tuple[Days, datetime]
"""The days that a good answer covered, and when it was given."""


class ExpectedReport:
    """What a report must show, by the answers that one process was given, or one before that kept its state."""

    def __init__(self, world: World, report: str = "chat-sessions", settle: timedelta = RULES.settle) -> None:
        self.world = world
        self.settle = settle
        self.seen: dict[date, datetime] = {}
        self.latest: datetime | None = None  # good poll
        self.knows_past = False
        self._facts = FACTS[report]
        self._rows = cache(self._read_rows)  # of the same days again and again

    def saw(self, answers: Iterable[Answered]) -> None:
        """Takes note of what was answered."""
        for days, moment in answers:
            self.seen |= dict.fromkeys(days, moment)
            today = day_at(moment, self.world.zone)
            if days.last == today:
                self.latest = moment
            self.knows_past |= days.last < today
            self.seen = {each: when for each, when in self.seen.items() if each >= today - RULES.keep_days * DAY}

    def is_stale(self, now: datetime) -> bool:
        """Tells whether figures are too old to be served, and a state too old to be taken up."""
        return self.latest is None or now - self.latest > RULES.max_staleness

    def last_day(self, now: datetime) -> date | None:
        """Returns the newest day before today that was seen after its settle time."""
        settled = [day for day, when in self.seen.items() if when >= end(day, self.world.zone) + self.settle]
        return max((day for day in settled if day < day_at(now, self.world.zone)), default=None)

    def served(self, now: datetime) -> Mapping[Series, float]:
        """Returns every figure of the report."""
        if self.is_stale(now):
            return {}
        return {
            series(name, company_id=str(company.id), company=company.name, **dict(labels)): value
            for company in self.world.known()
            for rows in self._rows_of(company)
            for name, labels, value in self._figures(rows, now)
        }

    def _rows_of(self, company: Company) -> Iterable[Mapping[date, Row]]:
        """Returns the company's rows by day, those of each mode or tool apart."""
        found: dict[Labels, dict[date, Row]] = defaultdict(dict)
        for day, when in self.seen.items():
            for part, row in self._rows(company, day, when).items():
                found[part][day] = row
        return found.values()

    def _read_rows(self, company: Company, day: date, when: datetime) -> Mapping[Labels, Row]:
        view = self.world.view(day, when)
        rows: dict[Labels, dict[tuple[str, Labels], float]] = defaultdict(dict)
        for family, labels, value in self._facts(self.world, company, view) if view else ():
            rows[tuple(label for label in labels if label[0] in ROW_LABELS)][family, labels] = value
        return rows

    def _figures(self, rows: Mapping[date, Row], now: datetime) -> Iterator[Fact]:
        first, newest, last = min(rows), max(self.seen), self.last_day(now)
        today = newest if newest == day_at(now, self.world.zone) else None
        for family, labels in rows[first]:
            of_day = {day: row[family, labels] for day, row in rows.items()}
            if family == NEWEST:
                yield Fact(family, labels, max(of_day.values()))
            elif family in LEVELS:
                if newest in of_day:
                    yield Fact(family, labels, of_day[newest])
            else:
                if today is not None and family not in NOT_TODAY:
                    yield from self._on(today, Fact(f"{family}_today", labels, 0.0), of_day, family)
                if last is not None and first <= last:
                    yield from self._on(last, Fact(f"{family}_last_day", labels, 0.0), of_day, family)
                    yield from self._sums(last, family, labels, of_day)

    def _on(self, day: date, zero: Fact, of_day: Mapping[date, float], family: str) -> Iterator[Fact]:
        """Yields the figure of a day; without a row a count is 0, and there is no average."""
        if day in of_day or family not in AVERAGES:
            yield zero._replace(value=of_day.get(day, 0.0))

    def _sums(self, last: date, family: str, labels: Labels, of_day: Mapping[date, float]) -> Iterator[Fact]:
        """Yields what adds up, over the days that were seen after their end."""
        if self.knows_past and family not in AVERAGES | DISTINCT:
            for suffix, length in (("_7d", 7), ("_28d", 28)):
                window = (last - n * DAY for n in range(length))
                counted = [day for day in window if day in of_day and self.seen[day] >= end(day, self.world.zone)]
                yield Fact(family + suffix, labels, sum(of_day[day] for day in counted))


def after_one_poll(
    world: World, moment: datetime, report: str = "chat-sessions", settle: timedelta = RULES.settle
) -> Mapping[Series, float]:
    """Returns what a report must show of what the platform said of all days at a moment."""
    expected, today = ExpectedReport(world, report, settle), day_at(moment, world.zone)
    expected.saw([(Days(today - RULES.keep_days * DAY, today - DAY), moment), (Days(today, today), moment)])
    return expected.served(moment)
