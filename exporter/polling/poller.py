"""Polls the reports of one source: ask, fold, render, publish, and once a day the same for past days.

Computation runs in the worker thread, waits on the event loop. A failed report keeps its figures; an internal error
affects one step. Only the poller writes its state; what others may see is on the board.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

from msgspec.structs import replace

from exporter.domain.clock import Clock
from exporter.domain.errors import InternalError, ReportError
from exporter.domain.model import Days
from exporter.exposition.board import RenderedSource, rendered
from exporter.http import RetryBudget
from exporter.ledger.day_status import days_to_ask
from exporter.ledger.ledger import Ledger
from exporter.metrics.target import Health, ReportState, Target
from exporter.platforms.api import Report
from exporter.polling import transitions
from exporter.polling.answers import ENOUGH_FAILURES, EarlierAnswers, given_up
from exporter.polling.ask import Fetch, Transport, ask
from exporter.polling.outputs import PollOutputs, StateStore
from exporter.polling.poll_result import PollResult, after_poll, poll_result, updated_states

log = logging.getLogger(__name__)

ASK_AGAIN_AFTER = timedelta(hours=24)
"""How long a report that the platform lacks is left alone."""
INTERNAL_REASON = "internal error of the exporter; please report it with its log"


class Poller:
    """Polls one source, one poll at a time.

    `store` loads states at the start and saves them after polls; without one every start is empty.
    """

    def __init__(
        self, target: Target, fetch: Fetch, outputs: PollOutputs, clock: Clock, store: StateStore | None = None
    ) -> None:
        self.target = target
        self._fetch = fetch
        self._outputs = outputs
        self._clock = clock
        self._store = store
        self._polling = self._refreshing = self._unfinished = False
        self._ask_lock = asyncio.Lock()  # held by whatever may ask: a poll, or a piece of the refresh pass
        self._to_refresh: set[str] = set()  # reports with past days that a poll left to ask for
        self._failure_counts: dict[str, Mapping[str, int] | None] = {}  # those of the last poll; None: nothing was read
        self._unread_pieces: dict[str, frozenset[Days]] = {}  # pieces of the past that failed while others were read
        self._states = {report.name: ReportState(Ledger(), Health(target.interval)) for report in target.reports}

    async def take_over(self, other: "Poller") -> None:
        """Continues from the states of a stopped poller of the same platform."""
        states, old, self._unfinished = dict(other._states), other.target, other._unfinished
        self._states |= await self._outputs.worker.run(lambda: transitions.taken_over(states, old, self.target))

    async def start(self) -> None:
        """Publishes the source before its first poll: all outcomes at 0, and figures of stored states."""
        self.expect()
        if self._store is not None:
            with self._guarded("loading the state failed; the source starts empty"):
                stored = await self._outputs.worker.run(self._store.load)
                self._states |= transitions.taken_over(stored, self.target, self.target)
        await self.render_all()

    def expect(self) -> None:
        """Starts the counters of all reports at 0, unless they exist."""
        for report in self.target.reports:
            self._outputs.telemetry.expect(self.target.source, report.name)

    async def poll(self) -> None:
        """Polls every report once, in turn, then past days; polls that become due meanwhile go first."""
        if self._polling:
            for report in self.target.reports:
                self._outputs.telemetry.polled(self.target.source, report.name, "skipped")
            log.warning(
                "poll skipped: the previous one still runs; raise poll.interval or lower poll.timeout",
                extra={"source": self.target.source},
            )
            return
        self._polling = self._unfinished = True
        try:
            async with self._ask_lock:
                retry_budget = RetryBudget(self.target.interval.total_seconds() / 2)
                for report in self.target.reports:
                    await self._poll_report(report, retry_budget)
            self._unfinished = False
            await self._save()
        finally:
            self._polling = False
        self._to_refresh |= {name for name, state in self._states.items() if state.to_refresh}
        if self._to_refresh and not self._refreshing:
            await self._refresh_past()

    async def render_all(self) -> None:
        """Renders all reports anew, without a request: at midnight, or when figures became stale."""
        for report in self.target.reports:
            await self._render(report)

    def due_at(self) -> datetime:
        """Returns when the next poll is due, by the last ones: at once if the last one was interrupted."""
        now = self._clock.now()
        return now if self._unfinished else transitions.due_at(self._states.values(), now)

    def expires_at(self) -> datetime | None:
        """Returns when figures of some report next become stale."""
        now, moments = self._clock.now(), (state.health.read_at for state in self._states.values())
        ends = (moment + self.target.rules.max_staleness for moment in moments if moment is not None)
        return min((end for end in ends if end >= now), default=None)

    @contextmanager
    def _guarded(self, what: str, **fields: str) -> Iterator[None]:
        """Logs an internal error with its place, and continues after the block."""
        try:
            yield
        except Exception:
            log.exception(what, extra={"source": self.target.source, **fields})

    async def _save(self) -> None:
        """Logs unmatched selectors, and stores the states."""
        with self._guarded("logging unmatched selectors failed"):
            if (unmatched := self._outputs.board.shown.unmatched) != self._outputs.selector_log.logged:
                self._outputs.selector_log.note(unmatched)
        with self._guarded("saving the state failed"):
            if self._store is not None:
                await self._outputs.worker.run(partial(self._store.save, dict(self._states)))

    async def _poll_report(self, report: Report, retry_budget: RetryBudget) -> None:
        """Polls a report, unless the platform lacks it; an internal error is an outcome, and undoes the poll."""
        attempt, started = self._clock.now(), self._clock.monotonic()
        held, outcome = dict(self._states), None
        health = held[report.name].health
        if not health.supported and abs(attempt - (health.last_attempt or attempt)) < ASK_AGAIN_AFTER:
            return
        self._failure_counts[report.name] = None
        with self._guarded("poll failed: internal error of the exporter", report=report.name):
            days = days_to_ask(held[report.name].ledger, attempt, self.target.rules)
            result = await self._ask(report, days, retry_budget)
            state = after_poll(self.target, report, self._states, days, result, attempt)
            state = replace(state, health=replace(state.health, duration=self._clock.monotonic() - started))
            # Publish before counting: whoever sees the count finds its figures served.
            await self._update(report, state, result, report)
            self._failure_counts[report.name] = result.failure_counts if result.is_read else None
            log_poll(self.target.source, report.name, state, result)
            outcome = state.health.outcome
        if outcome is None:
            health = replace(health, last_attempt=attempt, outcome=InternalError.outcome, reason=INTERNAL_REASON)
            self._states = held | {report.name: replace(held[report.name], health=health)}
            await self._render(report)
        self._outputs.telemetry.polled(self.target.source, report.name, outcome or InternalError.outcome)

    async def _ask(
        self, report: Report, days: Days, retry_budget: RetryBudget, skipped: frozenset[str] = frozenset()
    ) -> PollResult:
        """Asks for days, except about `skipped` subjects, and folds the answers."""
        state, now = self._states[report.name], self._clock.now()
        transport = Transport(self._fetch, retry_budget, self._outputs.worker)
        listed = frozenset(day for day, block in state.ledger.blocks.items() if block.listed)
        earlier = EarlierAnswers(state.discoveries, bool(state.ledger.names), skipped, listed)
        try:
            received = await ask(self.target, report, days, earlier, transport, now)
            return await self._outputs.worker.run(partial(poll_result, self.target, report, state, received, now))
        except ReportError as error:
            return PollResult(state, error=error, reason=str(error))

    async def _refresh_past(self) -> None:
        """Asks for past days of all reports, including what polls in between have left."""
        self._refreshing = True
        try:
            while report := next((each for each in self.target.reports if each.name in self._to_refresh), None):
                self._to_refresh.remove(report.name)
                await self._run_refresh_pass(report)
                await self._save()
        finally:
            self._refreshing = False
        await self._outputs.worker.run(self._outputs.release_memory)

    async def _run_refresh_pass(self, report: Report) -> None:
        """Asks for one piece after the other, due polls first; after two failures in a row the rest waits."""
        asked, failed, in_a_row, failure_counts = list[Days](), list[Days](), 0, Counter[str]()
        while in_a_row < ENOUGH_FAILURES:
            async with self._outputs.refresh_lock, self._ask_lock:
                left = [each for each in self._states[report.name].to_refresh if each not in failed]
                of_poll, is_read = self._failure_counts.get(report.name), False
                if of_poll is None or not left:
                    break
                skipped = given_up(of_poll) | given_up(failure_counts)
                with self._guarded("history failed: internal error of the exporter", report=report.name):
                    is_read = await self._ask_piece(report, left[0], skipped, failure_counts)
            asked.append(left[0])
            failed += [] if is_read else [left[0]]
            in_a_row = 0 if is_read else in_a_row + 1
        if asked:
            await self._end_refresh_pass(report, Days(asked[-1].first, asked[0].last), is_any_read=asked != failed)

    async def _end_refresh_pass(self, report: Report, days: Days, *, is_any_read: bool) -> None:
        """Publishes sums once all past days were read, except those that failed in two passes."""
        left = frozenset(self._states[report.name].to_refresh)
        if left <= self._unread_pieces.get(report.name, frozenset()):
            fields = {"source": self.target.source, "report": report.name, "first": days.first, "last": days.last}
            log.info("history read", extra=fields)
            await self._render(report)
        if is_any_read:
            self._unread_pieces[report.name] = left

    async def _ask_piece(self, report: Report, piece: Days, skipped: frozenset[str], counts: Counter[str]) -> bool:
        """Asks for a piece of the past and adds to failure `counts`; returns whether any of it was read."""
        retry_budget = RetryBudget(self.target.interval.total_seconds() / 2)
        result = await self._ask(report, piece, retry_budget, skipped)
        counts.update(result.failure_counts)
        fields = {"source": self.target.source, "report": report.name, "first": piece.first, "last": piece.last}
        state, left = result.state, result.state.to_refresh
        if result.is_read:
            left = tuple(each for each in left if each != piece)
            log.debug("history read", extra=fields)
        else:
            reason = {"outcome": result.error.outcome if result.error else "ok", "reason": result.reason}
            log.warning("history failed", extra=fields | reason)
        history = state.health.history or self._unread_pieces.get(report.name, frozenset()).issuperset(left)
        state = replace(state, to_refresh=left, health=replace(state.health, history=history))
        await self._update(report, state, result)
        return result.is_read

    async def _render(self, report: Report) -> None:
        """Renders a report; if that fails, its health alone, since older figures would look current."""
        state = self._states[report.name]
        broken = replace(state.health, outcome=InternalError.outcome, reason=INTERNAL_REASON)
        for each in (state, replace(state, health=broken, ledger=Ledger())):
            with self._guarded("rendering failed: internal error of the exporter", report=report.name):
                await self._publish({**self._states, report.name: each}, report)
                break

    async def _update(self, report: Report, state: ReportState, result: PollResult, *also: Report) -> None:
        """Sets the state of a report after an answer; renders `also` reports, and others whose companies it changes."""
        before = dict(self._states)
        state = replace(state, kept=before[report.name].kept)  # a rendering may have changed it meanwhile
        self._states |= updated_states(before, report.name, state, result.began, self.target.companies)
        others = (each for each in self.target.reports if each is not report)
        changed = [each for each in others if self._states[each.name].ledger is not before[each.name].ledger]
        if also or changed:
            await self._publish(self._states, *also, *changed)

    async def _publish(self, states: Mapping[str, ReportState], *reports: Report) -> None:
        """Renders some reports, and the source's own families, and publishes them."""
        run = self._outputs.worker.run
        made = await run(partial(rendered, self.target, dict(states), reports, self._clock.now()))
        await run(partial(self._outputs.board.put, self.target.source, made))
        for name, each in made.views.items():
            self._states[name] = replace(self._states[name], kept=each.kept)

    def rendering(self) -> Callable[[], RenderedSource]:
        """Returns a function that renders the source as it is now, for the worker."""
        return partial(rendered, self.target, dict(self._states), self.target.reports, self._clock.now())


def log_poll(source: str, report: str, state: ReportState, result: PollResult) -> None:
    """Logs the one line of a poll, by the state after it."""
    fields: dict[str, object] = {
        "source": source,
        "report": report,
        "outcome": state.health.outcome,
        "seconds": round(state.health.duration or 0.0, 3),
        "companies": len(state.ledger.names),
        "days": len(state.ledger.blocks),
    }
    for name, counts in (("left_out", result.left_out), ("unread", result.unread)):
        if counts:
            fields[name] = " ".join(f"{each}={count}" for each, count in sorted(counts.items()))
    if result.reason:
        fields["reason"] = result.reason
    if result.error is None and not result.reason:
        log.info("polled", extra=fields)
    elif result.error is None:
        log.warning("polled in part", extra=fields)
    elif state.health.supported:
        log.warning("poll failed", extra=fields)
    else:
        log.info("the platform lacks the report; it is asked again in a day", extra=fields)
