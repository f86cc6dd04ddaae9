"""The results of asking a report, and what a poll makes of them: held days, an outcome, unread items; pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

from exporter.domain.calendars import ONE_DAY
from exporter.domain.errors import NotJsonError, ReportError, SchemaError
from exporter.domain.model import Days, Unread
from exporter.platforms.api import END_DATE, NO_DISCOVERIES, Discoveries, Report, Request
from exporter.polling.target import ReportState, Target
from exporter.polling.transitions import Answer, PollResult, fold_answers

IN_A_ROW = 2
"""Failures in a row that count as evidence; errors other than `ALIKE` need one more."""
NO_STRIKES: Mapping[str, int] = {}


class Known(NamedTuple):
    """What is known of a report before it is asked: its `discoveries`, whether it was read before, failing subjects.

    Subjects in `given_up` are not asked about. Of the days `listed` some answer had rows.
    """

    discoveries: Discoveries = NO_DISCOVERIES
    was_read: bool = False
    given_up: frozenset[str] = frozenset()
    listed: frozenset[date] = frozenset()


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


class Answers(NamedTuple):
    """All answers of a report about some days, and all failures; each answer counts by itself.

    `discoveries` are known and new ones, `strikes` counts failures per subject. `ended`: asking stopped because
    the rest would have failed alike.
    """

    answers: tuple[Answer, ...]
    discoveries: Discoveries
    failures: tuple[Failure, ...] = ()
    strikes: Mapping[str, int] = NO_STRIKES
    ended: bool = False


def given_up(strikes: Mapping[str, int]) -> frozenset[str]:
    """Returns the subjects that failed too often to be asked about again."""
    return frozenset(subject for subject, count in strikes.items() if count >= IN_A_ROW)


MOST_ITEMS = 50
"""Items that have a series of their own."""
OTHER = "other"


def poll_result(
    target: Target, report: Report, before: ReportState, asked: Answers, days: Days, now: datetime
) -> PollResult:
    """Returns what asking for these days brought; ReportError if an answer contradicts what is held."""
    error = poll_error(target, report, asked, days) if asked.failures else None
    folded = fold_answers(target, report, before, asked.answers, now) if asked.answers else None
    if folded is not None and END_DATE in asked.discoveries:
        folded = replace(folded, violations={**folded.violations, "end_exclusive": 1})
    return PollResult(
        folded,
        asked.discoveries,
        error,
        unread_items(asked) if asked.failures else {},
        str(error or next((each.error for each in asked.failures), "")),
        asked.strikes,
        asked.ended,
    )


def poll_error(target: Target, report: Report, asked: Answers, days: Days) -> ReportError | None:
    """Returns why a poll failed; None if what limits need of the newest complete day was read."""
    if not asked.failures:
        return None
    discovery = next((each.error for each in asked.failures if each.request.discovery), None)
    if discovery is not None or asked.ended or not _is_anything_read(asked):
        return discovery or asked.failures[0].error
    newest = days.last - ONE_DAY
    failed = [each for each in asked.failures if newest in each.request.days]
    read = {
        column.family
        for answer in asked.answers
        for row in answer.reading.rows
        if row.day == newest
        for column in row.figures
    }
    missing = families_with_limits(target, report) - read
    if not failed or not missing:
        return None
    return next((each.error for each in failed if each.unread and each.unread.family in missing), failed[0].error)


def families_with_limits(target: Target, report: Report) -> frozenset[str]:
    """Returns the families whose activities have a limit for some company."""
    limited = {activity for entry in target.company_limits.thresholds if entry.limits for activity in entry.activities}
    judged = ((m.family, each) for m in report.measures for each in m.activities if each.name in limited)
    return frozenset(name for family, each in judged for name in (family, *(whole for whole, _ in each.share_of)))


def unread_items(asked: Answers) -> Mapping[str, int]:
    """Returns the days per item that could not be read; a failure that all items share counts for none."""
    missing = {(item, day) for each in asked.failures if _is_its_own(each, asked) for item, day in _of(each)}
    counts = Counter(item for item, _ in missing)
    named = dict(sorted(counts.items())[:MOST_ITEMS])
    return {**named, OTHER: rest} if (rest := counts.total() - sum(named.values())) else named


def _is_its_own(failure: Failure, asked: Answers) -> bool:
    """Returns whether a failure is one of the item, not of the platform, the key or a list of subjects."""
    if failure.request.discovery:
        return False
    unreadable = failure.unread is not None or isinstance(failure.error, SchemaError | NotJsonError)
    return unreadable or (_is_anything_read(asked) and not asked.ended)


def _of(failure: Failure) -> Iterator[tuple[str, date]]:
    return ((item, day) for item in failure.items for day in failure.request.days)


def _is_anything_read(asked: Answers) -> bool:
    return any(row.figures for answer in asked.answers for row in answer.reading.rows)
