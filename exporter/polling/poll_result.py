"""The results of asking a report, and what a poll makes of them: held days, an outcome, unread items; pure."""

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from functools import reduce
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from exporter.domain.calendars import ONE_DAY, day_at
from exporter.domain.errors import NotJsonError, ReportError, SchemaError
from exporter.domain.model import Days, Reading, Unread, by_day
from exporter.ledger.corrections import corrections
from exporter.ledger.day_status import day_status
from exporter.ledger.ledger import ROWS_STAY, Asked, Ledger, fold, without_past
from exporter.metrics.target import Target
from exporter.platforms.api import END_DATE, NO_DISCOVERIES, Discoveries, Report, Request
from exporter.polling.report_state import ReportState

IN_A_ROW = 2
"""Failures in a row that count as evidence; errors other than `ALIKE` need one more."""
MOST_ITEMS = 50
"""Items that have a series of their own."""
OTHER = "other"


class Known(NamedTuple):
    """What is known of a report before it is asked: its `discoveries`, whether it was read before, failing subjects.

    Subjects in `given_up` are not asked about. Of the days `listed` some answer had rows.
    """

    discoveries: Discoveries = NO_DISCOVERIES
    was_read: bool = False
    given_up: frozenset[str] = frozenset()
    listed: frozenset[date] = frozenset()


class Answer(NamedTuple):
    """A request, the body of its answer, what was read from it, and its size in bytes with further pages."""

    request: Request
    body: bytes
    reading: Reading
    size: int


class Failure(NamedTuple):
    """What could not be read: all that a request asked for, or the `unread` items of it."""

    request: Request
    error: ReportError
    unread: Unread | None = None

    @property
    def items(self) -> tuple[str, ...]:
        """What is missing: a subject (a channel), else items (components), else the report."""
        if self.request.subject:
            return (self.request.subject,)
        return (self.unread.name,) if self.unread else self.request.items or (self.request.report,)


class Answers(Struct):
    """All answers of a report about some days, and all failures; each answer counts by itself.

    `discoveries` are known and new ones, `strikes` counts failures per subject. `ended`: asking stopped because
    the rest would have failed alike.
    """

    days: Days
    discoveries: Discoveries
    answers: list[Answer] = []
    failures: list[Failure] = []
    strikes: Counter[str] = field(default_factory=Counter)
    ended: bool = False

    @property
    def failed_in_part(self) -> bool:
        """Whether failures concern their items alone: figures were read, and asking did not end."""
        return not self.ended and any(row.figures for answer in self.answers for row in answer.reading.rows)


def given_up(strikes: Mapping[str, int]) -> frozenset[str]:
    """Returns the subjects that failed too often to be asked about again."""
    return frozenset(subject for subject, count in strikes.items() if count >= IN_A_ROW)


class PollResult(Struct, frozen=True):
    """What asking a report about some days brought.

    `state` has discoveries, folded answers and counted corrections, whose ratio is `restated_ratio`. `read` joins
    all answers, without rows; if nothing could be read it is None, and there is an `error`. With an error, what was
    read counts all the same. `reason` is the first cause in one line; `unread` counts days per item. `day_bytes` is the
    mean size of a day. Companies that `began` are new ones, by first day; `is_past_open`: read the past again at once.
    """

    state: ReportState
    read: Reading | None = None
    error: ReportError | None = None
    reason: str = ""
    unread: Mapping[str, int] = {}
    strikes: Mapping[str, int] = {}
    ended: bool = False
    restated_ratio: float = 0.0
    day_bytes: float = 0.0
    began: Mapping[str, date] = {}
    is_past_open: bool = False

    @property
    def is_read(self) -> bool:
        """Whether anything was read, and asking did not end."""
        return self.read is not None and not self.ended

    @property
    def left_out(self) -> Mapping[str, int]:
        """Everything odd in the answers, by kind."""
        if self.read is None:
            return {}
        drift = {kind: len(paths) for kind, paths in self.read.drift.items()}
        outside = {"outside_range": self.read.outside_range} if self.read.outside_range else {}
        return {**drift, **self.read.violations, **outside}


def poll_result(target: Target, report: Report, before: ReportState, asked: Answers, now: datetime) -> PollResult:
    """Returns what asking brought; ReportError if an answer contradicts what is held."""
    error = _error(target, report, asked) if asked.failures else None
    result = fold_answers(target, report, before, asked.answers, now) if asked.answers else PollResult(before)
    read = result.read
    if read is not None and END_DATE in asked.discoveries:
        read = dataclasses.replace(read, violations={**read.violations, "end_exclusive": 1})
    return replace(
        result,
        state=replace(result.state, discoveries=asked.discoveries),
        read=read,
        error=error,
        reason=str(error or next((each.error for each in asked.failures), "")),
        unread=_unread_items(asked) if asked.failures else {},
        strikes=asked.strikes,
        ended=asked.ended,
    )


