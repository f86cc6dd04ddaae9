"""A platform described by a definition file (docs/declared-platforms.md); does not read the file."""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from msgspec import Struct

from exporter.domain import calendars
from exporter.domain.calendars import ONE_DAY
from exporter.domain.errors import SchemaError
from exporter.domain.model import Column, Days, Kind, Measure, Reading, Unread
from exporter.domain.scope import Scope
from exporter.platforms import api, json_outline, json_values
from exporter.platforms.api import NO_DISCOVERIES, Context, Discoveries, Expression, FigureFields, Request, RowFields
from exporter.platforms.further_page import further_page
from exporter.platforms.jmespath_fields import Reader, Search
from exporter.platforms.reading_builder import ALL, ReadingBuilder

MORE = "see docs/declared-platforms.md"
COMPANY = "company"  # the option with the company's name, for sources that are one company
PLACEHOLDER = re.compile(r"\{([a-z0-9_]*)\}")
FORMATS = ("date", "moment", "seconds", "milliseconds")
"""How a day's bound is written: 2026-03-01, 2026-03-01T00:00:00Z, or the time since 1970."""


class Authentication(Struct, frozen=True):
    """Makes headers from the key: `kind` is bearer, basic (for user:password), or the name of a header for the key."""

    kind: str = "bearer"
    fixed: tuple[tuple[str, str], ...] = ()  # headers that are sent with all requests

    def __call__(self, key: str) -> Mapping[str, str]:
        authorization = {"bearer": f"Bearer {key}", "basic": f"Basic {b64encode(key.encode()).decode()}"}.get(self.kind)
        return dict((*self.fixed, ("Authorization", authorization) if authorization else (self.kind, key)))


class Period(Struct, frozen=True):
    """The parameters for the days of a request: `first` and `last`, or the one `day`; none for levels.

    `format` is one of FORMATS. `end` is "exclusive" if `last` is the start of the day after, else "inclusive".
    `at_most` bounds the days of one request.
    """

    first: str | None = None
    last: str | None = None
    day: str | None = None
    format: str = "date"
    end: str = "inclusive"
    at_most: int | None = None

    def params(self, days: Days, zone: ZoneInfo, *, one_more: bool = False) -> Mapping[str, str]:
        """Writes the bounds of `days`, with `one_more` day if the platform turned out to exclude the last one."""
        last, is_inclusive = days.last + ONE_DAY * one_more, self.end == "inclusive"
        is_the_day = is_inclusive and self.format == "date"
        end = self._written(last if is_the_day else last + ONE_DAY, zone, before=is_inclusive)
        first = self._written(days.first, zone)
        return {name: bound for name, bound in ((self.first, first), (self.last, end), (self.day, first)) if name}

    def _written(self, day: date, zone: ZoneInfo, *, before: bool = False) -> str:
        """Writes the date, or the midnight that begins it, or the moment just `before` that."""
        if self.format == "date":
            return day.isoformat()
        start = calendars.start(day, zone)
        if self.format == "seconds":
            return str(int(start.timestamp()) - before)
        if self.format == "milliseconds":
            return str(int(start.timestamp()) * 1000 - before)
        moment = start - timedelta(milliseconds=before)
        return f"{moment:%Y-%m-%dT%H:%M:%S}{'.999' if before else ''}Z"


class Paging(Struct, frozen=True):
    """An answer has the `link` to the next page, or the `cursor` that goes into `parameter` of the next request."""

    link: Expression | None
    cursor: Expression | None
    parameter: str | None

    def next_page(self, root: object, request: Request, search: Search) -> str:
        """Returns the link to the next page, empty if there is none; SchemaError if it is neither text nor a number."""
        where = self.link or self.cursor
        found = None if where is None else search.find(where, root)
        if not found:
            return ""
        if not isinstance(found, str) and not json_values.is_number(found):
            raise SchemaError("paging: the link or cursor of the next page is neither text nor a number")
        return str(found) if self.parameter is None else f"?{urlencode({**request.params, self.parameter: found})}"


