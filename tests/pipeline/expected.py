"""Computes the expected figures from the days that responses covered and the simulator's data."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cache

from exporter.domain.calendars import day_at, end
from exporter.domain.model import Days
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.world import World
from tests.pipeline.pipeline import RULES, Series, series
from tests.platform_data import FACTS, NEWEST, Labels

DAY = timedelta(days=1)
LEVELS = frozenset({"paradigm_members_active", "paradigm_members_ever"})
AVERAGE = "paradigm_session_length_average"
NO_SUM = frozenset({AVERAGE, "paradigm_unique_models", "paradigm_documents_used", "paradigm_active_users"})
NOT_TODAY = frozenset({"paradigm_tool_uses"})
ROW_LABELS = ("mode", "tool")
"""Labels that the platform has a row for; without one a count is 0, from the first row on."""

Row = Mapping[tuple[str, Labels], float]
Covered = tuple[Days, datetime]
"""The days that a good response covered, and its time."""


class ExpectedReport:
    """The expected figures of a report, after the responses that the exporter received so far."""

    def __init__(
        self,
        world: World,
        report: str = "chat-sessions",
        settle: timedelta = RULES.settle,
        keep_days: int = RULES.keep_days,
    ) -> None:
        self.world = world
        self.settle = settle
        self.keep_days = keep_days
        self.covered: dict[date, datetime] = {}
        self.latest: datetime | None = None  # successful poll of today
        self.has_past_days = False
        self.first: dict[tuple[int, Labels], date] = {}
        self._facts = FACTS[report]
        self._rows = cache(self._read_rows)
        self._end = cache(lambda day: end(day, world.zone))

    def record(self, responses: Iterable[Covered]) -> None:
        """Records responses."""
        for days, moment in responses:
            self.covered |= dict.fromkeys(days, moment)
            today = day_at(moment, self.world.zone)
            if days.last == today:
                self.latest = moment
            self.has_past_days |= days.last < today
            oldest = min(today - self.keep_days * DAY, self._newest_judged_day(today, moment) - 42 * DAY)
            dropped = sorted(each for each in self.covered if each < oldest)
            self._keep_first_days(dropped)
            for each in dropped:
                del self.covered[each]
            self._forget_companies_without_rows(dropped)

    def _keep_first_days(self, dropped: Iterable[date]) -> None:
        """Keeps the first day of each row when that day is dropped."""
        for day in dropped:
            for company in self.world.companies:
                for part in self._rows(company, day, self.covered[day]):
                    self.first.setdefault((company.id, part), day)

    def _forget_companies_without_rows(self, dropped: Iterable[date]) -> None:
        """Forgets companies without a row in the remaining days."""
        for company in self.world.companies if dropped else ():
            if not any(self._rows(company, day, when) for day, when in self.covered.items()):
                self.first = {key: day for key, day in self.first.items() if key[0] != company.id}

    def _newest_judged_day(self, today: date, now: datetime) -> date:
        """Returns the newest business day whose settle time is over; its baseline needs the six weeks before."""
        days = (today - n * DAY for n in range(1, 30))
        return next(day for day in days if RULES.calendar.is_working(day) and self._end(day) + self.settle <= now)

    def is_stale(self, now: datetime) -> bool:
        """Tells whether figures, or a state, are too old to be served."""
        return self.latest is None or now - self.latest > RULES.max_staleness

    def last_day(self, now: datetime) -> date | None:
        """Returns the newest day before today that was covered after its settle time."""
        settled = [day for day, when in self.covered.items() if when >= self._end(day) + self.settle]
        return max((day for day in settled if day < day_at(now, self.world.zone)), default=None)

    def served(self, now: datetime) -> Mapping[Series, float]:
        """Returns every figure of the report."""
        if self.is_stale(now):
            return {}
        last, today = self.last_day(now), day_at(now, self.world.zone)
        found = {company: self._rows_of(company) for company in self.world.companies}
        running = today if any(today in rows for parts in found.values() for rows in parts.values()) else None
        return {
            series(name, company_id=str(company.id), company=company.name, **dict(labels)): value
            for company, parts in found.items()
            for part, rows in parts.items()
            for family, labels in next(iter(rows.values()))
            for name, value in self._figures(
                family,
                {day: row[family, labels] for day, row in rows.items()},
                last,
                running,
                self.first.get((company.id, part), date.max),
            )
        }

    def _rows_of(self, company: Company) -> Mapping[Labels, Mapping[date, Row]]:
        """Returns the company's rows by mode or tool, and by day."""
        found: dict[Labels, dict[date, Row]] = defaultdict(dict)
        for day, when in self.covered.items():
            for part, row in self._rows(company, day, when).items():
                found[part][day] = row
        return found

    def _read_rows(self, company: Company, day: date, when: datetime) -> Mapping[Labels, Row]:
        view = self.world.view(day, when)
        rows: dict[Labels, dict[tuple[str, Labels], float]] = defaultdict(dict)
        for family, labels, value in self._facts(self.world, company, view) if view else ():
            rows[tuple(label for label in labels if label[0] in ROW_LABELS)][family, labels] = value
        return rows

    def _figures(
        self, family: str, by_day: Mapping[date, float], last: date | None, today: date | None, first: date
    ) -> Iterator[tuple[str, float]]:
        """Yields the figures of a family, which count as 0 on days without a row after the first one.

        `today` is None as long as no company has a row for it; `first` is the first day if it has been dropped.
        """
        first = min(first, *by_day)
        if family == NEWEST:
            yield family, max(by_day.values())
            return
        if family in LEVELS:
            yield from ((family, by_day[day]) for day in by_day if day == max(self.covered))
            return
        if today and family not in NOT_TODAY:
            yield from _on(today, f"{family}_today", by_day)
        if last is not None and first <= last:
            yield from _on(last, f"{family}_last_day", by_day)
            if self.has_past_days and family not in NO_SUM:
                yield f"{family}_7d", self._sum(by_day, last, 7)
                yield f"{family}_28d", self._sum(by_day, last, 28)

    def _sum(self, by_day: Mapping[date, float], last: date, length: int) -> float:
        """Adds up the days that were covered after their end."""
        window = [last - n * DAY for n in range(length)]
        return sum(by_day[day] for day in window if day in by_day and self.covered[day] >= self._end(day))


def _on(day: date, name: str, by_day: Mapping[date, float]) -> Iterator[tuple[str, float]]:
    """Yields the figure of a day; without a row it is 0, but an average is absent."""
    if day in by_day or not name.startswith(AVERAGE):
        yield name, by_day.get(day, 0.0)


def after_one_poll(
    world: World,
    moment: datetime,
    report: str = "chat-sessions",
    settle: timedelta = RULES.settle,
    keep_days: int = RULES.keep_days,
) -> Mapping[Series, float]:
    """Returns the expected figures after one poll of all days at this moment."""
    expected, today = ExpectedReport(world, report, settle, keep_days), day_at(moment, world.zone)
    expected.record([(Days(today - keep_days * DAY, today - DAY), moment), (Days(today, today), moment)])
    return expected.served(moment)
