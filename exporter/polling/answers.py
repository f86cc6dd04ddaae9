"""What asking a report brings: its answers, and what could not be read; plain values."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from exporter.domain.errors import ReportError
from exporter.domain.model import Unread
from exporter.platforms.api import NO_DISCOVERIES, Discoveries, Request
from exporter.polling.transitions import Answer

IN_A_ROW = 2
"""So many failures in a row are evidence; of errors that are none of `ALIKE` it takes one more."""
NO_STRIKES: Mapping[str, int] = {}


class Known(NamedTuple):
    """What is known of a report before it is asked: its `discoveries`, whether it was ever read, which subjects fail.

    Nothing is asked about those that were `given_up`. Of the days `listed` some answer had rows.
    """

    discoveries: Discoveries = NO_DISCOVERIES
    was_read: bool = False
    given_up: frozenset[str] = frozenset()
    listed: frozenset[date] = frozenset()


class Failure(NamedTuple):
    """What could not be read: all that a request asked for or, where the rest was read, what is `unread` of it."""

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
    """All answers of a report about some days; what was answered counts, whatever the `failures` are.

    `discoveries` are those known before and the new ones, `strikes` says how often each subject failed. The questions
    were `ended` where the rest would have failed alike.
    """

    answers: tuple[Answer, ...]
    discoveries: Discoveries
    failures: tuple[Failure, ...] = ()
    strikes: Mapping[str, int] = NO_STRIKES
    ended: bool = False


def given_up(strikes: Mapping[str, int]) -> frozenset[str]:
    """Returns the subjects that failed so often that they are not asked about any more."""
    return frozenset(subject for subject, count in strikes.items() if count >= IN_A_ROW)
