"""Asks a report for days: one request after the other, each answer decoded on arrival.

An answer may bring a discovery that changes the requests after it. What fails is skipped where it failed: an item, or
a subject, on a day. Only what fails for one subject after the other ends the questions.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import NamedTuple, Protocol

from exporter.domain.calendars import ONE_DAY, day_at
from exporter.domain.errors import (
    AuthError,
    ConnectionLostError,
    HttpStatusError,
    NotFoundError,
    PlatformError,
    RateLimitedError,
    ReportError,
    SchemaError,
    TimedOutError,
    UnavailableError,
)
from exporter.domain.model import Days, Reading, Unread
from exporter.http import RetryBudget
from exporter.platforms.api import END_DATE, Context, Discoveries, Discovery, NeedsDiscovery, Report, Request
from exporter.polling.answers import IN_A_ROW, Answers, Failure, Known
from exporter.polling.target import Target
from exporter.polling.threads import Worker
from exporter.polling.transitions import Answer

ALIKE = (AuthError, RateLimitedError, TimedOutError, ConnectionLostError, NotFoundError, UnavailableError)
"""What may be wrong with the key, the host or the report: two subjects in a row are evidence that others fail alike."""
DIVISIBLE = (HttpStatusError, PlatformError)
"""What a request for several items may fail with because of one of them."""

MOST_PAGES = 100
"""In so many further pages an answer may go on."""


class Fetch(Protocol):
    """What is needed of `exporter.http.Client`."""

    async def get(self, request: Request, retry_budget: RetryBudget) -> bytes:
        """Returns the body of a good answer or raises a ReportError."""


class Transport(NamedTuple):
    """How a platform is reached, and the thread in which its answers are decoded."""

    fetch: Fetch
    retry_budget: RetryBudget
    worker: Worker


async def ask(target: Target, report: Report, days: Days, known: Known, transport: Transport, now: datetime) -> Answers:
    """Asks all that `days` of a report take, one request after the other, and has each answer decoded."""
    today = day_at(now, target.rules.zone)
    questions = _Questions(
        target, report, days, known, transport, Context(target.source, today, target.rules.zone), known.discoveries
    )
    questions.plan(known.discoveries)
    while questions.todo:
        await questions.ask(questions.todo.pop(0))
    await questions.settle_empty()
    return Answers(
        tuple(questions.answers),
        questions.discoveries,
        tuple(questions.failures),
        questions.strikes,
        questions.ended,
    )


Parts = Mapping[str, Unread | None]
"""The names of the parts to ask for; of each what the answer to the whole left out, if it did."""


@dataclass(slots=True)
class _Questions:
    """What is still to be asked (`todo`), and the results of the requests so far.

    `empty` are answers in which nothing has a value. Of subjects, `answered` are those with an answer, `in_a_row` those
    of the failures since the last answer; `strikes` counts the failures of each.
    """

    target: Target
    report: Report
    days: Days
    known: Known
    transport: Transport
    context: Context
    discoveries: Discoveries
    todo: list[Request] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    empty: list[Answer] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    in_a_row: list[str] = field(default_factory=list)
    strikes: Counter[str] = field(default_factory=Counter)
    ended: bool = False

    def plan(self, discoveries: Discoveries) -> None:
        """Plans with these discoveries; what was asked is not asked again."""
        done = [*(each.request for each in self.answers), *(each.request for each in self.failures)]
        plan = self.report.plan(self.days, self.target.scope, discoveries)
        self.todo = [each for each in plan if each.subject not in self.known.given_up and each not in done]

    async def ask(self, request: Request) -> None:
        """Asks, and asks in parts for what could not be asked or read together."""
        error: ReportError | None = None
        parts: Parts = {}
        try:
            parts = await self._answer(request)
        except ReportError as failure:
            error = failure
            if isinstance(error, DIVISIBLE) and not isinstance(error, ALIKE) and not self.in_a_row:
                parts = dict.fromkeys(request.parts)
        before = len(self.failures)
        answered = await self._ask_parts(request, parts, answered=error is None)
        if answered:
            self.answered.add(_subject(request))
            self.in_a_row.clear()
        elif error is not None:
            del self.failures[before:]
            self._failed(request, error)

    async def settle_empty(self) -> None:
        """Decides about answers without any value: on a day on which nothing happened that is no fault.

        Nor is it where the whole day is empty, as long as others are not: then it is a day without rows.
        """
        read = self._was_read()
        for request, body, reading, _ in self.empty:
            figures = tuple(self._figures(request))
            if figures and not any(figures):
                self._keep(request, body, await self._decoded(request, body, replace(self.context, quiet=True)))
            elif read and not figures:
                self._keep(request, body, replace(reading, unread=()))
            else:
                self._note_unread(request, reading.unread)

    async def _answer(self, request: Request, left_out: Unread | None = None) -> Parts:
        """Asks once and takes the answer up; returns the parts to ask for what it does not yield.

        What was `left_out` of an answer to more has no value where nothing is in an answer about it alone.
        """
        body, decoded, further = await self._whole(request)
        if isinstance(decoded, Reading) and self._is_end_exclusive(request, decoded):
            decoded = NeedsDiscovery({END_DATE: Discovery(self.context.today, ())})
        if isinstance(decoded, NeedsDiscovery):
            self._discovered(decoded.discoveries)
            return {}
        if left_out is not None and not any(True for _ in self._figures_in(decoded)):
            decoded = replace(decoded, rows=(), unread=decoded.unread or (left_out,))
        is_empty = not decoded.rows and bool(decoded.unread) and all(each.is_absent for each in decoded.unread)
        parts = {each.name: each if each.is_absent else None for each in decoded.unread if each.name in request.parts}
        if is_empty and (not parts or self._was_read()):
            self.empty.append(Answer(request, body, decoded))
            return {}
        self._keep(request, body, decoded, parts, further)
        return parts

    def _is_end_exclusive(self, request: Request, reading: Reading) -> bool:
        """Returns whether an answer newly shows that the last day asked for is never in it.

        A day that ended, of which another answer has rows, is left out, and the day before is not. Rows of the day
        after the last one show the contrary; today says nothing, as a platform may list it later.
        """
        last = request.days.last
        if last >= self.context.today:
            return False
        if END_DATE in self.discoveries:
            if reading.outside_range:
                self.discoveries = {key: each for key, each in self.discoveries.items() if key != END_DATE}
            return False
        days = {row.day for row in reading.rows}
        return last in self.known.listed and last not in days and last - ONE_DAY in days

    async def _whole(self, request: Request) -> tuple[bytes, Reading | NeedsDiscovery, int]:
        """Asks for an answer and all the pages that it goes on in; of these it returns the bytes.

        Raises:
            ReportError: a page failed, or there is no end: half of an answer is none.
        """
        body = await self.transport.fetch.get(request, self.transport.retry_budget)
        decoded, links, further_bytes = await self._decoded(request, body, self.context), list[str](), 0
        while isinstance(decoded, Reading) and decoded.next_page:
            links.append(decoded.next_page)
            if len(links) > MOST_PAGES or decoded.next_page in links[:-1]:
                raise SchemaError(f"the answer goes on in page after page without an end ({len(links)} asked)")
            further = replace(request, link=decoded.next_page, instead=None)
            page = await self.transport.fetch.get(further, self.transport.retry_budget)
            read = await self._decoded(further, page, self.context)
            decoded, further_bytes = (
                decoded.joined(read) if isinstance(read, Reading) else read,
                further_bytes + len(page),
            )
        return body, decoded, further_bytes

    async def _decoded(self, request: Request, body: bytes, context: Context) -> Reading | NeedsDiscovery:
        return await self.transport.worker.run(partial(self.report.decode, body, request, context))

    def _keep(
        self,
        request: Request,
        body: bytes,
        reading: Reading | NeedsDiscovery,
        parts: Iterable[str] = (),
        further_bytes: int = 0,
    ) -> None:
        """Takes up what was read, and what was not but for `parts`; without anything read it is no answer."""
        if isinstance(reading, Reading):
            self._note_unread(request, (each for each in reading.unread if each.name not in parts))
            if reading.rows or not reading.unread:
                self.answers.append(Answer(request, body, reading, further_bytes))

    def _note_unread(self, request: Request, unread: Iterable[Unread]) -> None:
        self.failures += [Failure(request, SchemaError(each.message), each) for each in unread]

    async def _ask_parts(self, request: Request, parts: Parts, *, answered: bool) -> bool:
        """Asks one part after the other; returns whether there was an answer to the whole or to some part."""
        in_a_row, left = 0, list(parts)
        while left:
            part = request.parts[name := left.pop(0)]
            try:
                await self._answer(part, parts[name])
                answered, in_a_row = True, 0
            except ReportError as error:
                self.failures.append(Failure(part, error))
                in_a_row += 1
                if in_a_row >= IN_A_ROW and (not answered or isinstance(error, ALIKE)):
                    self.failures += [Failure(request.parts[each], error) for each in left]
                    break
        return answered

    def _failed(self, request: Request, error: ReportError) -> None:
        """Takes note of a failure: the subject's other days come last, and after another failure not at all."""
        self.failures.append(Failure(request, error))
        if request.discovery:
            self._discovery_failed(request)
            return
        subject = _subject(request)
        self.strikes[subject] += 1
        self.in_a_row.append(subject)
        later = [each for each in self.todo if _subject(each) == subject]
        self.todo = [each for each in self.todo if _subject(each) != subject]
        if self.strikes[subject] < IN_A_ROW:
            self.todo += later
        else:
            self.failures += [Failure(each, error) for each in later]
        self._end_if_all_fail(subject, error)

    def _end_if_all_fail(self, subject: str, error: ReportError) -> None:
        """Ends the questions on evidence: subjects failed in a row, and one that answered before fails, too."""
        alike = isinstance(error, ALIKE)
        if len(set(self.in_a_row)) < IN_A_ROW + (not alike) or (self.answered and not alike):
            return
        witness = next((each for each in self.todo if _subject(each) in self.answered), None)
        if witness is not None and subject not in self.answered:
            self.todo = [witness, *(each for each in self.todo if each is not witness)]
        elif any(_subject(each) not in self.strikes for each in self.todo):
            self.ended, self.todo = True, []

    def _discovered(self, discoveries: Discoveries) -> None:
        """Plans anew with what was discovered.

        Raises:
            SchemaError: it was known.
        """
        if all(self.discoveries.get(topic) == discovery for topic, discovery in discoveries.items()):
            raise SchemaError(f"{self.target.source}/{self.report.name}: the answer leads nowhere")
        self.discoveries = {**self.discoveries, **discoveries}
        self.plan(self.discoveries)

    def _discovery_failed(self, request: Request) -> None:
        """Uses the known discovery once more, until it is too old; without one nothing can be asked."""
        known = self.discoveries.get(request.discovery)
        if known is None or self.days.last - known.day > self.target.rules.max_staleness:
            self.ended, self.todo = True, []
        else:
            self.plan({**self.discoveries, request.discovery: known._replace(day=self.days.last)})

    def _was_read(self) -> bool:
        return self.known.was_read or any(any(True for _ in self._figures_in(each.reading)) for each in self.answers)

    def _figures(self, request: Request) -> Iterator[float]:
        """Yields what was read of a request's subject on its days."""
        for asked, _, reading, _ in self.answers:
            if (asked.subject, asked.days) == (request.subject, request.days):
                yield from self._figures_in(reading)

    def _figures_in(self, reading: Reading) -> Iterator[float]:
        """Yields the figures of an answer, without what marks a break-down as read."""
        depths = {measure.family: len(measure.labels) for measure in self.report.measures}
        for row in reading.rows:
            yield from (n for column, n in row.figures.items() if len(column.label_values) == depths.get(column.family))


def _subject(request: Request) -> str:
    """Returns what a request is about; without a subject of its own it is the days."""
    return request.subject or f"{request.days.first}"
