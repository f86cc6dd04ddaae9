"""The companies that a reader of the status page chose: sorted, a page of them, each with its six weeks. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from exporter.domain.model import Activity, Measure
from exporter.exposition.board import Published
from exporter.exposition.text import Key
from exporter.ledger.ledger import by_number
from exporter.metrics.daily import DailyFigures
from exporter.web.status.company_rows import Breach, Companies, Company, Measured, fresh
from exporter.web.status.query import ATTENTION, PER_PAGE, CompanyQuery
from exporter.web.status.sparkline import Sparkline, six_weeks, sparkline

FIGURES: Mapping[str, Callable[[Measured], float | None]] = {
    "last_day": lambda measured: measured.last_day,
    "today": lambda measured: measured.today,
    "usual": lambda measured: measured.usual,
    "share": lambda measured: measured.share,
}
"""What companies can be sorted by, besides their names."""


@dataclass(frozen=True, slots=True)
class CompanyRow:
    """One company, one activity of it, the limits that it breaks, or a word of them; a `line` where it is shown."""

    company: Company
    activity: str
    measured: Measured | None
    breaches: tuple[Breach, ...]
    limit_status: str
    line: Sparkline | None = None


class CompanyPage(NamedTuple):
    """One page of companies: how many there are in all, how many fit the choice, how many pages that is."""

    rows: tuple[CompanyRow, ...]
    all: int
    fitting: int
    pages: int
    page: int
    broken: int


def company_page(
    companies: Companies, choice: CompanyQuery, shown: Published, all_daily: Mapping[Key, DailyFigures], now: datetime
) -> CompanyPage:
    """Returns the companies that a choice shows, sorted, a page of them."""
    fresh_reports = fresh(shown.views, now)
    everybody = [_row(each, choice, companies, fresh_reports) for each in companies.all]
    chosen = (each for each in everybody if fits(each, choice))
    fitting = sorted(chosen, key=order(choice), reverse=choice.sort == "-company")
    pages = max(-(-len(fitting) // PER_PAGE), 1)
    page = min(choice.page, pages)
    rows = fitting[(page - 1) * PER_PAGE : page * PER_PAGE]
    lines = _lines(rows, all_daily)
    return CompanyPage(
        rows=tuple(replace(each, line=lines.get((each.company.source, each.company.company_id))) for each in rows),
        all=len(everybody),
        fitting=len(fitting),
        pages=pages,
        page=page,
        broken=sum(bool(each.breaches) for each in everybody),
    )


def _row(company: Company, choice: CompanyQuery, companies: Companies, fresh_reports: frozenset[Key]) -> CompanyRow:
    names = companies.activities.get(company.source, ())
    activity = choice.activity if choice.activity in names else next(iter(names), "")
    measured = company.activities.get(activity)
    return CompanyRow(company, activity, measured, company.breaches(fresh_reports), company.limit_status(fresh_reports))


def fits(row: CompanyRow, choice: CompanyQuery) -> bool:
    """Returns whether a company is one of those that were chosen."""
    company, words = row.company, choice.q.casefold()
    return (
        (not choice.source or company.source == choice.source)
        and (not choice.activity or row.activity == choice.activity)
        and (not choice.broken or bool(row.breaches))
        and (not words or words in company.name.casefold() or words == company.company_id.casefold())
    )


def order(choice: CompanyQuery) -> Callable[[CompanyRow], tuple[object, ...]]:
    """Returns what companies are sorted by; who has no figure is at the end, whichever way."""
    column, sign = choice.sort.removeprefix("-"), -1.0 if choice.sort.startswith("-") else 1.0

    def key(row: CompanyRow) -> tuple[object, ...]:
        company, measured = row.company, row.measured
        place = (company.source, by_number(company.company_id))
        if column == ATTENTION:
            rank = row.breaches[0].rank if row.breaches else 99
            return rank, not company.note, -((measured and measured.last_day) or 0.0), place
        if column == "company":
            return company.name.casefold(), place
        value = FIGURES[column](measured) if measured else None
        return value is None, sign * (value or 0.0), place

    return key


def _lines(rows: Sequence[CompanyRow], all_daily: Mapping[Key, DailyFigures]) -> Mapping[tuple[str, str], Sparkline]:
    """Draws six weeks for the companies on the screen, a report's together."""
    wanted: dict[tuple[str, str, str], dict[str, float | None]] = {}
    for each in rows:
        if each.measured is not None and each.measured.last_day is not None:
            key = each.company.source, each.measured.report, each.activity
            wanted.setdefault(key, {})[each.company.company_id] = each.measured.usual
    found: dict[tuple[str, str], Sparkline] = {}
    for (source, report, activity), usual in wanted.items():
        daily = all_daily[source, report]
        day = daily.view.day_status.last_day
        for company, values in six_weeks(daily, *_measure(daily, activity), usual).items():
            if day is not None:
                found[source, company] = sparkline(values, day, usual[company])
    return found


def _measure(daily: DailyFigures, name: str) -> tuple[Measure, Activity]:
    """Returns the measure and the activity of that name in a report."""
    return next(
        (measure, activity)
        for measure in daily.view.report.measures
        for activity in measure.activities
        if activity.name == name
    )
