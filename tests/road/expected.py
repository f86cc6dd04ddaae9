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
from tests.truth import FACTS, NEWEST, Labels

DAY = timedelta(days=1)
LEVELS = frozenset({"paradigm_members_active", "paradigm_members_ever"})
AVERAGE = "paradigm_session_length_average"
NO_SUM = frozenset({AVERAGE, "paradigm_unique_models", "paradigm_documents_used", "paradigm_active_users"})
NOT_TODAY = frozenset({"paradigm_tool_uses"})
ROW_LABELS = ("mode", "tool")
"""What has a row of its own, and counts 0 from its first row on."""

Row = Mapping[tuple[str, Labels], float]
Answered = tuple[Days, datetime]
"""The days that a good answer covered, and when it was given."""


class ExpectedReport:
    """What a report must show, by the answers that one process was given, or one before that kept its state."""

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
        self.seen: dict[date, datetime] = {}
        self.latest: datetime | None = None  # good poll
        self.knows_past = False
        self.first: dict[tuple[int, Labels], date] = {}
        self._facts = FACTS[report]
        self._rows = cache(self._read_rows)  # of the same days again and again
        self._end = cache(lambda day: end(day, world.zone))

    def saw(self, answers: Iterable[Answered]) -> None:
        """Takes note of what was answered."""
        for days, moment in answers:
            self.seen |= dict.fromkeys(days, moment)
            today = day_at(moment, self.world.zone)
            if days.last == today:
                self.latest = moment
            self.knows_past |= days.last < today
            oldest = min(today - self.keep_days * DAY, self._judged(today, moment) - 42 * DAY)
            gone = sorted(each for each in self.seen if each < oldest)
            self._remember_first(gone)
            for each in gone:
                del self.seen[each]
            self._forget_who_is_gone(gone)

    def _remember_first(self, gone: Iterable[date]) -> None:
        """Takes note of the first rows of companies, as their days leave."""
        for day in gone:
            for company in self.world.known():
                for part in self._rows(company, day, self.seen[day]):
                    self.first.setdefault((company.id, part), day)

    def _forget_who_is_gone(self, gone: Iterable[date]) -> None:
        """Forgets companies without any row in the days that are left."""
        for company in self.world.known() if gone else ():
            if not any(self._rows(company, day, when) for day, when in self.seen.items()):
                self.first = {key: day for key, day in self.first.items() if key[0] != company.id}

    def _judged(self, today: date, now: datetime) -> date:
        """Returns the newest business day whose settle time is over: its weekday six weeks before is held."""
        days = (today - n * DAY for n in range(1, 30))
        return next(day for day in days if RULES.calendar.is_working(day) and self._end(day) + self.settle <= now)

    def is_stale(self, now: datetime) -> bool:
        """Tells whether figures are too old to be served, and a state too old to be taken up."""
        return self.latest is None or now - self.latest > RULES.max_staleness

    def last_day(self, now: datetime) -> date | None:
        """Returns the newest day before today that was seen after its settle time."""
        settled = [day for day, when in self.seen.items() if when >= self._end(day) + self.settle]
        return max((day for day in settled if day < day_at(now, self.world.zone)), default=None)

    def served(self, now: datetime) -> Mapping[Series, float]:
        """Returns every figure of the report."""
        if self.is_stale(now):
            return {}
        last, today = self.last_day(now), day_at(now, self.world.zone)
        found = {company: self._rows_of(company) for company in self.world.known()}
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
        for day, when in self.seen.items():
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
        self, family: str, of_day: Mapping[date, float], last: date | None, today: date | None, first: date
    ) -> Iterator[tuple[str, float]]:
        """Yields what a family shows of a figure, which counts 0 from the first day on that it has a row for.

        `today` is None while nobody has a row of it; `first` is the first day if that has left the held ones.
        """
        first = min(first, *of_day)
        if family == NEWEST:
            yield family, max(of_day.values())
            return
        if family in LEVELS:
            yield from ((family, of_day[day]) for day in of_day if day == max(self.seen))
            return
        if today and family not in NOT_TODAY:
            yield from _on(today, f"{family}_today", of_day)
        if last is not None and first <= last:
            yield from _on(last, f"{family}_last_day", of_day)
            if self.knows_past and family not in NO_SUM:
                yield f"{family}_7d", self._sum(of_day, last, 7)
                yield f"{family}_28d", self._sum(of_day, last, 28)

    def _sum(self, of_day: Mapping[date, float], last: date, length: int) -> float:
        """Adds up the days that were seen after their end."""
        window = [last - n * DAY for n in range(length)]
        return sum(of_day[day] for day in window if day in of_day and self.seen[day] >= self._end(day))


def _on(day: date, name: str, of_day: Mapping[date, float]) -> Iterator[tuple[str, float]]:
    """Yields the figure of a day; without a row a count is 0, and there is no average."""
    if day in of_day or not name.startswith(AVERAGE):
        yield name, of_day.get(day, 0.0)


def after_one_poll(
    world: World,
    moment: datetime,
    report: str = "chat-sessions",
    settle: timedelta = RULES.settle,
    keep_days: int = RULES.keep_days,
) -> Mapping[Series, float]:
    """Returns what a report must show of what the platform said of all days at a moment."""
    expected, today = ExpectedReport(world, report, settle, keep_days), day_at(moment, world.zone)
    expected.saw([(Days(today - keep_days * DAY, today - DAY), moment), (Days(today, today), moment)])
    return expected.served(moment)
