"""Finds reports, days and companies of a query among published views, piece by piece; pure.

It runs in the status page's thread; computed `DailyFigures` are kept while a report's view stays the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from typing import NamedTuple

from exporter import __version__
from exporter.domain.selectors import selects
from exporter.exposition.text import Key
from exporter.ledger.table import by_number
from exporter.metrics.daily import DailyFigure, DailyFigures, measures
from exporter.metrics.report_view import ReportView
from exporter.web.api.query import Available, DaysQuery, cursor

PIECE = 20
"""Number of companies per piece: about 20,000 figures of 46 days, for which other readers wait 0.2 s."""


class CompanyKey(NamedTuple):
    source: str
    company_id: str


@dataclass(frozen=True, slots=True)
class DaysPage:
    """A page of companies in order; `next` is the next page's cursor; `version` changes with the answer."""

    query: DaysQuery
    all_daily: tuple[DailyFigures, ...]
    companies: tuple[CompanyKey, ...]
    next: str | None
    version: str

    def figures(self) -> Iterator[Sequence[DailyFigure]]:
        """Yields the figures of some companies at a time: by company, day, report, measure and label."""
        for source, group in groupby(self.companies, key=lambda each: each.source):
            ids = [each.company_id for each in group]
            for start in range(0, len(ids), PIECE):
                yield self._of(source, ids[start : start + PIECE])

    def _of(self, source: str, ids: Sequence[str]) -> Sequence[DailyFigure]:
        place = {company_id: index for index, company_id in enumerate(ids)}
        found: list[DailyFigure] = []
        for daily in self.all_daily:
            if daily.view.source == source:
                found += daily.figures(place, wanted(daily.view, self.query), self.query.days)
        return sorted(found, key=lambda each: (place[each.company_id], each.date))


def wanted(view: ReportView, query: DaysQuery) -> frozenset[str]:
    families = frozenset(measure.family for measure in measures(view))
    return families & frozenset(query.measure) if query.measure else families


def available(views: Mapping[Key, ReportView]) -> Available:
    families = {measure.family for view in views.values() for measure in measures(view)}
    return {"source": sorted({source for source, _ in views}), "measure": sorted(families)}


class DailyFiguresFinder:
    """Answers queries from daily figures, which it keeps while they are current."""

    def __init__(self) -> None:
        self._daily: dict[Key, DailyFigures] = {}

    def answer(self, views: Mapping[Key, ReportView], query: DaysQuery) -> DaysPage:
        all_daily = tuple(
            daily
            for (source, _), daily in self.all_daily(views).items()
            if (not query.source or source in query.source) and wanted(daily.view, query)
        )
        companies = _companies(all_daily, query)
        page = companies[: query.limit]
        version = blake2b(repr((__version__, query)).encode(), digest_size=16)
        for daily in all_daily:
            version.update(daily.version)
        following = cursor(*page[-1]) if len(companies) > len(page) else None
        return DaysPage(query, all_daily, tuple(page), following, version.hexdigest())

    def all_daily(self, views: Mapping[Key, ReportView]) -> Mapping[Key, DailyFigures]:
        """Returns the daily figures of these views, by source and report, in order."""
        kept = {key: daily for key, daily in self._daily.items() if views.get(key) is daily.view}
        self._daily = {key: kept.get(key) or DailyFigures(views[key]) for key in sorted(views)}
        return self._daily


def _companies(all_daily: Iterable[DailyFigures], query: DaysQuery) -> Sequence[CompanyKey]:
    """Returns the matching companies after the cursor, by source and id."""
    found: dict[tuple[str, tuple[int, str]], CompanyKey] = {}
    after = (query.after[0], by_number(query.after[1])) if query.after else ("", (0, ""))
    for daily in all_daily:
        for company_id, name in daily.companies.items():
            place = daily.view.source, by_number(company_id)
            if place > after and (not query.company or any(selects(each, company_id, name) for each in query.company)):
                found[place] = CompanyKey(daily.view.source, company_id)
    return [found[place] for place in sorted(found)]
