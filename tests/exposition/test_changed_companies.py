"""Lines updated for the companies that changed equal lines that are made anew."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import partial
from random import Random

import pytest
from msgspec.structs import replace

from exporter.domain.calendars import Calendar
from exporter.domain.model import Column, Days, Reading, Row, Sample
from exporter.exposition.board import Board, RenderedSource
from exporter.exposition.text import Format
from exporter.ledger.ledger import Asked, Ledger, fold
from exporter.metrics.limits import CompanyLimits, built_in
from exporter.metrics.report_health import deferred_families
from exporter.metrics.report_view import DeferredFamily, ReportView, view
from exporter.metrics.target import Health, ReportState
from exporter.platforms.api import Report
from exporter.platforms.paradigm.platform import REPORTS
from tests.pipeline.pipeline import RULES, target_with, utc

NOON = utc(2026, 3, 4, 12)  # a Wednesday
TODAY = NOON.date()
HELD = Days(TODAY - timedelta(days=60), TODAY)
NAMES = {str(number): f"Company {number}" for number in range(1, 9)} | {'x",\\"company_id="1': 'o"dd\n'}
TOOLS = ("web", "python", 'company_id="1"')


def columns_of(report: Report, part: str) -> tuple[Column, ...]:
    return report.parts[part] or tuple(Column("paradigm_tool_uses", (tool,)) for tool in TOOLS)


def row(report: Report, part: str, day: date, company: str, chance: Random, listed: float = 0.95) -> Row:
    start = utc(day.year, day.month, day.day).timestamp()
    figures = {
        column: start + chance.randrange(9) if "timestamp" in column.family else float(chance.randrange(400)) / 4
        for column in columns_of(report, part)
        if chance.random() < listed
    }
    return Row(part, day, company, figures)


def folded(report: Report, ledger: Ledger, rows: Iterable[Row]) -> Ledger:
    reading = Reading(NAMES, frozenset(report.parts), tuple(rows))
    return fold(ledger, reading, Asked(HELD, TODAY, NOON, len(HELD)), lambda _id, _name: True)


def seen(report: Report, ledger: Ledger, kept: ReportView | None = None) -> ReportView:
    reports = tuple(REPORTS.values())
    target = target_with(replace(RULES, calendar=Calendar(), keep_days=60), reports=reports)
    entry = built_in([measure for each in reports for measure in each.measures])
    target = replace(target, min_group=3, company_limits=CompanyLimits((entry,)))
    health = Health(timedelta(hours=1), NOON, NOON, 1.0, "ok", history=True, read_at=NOON)
    return view(target, report, ReportState(ledger, health, kept=kept.kept if kept else {}), NOON)


def rendered(view: ReportView, made: list[str] | None = None) -> RenderedSource:
    """Renders a report; names of families that are made for all companies go into `made`."""

    def noted(family: DeferredFamily) -> Iterable[Sample]:
        if made is not None:
            made.append(family.family.name)
        return family.make()

    families = [replace(each, make=partial(noted, each)) for each in deferred_families(view)]
    return RenderedSource({view.report.name: families}, {view.report.name: view})


def plain(board: Board) -> Mapping[Format, bytes]:
    return {format_: body.plain for format_, body in board.shown.exposition.items()}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", REPORTS)
def test_updated_lines_equal_new_ones(name: str, seed: int) -> None:
    """Of odd ids, rows that appear, figures that a row lacks; on today, on past days, on both."""
    chance, report = Random(seed), REPORTS[name]
    days = tuple(HELD) if report.has_days else (TODAY,)
    rows = {
        (part, day, company): row(report, part, day, company, chance)
        for part in report.parts
        for day in days
        for company in NAMES
        if chance.random() < 0.9 or day == days[0]
    }
    board, before = Board(), seen(report, folded(report, Ledger(), rows.values()))
    board.put("s", rendered(before))

    for changed in (days[-1:], days[-9:-2], days[-40:]):
        companies = chance.sample(sorted(NAMES), 2)
        for place in ((part, day, each) for part in report.parts for day in changed for each in companies):
            rows[place] = row(report, *place, chance)
        before = seen(report, folded(report, before.ledger, rows.values()), before)
        board.put("s", rendered(before))
        fresh = Board()
        fresh.put("s", rendered(before))
        assert plain(board) == plain(fresh)


@pytest.mark.parametrize("name", REPORTS)
def test_figures_of_few_companies_make_no_family_of_usage_anew(name: str) -> None:
    chance, report, made = Random(0), REPORTS[name], list[str]()
    days = tuple(HELD) if report.has_days else (TODAY,)
    places = [(part, day, company) for part in report.parts for day in days for company in NAMES]
    rows = {place: row(report, *place, chance, 1.0) for place in places}
    board, before = Board(), seen(report, folded(report, Ledger(), rows.values()))
    board.put("s", rendered(before, made))
    assert [each for each in made if each.startswith("paradigm_")]

    made.clear()
    for place in (place for place in places if place[1] in days[-2:] and place[2] == "3"):
        rows[place] = row(report, *place, chance, 1.0)
    board.put("s", rendered(seen(report, folded(report, before.ledger, rows.values()), before), made))
    assert not [each for each in made if each.startswith("paradigm_")]
