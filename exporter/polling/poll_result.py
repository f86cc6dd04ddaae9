"""What a poll makes of the answers of a report: held days, an outcome, its state afterwards; pure."""

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from functools import reduce

from msgspec import Struct
from msgspec.structs import replace

from exporter.domain.calendars import ONE_DAY, day_at
from exporter.domain.errors import NotFoundError, NotJsonError, ReportError, SchemaError
from exporter.domain.model import Days, Reading, by_day
from exporter.domain.selectors import Companies
from exporter.ledger.corrections import corrections
from exporter.ledger.day_status import day_status, days_to_refresh
from exporter.ledger.ledger import ROWS_STAY, Asked, Ledger, fold, without_past
from exporter.metrics.target import ReportState, Target
from exporter.platforms.api import END_DATE, Report
from exporter.polling.answers import Answer, Answers

MOST_ITEMS = 50
"""Items that have a series of their own."""
OTHER = "other"
PIECE_BYTES = 8 * 2**20
"""Approximate size of one answer about the past: decoding this much holds up every thread for 20 ms."""


class PollResult(Struct, frozen=True):
    """What asking a report about some days brought.

    `state` has discoveries, folded answers and counted corrections, whose ratio is `restated_ratio`. `read` joins
    all answers, without rows; if nothing could be read it is None, and there is an `error`. With an error, what was
    read counts all the same. `is_read`: anything was read, and asking did not stop early. `reason` is the first cause
    in one line; `unread` counts days per item, `left_out` everything odd in the answers by kind. `day_bytes` is the
    mean size of a day. Companies that `began` are new ones, by first day; `is_past_changed`: read it again at once.
    """

    state: ReportState
    read: Reading | None = None
    error: ReportError | None = None
    reason: str = ""
    unread: Mapping[str, int] = {}
    failure_counts: Mapping[str, int] = {}
    is_read: bool = False
    left_out: Mapping[str, int] = {}
    restated_ratio: float = 0.0
    day_bytes: float = 0.0
    began: Mapping[str, date] = {}
    is_past_changed: bool = False


def poll_result(target: Target, report: Report, before: ReportState, received: Answers, now: datetime) -> PollResult:
    """Returns what asking brought; ReportError if an answer contradicts what is held."""
    error = _error(target, report, received) if received.failures else None
    result = fold_answers(target, report, before, received.answers, now) if received.answers else PollResult(before)
    read, left_out = result.read, dict[str, int]()
    if read is not None:
        if END_DATE in received.discoveries:
            read = dataclasses.replace(read, violations={**read.violations, "end_exclusive": 1})
        outside = {"outside_range": read.outside_range} if read.outside_range else {}
        left_out = {**{kind: len(paths) for kind, paths in read.drift.items()}, **read.violations, **outside}
    return replace(
        result,
        state=replace(result.state, discoveries=received.discoveries),
        read=read,
        error=error,
        reason=str(error or next((each.error for each in received.failures), "")),
        unread=_unread_items(received) if received.failures else {},
        failure_counts=received.failure_counts,
        is_read=result.is_read and not received.stopped_early,
        left_out=left_out,
    )


def _error(target: Target, report: Report, received: Answers) -> ReportError | None:
    """Returns why a poll with failures failed; None if what limits need of the newest complete day was read."""
    discovery = next((each.error for each in received.failures if each.request.discovery), None)
    if discovery is not None or not received.failed_in_part:
        return discovery or received.failures[0].error
    newest = received.days.last - ONE_DAY
    failed = [each for each in received.failures if newest in each.request.days]
    read = {
        column.family
        for answer in received.answers
        for row in answer.reading.rows
        if row.day == newest
        for column in row.figures
    }
    limited = {activity for entry in target.company_limits.thresholds if entry.limits for activity in entry.activities}
    evaluated = ((m.family, each) for m in report.measures for each in m.activities if each.name in limited)
    missing = {name for family, each in evaluated for name in (family, *(whole for whole, _ in each.share_of))} - read
    if not failed or not missing:
        return None
    return next((each.error for each in failed if each.unread and each.unread.family in missing), failed[0].error)


