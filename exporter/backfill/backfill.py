"""Asks the reports of sources for their past, oldest days first, and hands each piece on once it is complete.

Zeros depend on earlier days, so a report continues only where its last piece ended: a failure leaves the rest of that
report, and of no other, for the next run.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import NamedTuple, Protocol

from exporter.backfill.figures import Piece, Series, evidence, figures, folded
from exporter.backfill.manifest import Manifest, ReportProgress
from exporter.domain.blocking import Worker
from exporter.domain.clock import Clock
from exporter.domain.errors import NotFoundError, ReportError, SchemaError
from exporter.domain.model import Days
from exporter.http import RetryBudget
from exporter.ledger.ledger import Ledger
from exporter.metrics.report_view import Health
from exporter.platforms.api import END_DATE, NO_DISCOVERIES, Discoveries, Discovery, Report
from exporter.polling.ask import Fetch, Transport, ask
from exporter.polling.poll_result import Answers, Known
from exporter.polling.target import ReportState, Target
from exporter.polling.transitions import longest_piece

PATIENCE_SECONDS = 600.0
"""Longest wait of the retries of one piece: longer than in a poll, since a new run would repeat the piece."""
LONGEST_PIECE = 31
LONGEST_PIECE_BY_DAY = 7
"""In days, for reports with a request per day; a killed run repeats at most one piece."""
SAMPLE_DAYS = 7
"""The newest days, requested first to learn how large answers are; a week, because weekends are small."""


class Destination(Protocol):
    """Where figures go."""

    async def begin(self, oldest: date, /) -> None:
        """Checks that days from `oldest` on can be taken at all; called before a platform is asked."""

    async def take(self, piece: Piece, figures: Iterable[Series], /) -> None:
        """Takes the figures of a piece, family by family, in any thread; when it returns they are safe.

        The same figures may be handed over again.
        """


class StoreRequest(NamedTuple):
    """A source whose past is wanted, and its transport and rate limit."""

    target: Target
    fetch: Fetch
    requests_per_minute: float


class Step(NamedTuple):
    """Progress: days of reports that are `done` of `total`, and the last piece.

    `asked` and `left` are requests; those left take at least `seconds_left`, by the rate limit of each source.
    """

    done: int
    total: int
    piece: Piece
    asked: int
    left: int
    seconds_left: float


@dataclass(frozen=True, slots=True)
class BackfillResult:
    """`failed` has a line for each report that is not complete, `left_out` for each that does not exist."""

    failed: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(slots=True)
class Backfill:
    """One run over what the manifest says is left; `report_step` is called after each piece."""

    manifest: Manifest
    destination: Destination
    worker: Worker
    clock: Clock
    report_step: Callable[[Step], None]
    _wanted: tuple[tuple[str, str], ...] = ()
    _planned: dict[tuple[str, str], list[int]] = field(default_factory=dict)  # requests of each piece left, in turn
    _asked_for: int = 0
    _per_minute: dict[str, float] = field(default_factory=dict)

    async def run(self, jobs: Sequence[StoreRequest]) -> BackfillResult:
        """Asks for all that is left, piece by piece; raises StoreError or OSError if the destination refuses it."""
        failed: list[str] = []
        self._per_minute = {job.target.source: job.requests_per_minute for job in jobs}
        wanted = [(job, report) for job in jobs for report in job.target.reports if report.has_days]
        self._wanted = tuple((job.target.source, report.name) for job, report in wanted)
        if left := self._left():
            await self.destination.begin(min(days.first for days in left))
        begun = []
        for job, report in wanted:  # all begin first, so that the number of requests is known
            try:
                begun.append((job, report, await self._begin(job, report)))
            except ReportError as error:
                failed.append(_line(job.target.source, report, str(error)))
        for job, report, discoveries in begun:
            try:
                await self._report(job, report, discoveries)
            except ReportError as error:
                failed.append(_line(job.target.source, report, str(error)))
        return BackfillResult(tuple(failed), tuple(self._left_out(wanted)))

    def _left(self) -> list[Days]:
        return [days for which in self._wanted if (days := self.manifest.left(*which)) is not None]

    def _step(self, piece: Piece) -> Step:
        total = sum(len(self.manifest.span(source)) for source, _ in self._wanted)
        done = total - sum(len(days) for days in self._left())
        self._asked_for += self._planned[piece.source, piece.report].pop(0)
        left = {which: sum(requests) for which, requests in self._planned.items()}
        seconds = sum(requests * 60 / self._per_minute[source] for (source, _), requests in left.items())
        return Step(done, total, piece, self._asked_for, sum(left.values()), seconds)

    def _left_out(self, wanted: Iterable[tuple[StoreRequest, Report]]) -> Iterable[str]:
        for job, report in wanted:
            progress = self.manifest.progress(job.target.source, report.name)
            if progress is not None and progress.left_out:
                yield _line(job.target.source, report, progress.left_out)

    async def _begin(self, job: StoreRequest, report: Report) -> Discoveries:
        """Returns the discoveries that a report's requests need, and plans its requests."""
        source, progress = job.target.source, self.manifest.progress(job.target.source, report.name)
        if progress is not None and (progress.until is not None or progress.left_out):
            state = await self.worker.run(partial(self.manifest.state, source, report.name))
            discoveries = state.discoveries if state else NO_DISCOVERIES
        else:
            discoveries = await self._sample(job, report, self.manifest.span(source))
        self._planned[source, report.name] = [
            len(report.plan(piece, job.target.scope, {**discoveries, END_DATE: Discovery(piece.last, ())}))
            for piece in self._pieces(source, report)
        ]
        return discoveries

    def _pieces(self, source: str, report: Report) -> Sequence[Days]:
        left, progress = self.manifest.left(source, report.name), self.manifest.progress(source, report.name)
        return () if left is None or progress is None else left.pieces(progress.longest)[::-1]

    async def _report(self, job: StoreRequest, report: Report, discoveries: Discoveries) -> None:
        source, left = job.target.source, self._pieces(job.target.source, report)
        empty = ReportState(Ledger(), Health(job.target.interval), discoveries=discoveries)
        state = await self.worker.run(partial(self.manifest.state, source, report.name)) if left else None
        state = state or empty
        for piece in left:
            state = await self._handed_on(job, report, piece, state)
            self.report_step(self._step(Piece(source, report.name, piece)))

    async def _sample(self, job: StoreRequest, report: Report, days: Days) -> Discoveries:
        """Asks for the newest days alone: does the report exist, how large are answers, what has to be discovered?"""
        source, count = job.target.source, 1 if report.asks_by_day else SAMPLE_DAYS
        newest = days.pieces(count)[0]
        try:
            answers = await self._asked(job, report, newest, NO_DISCOVERIES)
        except (NotFoundError, SchemaError) as error:
            if report.name in job.target.required:
                raise
            progress, discoveries = ReportProgress(0, left_out=str(error)), NO_DISCOVERIES
        else:
            self._asked_for += len(answers.answers)
            size = sum(answer.size for answer in answers.answers) / len(newest)
            longest = LONGEST_PIECE_BY_DAY if report.asks_by_day else min(LONGEST_PIECE, longest_piece(report, size))
            progress, discoveries = ReportProgress(longest), answers.discoveries
        await self.worker.run(partial(self.manifest.begin, source, report.name, progress))
        return discoveries

    async def _handed_on(self, job: StoreRequest, report: Report, days: Days, state: ReportState) -> ReportState:
        after = await self._read(job, report, days, state)
        target, piece = job.target, Piece(job.target.source, report.name, days)
        await self.destination.take(piece, figures(target, report, after, days, self.clock.now()))
        after = replace(after, ledger=await self.worker.run(partial(evidence, after.ledger)))
        await self.worker.run(partial(self.manifest.done, piece, after))
        return after

    async def _read(self, job: StoreRequest, report: Report, days: Days, state: ReportState) -> ReportState:
        answers = await self._asked(job, report, days, state.discoveries)
        return await self.worker.run(partial(folded, job.target, state, answers, days, self.clock.now()))

    async def _asked(self, job: StoreRequest, report: Report, days: Days, discoveries: Discoveries) -> Answers:
        """Asks for days; leaves out what no poll can read, but fails if more may come: a day is handed on once."""
        transport = Transport(job.fetch, RetryBudget(PATIENCE_SECONDS), self.worker)
        known = {**discoveries, END_DATE: Discovery(days.last, ())}  # one day more: no seam, wherever a range ends
        answers = await ask(job.target, report, days, Known(known), transport, self.clock.now())
        errors = [each.error for each in answers.failures]
        passing = [each for each in errors if not isinstance(each, SchemaError)]
        if passing or (errors and not answers.answers):
            raise (passing or errors)[0]
        return answers


def _line(source: str, report: Report, text: str) -> str:
    who = f"{source}: {report.name}: "
    return who + " ".join(text.removeprefix(who).removeprefix(f"{source}/{report.name}: ").split())
