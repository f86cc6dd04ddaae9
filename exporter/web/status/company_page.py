"""The companies that a query of the status page asks for: sorted, a page of them, each with its six weeks. Pure."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from exporter.exposition.text import Key
from exporter.ledger.table import by_number
from exporter.metrics.report_view import ReportView
from exporter.web.status.company_rows import Measured, ShownCompanies, ShownCompany
from exporter.web.status.query import ATTENTION, PER_PAGE, CompanyQuery
from exporter.web.status.sparkline import Sparkline, sparklines


class CompanyRow(NamedTuple):
    """One company and one activity of it; a `line` where it is shown."""

    company: ShownCompany
    activity: str
    measured: Measured | None
    line: Sparkline | None = None


class CompanyPage(NamedTuple):
    """One page of companies: how many there are in all, how many fit the query, how many pages that is."""

    rows: tuple[CompanyRow, ...]
    all: int
    fitting: int
    pages: int
    page: int
    broken: int


def company_page(companies: ShownCompanies, query: CompanyQuery, views: Mapping[Key, ReportView]) -> CompanyPage:
    everybody = [_row(each, query, companies) for each in companies.all]
    fitting = sorted(filter(partial(_fits, query), everybody), key=_order(query), reverse=query.sort == "-company")
    pages = max(-(-len(fitting) // PER_PAGE), 1)
    page = min(query.page, pages)
    rows = fitting[(page - 1) * PER_PAGE : page * PER_PAGE]
    lines = _lines(rows, views)
    return CompanyPage(
        rows=tuple(each._replace(line=lines.get((each.company.source, each.company.company_id))) for each in rows),
        all=len(everybody),
        fitting=len(fitting),
        pages=pages,
        page=page,
        broken=sum(bool(each.breaches) for each in companies.all),
    )


def _row(company: ShownCompany, query: CompanyQuery, companies: ShownCompanies) -> CompanyRow:
    names = companies.activities.get(company.source, ())
    activity = query.activity if query.activity in names else next(iter(names), "")
    return CompanyRow(company, activity, company.activities.get(activity))


def _fits(query: CompanyQuery, row: CompanyRow) -> bool:
    company, words = row.company, query.q.casefold()
    return (
        (not query.source or company.source == query.source)
        and (not query.activity or row.activity == query.activity)
        and (not query.broken or bool(company.breaches))
        and (not words or words in company.name.casefold() or words == company.company_id.casefold())
    )


def _order(query: CompanyQuery) -> Callable[[CompanyRow], tuple[object, ...]]:
    """Returns what companies are sorted by; who has no figure is at the end, whichever way."""
    column, sign = query.sort.removeprefix("-"), -1.0 if query.sort.startswith("-") else 1.0

    def key(row: CompanyRow) -> tuple[object, ...]:
        company, measured = row.company, row.measured
        place = (company.source, by_number(company.company_id))
        if column == ATTENTION:
            rank = company.breaches[0].rank if company.breaches else 99
            return rank, not company.note, -((measured and measured.last_day) or 0.0), place
        if column == "company":
            return company.name.casefold(), place
        value: float | None = getattr(measured, column, None)
        return value is None, sign * (value or 0.0), place

    return key


def _lines(rows: Sequence[CompanyRow], views: Mapping[Key, ReportView]) -> Mapping[tuple[str, str], Sparkline]:
    """Draws six weeks for the companies on the screen, a report's together."""
    wanted: dict[tuple[str, str, str], dict[str, float | None]] = {}
    for each in rows:
        if each.measured is not None and each.measured.last_day is not None:
            key = each.company.source, each.measured.report, each.activity
            wanted.setdefault(key, {})[each.company.company_id] = each.measured.usual
    return {
        (source, company): line
        for (source, report, activity), usual in wanted.items()
        for company, line in sparklines(views[source, report], activity, usual).items()
    }
