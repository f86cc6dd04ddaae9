"""The query of /api/v1/days, and the page of companies that it finds; its type also describes it in OpenAPI."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from hashlib import blake2b
from itertools import groupby
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType
from starlette.datastructures import QueryParams

from exporter import __version__
from exporter.domain.errors import QueryError
from exporter.domain.model import Days
from exporter.domain.selectors import selector, selects
from exporter.domain.wording import remedy
from exporter.exposition.text import Key
from exporter.ledger.table import by_number
from exporter.metrics.daily import DailyFigure, DailyFigures, measures
from exporter.metrics.report_view import ReportView

MOST_COMPANIES = 10_000
LONGEST_SHOWN = 60
LONGEST_SELECTOR = 256  # the standard library compiles each glob and caches thousands of them
PIECE = 20  # companies per piece: about 20,000 figures of 46 days, for which other readers wait 0.2 s

DaysFormat = Literal["json", "csv"]
Selector = Annotated[str, Meta(max_length=LONGEST_SELECTOR)]
Cursor = Annotated[str, Meta(pattern="^[^/]+/")]
Available = Mapping[str, Sequence[str]]  # known names of sources, and of metrics without their window, by parameter
SELECTORS = "A selector of companies: `17`, `id:17`, `name:Nor*`, or a glob of either; case-sensitive; may be repeated."
CURSOR = "Where the previous page ended: its `next`; for CSV, the `Link` header has it."
FORMAT = "Format of the response; takes precedence over the `Accept` header."


class DaysQuery(msgspec.Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """One request; empty `source`, `company` and `measure` match all."""

    source: Annotated[tuple[str, ...], Meta(description="A source; may be repeated.")] = ()
    company: Annotated[tuple[Selector, ...], Meta(description=SELECTORS)] = ()
    measure: Annotated[
        tuple[str, ...], Meta(description="A measure: the name of its metric without the window; may be repeated.")
    ] = ()
    first: Annotated[date | UnsetType, Meta(description="The first day, in the source's time zone.")] = UNSET
    last: Annotated[date | UnsetType, Meta(description="The last day, in the source's time zone.")] = UNSET
    limit: Annotated[int, Meta(ge=1, le=MOST_COMPANIES, description="Maximum number of companies per page.")] = 1_000
    cursor: Annotated[Cursor | UnsetType, Meta(description=CURSOR)] = UNSET
    format: Annotated[DaysFormat | UnsetType, Meta(description=FORMAT)] = UNSET

    @property
    def days(self) -> Days:
        return Days(self.first or date.min, self.last or date.max)

    @property
    def after(self) -> tuple[str, str] | None:
        """The source and company id in `cursor`, with a slash between."""
        source, _, company_id = (self.cursor or "").partition("/")
        return (source, company_id) if self.cursor else None


PARAMETERS = {field.encode_name: field for field in msgspec.structs.fields(DaysQuery)}
REPEATABLE = frozenset(name for name, field in PARAMETERS.items() if field.default == ())
NO_DAY = "is not a day; write it as 2026-03-02"
REMEDIES = {
    "company": f"is not a selector; give id:17 or name:Nor*, {LONGEST_SELECTOR} characters at most",
    "from": NO_DAY,
    "to": NO_DAY,
    "limit": f"is not a number of companies; give 1 to {MOST_COMPANIES}",
    "cursor": "is not a cursor of this API; take it from next of the previous page",
}


def read(parameters: QueryParams, views: Mapping[Key, ReportView]) -> DaysQuery:
    """Reads a query string; QueryError if a parameter is unknown, repeated or wrong."""
    values: dict[str, object] = {}
    known = {**available(views), "format": get_args(DaysFormat)}
    for name in parameters:
        if name not in PARAMETERS:
            raise QueryError(_unknown("parameter", name, PARAMETERS))
        given = parameters.getlist(name)
        if len(given) > 1 and name not in REPEATABLE:
            raise QueryError(f"{name} is given {len(given)} times; give it once")
        checked = [_checked(name, value, known) for value in given]
        values[name] = checked if name in REPEATABLE else checked[0]
    query = msgspec.convert(values, DaysQuery, strict=False)
    if query.first and query.last and query.last < query.first:
        raise QueryError(f"from={query.first} is after to={query.last}; swap them")
    return query


def _checked(name: str, value: str, known: Available) -> str:
    """Returns one value of a parameter, selectors normalised; QueryError if it is wrong."""
    if name in known and value not in known[name]:
        raise QueryError(_unknown(name, value, known[name]))
    try:
        normal = selector(value) if name == "company" else value
        msgspec.convert({name: [normal] if name in REPEATABLE else normal}, DaysQuery, strict=False)
    except ValueError:  # also of msgspec
        raise QueryError(f"{name}={_shown(value)} {REMEDIES[name]}") from None
    return normal


def _unknown(what: str, value: str, known: Collection[str]) -> str:
    return f"the {what} {_shown(value)} does not exist; {remedy(value, sorted(known))}"


def _shown(value: str) -> str:
    """Quotes any value in one line, cut off if it is long."""
    shown = value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}..."
    return ascii(shown) if not shown.isprintable() else f'"{shown}"'


class DaysPage:
    """A page of companies by source and id; `next` is the next page's cursor; `version` changes with the answer."""

    def __init__(self, daily: Mapping[Key, DailyFigures], query: DaysQuery) -> None:
        self.query = query
        of_sources = (each for each in daily.values() if not query.source or each.view.target.source in query.source)
        self.all_daily = [each for each in of_sources if wanted(each.view, query)]
        companies = _companies(self.all_daily, query)
        self.companies = companies[: query.limit]
        self.next = "/".join(self.companies[-1]) if len(companies) > query.limit else None
        digest = blake2b(repr((__version__, query)).encode(), digest_size=16)
        for each in self.all_daily:
            digest.update(each.version)
        self.version = digest.hexdigest()

    def figures(self) -> Iterator[Sequence[DailyFigure]]:
        """Yields the figures of some companies at a time: by company, day, report, measure and label."""
        for source, group in groupby(self.companies, key=lambda each: each[0]):
            ids = [company_id for _, company_id in group]
            reports = [daily for daily in self.all_daily if daily.view.target.source == source]
            for start in range(0, len(ids), PIECE):
                some = ids[start : start + PIECE]
                found = [
                    figure
                    for daily in reports
                    for figure in daily.figures(some, wanted(daily.view, self.query), self.query.days)
                ]
                yield sorted(found, key=lambda each: (by_number(each.company_id), each.date))


def wanted(view: ReportView, query: DaysQuery) -> frozenset[str]:
    families = frozenset(measure.family for measure in measures(view))
    return families & frozenset(query.measure) if query.measure else families


def available(views: Mapping[Key, ReportView]) -> Available:
    families = {measure.family for view in views.values() for measure in measures(view)}
    return {"source": sorted({source for source, _ in views}), "measure": sorted(families)}


def _companies(all_daily: Sequence[DailyFigures], query: DaysQuery) -> Sequence[tuple[str, str]]:
    """Returns source and id of the matching companies after the cursor, in order."""
    found = {
        (daily.view.target.source, company_id)
        for daily in all_daily
        for company_id, name in daily.companies.items()
        if not query.company or any(selects(each, company_id, name) for each in query.company)
    }
    ordered = sorted(found, key=_place)
    return [each for each in ordered if _place(each) > _place(query.after)] if query.after else ordered


def _place(company: tuple[str, str]) -> tuple[str, tuple[int, str]]:
    source, company_id = company
    return source, by_number(company_id)
