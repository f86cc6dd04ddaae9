"""Asks the reports of sources for their past, oldest days first, and hands each piece on once it is complete.

Zeros depend on earlier days, so a report continues only where its last piece ended: a failure leaves the rest of that
report, and of no other, for the next run.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import partial
from typing import NamedTuple, Protocol

from msgspec import Struct
from msgspec.structs import replace

from exporter.backfill.figures import ReportDays, Series, evidence, figures, folded
from exporter.backfill.manifest import Manifest, ReportProgress
from exporter.domain.clock import Clock
from exporter.domain.errors import NotFoundError, ReportError, SchemaError
from exporter.domain.model import Days
from exporter.domain.threads import Worker
from exporter.http import RetryBudget
from exporter.ledger.ledger import Ledger
from exporter.metrics.target import Health, ReportState, Target
from exporter.platforms.api import END_DATE, Discoveries, Discovery, Report
from exporter.polling.answers import Answers, EarlierAnswers
from exporter.polling.ask import Fetch, Transport, ask
from exporter.polling.poll_result import longest_piece

RETRY_SECONDS = 600.0  # longest wait of the retries of one piece, which a new run would repeat
LONGEST_PIECE = 31
LONGEST_PIECE_BY_DAY = 7  # in days, for reports with a request per day; a killed run repeats at most one piece
SAMPLE_DAYS = 7  # the newest days, requested first to learn how large answers are; a week, because weekends are small


class Destination(Protocol):
    """Where figures go."""

    async def begin(self, oldest: date, /) -> None:
        """Checks that days from `oldest` on can be taken at all; called before a platform is asked."""

    async def take(self, piece: ReportDays, figures: Iterable[Series], /) -> None:
        """Takes figures of a piece, perhaps again, family by family, in any thread; when it returns they are safe."""


class Step(NamedTuple):
    """Days of reports that are `done`; requests `asked` and `left`, which take `seconds_left` or more by rate limit."""

    done: int
    total: int
    piece: ReportDays
    asked: int
    left: int
    seconds_left: float


class BackfillResult(NamedTuple):
    """`failed` has a line for each report that is not complete, `left_out` for each that does not exist."""

    failed: tuple[str, ...]
    left_out: tuple[str, ...]


class ReportJob(Struct):
    """A report whose past is wanted, how it is asked, its state so far, and the requests of each piece that is left."""

    target: Target
    report: Report
    fetch: Fetch
    state: ReportState
    requests: dict[Days, int] = {}

    @property
    def which(self) -> tuple[str, str]:
        return self.target.source, self.report.name

    def discoveries(self, days: Days) -> Discoveries:
        """Returns what requests for days need: one day more, so that the last day of a range is complete."""
        return {**self.state.discoveries, END_DATE: Discovery(days.last, ())}


def jobs_of(target: Target, fetch: Fetch) -> Sequence[ReportJob]:
    """Returns a job for each report of a source that has days."""
    begun = ReportState(Ledger(), Health(target.interval))
    return [ReportJob(target, each, fetch, begun) for each in target.reports if each.has_days]


class Backfill(Struct):
    """One run of `jobs` over what the manifest says is left; `report_step` is called after each piece."""

    jobs: Sequence[ReportJob]
    manifest: Manifest
    destination: Destination
    worker: Worker
    clock: Clock
    report_step: Callable[[Step], None]
    _asked_for: int = 0

    async def run(self) -> BackfillResult:
        """Asks for all that is left, piece by piece; raises StoreError or OSError if the destination refuses it."""
        if left := self._left():
            await self.destination.begin(min(days.first for days in left))
        failed: dict[tuple[str, str], str] = {}
        for ask_report in (self._begin, self._ask_pieces):  # all begin first, so that the number of requests is known
            for job in self.jobs:
                if job.which not in failed:
                    try:
                        await ask_report(job)
                    except ReportError as error:
                        failed[job.which] = _line(job, str(error))
        left_out = (_line(job, why) for job in self.jobs if (why := self.manifest.progress(*job.which).left_out))
        return BackfillResult(tuple(failed.values()), tuple(left_out))

    def _left(self) -> Sequence[Days]:
        return [days for job in self.jobs if (days := self.manifest.left(*job.which)) is not None]

    async def _begin(self, job: ReportJob) -> None:
        """Finds the state of a report that was asked before, else asks for a sample; then plans the requests."""
        progress = self.manifest.progress(*job.which)
        if progress.until is None and not progress.left_out:
            await self._sample(job)
        elif known := await self.worker.run(partial(self.manifest.state, *job.which)):
            job.state = known
        if left := self.manifest.left(*job.which):
            job.requests = {
                days: len(job.report.plan(days, job.target.scope, job.discoveries(days)))
                for days in reversed(left.pieces(self.manifest.progress(*job.which).longest))
            }

    async def _sample(self, job: ReportJob) -> None:
        """Asks for the newest days alone: does the report exist, how large are answers, what has to be discovered?"""
        target, report = job.target, job.report
        newest = self.manifest.content.spans[target.source].pieces(1 if report.asks_by_day else SAMPLE_DAYS)[0]
        try:
            answers = await self._asked(job, newest)
        except (NotFoundError, SchemaError) as error:
            if report.name in target.required:
                raise
            progress = ReportProgress(0, left_out=str(error))
        else:
            self._asked_for += len(answers.answers)
            size = sum(answer.size for answer in answers.answers) / len(newest)
            longest = LONGEST_PIECE_BY_DAY if report.asks_by_day else min(LONGEST_PIECE, longest_piece(report, size))
            progress = ReportProgress(longest)
            job.state = replace(job.state, discoveries=answers.discoveries)
        await self.worker.run(partial(self.manifest.begin, *job.which, progress))

    async def _ask_pieces(self, job: ReportJob) -> None:
        for days in list(job.requests):
            piece = ReportDays(*job.which, days)
            await self._hand_on(job, piece)
            self._asked_for += job.requests.pop(days)
            self.report_step(self._step(piece))

    async def _hand_on(self, job: ReportJob, piece: ReportDays) -> None:
        """Asks for a piece and hands it on; then keeps only the evidence of what was read."""
        target, days = job.target, piece.days
        state = await self.worker.run(
            partial(folded, target, job.state, await self._asked(job, days), days, self.clock.now())
        )
        await self.destination.take(piece, figures(target, job.report, state, days, self.clock.now()))
        job.state = replace(state, ledger=await self.worker.run(partial(evidence, state.ledger)))
        await self.worker.run(partial(self.manifest.done, piece, job.state))

    def _step(self, piece: ReportDays) -> Step:
        total = sum(len(self.manifest.content.spans[job.target.source]) for job in self.jobs)
        done = total - sum(map(len, self._left()))
        left = [(sum(job.requests.values()), job.target.requests_per_minute) for job in self.jobs]
        seconds = sum(requests * 60 / per_minute for requests, per_minute in left)
        return Step(done, total, piece, self._asked_for, sum(requests for requests, _ in left), seconds)

    async def _asked(self, job: ReportJob, days: Days) -> Answers:
        """Asks for days, without what nobody can read; fails if a later run may read more: a day is written once."""
        transport = Transport(job.fetch, RetryBudget(RETRY_SECONDS), self.worker)
        answers = await ask(
            job.target, job.report, days, EarlierAnswers(job.discoveries(days)), transport, self.clock.now()
        )
        errors = [each.error for each in answers.failures]
        passing = [each for each in errors if not isinstance(each, SchemaError)]
        if passing or (errors and not answers.answers):
            raise (passing or errors)[0]
        return answers


def _line(job: ReportJob, text: str) -> str:
    source, report = job.which
    who = f"{source}: {report}: "
    return who + " ".join(text.removeprefix(who).removeprefix(f"{source}/{report}: ").split())
