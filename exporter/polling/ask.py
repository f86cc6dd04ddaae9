"""Asks a report for days: one request after the other, each answer decoded on arrival.

An answer may bring a discovery that changes the requests after it, and a failure may leave others worth asking.
"""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import NamedTuple, Protocol

from exporter.domain.calendars import day_at
from exporter.domain.errors import (
    AuthError,
    ConnectionLostError,
    RateLimitedError,
    ReportError,
    SchemaError,
    TimedOutError,
)
from exporter.domain.model import Days, Reading
from exporter.http import RetryBudget
from exporter.platforms.api import Context, Discoveries, NeedsDiscovery, Report, Request
from exporter.polling.target import Target
from exporter.polling.threads import Worker
from exporter.polling.transitions import Answer

HOPELESS = (AuthError, RateLimitedError, TimedOutError, ConnectionLostError)
"""After one of these whatever else is asked would fail alike."""


class Fetch(Protocol):
    """What is needed of `exporter.http.Client`."""

    async def get(self, request: Request, retry_budget: RetryBudget) -> bytes:
        """Returns the body of a good answer or raises a ReportError."""


class Transport(NamedTuple):
    """How a platform is reached, and the thread in which its answers are decoded."""

    fetch: Fetch
    retry_budget: RetryBudget
    worker: Worker


class Answers(NamedTuple):
    """All answers of a report about some days.

    With an `error` some requests failed, the first one with it; what was answered besides counts all the same.
    `discoveries` are those known before and the new ones.
    """

    answers: tuple[Answer, ...]
    discoveries: Discoveries
    error: ReportError | None = None


async def ask(
    target: Target, report: Report, days: Days, discoveries: Discoveries, transport: Transport, now: datetime
) -> Answers:
    """Asks all that `days` of a report take, one request after the other, and has each answer decoded."""
    context = Context(target.source, day_at(now, target.rules.zone), target.rules.zone)
    questions = _Questions(target, report, days, discoveries, list(report.plan(days, target.scope, discoveries)))
    while questions.todo:
        request = questions.todo.pop(0)
        if request.subject in questions.failed_subjects:
            continue
        try:
            body = await transport.fetch.get(request, transport.retry_budget)
            decoded = await transport.worker.run(partial(report.decode, body, request, context))
            questions.answered(request, body, decoded)
        except ReportError as error:
            questions.failed(request, error)
    return Answers(tuple(questions.answers), questions.discoveries, questions.error)


@dataclass(slots=True)
class _Questions:
    """What is still to be asked (`todo`), and the results of the requests so far."""

    target: Target
    report: Report
    days: Days
    discoveries: Discoveries
    todo: list[Request]
    answers: list[Answer] = field(default_factory=list)
    failed_subjects: set[str] = field(default_factory=set)
    error: ReportError | None = None

    def answered(self, request: Request, body: bytes, decoded: Reading | NeedsDiscovery) -> None:
        """Takes up an answer.

        Raises:
            SchemaError: it is a discovery that was known.
        """
        if isinstance(decoded, NeedsDiscovery):
            if all(self.discoveries.get(topic) == discovery for topic, discovery in decoded.discoveries.items()):
                raise SchemaError(f"{self.target.source}/{self.report.name}: the answer leads nowhere")
            self.discoveries = {**self.discoveries, **decoded.discoveries}
            self._plan(self.discoveries)
            return
        self.answers.append(Answer(request, body, decoded))
        if decoded.unread:
            self.error = self.error or SchemaError(decoded.unread[0].message)
            if not decoded.rows:
                self.failed_subjects.add(request.subject)

    def failed(self, request: Request, error: ReportError) -> None:
        """Takes note of a failure: the rest of its subject, or everything, waits for the next poll.

        Where a discovery could not be refreshed the known one serves once more, until it is too old.
        """
        self.error = self.error or error
        known = self.discoveries.get(request.discovery)
        if known is not None and self.days.last - known.day > self.target.rules.max_staleness:
            known = None
        if isinstance(error, HOPELESS) or (request.discovery and known is None):
            self.todo = []
        elif known is not None:
            self._plan({**self.discoveries, request.discovery: known._replace(day=self.days.last)})
        else:
            self.failed_subjects.add(request.subject)

    def _plan(self, discoveries: Discoveries) -> None:
        """Plans anew with these discoveries; what is answered is not asked again."""
        done = [answer.request for answer in self.answers]
        plan = self.report.plan(self.days, self.target.scope, discoveries)
        self.todo = [request for request in plan if request not in done]
