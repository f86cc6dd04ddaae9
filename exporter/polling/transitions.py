"""How answers and new settings change the state of a report; pure, every moment is an argument."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from exporter.domain.calendars import ONE_DAY, day_at
from exporter.domain.errors import NotFoundError, ReportError, SchemaError
from exporter.domain.model import Days, FieldNote, Reading, by_day
from exporter.domain.selectors import Companies
from exporter.ledger.corrections import Corrections, corrections
from exporter.ledger.day_status import DayRules, day_status, days_to_refresh
from exporter.ledger.ledger import Asked, Ledger, fold
from exporter.ledger.narrowed import began_anew, narrowed, without_past
from exporter.metrics.report_view import Health
from exporter.platforms.api import Discoveries, Report, Request
from exporter.polling.target import ReportState, Target

NONE_COUNTED: Mapping[str, int] = {}
PIECE_BYTES = 8 * 2**20
"""Approximate size of one answer about the past: decoding this much holds up every thread for 20 ms."""


class Answer(NamedTuple):
    """A request, the body of its answer, what was read from it, and the bytes of further pages."""

    request: Request
    body: bytes
    reading: Reading
    further_bytes: int = 0

    @property
    def size(self) -> int:
        """All bytes of the answer."""
        return len(self.body) + self.further_bytes


@dataclass(frozen=True, slots=True)
class Folded:
    """Good answers folded into a ledger.

    `names` are all listed companies. `drift` counts undocumented fields by kind (unknown, missing, retyped),
    `drifted` has their sorted paths; `violations` counts impossible rows, `left_out` everything odd, `fields`
    describes fields. `corrections` say what changed, `day_bytes` how large a day is. Companies that `began` are
    new ones, by first day; `is_past_open`: the past is to be read again at once.
    """

    ledger: Ledger
    names: Mapping[str, str]
    drift: Mapping[str, int]
    drifted: Mapping[str, tuple[str, ...]]
    violations: Mapping[str, int]
    left_out: Mapping[str, int]
    fields: tuple[FieldNote, ...]
    corrections: Corrections
    day_bytes: float
    began: Mapping[str, date]
    is_past_open: bool


class PollResult(NamedTuple):
    """The result of polling a report: folded answers, discoveries, and why it failed.

    With an error, what was folded counts all the same; without anything folded there is an error. `unread` counts
    days per item, `reason` is the first cause in one line; `strikes` counts failures per subject. `ended`: the
    rest would have failed alike.
    """

    folded: Folded | None
    discoveries: Discoveries
    error: ReportError | None
    unread: Mapping[str, int] = NONE_COUNTED
    reason: str = ""
    strikes: Mapping[str, int] = NONE_COUNTED
    ended: bool = False


def fold_answers(
    target: Target, report: Report, before: ReportState, answers: Collection[Answer], now: datetime
) -> Folded:
    """Folds at least one answer of a report, asked for at `now`; ReportError if one contradicts what is held."""
    today = day_at(now, target.rules.zone)
    zone = target.rules.zone if report.has_days else None
    keep_days = (today - target.rules.held_since(now)).days
    ledger = folded = before.ledger
    size, names = 0, dict[str, str]()
    asked, drifted, fields = set[date](), dict[str, frozenset[str]](), dict[str, FieldNote]()
    violations, outside = Counter[str](), 0
    for answer in answers:
        request, reading = answer.request, answer.reading
        days = Asked(request.days, today, now, keep_days, zone)
        folded = fold(folded, reading, days, target.companies.wants)
        names.update(reading.names)
        drifted.update({kind: paths | drifted.get(kind, frozenset()) for kind, paths in reading.drift.items()})
        violations.update(reading.violations)
        fields.update({note.field: note for note in reading.fields})
        asked.update(request.days)
        outside, size = outside + reading.outside_range, size + answer.size
    if lost := folded.lost_rows(asked):
        violations["row_lost"] = lost
    status = day_status(ledger, now, now, target.rules)
    if today in asked and not any(answer.reading.rows for answer in answers):
        _refuse_nobody(ledger, asked & status.covered if report.has_days else asked)
    began = _began_anew(before, names, asked, answers) if report.has_days else {}
    folded = without_past(folded, began)
    drift = {kind: len(paths) for kind, paths in drifted.items()}
    served = status.published & asked & folded.blocks.keys()
    restated = [day for day in served if folded.blocks[day].tables != ledger.blocks[day].tables]
    changed = corrections(ledger, folded, restated, report.measures) if restated else Corrections()
    is_merged = bool(changed.count and folded.withdrawn - ledger.withdrawn)
    return Folded(
        ledger=folded,
        names=names,
        drift=drift,
        drifted={kind: tuple(sorted(paths)) for kind, paths in drifted.items()},
        violations=violations,
        left_out={**drift, **violations, **({"outside_range": outside} if outside else {})},
        fields=tuple(sorted(fields.values())),
        corrections=changed,
        day_bytes=size / len(asked),
        began=began,
        is_past_open=bool(began) or is_merged or not folded.companies_on(restated) <= ledger.names.keys(),
    )


def _began_anew(
    before: ReportState, names: Mapping[str, str], asked: Collection[date], answers: Iterable[Answer]
) -> Mapping[str, date]:
    """Returns the companies that are new ones under a known id, judged by this report's own names."""
    given = before.listed or before.ledger.names
    renamed = {each: set[date]() for each, name in names.items() if name and given.get(each, name) not in ("", name)}
    if not renamed:
        return {}
    for (_, day), rows in ((place, rows) for answer in answers for place, rows in by_day(answer.reading.rows).items()):
        for company in renamed.keys() & set(rows.companies):
            renamed[company].add(day)
    return began_anew(before.ledger, asked, renamed)