def _unread_items(received: Answers) -> Mapping[str, int]:
    """Returns how many days per item could not be read; failures of platform, key or a list are those of no item."""
    own = [
        each
        for each in received.failures
        if not each.request.discovery
        and (each.unread or isinstance(each.error, SchemaError | NotJsonError) or received.failed_in_part)
    ]
    missing = {(item, day) for each in own for item in each.items for day in each.request.days}
    counts = Counter(item for item, _ in missing)
    named = dict(sorted(counts.items())[:MOST_ITEMS])
    return {**named, OTHER: rest} if (rest := counts.total() - sum(named.values())) else named


def fold_answers(
    target: Target, report: Report, before: ReportState, answers: Collection[Answer], now: datetime
) -> PollResult:
    """Folds at least one answer of a report, asked for at `now`; ReportError if one contradicts what is held."""
    ledger, folded = before.ledger, _folded(target, report, before.ledger, answers, now)
    asked = {day for answer in answers for day in answer.request.days}
    read = reduce(Reading.joined, (dataclasses.replace(answer.reading, rows=()) for answer in answers))
    blocks = [folded.blocks[day] for day in asked & folded.blocks.keys()]
    if lost := sum(len(table.lost) for block in blocks for table in block.tables.values()):
        read = dataclasses.replace(read, violations={**read.violations, "row_lost": lost})
    status = day_status(ledger, now, now, target.rules)
    if day_at(now, target.rules.zone) in asked and not any(answer.reading.rows for answer in answers):
        _refuse_empty(ledger, asked & status.covered if report.has_days else asked)
    began, known = dict[str, date](), before.listed or ledger.names
    renamed = [each for each, name in read.names.items() if name and known.get(each, name) not in ("", name)]
    if renamed and report.has_days:
        began = _began_anew(before, renamed, asked, answers)
        folded = without_past(folded, began)
    served = status.published & asked & folded.blocks.keys()
    restated = [day for day in served if folded.blocks[day].tables != ledger.blocks[day].tables]
    corrected, ratio = corrections(ledger, folded, restated, report.measures) if restated else (0, 0.0)
    is_merged = bool(corrected and folded.withdrawn - ledger.withdrawn)
    health = replace(
        before.health,
        restatements=before.health.restatements + corrected,
        restated_ratio=max(before.health.restated_ratio, ratio),
    )
    return PollResult(
        replace(before, ledger=folded, health=health, listed={**(before.listed or {}), **read.names}),
        read,
        is_read=True,
        restated_ratio=ratio,
        day_bytes=sum(answer.size for answer in answers) / len(asked),
        began=began,
        is_past_changed=bool(began) or is_merged or not folded.companies_on(restated) <= ledger.names.keys(),
    )


def _folded(target: Target, report: Report, ledger: Ledger, answers: Iterable[Answer], now: datetime) -> Ledger:
    """Returns the ledger with all answers folded in, one after the other."""
    rules, today = target.rules, day_at(now, target.rules.zone)
    keep_days = (today - rules.held_since(now)).days
    for request, _, reading, _ in answers:
        asked = Asked(request.days, today, now, keep_days, rules.zone if report.has_days else None)
        ledger = fold(ledger, reading, asked, target.companies.wants)
    return ledger


def _began_anew(
    before: ReportState, renamed: Iterable[str], asked: Collection[date], answers: Iterable[Answer]
) -> dict[str, date]:
    """Returns which of the companies that this report `renamed` are new ones with a reused id, by their first day.

    Their past is gone: they have rows on some `asked` days, but none on the asked days before, though such rows are
    held.
    """
    ledger, days = before.ledger, {company: set[date]() for company in renamed}
    for (_, day), rows in ((place, rows) for answer in answers for place, rows in by_day(answer.reading.rows).items()):
        for company in days.keys() & set(rows.companies):
            days[company].add(day)
    began: dict[str, date] = {}
    for company, listed in days.items():
        first = min(listed, default=date.max)
        held = {day for day in asked if company in ledger.companies_on((day,))}
        gone = held - listed
        if all(day < first for day in gone) and (gone or (company in ledger.withdrawn and not held)):
            began[company] = first
    return began


def _refuse_empty(ledger: Ledger, days: Iterable[date]) -> None:
    """Refuses an answer without any row if rows of these days are held."""
    if companies := set[str]().union(*map(ledger.companies_listed, days)):
        had = f"though {len(companies)} companies had rows on the same days"
        raise SchemaError(f"the answer has no rows any more, {had}; {ROWS_STAY}")


