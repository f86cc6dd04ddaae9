"""Asks a report for days: one request after the other, each answer decoded on arrival.

A discovery may change the requests after it. A failure skips one item, or one subject on a day; only several
failing subjects in a row end the poll.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import NamedTuple, Protocol

from msgspec import Struct

from exporter.domain.calendars import ONE_DAY, day_at
from exporter.domain.errors import ALIKE, DIVISIBLE, ReportError, SchemaError
from exporter.domain.model import Days, Reading, Unread
from exporter.domain.threads import Worker
from exporter.http import RetryBudget
from exporter.metrics.target import Target
from exporter.platforms.api import END_DATE, Context, Discoveries, Discovery, NeedsDiscovery, Report, Request
from exporter.polling.answers import ENOUGH_FAILURES, Answer, Answers, EarlierAnswers, Failure

MOST_PAGES = 100  # further ones of one answer


class Fetch(Protocol):
    """The part of `exporter.http.Client` that is needed."""

    async def get(self, request: Request, retry_budget: RetryBudget) -> bytes:
        """Returns the body of a good answer or raises a ReportError."""


class Transport(NamedTuple):
    """How a platform is reached, how long its requests may wait, and the thread in which answers are decoded."""

    fetch: Fetch
    retry_budget: RetryBudget
    worker: Worker


async def ask(
    target: Target, report: Report, days: Days, earlier: EarlierAnswers, transport: Transport, now: datetime
) -> Answers:
    """Asks for `days` of a report, one request after the other, and decodes each answer."""
    context = Context(target.source, day_at(now, target.rules.zone), target.rules.zone)
    requests = _Requests(target, report, earlier, transport, context, Answers(days, earlier.discoveries))
    requests.plan(earlier.discoveries)
    while requests.todo:
        await requests.ask(requests.todo.pop(0))
    if requests.empty:
        await requests.settle_empty()
    return requests.received


Parts = Mapping[str, Unread | None]
"""Parts to ask for by name, each with what was absent from the answer to the whole, if anything."""


class _Requests(Struct):
    """The requests to make (`todo`), and what was `received` so far.

    `empty` answers have no value at all. `answered` subjects have an answer, those `in_a_row` failed since the last.
    """

    target: Target
    report: Report
    earlier: EarlierAnswers
    transport: Transport
    context: Context
    received: Answers
    todo: list[Request] = []
    empty: list[Answer] = []
    answered: set[str] = set()
    in_a_row: list[str] = []

    def plan(self, discoveries: Discoveries) -> None:
        """Plans with these discoveries; no request is repeated."""
        done = [*(each.request for each in self.received.answers), *(each.request for each in self.received.failures)]
        plan = self.report.plan(self.received.days, self.target.scope, discoveries)
        self.todo = [each for each in plan if each.subject not in self.earlier.given_up and each not in done]

    async def ask(self, request: Request) -> None:
        """Asks, then asks in parts for what could not be asked or read together."""
        error: ReportError | None = None
        parts: Parts = {}
        try:
            parts = await self._answer(request)
        except ReportError as failure:
            error = failure
            if isinstance(error, DIVISIBLE) and not isinstance(error, ALIKE) and not self.in_a_row:
                parts = dict.fromkeys(request.parts)
        before = len(self.received.failures)
        answered = await self._ask_parts(request, parts, answered=error is None) if parts else error is None
        if answered:
            self.answered.add(_subject(request))
            self.in_a_row.clear()
        elif error is not None:
            del self.received.failures[before:]
            self._failed(request, error)

    async def settle_empty(self) -> None:
        """Decides whether answers without any value are normal: if all other figures of their days are 0.

        Also if their days have no other figure, but other days or earlier answers had one: then these have no rows.
        """
        read = self._was_read()
        for answer in self.empty:
            request, body, reading, _ = answer
            of_subject = (each for each in self.received.answers if each.request.subject == request.subject)
            figures = tuple(self._figures(each.reading for each in of_subject if each.request.days == request.days))
            if figures and not any(figures):
                decode = partial(self.report.decode, body, request, replace(self.context, quiet=True))
                quiet = await self.transport.worker.run(decode)
                reading = quiet if isinstance(quiet, Reading) else reading
            elif read and not figures:
                reading = replace(reading, unread=())
            self._keep(answer._replace(reading=reading))

    async def _answer(self, request: Request, absent: Unread | None = None) -> Parts:
        """Asks once and keeps the answer; returns the parts that it lacks, which are asked for next.

        What was `absent` from a larger answer has no value if the answer about it alone is empty.
        """
        body, decoded, size = await self._whole(request)
        # Today proves nothing, since a platform may list it late.
        is_past = request.days.last < self.context.today
        if is_past and isinstance(decoded, Reading) and self._check_end_date(request, decoded):
            decoded = NeedsDiscovery({END_DATE: Discovery(self.context.today, ())})
        if isinstance(decoded, NeedsDiscovery):
            self._discovered(decoded.discoveries)
            return {}
        if absent is not None and not any(True for _ in self._figures([decoded])):
            decoded = replace(decoded, rows=(), unread=decoded.unread or (absent,))
        answer = Answer(request, body, decoded, size)
        if not decoded.unread:
            self.received.answers.append(answer)
            return {}
        is_empty = not decoded.rows and all(each.is_absent for each in decoded.unread)
        parts = {each.name: each if each.is_absent else None for each in decoded.unread if each.name in request.parts}
        if is_empty and (not parts or self._was_read()):
            self.empty.append(answer)
            return {}
        self._keep(answer, parts)
        return parts

    def _check_end_date(self, request: Request, reading: Reading) -> bool:
        """Returns whether an answer about past days shows for the first time that the platform excludes the end date.

        Evidence: it lacks the last day, which has rows elsewhere, and has the day before. Forgets what an earlier
        answer showed if this one has rows of the day after the last one.
        """
        last, known = request.days.last, self.received.discoveries
        if END_DATE in known:
            if reading.outside_range:
                self.received.discoveries = {key: each for key, each in known.items() if key != END_DATE}
            return False
        days = {row.day for row in reading.rows}
        return last in self.earlier.listed and last not in days and last - ONE_DAY in days

    async def _whole(self, request: Request) -> tuple[bytes, Reading | NeedsDiscovery, int]:
        """Asks for an answer and its pages, and returns their bytes; ReportError if a page fails or there is no end."""
        fetch, retry_budget, worker = self.transport
        body = await fetch.get(request, retry_budget)
        decoded = await worker.run(partial(self.report.decode, body, request, self.context))
        links, size = list[str](), len(body)
        while isinstance(decoded, Reading) and decoded.next_page:
            links.append(decoded.next_page)
            if len(links) > MOST_PAGES or decoded.next_page in links[:-1]:
                raise SchemaError(f"the answer has no last page ({len(links)} pages asked): links repeat or never end")
            further = replace(request, link=decoded.next_page, instead=None)
            page = await fetch.get(further, retry_budget)
            read = await worker.run(partial(self.report.decode, page, further, self.context))
            decoded = decoded.joined(read) if isinstance(read, Reading) else read
            size += len(page)
        return body, decoded, size

    def _keep(self, answer: Answer, parts: Container[str] = ()) -> None:
        """Keeps what was read, and failures other than `parts`; without anything read it is no answer."""
        request, _, reading, _ = answer
        unread = (each for each in reading.unread if each.name not in parts)
        self.received.failures += [Failure(request, SchemaError(each.message), each) for each in unread]
        if reading.rows or not reading.unread:
            self.received.answers.append(answer)

    async def _ask_parts(self, request: Request, parts: Parts, *, answered: bool) -> bool:
        """Asks for one part after the other; returns whether the whole or some part was answered."""
        in_a_row, left = 0, list(parts)
        while left:
            part = request.parts[name := left.pop(0)]
            try:
                await self._answer(part, parts[name])
                answered, in_a_row = True, 0
            except ReportError as error:
                self.received.failures.append(Failure(part, error))
                in_a_row += 1
                if in_a_row >= ENOUGH_FAILURES and (not answered or isinstance(error, ALIKE)):
                    self.received.failures += [Failure(request.parts[each], error) for each in left]
                    break
        return answered

    def _failed(self, request: Request, error: ReportError) -> None:
        """Notes a failure: the subject's other days are asked last, and not at all after another failure."""
        self.received.failures.append(Failure(request, error))
        if request.discovery:
            self._discovery_failed(request)
            return
        subject = _subject(request)
        self.received.failure_counts[subject] += 1
        self.in_a_row.append(subject)
        later = [each for each in self.todo if _subject(each) == subject]
        self.todo = [each for each in self.todo if _subject(each) != subject]
        if self.received.failure_counts[subject] < ENOUGH_FAILURES:
            self.todo += later
        else:
            self.received.failures += [Failure(each, error) for each in later]
        self._end_if_all_fail(subject, error)

    def _end_if_all_fail(self, subject: str, error: ReportError) -> None:
        """Stops asking if subjects failed in a row, and one that answered before fails too."""
        alike = isinstance(error, ALIKE)
        if len(set(self.in_a_row)) < ENOUGH_FAILURES + (not alike) or (self.answered and not alike):
            return
        known_good = next((each for each in self.todo if _subject(each) in self.answered), None)
        if known_good is not None and subject not in self.answered:
            self.todo = [known_good, *(each for each in self.todo if each is not known_good)]
        elif any(_subject(each) not in self.received.failure_counts for each in self.todo):
            self.received.stopped_early, self.todo = True, []

    def _discovered(self, discoveries: Discoveries) -> None:
        """Plans anew with a discovery; SchemaError if it was known."""
        if all(self.received.discoveries.get(topic) == discovery for topic, discovery in discoveries.items()):
            raise SchemaError(f"{self.target.source}/{self.report.name}: the answer leads nowhere")
        self.received.discoveries = {**self.received.discoveries, **discoveries}
        self.plan(self.received.discoveries)

    def _discovery_failed(self, request: Request) -> None:
        """Uses the known discovery until it is too old; without one nothing can be asked."""
        known = self.received.discoveries.get(request.discovery)
        if known is None or self.received.days.last - known.day > self.target.rules.max_staleness:
            self.received.stopped_early, self.todo = True, []
        else:
            self.plan({**self.received.discoveries, request.discovery: known._replace(day=self.received.days.last)})

    def _was_read(self) -> bool:
        return self.earlier.was_read or any(True for _ in self._figures(each.reading for each in self.received.answers))

    def _figures(self, readings: Iterable[Reading]) -> Iterator[float]:
        """Yields the figures of answers, without read markers."""
        depths = {measure.family: len(measure.labels) for measure in self.report.measures}
        for row in (row for reading in readings for row in reading.rows):
            yield from (n for column, n in row.figures.items() if len(column.label_values) == depths.get(column.family))


def _subject(request: Request) -> str:
    """Returns the subject of a request, by default its days."""
    return request.subject or f"{request.days.first}"
