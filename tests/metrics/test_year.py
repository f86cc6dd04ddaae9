"""The limit of a business day, once in force, changes only when data, calendar or configuration change."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from statistics import median

from exporter.domain.calendars import Calendar, Days, day_at, end, start
from exporter.metrics.activities import LIMIT
from exporter.metrics.limits import CompanyCalendar, CompanyLimits
from tests.metrics.exporter import DAY, EASTER_AND_MORE, HOUR, LIMITED, PARIS, RATIO, Exporter, target_of

BEGIN, END = date(2026, 2, 2), date(2027, 2, 1)
NAMES = {"1": "Northwind", "2": "Tailspin", "3": "Fabrikam", "4": "Contoso", "5": "Litware"}
SUMMER, WINTER = Days(date(2026, 8, 3), date(2026, 8, 23)), Days(date(2026, 12, 21), date(2027, 1, 10))
CLOSED = Calendar(holidays=EASTER_AND_MORE.union(SUMMER, WINTER))
FOUR_DAYS = Calendar(frozenset({4, 5, 6}), EASTER_AND_MORE)
CALENDARS = {"2": CLOSED, "3": FOUR_DAYS}
SILENT = {"4": (Days(date(2026, 3, 2), date(2026, 3, 20)), Days(date(2026, 9, 1), date(2026, 10, 9)))}
FIRST_ROWS = {"5": date(2026, 5, 13)}
LIMITS = CompanyLimits((LIMITED,), tuple(CompanyCalendar(f"id:{who}", each) for who, each in CALENDARS.items()))
TARGET = target_of(LIMITS)


@cache
def complete(company: str, day: date) -> float | None:
    """Returns what the platform lists of a day after its end: nothing of days off and of silent ones."""
    silent = any(day in days for days in SILENT.get(company, ()))
    if silent or day < FIRST_ROWS.get(company, date.min) or not calendar(company).is_working(day):
        return None
    return float(50 + day.toordinal() * 7919 * int(company) % 60)


def calendar(company: str) -> Calendar:
    return CALENDARS.get(company, TARGET.rules.calendar)


def listed(company: str, day: date, at: datetime) -> float | None:
    """Returns a tenth until the day has ended."""
    value = complete(company, day)
    return value if value is None or at >= end(day, PARIS) else value // 10


def polls() -> Iterator[datetime]:
    """Yields the first polls after each midnight of a year, and after each settle time."""
    for day in Days(BEGIN, END):
        yield from (start(day, PARIS) + HOUR * hours for hours in (0.1, 6.1))


def limit_of(company: str, day: date) -> float | None:
    """Returns the limit of a business day by the platform's figures alone: of the six same weekdays before it."""
    earlier = [day - 7 * n * DAY for n in range(1, 7)]
    usual = [
        each for each in earlier if each not in calendar(company).holidays and each >= FIRST_ROWS.get(company, date.min)
    ]
    return RATIO * median(complete(company, each) or 0.0 for each in usual) if len(usual) >= 3 else None


def test_a_limit_stands_as_long_as_its_working_day_is_judged() -> None:
    """Over a year with Easter, closures of three weeks, silent weeks, a new company: it is what the six weeks say."""
    exporter, seen = Exporter(TARGET, NAMES, listed), 0
    for now in polls():
        list(exporter.poll(now))
        found = exporter.served(now)
        complete_until = day_at(now - TARGET.rules.settle, PARIS) - DAY
        for company in NAMES:
            judged = next(day for day in before(complete_until) if calendar(company).is_working(day))
            expected = limit_of(company, judged)
            assert found.get((LIMIT, company)) == expected, (company, judged, now)
            seen += expected is not None
    assert seen > 2 * 365 * 4


def before(day: date) -> Iterator[date]:
    return (day - n * DAY for n in range(60))
