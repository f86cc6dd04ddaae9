"""How answers and new settings change the state of a report; pure, every moment is an argument."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from msgspec.structs import replace

from exporter.domain.calendars import ONE_DAY
from exporter.domain.errors import NotFoundError, SchemaError
from exporter.domain.model import Days
from exporter.domain.selectors import Companies
from exporter.ledger.day_status import day_status, days_to_refresh
from exporter.ledger.ledger import narrowed, without_past
from exporter.metrics.target import Target
from exporter.platforms.api import Report
from exporter.polling.poll_result import PollResult
from exporter.polling.report_state import ReportState

PIECE_BYTES = 8 * 2**20
"""Approximate size of one answer about the past: decoding this much holds up every thread for 20 ms."""


def after_poll(
    target: Target, report: Report, states: Mapping[str, ReportState], asked: Days, result: PollResult, now: datetime
) -> ReportState:
    """Returns the state of a report after a poll that asked for these days at `now`."""
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
    has_past = report.has_days and result.is_read
    return _with_refresh_pass(target, report, state, asked, result, now) if has_past else state


def _lacks(states: Mapping[str, ReportState], report: Report, result: PollResult) -> bool:
    """Returns whether the platform has no such report, or nothing in it can be read.

    Not if it was ever read, and not if no report can be read: then something else is wrong.
    """
    read = {name for name, state in states.items() if state.health.read_at is not None}
    return isinstance(result.error, NotFoundError | SchemaError) and bool(read) and report.name not in read


def taken_up(
    states: Mapping[str, ReportState], report: str, state: ReportState, began: Mapping[str, date], companies: Companies
) -> Mapping[str, ReportState]:
    """Returns all states after an answer of one report; what it says about companies holds for all reports.

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
    target: Target, report: Report, state: ReportState, asked: Days, result: PollResult, now: datetime
) -> ReportState:
    """Plans the refresh pass after the first good poll with a new last day, at a start, or for newly wanted companies.

    Also if an answer shows that the past has changed. The pass also asks for the first of the poll's `asked` days.
    """
    last_day = day_status(state.ledger, now, now, target.rules).last_day
    complete = state.health.history and not state.widened
    is_done = complete or (state.to_refresh and not state.widened)
    if last_day == state.refreshed_for and is_done and not result.is_past_open:
        return state
    days = days_to_refresh(asked, target.rules, target.rules.held_since(now))
    cut = days.pieces(longest_piece(report, result.day_bytes)) if days else ()
    if not report.asks_by_day:  # a day more, known from another answer, shows where a range really ends
        cut = tuple(Days(each.first, each.last + ONE_DAY) for each in cut)
    health = replace(state.health, history=complete or not cut)
    return replace(state, to_refresh=cut, refreshed_for=last_day, widened=False, health=health)


def taken_over(states: Mapping[str, ReportState], old: Target, new: Target) -> Mapping[str, ReportState]:
    """Returns what new settings, or those of a start, keep of the same platform's reports, by name."""
    kept: dict[str, ReportState] = {}
    widened = not new.companies.within(old.companies)
    for name, state in ((report.name, states[report.name]) for report in new.reports if report.name in states):
        health = replace(state.health, interval=new.interval)
        kept[name] = replace(state, ledger=narrowed(state.ledger, new.companies.wants), health=health)
        if widened or new.rules.keep_days > old.rules.keep_days:
            kept[name] = replace(kept[name], to_refresh=(), refreshed_for=None, widened=state.widened or widened)
    return kept


def due_at(states: Iterable[ReportState], now: datetime) -> datetime:
    """Returns when the next poll is due: at once if a report, past days or a company were never asked for."""
    due = []
    for state in states:
        if state.to_refresh or state.widened or state.health.last_attempt is None:
            return now
        due.append(state.health.last_attempt + state.health.interval)
    return max(now, min(due))