def _refuse_nobody(ledger: Ledger, days: Iterable[date]) -> None:
    """Refuses an answer without any row if rows of these days are held."""
    if companies := set[str]().union(*map(ledger.companies_listed, days)):
        raise SchemaError(
            f"the answer has no rows any more, though {len(companies)} companies had rows on the same days;"
            " the figures stay. If the account was emptied for good, delete the state_file, if one is set, and restart"
            " the exporter"
        )


def after_poll(health: Health, result: PollResult, now: datetime) -> Health:
    """Returns the health of a report after a poll; `supported` is decided elsewhere."""
    folded, error = result.folded, result.error
    health = replace(
        health,
        last_attempt=now,
        outcome="ok" if error is None else error.outcome,
        reason=result.reason,
        unread=result.unread,
    )
    if error is None:
        health = replace(health, last_success=now, supported=True)
    if folded is None:
        return health
    return replace(
        health,
        last_partial=health.last_partial if error is None else now,
        supported=True,
        restated_ratio=0.0,
        drift=folded.drift,
        violations=folded.violations,
        fields=folded.fields,
    )


def lacks(states: Mapping[str, ReportState], report: Report, result: PollResult) -> bool:
    """Returns whether the platform has no such report, or nothing in it can be read.

    Not if it was ever read, and not if no report can be read: then something else is wrong.
    """
    read = {name for name, state in states.items() if state.health.read_at is not None}
    unreadable = result.folded is None and isinstance(result.error, NotFoundError | SchemaError)
    return unreadable and bool(read) and report.name not in read


def with_result(state: ReportState, result: PollResult) -> ReportState:
    """Returns the state with discoveries, folded answers and counted corrections."""
    folded = result.folded
    if folded is None:
        return replace(state, discoveries=result.discoveries)
    health = replace(
        state.health,
        restatements=state.health.restatements + folded.corrections.count,
        restated_ratio=max(state.health.restated_ratio, folded.corrections.ratio),
    )
    listed = {**(state.listed or {}), **folded.names}
    return replace(state, ledger=folded.ledger, health=health, listed=listed, discoveries=result.discoveries)


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


def with_refresh_pass(
    state: ReportState, report: Report, asked: Days, folded: Folded, now: datetime, rules: DayRules
) -> ReportState:
    """Plans the refresh pass after the first good poll with a new last day, at a start, or for newly wanted companies.

    Or if an answer says that the past has changed. The pass also asks for the first of the poll's `asked` days.
    """
    last_day = day_status(state.ledger, now, now, rules).last_day
    complete = state.health.history and not state.widened
    is_done = complete or (state.to_refresh and not state.widened)
    if last_day == state.refreshed_for and is_done and not folded.is_past_open:
        return state
    days = days_to_refresh(asked, rules, rules.held_since(now))
    cut = days.pieces(longest_piece(report, folded.day_bytes)) if days else ()
    if not report.asks_by_day:  # a day more, known from another answer, shows where a range really ends
        cut = tuple(Days(each.first, each.last + ONE_DAY) for each in cut)
    health = replace(state.health, history=complete or not cut)
    return replace(state, to_refresh=cut, refreshed_for=last_day, widened=False, health=health)


def taken_over(states: Mapping[str, ReportState], old: Target, new: Target) -> Mapping[str, ReportState]:
    """Returns what new settings keep of the same platform's reports, by name.

    Companies that are no longer wanted leave at once. The past of newly wanted ones, or of more held days, is
    asked for.
    """
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
    return max(now, min(_due(state, now) for state in states))


def expires_at(states: Iterable[ReportState], now: datetime, max_staleness: timedelta) -> datetime | None:
    """Returns when figures of some report next become stale."""
    moments = (state.health.read_at for state in states)
    ends = (moment + max_staleness for moment in moments if moment is not None)
    return min((end for end in ends if end >= now), default=None)


def _due(state: ReportState, now: datetime) -> datetime:
    if state.to_refresh or state.widened or state.health.last_attempt is None:
        return now
    return state.health.last_attempt + state.health.interval
