"""Figures of past days by the same rules as those of recent days; pure."""

import math
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import NamedTuple

from msgspec.structs import replace

from exporter.domain.model import Column, Days, Measure
from exporter.exposition.text import label_value
from exporter.ledger.ledger import Asked, Block, Ledger, fold
from exporter.ledger.table import Table
from exporter.metrics.daily import DailyFigures, measures
from exporter.metrics.report_view import view
from exporter.metrics.target import Health, ReportState, Target
from exporter.platforms.api import Report
from exporter.polling.answers import Answers

EPOCH = date(1970, 1, 1)
NOON_SECONDS = 43_200


class ReportDays(NamedTuple):
    """Days of one report of one source that are asked and handed on together."""

    source: str
    report: str
    days: Days


class Series(NamedTuple):
    """Samples of one series, oldest first: `seconds` (since 1970) and `values` are parallel.

    Two numbers a sample: a month of tools of 1,000 companies has 250,000 samples in one family.
    """

    family: str
    labels: Mapping[str, str]
    seconds: "array[int]"
    values: "array[float]"


def noon(day: date) -> int:
    """Returns 12:00 UTC of a date, in seconds since 1970."""
    return (day - EPOCH).days * 2 * NOON_SECONDS + NOON_SECONDS


def daily(measure: Measure) -> str:
    """Returns the name of the family with one sample per day."""
    return f"{measure.family}_daily"


def helps(target: Target) -> Mapping[str, str]:
    """Returns the HELP of each family that the reports of a source can fill."""
    return {
        daily(each): f"{each.help} on the day of the sample's 12:00 UTC ({report.name}); written once, when final."
        for report in target.reports
        for each in report.measures
    }


def folded(target: Target, state: ReportState, received: Answers, days: Days, now: datetime) -> ReportState:
    """Returns a report's state after what was `received` about `days`; SchemaError if an answer lacks a known part.

    Nothing is dropped: a company that left counts 0 to the end, so that sums in a store have no gap.
    """
    ledger = state.ledger
    keep_days = (days.last - min(ledger.blocks, default=days.first)).days
    for request, _, reading, _ in received.answers:
        ledger = fold(ledger, reading, Asked(request.days, days.last, now, keep_days), target.companies.wants)
    return ReportState(ledger, Health(target.interval, read_at=now, history=True), discoveries=received.discoveries)


def evidence(ledger: Ledger) -> Ledger:
    """Returns what later days need of the ledger: that a company has rows and figures, not which.

    Of each row and figure only the newest stays, as 0, so zeros keep their evidence in little more than one day.
    """
    rows, noted = defaultdict[str, set[str]](set), defaultdict[tuple[str, Column], set[str]](set)
    blocks: dict[date, Block] = {}
    for day in sorted(ledger.blocks, reverse=True):
        tables: dict[str, Table] = {}
        for part, table in ledger.blocks[day].tables.items():
            newest = {column: set(table.with_figure(column)) - noted[part, column] for column in table.columns}
            here = (set(table.companies) - rows[part]).union(*newest.values())
            rows[part] |= here
            for column, those in newest.items():
                noted[part, column] |= those
            if here:
                companies = tuple(company for company in table.companies if company in here)
                zeros = {
                    column: array("d", [0.0 if company in those else math.nan for company in companies])
                    for column, those in newest.items()
                    if those
                }
                tables[part] = Table(companies, zeros)
        if tables:
            blocks[day] = replace(ledger.blocks[day], tables=tables)
    return replace(ledger, blocks=blocks)


def figures(target: Target, report: Report, state: ReportState, days: Days, now: datetime) -> Iterator[Series]:
    """Yields the figures of these days, one family after the other: all together may not fit into memory.

    Which values limited labels keep is chosen for these days alone, independent of where a run began.
    """
    seen = view(target, report, state, now)
    wanted = (each for each in measures(seen) if not any(fnmatchcase(daily(each), glob) for glob in target.excluded))
    all_daily, noons = DailyFigures(seen), {day: noon(day) for day in days}
    for measure in sorted(wanted, key=lambda measure: daily(measure) + "{"):  # as their lines are sorted
        names = ("source", "company_id", "company", *measure.labels)
        found: dict[tuple[str, ...], Series] = {}
        for piece in all_daily.pieces(measure, days):
            series = found.get(piece.label_values)
            if series is None:
                labels = dict(zip(names, map(label_value, piece.label_values), strict=True))
                series = found[piece.label_values] = Series(daily(measure), labels, array("q"), array("d"))
            series.seconds.extend([noons[day] for day, _ in piece.figures])
            series.values.extend([value for _, value in piece.figures])
        yield from found.values()
