"""The results of asking a report: answers, and what could not be read; plain values."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from exporter.domain.errors import ReportError
from exporter.domain.model import Unread
from exporter.platforms.api import NO_DISCOVERIES, Discoveries, Request
from exporter.polling.transitions import Answer

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
