"""Queries for companies, and the page of companies that they ask for, with a sparkline of six weeks each; pure."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import NamedTuple
from urllib.parse import urlencode

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from exporter.exposition.text import Key
from exporter.metrics.activity_figures import activity_figures
from exporter.metrics.report_view import CompanyIndex, ReportView
from exporter.web.status.company_rows import Measured, ShownCompanies, ShownCompany
from exporter.web.status.text import measured

PER_PAGE = 50
ATTENTION, BROKEN = "attention", "broken"
COLUMNS = ("company", "last_day", "today", "usual", "share")  # to sort by; with "-" the other way round
LONGEST_TEXT = 200
DAYS = 42  # of a sparkline
STEP, HEIGHT = 3, 24  # of a sparkline in pixels: per day, and as a whole
WIDTH = DAYS * STEP


class CompanyQuery(Struct, frozen=True, omit_defaults=True):
    """A query; an invalid value counts as the default, since people keep links to the page."""

    q: str = ""
    source: str = ""
    activity: str = ""
    show: str = ""
    sort: str = ATTENTION
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "CompanyQuery":
        sort, page = query.get("sort", ATTENTION), query.get("page", "1")
        return cls(
            q=query.get("q", "").strip()[:LONGEST_TEXT],
            source=query.get("source", "")[:LONGEST_TEXT],
            activity=query.get("activity", "")[:LONGEST_TEXT],
            show=BROKEN if query.get("show") == BROKEN else "",
            sort=sort if sort.removeprefix("-") in COLUMNS else ATTENTION,
            page=max(int(page), 1) if page.isascii() and page.isdecimal() and len(page) < len("1000000") else 1,
        )

    def link(self, page: int | None = None) -> str:
        """Returns the address of these companies, by default of the same page."""
        return f"?{urlencode(to_builtins(replace(self, page=page or self.page)))}#companies"

    def sorted_by(self, column: str) -> "CompanyQuery":
        """Returns the query of a click on a column's head: names from A on, figures from the largest on."""
        first, second = (column, f"-{column}") if column == "company" else (f"-{column}", column)
        return replace(self, sort=second if self.sort == first else first, page=1)

    def direction(self, column: str) -> str:
        """Returns how a column is sorted, as `aria-sort` has it; empty if it is not."""
        return {column: "ascending", f"-{column}": "descending"}.get(self.sort, "")


class Sparkline(NamedTuple):
    """SVG paths of the bars before the last day, of its bar and of the baseline, and what they show in words."""

    bars: str
    last: str
    usual: str
    description: str


class CompanyRow(NamedTuple):
    company: ShownCompany
    activity: str
    measured: Measured


class CompanyPage:
    """One page of companies; `all`, `matching` and `broken` are counts, `lines` are sparklines by source and id."""

    def __init__(self, companies: ShownCompanies, query: CompanyQuery, views: Mapping[Key, ReportView]) -> None:
        rows = [_row(each, query, companies) for each in companies.all]
        matching = sorted(filter(partial(_matches, query), rows), key=partial(_rank, query))  # else by source and id
        if query.sort == "-company":
            matching.reverse()
        self.all, self.matching = len(rows), len(matching)
        self.broken = sum(bool(each.breaches) for each in companies.all)
        self.pages = max(-(-len(matching) // PER_PAGE), 1)
        self.page = min(query.page, self.pages)
        self.rows = matching[(self.page - 1) * PER_PAGE : self.page * PER_PAGE]
        self.lines = _lines(self.rows, views)


def _row(company: ShownCompany, query: CompanyQuery, companies: ShownCompanies) -> CompanyRow:
    names = companies.activities[company.source]
    activity = query.activity if query.activity in names else next(iter(names), "")
    return CompanyRow(company, activity, company.activities.get(activity, Measured()))


def _matches(query: CompanyQuery, row: CompanyRow) -> bool:
    company, words = row.company, query.q.casefold()
    return (
        (not query.source or company.source == query.source)
        and (not query.activity or row.activity == query.activity)
        and (not query.show or bool(company.breaches))
        and (not words or words in company.name.casefold() or words == company.company_id.casefold())
    )


def _rank(query: CompanyQuery, row: CompanyRow) -> tuple[object, ...]:
    """Returns what companies are sorted by; without a figure they come last in either direction."""
    company, column = row.company, query.sort.removeprefix("-")
    if column == ATTENTION:
        rank = company.breaches[0].rank if company.breaches else 99
        return rank, not company.note, -(row.measured.last_day or 0.0)
    if column == "company":
        return (company.name.casefold(),)
    value: float | None = getattr(row.measured, column)
    return value is None, -(value or 0.0) if query.sort.startswith("-") else value or 0.0


def _lines(rows: Sequence[CompanyRow], views: Mapping[Key, ReportView]) -> Mapping[tuple[str, str], Sparkline]:
    """Draws six weeks for the companies of the page, those of a report together."""
    wanted: dict[tuple[str, str, str], dict[str, float | None]] = {}
    for each in rows:
        if each.measured.last_day is not None:
            key = each.company.source, each.measured.report, each.activity
            wanted.setdefault(key, {})[each.company.company_id] = each.measured.usual
    return {
        (source, company): line
        for (source, report, activity), usual in wanted.items()
        for company, line in sparklines(views[source, report], activity, usual).items()
    }


def sparklines(view: ReportView, activity_name: str, usual: Mapping[str, float | None]) -> Mapping[str, Sparkline]:
    """Draws 42 days of an activity for each company of `usual`, which has baselines by company id."""
    last, index = view.day_status.last_day, CompanyIndex(view, usual.keys())
    found = next(each for each in activity_figures(index) if each.activity.name == activity_name)
    if last is None or found.on_day is None:
        return {}
    days = [last - timedelta(days=DAYS - 1 - n) for n in range(DAYS)]
    unknown, least = [math.nan] * len(index.names), view.target.min_group if found.measure.people else 0
    figures = [found.on_day(day) if day in view.day_status.published else unknown for day in days]
    lines = {}
    for company, own in zip(index.all_companies, zip(*figures, strict=True), strict=True):
        values = [value if value >= least or value == 0 else None for value in own]
        lines[company] = sparkline(values, last, usual[company], activity_name)
    return lines


def sparkline(values: Sequence[float | None], last_day: date, usual: float | None, activity: str) -> Sparkline:
    """Draws the figures of the days that end with `last_day`, in a box of WIDTH x HEIGHT.

    A day of zero has half a pixel, a day without a figure nothing.
    """
    known = [value for value in values if value is not None]
    top = max((*known, usual or 0.0, 1.0))
    bars = [
        "" if value is None else f"M{place * STEP + 1} {HEIGHT}V{min(_y(value, top), HEIGHT - 0.5):g}"
        for place, value in enumerate(values)
    ]
    level = f"M0 {_y(usual, top)}H{WIDTH}" if usual is not None else ""
    description = "no complete day in the six weeks before"
    if known:
        since = last_day - timedelta(days=len(values) - 1)
        least, most, last = (measured(value, activity) for value in (min(known), max(known), values[-1]))
        range_ = f"{len(known)} days with figures, {least} to {most}"
        description = f"six weeks, {since} to {last_day}: {range_}, on the last day {last}"
    return Sparkline("".join(bars[:-1]), bars[-1], level, description)


def _y(value: float, top: float) -> float:
    return round(HEIGHT - value / top * (HEIGHT - 1), 1)