def _error(target: Target, report: Report, asked: Answers) -> ReportError | None:
    """Returns why a poll with failures failed; None if what limits need of the newest complete day was read."""
    discovery = next((each.error for each in asked.failures if each.request.discovery), None)
    if discovery is not None or not asked.failed_in_part:
        return discovery or asked.failures[0].error
    newest = asked.days.last - ONE_DAY
    failed = [each for each in asked.failures if newest in each.request.days]
    read = {
        column.family
        for answer in asked.answers
        for row in answer.reading.rows
        if row.day == newest
        for column in row.figures
    }
    missing = _families_with_limits(target, report) - read
    if not failed or not missing:
        return None
    return next((each.error for each in failed if each.unread and each.unread.family in missing), failed[0].error)


def _families_with_limits(target: Target, report: Report) -> frozenset[str]:
    """Returns the families whose activities have a limit for some company."""
    limited = {activity for entry in target.company_limits.thresholds if entry.limits for activity in entry.activities}
    judged = ((m.family, each) for m in report.measures for each in m.activities if each.name in limited)
    return frozenset(name for family, each in judged for name in (family, *(whole for whole, _ in each.share_of)))


def _unread_items(asked: Answers) -> Mapping[str, int]:
    """Returns how many days per item could not be read; failures of platform, key or a list are those of no item."""
    own = [
        each
        for each in asked.failures
        if not each.request.discovery
        and (each.unread or isinstance(each.error, SchemaError | NotJsonError) or asked.failed_in_part)
    ]
    missing = {(item, day) for each in own for item in each.items for day in each.request.days}
    counts = Counter(item for item, _ in missing)
    named = dict(sorted(counts.items())[:MOST_ITEMS])
    return {**named, OTHER: rest} if (rest := counts.total() - sum(named.values())) else named


def fold_answers(
    target: Target, report: Report, before: ReportState, answers: Collection[Answer], now: datetime
) -> PollResult:
    """Folds at least one answer of a report, asked for at `now`; ReportError if one contradicts what is held."""
    rules, today = target.rules, day_at(now, target.rules.zone)
    keep_days = (today - rules.held_since(now)).days
    ledger = folded = before.ledger
    for request, _, reading, _ in answers:
        days = Asked(request.days, today, now, keep_days, rules.zone if report.has_days else None)
        folded = fold(folded, reading, days, target.companies.wants)
    asked = {day for answer in answers for day in answer.request.days}
    read = reduce(Reading.joined, (dataclasses.replace(answer.reading, rows=()) for answer in answers))
    if lost := folded.lost_rows(asked):
        read = dataclasses.replace(read, violations={**read.violations, "row_lost": lost})
    status = day_status(ledger, now, now, rules)
    if today in asked and not any(answer.reading.rows for answer in answers):
        _refuse_nobody(ledger, asked & status.covered if report.has_days else asked)
    began = _began_anew(before, read.names, asked, answers) if report.has_days else {}
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
        restated_ratio=ratio,
        day_bytes=sum(answer.size for answer in answers) / len(asked),
        began=began,
        is_past_open=bool(began) or is_merged or not folded.companies_on(restated) <= ledger.names.keys(),
    )


def _began_anew(
    before: ReportState, names: Mapping[str, str], asked: Collection[date], answers: Iterable[Answer]
) -> Mapping[str, date]:
    """Returns the companies that are new ones under a known id, by their first day.

    This report renamed them, and their past is gone: they have rows on some `asked` days, but none on the asked days
    before, though such rows are held.
    """
    ledger, given = before.ledger, before.listed or before.ledger.names
    renamed = {each: set[date]() for each, name in names.items() if name and given.get(each, name) not in ("", name)}
    if not renamed:
        return {}
    for (_, day), rows in ((place, rows) for answer in answers for place, rows in by_day(answer.reading.rows).items()):
        for company in renamed.keys() & set(rows.companies):
            renamed[company].add(day)
    began: dict[str, date] = {}
    for company, listed in renamed.items():
        first = min(listed, default=date.max)
        held = {day for day in asked if company in ledger.companies_on((day,))}
        gone = held - listed
        if all(day < first for day in gone) and (gone or (company in ledger.withdrawn and not held)):
            began[company] = first
    return began


def _refuse_nobody(ledger: Ledger, days: Iterable[date]) -> None:
    """Refuses an answer without any row if rows of these days are held."""
    if companies := set[str]().union(*map(ledger.companies_listed, days)):
        had = f"though {len(companies)} companies had rows on the same days"
        raise SchemaError(f"the answer has no rows any more, {had}; {ROWS_STAY}")
