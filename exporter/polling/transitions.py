"""What a good answer, or other settings, make of what is remembered of a report; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from exporter.domain.errors import ReportError
from exporter.domain.model import Days
from exporter.ledger.day_status import DayRules, day_status, history_to_ask, pieces
from exporter.ledger.ledger import narrowed
from exporter.metrics.health import Health
from exporter.platforms.api import Discoveries, Report
from exporter.polling.fold import Folded
from exporter.polling.report_state import ReportState
from exporter.polling.target import Target

PIECE_BYTES = 8 * 2**20
"""About as large as one answer about the past may be: decoding holds every thread up, 20 ms for so much."""


class PollResult(NamedTuple):
    """What came of the questions about a report: what was read, what is known now, what went wrong first.

    With an error what was read besides counts all the same; nothing is read only with an error.
    """

    read: Folded | None
    discoveries: Discoveries
    error: ReportError | None


def mark_ok(health: Health, came: Folded, now: datetime) -> Health:
    """Returns the health of a report whose poll was good."""
    return replace(
        health,
        outcome="ok",
        last_success=now,
        supported=True,
        restated_ratio=0.0,
        drift=came.drift,
        violations=came.violations,
        fields=came.fields,
    )


def with_answers(state: ReportState, came: PollResult) -> ReportState:
    """Returns the state with what was learned and read."""
    state = replace(state, discoveries=came.discoveries)
    return state if came.read is None else with_read(state, came.read)


def with_read(state: ReportState, came: Folded) -> ReportState:
    """Returns the state with a new ledger, corrections counted."""
    health = replace(
        state.health,
        restatements=state.health.restatements + came.corrections.count,
        restated_ratio=max(state.health.restated_ratio, came.corrections.ratio),
    )
    return replace(state, ledger=came.ledger, health=health, listed={**(state.listed or {}), **came.names})


def longest_piece(report: Report, day_bytes: float) -> int:
    """Returns how many days a question about the past may have, if a day of an answer has so many bytes.

    One, where each day is a question of its own: between two pieces polls go first.
    """
    return 1 if report.asks_by_day else max(1, int(PIECE_BYTES / max(day_bytes, 1)))


def with_past(state: ReportState, asked: Days, longest: int, now: datetime, rules: DayRules) -> ReportState:
    """Plans the pass over the past, if a good poll is the first one after a flip, the start or a wider selection.

    Its pieces have at most `longest` days.
    """
    last_day = day_status(state.ledger, now, now, rules).last_day
    known = state.health.history and not state.widened
    if last_day == state.flipped and (known or (state.past and not state.widened)):
        return state
    past = history_to_ask(asked, rules)
    cut = pieces(past, longest) if past else ()
    health = replace(state.health, history=known or not cut)
    return replace(state, past=cut, flipped=last_day, widened=False, health=health)


def taken_over(states: Mapping[str, ReportState], old: Target, new: Target) -> Mapping[str, ReportState]:
    """Returns what other settings keep of the same platform's reports, by name; a report that is new is not in it.

    Companies that are not wanted any more leave at once. The past of those that may be wanted now is to be asked for,
    as it is when more days are to be held.
    """
    return {
        report.name: with_new_settings(states[report.name], old, new) for report in new.reports if report.name in states
    }


def with_new_settings(state: ReportState, old: Target, new: Target) -> ReportState:
    health = replace(state.health, interval=new.interval)
    kept = replace(state, ledger=narrowed(state.ledger, new.companies.wants), health=health)
    widened = not new.companies.within(old.companies)
    if widened or new.rules.keep_days > old.rules.keep_days:
        return replace(kept, past=(), flipped=None, widened=state.widened or widened)
    return kept


def due_at(states: Iterable[ReportState], now: datetime) -> datetime:
    """Returns when the next poll is due: at once if some report, some of its past or some company was not asked yet."""
    return max(now, min(_due(state, now) for state in states))


def _due(state: ReportState, now: datetime) -> datetime:
    if state.past or state.widened or state.health.last_attempt is None:
        return now
    return state.health.last_attempt + state.health.interval