@dataclass(frozen=True, slots=True)
class DeclaredReport(api.ReportDefaults):
    """One report: `described` are its measures with the paths of their figures, `place` is where it is defined."""

    name: str
    place: str
    path: str
    params: tuple[tuple[str, str], ...]
    period: Period
    paging: Paging | None
    fields: RowFields
    described: tuple[tuple[Measure, FigureFields], ...]
    account: tuple[str, str] = ("", "")
    day_bytes: int = 300  # a guess: a date, a company and a few short fields

    @property
    def measures(self) -> tuple[Measure, ...]:
        return tuple(measure for measure, _ in self.described)

    @property
    def parts(self) -> Mapping[str, tuple[Column, ...]]:
        return {ALL: tuple(Column(each.family) for each in self.measures if not each.labels)}

    @property
    def asks_by_day(self) -> bool:
        return self.period.at_most == 1

    @property
    def has_days(self) -> bool:
        return self.measures[0].kind is not Kind.LEVEL  # either all or none are levels

    def plan(self, days: Days, scope: Scope, discoveries: Discoveries = NO_DISCOVERIES) -> tuple[Request, ...]:
        own, one_more = dict(self.params), api.END_DATE in discoveries
        return tuple(
            Request(self.name, self.path, {**own, **self.period.params(piece, scope.zone, one_more=one_more)}, piece)
            for piece in days.pieces(self.period.at_most or len(days))
        )

    def decode(self, body: bytes, request: Request, context: Context) -> Reading:
        root = json_values.parse(body)
        reader = self._read(root, request, context)
        measures = {where.place: measure for measure, where in self.described}
        unread: dict[str, Unread] = {}
        for option, (text, found) in reader.samples.items():
            place = next((place for place in measures if option.startswith(place)), "")
            what = "nothing" if found is None else _wrong_type(option, found)
            if not what or option == "company":  # a missing name is noted, and affects no figure
                continue
            if found is not None and _has_figures(reader.rows, measures[place]):
                continue  # of other rows
            problem = (
                f'{context.source}/{self.name}: {option} ("{text}") finds {what}. {json_outline.keys(root)} '
                f"Remedy: correct {self.place}.{option}, {MORE}"
            )
            if not place or len({*unread, place}) == len(measures):
                raise SchemaError(problem)
            if found is not None or measures[place].kind is not Kind.AVERAGE:  # which is absent on days without use
                name = place.split(".")[1]
                unread[place] = Unread(problem, json_outline.outline(root), name, measures[place].family)
        return replace(reader.rows.reading(remedy=self._remedy(reader, context)), unread=tuple(unread.values()))

    def _remedy(self, reader: Reader, context: Context) -> str:
        """Returns what to do if no row could be read."""
        _, written = reader.samples.get("date", ("", None))
        if json_values.moment_in(written, context.zone) and json_values.day_in(written, context.zone) is None:
            return f"days do not begin at midnight in {context.zone.key}: correct the source's timezone"
        return f"compare the answer with {self.place}"

    def explain(self, body: bytes, request: Request, context: Context) -> tuple[str, ...]:
        return self._read(json_values.parse(body), request, context).explanation

    def _read(self, root: object, request: Request, context: Context) -> Reader:
        rows = ReadingBuilder(request.days, context, read_day=partial(json_values.day_in, zone=context.zone))
        reader = Reader(self.fields, self.described, rows, account=self.account, may_be_text=True)
        rows.next_page = self.paging.next_page(root, request, reader.search) if self.paging else ""
        if not rows.next_page:
            rows.next_page = further_page(root, f"correct {self.place}.paging, {MORE}")
        reader.read(root)
        return reader


def _wrong_type(option: str, found: object) -> str:
    """Describes what an expression for items or a value found, if it is no list or number."""
    if option.endswith(".items") and not isinstance(found, list):
        return f"{json_outline.outline(found, 1)}, not a list"
    if option.endswith(".value") and json_values.number(found)[1] == "retyped":
        return f"{json_outline.outline(found, 1)}, not a number"
    return ""


def _has_figures(rows: ReadingBuilder, measure: Measure) -> bool:
    figures = (row for of_day in rows.rows.values() for row in of_day.values())
    return any(column.family == measure.family for row in figures for column in row if isinstance(column, Column))


def equipped(report: api.Report, account: api.Account) -> api.Report:
    """Returns the report of an account, with option values in place of their names in braces."""
    if not isinstance(report, DeclaredReport):
        return report
    values = {name: str(value or "") for name, value in account.options.items()}
    path = PLACEHOLDER.sub(lambda match: quote(values.get(match[1], ""), safe=""), report.path)
    params = tuple((key, PLACEHOLDER.sub(lambda match: values.get(match[1], ""), text)) for key, text in report.params)
    company = json_values.label(values.get(COMPANY) or account.source)
    return replace(report, path=path, params=params, account=(account.source, company))
