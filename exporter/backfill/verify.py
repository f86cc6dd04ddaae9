"""Compares a store with the platform, piece by piece, by sums per company and month that the store itself computes."""

import asyncio
import math
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby, product

import httpx
import msgspec

from exporter.backfill.figures import NOON_SECONDS, ReportDays, Series, noon
from exporter.backfill.remote_write import RemoteWrite
from exporter.backfill.store_client import CUT_OFF, cut_off, reached
from exporter.domain.errors import StoreError
from exporter.domain.model import Days
from exporter.exposition.text import escaped

SETTLING = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between queries for what was just written, which a store may need a moment to find."""
TOLERANCE = 1e-9  # relative; stores add up in another order
MOST_SHOWN = 50

Sums = defaultdict[tuple[str, Days], defaultdict[str, float]]
"""By family and days of a month, then by company."""


class _Series(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str]


class _Vector(msgspec.Struct):
    result: list[_Series]


class _Answer(msgspec.Struct):
    data: _Vector


class Comparison(msgspec.Struct):
    """A store with its query API at `url`; `compared` and `differing` count sums, `lines` shows the first ones."""

    url: str
    http: httpx.AsyncClient
    added: Mapping[str, str]
    compared: int = 0
    differing: int = 0
    lines: list[str] = []

    async def begin(self, oldest: date) -> None:
        """Raises StoreError if the store does not answer."""
        await self._sums("vector(0)", noon(oldest))

    async def take(self, piece: ReportDays, figures: Iterable[Series]) -> None:
        """Compares the sums of a piece; StoreError if the store does not answer."""
        ours: Sums = defaultdict(lambda: defaultdict(float))
        await asyncio.to_thread(deque, _noting(figures, piece.days, ours), maxlen=0)  # nobody needs the figures
        compared, differing = await self.differences(piece, ours)
        self.compared += compared
        self.differing += len(differing)
        self.lines += differing[: MOST_SHOWN - len(self.lines)]

    async def differences(self, piece: ReportDays, ours: Sums) -> tuple[int, Sequence[str]]:
        """Returns how many sums were compared, and a line for each that differs; StoreError without an answer."""
        compared, lines = 0, list[str]()
        labels = {"source": piece.source, **self.added}
        matchers = ",".join(f'{name}="{escaped(value)}"' for name, value in labels.items())
        for month, family in product(months(piece.days), sorted({family for family, _ in ours})):
            here = ours[family, month]
            sums = f"sum by (company_id) (sum_over_time({family}{{{matchers}}}[{len(month)}d]))"
            theirs = await self._sums(sums, noon(month.last) + NOON_SECONDS)
            for company in sorted(here.keys() | theirs):
                compared += 1
                answered, stored = here.get(company, 0.0), theirs.get(company, 0.0)
                if not math.isclose(answered, stored, rel_tol=TOLERANCE):
                    which = f"{piece.source}: {family} of company {company}, {month.first} to {month.last}"
                    lines.append(f"{which}: the platform has {answered:.10g}, the store {stored:.10g}")
        return compared, lines

    async def _sums(self, expression: str, at: int) -> Mapping[str, float]:
        address = self.url.rstrip("/") + "/api/v1/query"
        try:
            answer = await self.http.post(address, data={"query": expression, "time": str(at), "nocache": "1"})
        except CUT_OFF as error:
            raise StoreError(f"{reached(address)}: {cut_off(address, error)}; see --verify") from error
        try:
            result = msgspec.json.decode(answer.content, type=_Answer).data.result
            return {each.metric.get("company_id", ""): float(each.value[1]) for each in result}
        except (msgspec.MsgspecError, ValueError) as error:
            remedy = "--verify takes the URL without /api/v1/query, such as http://prometheus:9090"
            raise StoreError(f"{reached(address)}: answered {answer.status_code}, but no sums; {remedy}") from error


def months(days: Days) -> Iterator[Days]:
    """Yields the calendar months of these days, the first and the last one cut."""
    first = days.first
    while first <= days.last:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield Days(first, min(following - timedelta(days=1), days.last))
        first = following


def _noting(figures: Iterable[Series], days: Days, sums: Sums) -> Iterator[Series]:
    """Passes figures on and adds them up in `sums`."""
    month_of = {noon(day): month for month in months(days) for day in month}
    for each in figures:
        samples = zip(each.seconds, each.values, strict=True)
        for month, some in groupby(samples, key=lambda sample: month_of[sample[0]]):
            sums[each.family, month][each.labels["company_id"]] += sum(value for _, value in some)
        yield each


class ReadBack(msgspec.Struct, frozen=True):
    """Sends figures by `write`; they count as sent once `comparison` finds their sums."""

    write: RemoteWrite
    comparison: Comparison

    async def begin(self, oldest: date) -> None:
        """Raises StoreError if the store does not answer, or takes no days this old."""
        await self.comparison.begin(oldest)
        await self.write.begin(oldest)

    async def take(self, piece: ReportDays, figures: Iterable[Series]) -> None:
        """Sends a piece and reads its sums back; StoreError if they are refused, missing or different."""
        ours: Sums = defaultdict(lambda: defaultdict(float))
        await self.write.take(piece, _noting(figures, piece.days, ours))
        for seconds in (0.0, *SETTLING):
            if seconds:
                await self.write.clock.sleep(seconds)
            _, lines = await self.comparison.differences(piece, ours)
            if not lines:
                return
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        raise StoreError(
            f"{reached(self.comparison.url)}: does not have what it was sent: {lines[0]}{more}; repeat the command "
            "to send these days again, without --verify if the store keeps its own values"
        )
