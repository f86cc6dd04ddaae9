"""What asking a report brings: answers and failures, before anything is made of them."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from msgspec import Struct, field

from exporter.domain.errors import ReportError
from exporter.domain.model import Days, Reading, Unread
from exporter.platforms.api import NO_DISCOVERIES, Discoveries, Request

ENOUGH_FAILURES = 2
"""Failures in a row, or of one subject, that end asking; several subjects need one more if errors are not `ALIKE`."""


class EarlierAnswers(NamedTuple):
    """What is known of a report before it is asked: its `discoveries`, and whether it `was_read` before.

    Subjects in `given_up` failed too often and are not asked about. Of the days `listed` an earlier answer had rows.
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

    `discoveries` are known and new ones, `failure_counts` are per subject. `stopped_early`: the rest was not asked
    for because it would have failed alike.
    """

    days: Days
    discoveries: Discoveries
    answers: list[Answer] = []
    failures: list[Failure] = []
    failure_counts: Counter[str] = field(default_factory=Counter)
    stopped_early: bool = False

    @property
    def failed_in_part(self) -> bool:
        """Whether failures concern their items alone: figures were read, and asking did not stop early."""
        return not self.stopped_early and any(row.figures for answer in self.answers for row in answer.reading.rows)


def given_up(failure_counts: Mapping[str, int]) -> frozenset[str]:
    """Returns the subjects that failed too often to be asked about again."""
    return frozenset(subject for subject, count in failure_counts.items() if count >= ENOUGH_FAILURES)
