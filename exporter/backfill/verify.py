"""Compares what a store has with what the platform says, by sums that the store itself adds up per company and month.

It is where figures go instead of a store that takes them: each piece is asked of the platform, and of the store.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import product
from typing import NamedTuple

import httpx
import msgspec

from exporter.backfill.figures import SUFFIX, Piece
from exporter.backfill.openmetrics_file import NOON_SECONDS, noon
from exporter.backfill.store_client import CUT_OFF, cut_off, reached
from exporter.domain.errors import StoreError
from exporter.domain.model import Days
from exporter.exposition.text import escaped
from exporter.metrics.daily import DailyFigure

TOLERANCE = 1e-9
"""Of a sum, as a share: stores add up in another order."""
MOST_SHOWN = 50


class Which(NamedTuple):
    """Whose figures are added up: a family, a company, the days of a month."""

    family: str
    company_id: str
    month: Days


class _Series(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str]


class _Vector(msgspec.Struct):
    result: list[_Series]


class _Answer(msgspec.Struct):
    data: _Vector


@dataclass(slots=True)
class Comparison:
    """A store whose query API is at `url`, reached by `http`; `added` are further labels of every series.

    `compared` counts sums, `differing` those that differ; `lines` say so of the first ones.
    """

    url: str
    http: httpx.AsyncClient
    added: Mapping[str, str]
    compared: int = 0
    differing: int = 0
    lines: list[str] = field(default_factory=list)

    async def begin(self, oldest: date) -> None:
        """Makes sure that the store answers.

        Raises:
            StoreError: it does not.
        """
        await self._sums("vector(0)", noon(oldest))

    async def take(self, piece: Piece, figures: Iterable[DailyFigure]) -> None:
        """Compares the sums of a piece.

        Raises:
            StoreError: the store does not answer.
        """
        ours = await asyncio.to_thread(summed, figures, piece.days)
        for month, family in product(months(piece.days), sorted({each.family for each in ours})):
            theirs = await self._stored(family, piece.source, month)
            here = {each: ours[each] for each in ours if each.family == family and each.month == month}
            self._compare(piece.source, here, theirs)

    async def _stored(self, family: str, source: str, month: Days) -> Mapping[Which, float]:
        """Asks for the sums of a family over some days, by company."""
        matchers = ",".join(f'{name}="{escaped(value)}"' for name, value in {"source": source, **self.added}.items())
        end = noon(month.last) + NOON_SECONDS
        found = await self._sums(f"sum by (company_id) (sum_over_time({family}{{{matchers}}}[{len(month)}d]))", end)
        return {Which(family, company, month): value for company, value in found.items()}

    async def _sums(self, expression: str, at: int) -> Mapping[str, float]:
        address = self.url.rstrip("/") + "/api/v1/query"
        try:
            answer = await self.http.post(address, data={"query": expression, "time": str(at)})
        except CUT_OFF as error:
            raise StoreError(f"{reached(address)}: {cut_off(address, error)}; see --verify") from error
        try:
            result = msgspec.json.decode(answer.content, type=_Answer).data.result
            return {each.metric.get("company_id", ""): float(each.value[1]) for each in result}
        except (msgspec.MsgspecError, ValueError) as error:
            remedy = "--verify takes the URL below which /api/v1/query is, as http://prometheus:9090"
            raise StoreError(f"{reached(address)}: answered {answer.status_code}, and no sums; {remedy}") from error

    def _compare(self, source: str, ours: Mapping[Which, float], theirs: Mapping[Which, float]) -> None:
        for which in sorted({**ours, **theirs}, key=lambda each: (each.month.first, each.company_id)):
            platform, store = ours.get(which, 0.0), theirs.get(which, 0.0)
            self.compared += 1
            if math.isclose(platform, store, rel_tol=TOLERANCE):
                continue
            self.differing += 1
            if len(self.lines) < MOST_SHOWN:
                family, company, days = which
                self.lines.append(
                    f"{source}: {family} of company {company}, {days.first} to {days.last}: "
                    f"the platform has {platform:.10g}, the store {store:.10g}"
                )


def months(days: Days) -> Iterator[Days]:
    """Yields the calendar months that days are in, the first and the last one cut."""
    first = days.first
    while first <= days.last:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield Days(first, min(following - timedelta(days=1), days.last))
        first = following


def summed(figures: Iterable[DailyFigure], days: Days) -> Mapping[Which, float]:
    """Adds up the figures of `days` per family, company and month, over labels of their own."""
    month_of = {day: month for month in months(days) for day in month}
    sums = defaultdict[Which, float](float)
    for each in figures:
        sums[Which(each.measure + SUFFIX, each.company_id, month_of[each.date])] += each.value
    return sums