def after_poll(
    target: Target, report: Report, states: Mapping[str, ReportState], asked: Days, result: PollResult, now: datetime
) -> ReportState:
    """Returns the state of a report after a poll that asked for these days at `now`.

    The past is asked for after the first good poll with a new last day, at a start, for newly wanted companies, and if
    an answer shows that it has changed.
    """
    read, error = result.read, result.error
    health = replace(
        result.state.health,
        last_attempt=now,
        outcome="ok" if error is None else error.outcome,
        reason=result.reason,
        unread=result.unread,
    )
    if read is None:
        lacks = report.name not in target.required and _lacks(states, report, result)
        return replace(result.state, health=replace(health, supported=health.supported and not lacks))
    health = replace(
        health,
        last_success=now if error is None else health.last_success,
        read_at=now,
        supported=True,
        restated_ratio=result.restated_ratio,
        drift={kind: len(paths) for kind, paths in read.drift.items()},
        violations=read.violations,
        fields=tuple(sorted({note.field: note for note in read.fields}.values())),
    )
    state = replace(result.state, health=health)
    if not (report.has_days and result.is_read):
        return state
    last_day = day_status(state.ledger, now, now, target.rules).last_day
    is_planned = not state.widened and (health.history or state.to_refresh)
    if last_day == state.refreshed_for and is_planned and not result.is_past_changed:
        return state
    return _with_refresh_pass(target, report, replace(state, refreshed_for=last_day), asked, result.day_bytes, now)


def _lacks(states: Mapping[str, ReportState], report: Report, result: PollResult) -> bool:
    """Returns whether the platform has no such report, or nothing in it can be read.

    Not if it was ever read, and not if no report can be read: then something else is wrong.
    """
    read = {name for name, state in states.items() if state.health.read_at is not None}
    return isinstance(result.error, NotFoundError | SchemaError) and bool(read) and report.name not in read


def updated_states(
    states: Mapping[str, ReportState], report: str, state: ReportState, began: Mapping[str, date], companies: Companies
) -> Mapping[str, ReportState]:
    """Returns all states, with a new one of one report; what it says about companies holds for all reports.

    A company that began anew loses its past, which is asked for again. A company has its newest name: the last
    one that a report gave for the first time, since reports may disagree permanently.
    """
    states = {name: _without_past(each, began) for name, each in states.items()} if began else states
    before, listed = states[report].listed or {}, state.listed or {}
    if not began and listed == before and state.ledger.names == states[report].ledger.names:
        return {**states, report: state}  # no name changed, as in nearly every poll
    given = {
        company: name
        for company, name in listed.items()
        if name and name != before.get(company) and companies.wants(company, name)
    }
    known = {company: name for each in states.values() for company, name in each.ledger.names.items() if name}
    newest = known | given
    return {name: _with_names(each, newest) for name, each in {**states, report: state}.items()}


def _without_past(state: ReportState, began: Mapping[str, date]) -> ReportState:
    ledger = without_past(state.ledger, began)
    return state if ledger is state.ledger else replace(state, ledger=ledger, refreshed_for=None)


def _with_names(state: ReportState, newest: Mapping[str, str]) -> ReportState:
    names = {company: newest.get(company, name) for company, name in state.ledger.names.items()}
    return state if names == state.ledger.names else replace(state, ledger=replace(state.ledger, names=names))


def longest_piece(report: Report, day_bytes: float) -> int:
    """Returns how many days a request about the past may cover, by the bytes of a day.

    One, where each day is a request of its own: polls go first between pieces.
    """
    return 1 if report.asks_by_day else max(1, int(PIECE_BYTES / max(day_bytes, 1)))


def _with_refresh_pass(
    target: Target, report: Report, state: ReportState, asked: Days, day_bytes: float, now: datetime
) -> ReportState:
    """Plans the refresh pass, which also asks for the first of the poll's `asked` days."""
    days = days_to_refresh(asked, target.rules, target.rules.held_since(now))
    cut = days.pieces(longest_piece(report, day_bytes)) if days else ()
    if not report.asks_by_day:  # a day more, known from another answer, shows where a range really ends
        cut = tuple(Days(each.first, each.last + ONE_DAY) for each in cut)
    health = replace(state.health, history=(state.health.history and not state.widened) or not cut)
    return replace(state, to_refresh=cut, widened=False, health=health)
