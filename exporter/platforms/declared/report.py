"""A report described by a definition file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import quote

from exporter.domain.errors import SchemaError
from exporter.domain.model import Column, Days, Kind, Measure, Reading, Unread
from exporter.domain.scope import Scope
from exporter.platforms import json_outline, json_values, moments
from exporter.platforms.api import (
    END_DATE,
    NO_DISCOVERIES,
    Account,
    Context,
    Discoveries,
    FigureFields,
    ReportDefaults,
    Request,
    RowFields,
)
from exporter.platforms.declared.period import Period
from exporter.platforms.further_page import Paging, further_page
from exporter.platforms.jmespath_fields import Reader
from exporter.platforms.reading_builder import ReadingBuilder

ALL = "all"
COMPANY = "company"
"""The option with the company's name, for sources that are one company."""
PLACEHOLDER = re.compile(r"\{([a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class DeclaredReport(ReportDefaults):
    """One report: `described` are its measures with the paths of their figures; without a `period` these are levels.

    `place` is where it is in the definition, for messages.
    """

    name: str
    place: str
    path: str
    params: tuple[tuple[str, str], ...]
    period: Period | None
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
        return self.period is not None and self.period.at_most == 1

    @property
    def has_days(self) -> bool:
        return self.period is not None

    def equipped(self, account: Account) -> "DeclaredReport":
        """Returns the report of an account, with option values in place of their names in braces."""
        values = {name: str(value or "") for name, value in account.options.items()}
        path = PLACEHOLDER.sub(lambda match: quote(values.get(match[1], ""), safe=""), self.path)
        params = tuple(
            (key, PLACEHOLDER.sub(lambda match: values.get(match[1], ""), text)) for key, text in self.params
        )
        company = json_values.label(values.get(COMPANY) or account.source)
        return replace(self, path=path, params=params, account=(account.source, company))

    def plan(self, days: Days, scope: Scope, discoveries: Discoveries = NO_DISCOVERIES) -> tuple[Request, ...]:
        if self.period is None:
            return (Request(self.name, self.path, dict(self.params), days),)
        further = END_DATE in discoveries
        return tuple(
            Request(
                self.name,
                self.path,
                {**dict(self.params), **self.period.params(piece, scope.zone, one_more=further)},
                piece,
            )
            for piece in self.period.pieces(days)
        )

    def decode(self, body: bytes, request: Request, context: Context) -> Reading:
        root = json_values.parse(body)
        reader = self._read(root, request, context)
        measures = {where.place: measure for measure, where in self.described}
        unread: dict[str, Unread] = {}
        for option, (text, found) in reader.samples.items():
            if found is not None or option == "company":  # a missing name is noted, and affects no figure
                continue
            place = next((place for place in measures if option.startswith(place)), "")
            what = f'{context.source}/{self.name}: {option} ("{text}") finds nothing'
            remedy = f"{json_outline.keys(root)} Remedy: correct {self.place}.{option}, see docs/declared-platforms.md"
            if not place or len(unread) + 1 == len(measures):
                raise SchemaError(f"{what}. {remedy}")
            if measures[place].kind is not Kind.AVERAGE:  # which is absent on days without use
                name = place.split(".")[1]
                unread[place] = Unread(f"{what}. {remedy}", json_outline.outline(root), name, measures[place].family)
        reading = reader.rows.reading(frozenset({ALL}), (), f"compare the answer with {self.place}")
        return replace(reading, unread=tuple(unread.values()))

    def explain(self, body: bytes, request: Request, context: Context) -> tuple[str, ...]:
        return self._read(json_values.parse(body), request, context).explanation

    def _read(self, root: object, request: Request, context: Context) -> Reader:
        rows = ReadingBuilder(request.days, context, read_day=partial(moments.day, zone=context.zone))
        figures = {measure.family: where for measure, where in self.described}
        averages = [measure.family for measure in self.measures if measure.kind is Kind.AVERAGE]
        reader = Reader(self.fields, figures, ALL, rows, account=self.account, may_be_text=True, averages=averages)
        rows.next_page = self.paging.next_page(root, request, reader.search) if self.paging else further_page(root)
        reader.read(root)
        return reader
