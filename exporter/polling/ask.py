"""Asks what the days of a report take: one question after the other, each answer decoded as it comes.

An answer may teach something that changes the questions after it, and a failure may leave others worth asking.
"""

from collections.abc import Callable
from datetime import datetime
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
from exporter.polling.fold import Answer
from exporter.polling.target import Target
from exporter.polling.threads import Worker

HOPELESS = (AuthError, RateLimitedError, TimedOutError, ConnectionLostError)
"""After one of these whatever else is asked would fail alike."""


class Fetch(Protocol):
    """What is needed of `exporter.http.Client`."""

    async def get(self, request: Request, retry_budget: RetryBudget) -> bytes:
        """Returns the body of a good answer or raises a ReportError."""


class Transport(NamedTuple):
    """How a platform is reached, and where its answers are read: what waits, and what computes."""

    fetch: Fetch
    retry_budget: RetryBudget
    worker: Worker


class Answers(NamedTuple):
    """What came of a report's questions.

    With an `error` some of them failed, the first one with it; what was answered besides counts all the same.
    `discoveries` are those known before and those learned.
    """

    answers: tuple[Answer, ...]
    discoveries: Discoveries
    error: ReportError | None = None


async def ask(
    target: Target, report: Report, days: Days, discoveries: Discoveries, transport: Transport, now: datetime
) -> Answers:
    """Asks all that `days` of a report take, one request after the other, and has each answer decoded."""
    context = Context(target.source, day_at(now, target.rules.zone), target.rules.zone)
    inquiry = Inquiry(target, report, days, discoveries, context)
    while request := inquiry.next():
        try:
            body = await transport.fetch.get(request, transport.retry_budget)
            inquiry.answered(request, body, await transport.worker.run(inquiry.reader(request, body)))
        except ReportError as error:
            inquiry.failed(request, error)
    return inquiry.result()


class Inquiry:
    """What of a report is still to be asked, and what came so far; a lesson changes what is asked next."""

    def __init__(self, target: Target, report: Report, days: Days, discoveries: Discoveries, context: Context) -> None:
        self._watch = target
        self._report = report
        self._days = days
        self._context = context
        self._learned = discoveries
        self._answers: list[Answer] = []
        self._failed: set[str] = set()
        self._error: ReportError | None = None
        self._todo = self._planned(discoveries)

    def next(self) -> Request | None:
        """Returns what is to be asked now, None when nothing is left."""
        while self._todo:
            request = self._todo.pop(0)
            if request.subject not in self._failed:
                return request
        return None

    def reader(self, request: Request, body: bytes) -> Callable[[], Reading | NeedsDiscovery]:
        """Returns what decodes an answer: work for the worker."""
        return lambda: self._report.decode(body, request, self._context)

    def answered(self, request: Request, body: bytes, came: Reading | NeedsDiscovery) -> None:
        """Takes up an answer.

        Raises:
            SchemaError: it taught nothing new.
        """
        if isinstance(came, NeedsDiscovery):
            if all(self._learned.get(topic) == discovery for topic, discovery in came.discoveries.items()):
                raise SchemaError(f"{self._context.source}/{self._report.name}: the answer leads nowhere")
            self._learned = {**self._learned, **came.discoveries}
            self._todo = self._planned(self._learned)
            return
        self._answers.append(Answer(request, body, came))
        if came.unread:
            self._error = self._error or SchemaError(came.unread[0].message)
        if came.unread and not came.rows:
            self._failed.add(request.subject)

    def failed(self, request: Request, error: ReportError) -> None:
        """Takes note of a failure: the rest of its subject, or all of it, waits for the next poll.

        Where a lesson could not be refreshed the known one serves once more, until it is too old.
        """
        self._error = self._error or error
        known = self._learned.get(request.discovery)
        if known is not None and self._days.last - known.day > self._watch.rules.max_staleness:
            known = None
        if isinstance(error, HOPELESS) or (request.discovery and known is None):
            self._todo = []
        elif known is not None:
            self._todo = self._planned({**self._learned, request.discovery: known._replace(day=self._days.last)})
        else:
            self._failed.add(request.subject)

    def result(self) -> Answers:
        """Returns all that came."""
        return Answers(tuple(self._answers), self._learned, self._error)

    def _planned(self, discoveries: Discoveries) -> list[Request]:
        done = [answer.request for answer in self._answers]
        return [each for each in self._report.plan(self._days, self._watch.scope, discoveries) if each not in done]
