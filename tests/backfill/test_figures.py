"""Old days come to the same figures whatever is held of the days before them: all of it, or only that something was."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.backfill.figures import Series, evidence, figures, folded
from exporter.domain.model import Column, Days, Reading, Row
from exporter.ledger.ledger import Ledger
from exporter.metrics.label_limits import OTHER, LabelLimits
from exporter.metrics.target import Health, ReportState
from exporter.platforms.api import NO_DISCOVERIES, Report, Request
from exporter.platforms.paradigm import platform as paradigm
from exporter.polling.answers import Answer, Answers
from tests.backfill.backfill_run import NOON
from tests.pipeline.pipeline import target_with

FIRST = date(2026, 3, 2)
REPORTS = paradigm.PLATFORM.reports
COLUMNS: Mapping[str, Mapping[str, Sequence[Column]]] = {
    "chat-sessions": REPORTS["chat-sessions"].parts,
    "tools": {"all": [Column("paradigm_tool_uses", (tool,)) for tool in ("web", "code", "mail")]},
}
Outline = Callable[[Ledger], Ledger]
Rows = Mapping[tuple[str, int, str], Mapping[Column, float]]
"""Figures by part, day (counted from the first one) and company."""
TARGET = target_with(reports=(REPORTS["chat-sessions"], REPORTS["tools"]))


def whole(ledger: Ledger) -> Ledger:
    """Holds everything."""
    return ledger


def handed_on(
    report: Report, rows: Rows, lengths: Sequence[int], outline: Outline, limits: LabelLimits | None = None
) -> list[list[Series]]:
    """Returns the figures of each piece; pieces follow each other and have so many days."""
    target = replace(TARGET, limits=limits or TARGET.limits)
    state, found, day = ReportState(Ledger(), Health(target.interval)), list[list[Series]](), FIRST
    for length in lengths:
        days = Days(day, day + timedelta(days=length - 1))
        state = folded(target, state, answer(report, rows, days), days, NOON)
        found.append(list(figures(target, report, state, days, NOON)))
        state, day = replace(state, ledger=outline(state.ledger)), days.last + timedelta(days=1)
    return found


def answer(report: Report, rows: Rows, days: Days) -> Answers:
    mine = [
        Row(part, FIRST + timedelta(days=day), company, told)
        for (part, day, company), told in rows.items()
        if FIRST + timedelta(days=day) in days
    ]
    names = {row.company_id: f"Company {row.company_id}" for row in mine}
    reading = Reading(names, frozenset(report.parts), tuple(mine))
    return Answers(days, NO_DISCOVERIES, [Answer(Request(report.name, "/", {}, days), b"", reading, 0)])


@st.composite
def histories(draw: st.DrawFn) -> tuple[Report, Rows]:
    """Draws a report and who of three companies had which figures on which of twenty days."""
    name = draw(st.sampled_from(sorted(COLUMNS)))
    rows: dict[tuple[str, int, str], Mapping[Column, float]] = {}
    for part, columns in COLUMNS[name].items():
        told = st.dictionaries(st.sampled_from(list(columns)), st.integers(0, 99).map(float), max_size=3)
        places = st.tuples(st.integers(0, 19), st.sampled_from(["1", "2", "30"]))
        rows |= {(part, *place): each for place, each in draw(st.dictionaries(places, told, max_size=12)).items()}
    return REPORTS[name], rows


@given(histories(), st.lists(st.integers(1, 9), min_size=2, max_size=4))
def test_an_outline_of_the_days_before_changes_no_figure(history: tuple[Report, Rows], lengths: list[int]) -> None:
    """Who has been there, and since when a figure counts 0, is all that later days ask of them."""
    report, rows = history
    assert handed_on(report, rows, lengths, evidence) == handed_on(report, rows, lengths, whole)


@given(histories(), st.integers(1, 20))
def test_an_outline_has_each_row_and_figure_once(history: tuple[Report, Rows], length: int) -> None:
    report, rows = history
    days = Days(FIRST, FIRST + timedelta(days=length - 1))
    state = folded(TARGET, ReportState(Ledger(), Health(TARGET.interval)), answer(report, rows, days), days, NOON)
    ledger = evidence(state.ledger)

    assert ledger.names == state.ledger.names
    assert ledger.blocks.keys() <= state.ledger.blocks.keys()
    assert all(block.tables for block in ledger.blocks.values())
    told = [
        (part, column, company)
        for block in ledger.blocks.values()
        for part, table in block.tables.items()
        for column in table.columns
        for company in table.with_figure(column)
    ]
    within = {key: figures for key, figures in rows.items() if key[1] < length}
    assert sorted(told) == sorted({(part, column, who) for (part, _, who), row in within.items() for column in row})
    tables = [item for block in ledger.blocks.values() for item in block.tables.items()]
    here = {(part, company) for part, table in tables for company in table.companies}
    assert here == {(part, who) for part, _, who in within}


def test_what_an_open_label_keeps_is_what_the_piece_uses_most() -> None:
    """However much another value was used before: which values are kept hangs on no piece but this."""
    web, mail = (Column("paradigm_tool_uses", (tool,)) for tool in ("web", "mail"))
    rows: Rows = {("all", 0, "1"): {web: 100.0, mail: 1.0}, ("all", 1, "1"): {web: 1.0, mail: 2.0}}
    limits = LabelLimits({**LabelLimits().values, "tools": 1})
    first, second = handed_on(REPORTS["tools"], rows, [1, 1], evidence, limits)
    assert {each.labels["tool"]: list(each.values) for each in first} == {"web": [100.0], OTHER: [1.0]}
    assert {each.labels["tool"]: list(each.values) for each in second} == {"mail": [2.0], OTHER: [1.0]}


def test_families_come_one_after_the_other_in_the_order_of_their_lines() -> None:
    """So that nobody has to hold more than one of them."""
    report = REPORTS["chat-sessions"]
    rows: Rows = {("chat", 0, "1"): dict.fromkeys(COLUMNS["chat-sessions"]["chat"], 1.0)}
    [found] = handed_on(report, rows, [2], whole)
    families = [family for family, _ in groupby(each.family for each in found)]
    assert len(families) == 6
    assert families == sorted(families)
