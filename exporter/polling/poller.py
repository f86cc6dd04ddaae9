"""Polls the reports of one source: ask, fold, render, publish, and once a day the same for the days before.

What computes runs in the worker thread; what waits, on the event loop. A failed report keeps what it has; nothing here
is written by anybody else, and what others may see is published on the board.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from exporter.domain.clock import Clock
from exporter.domain.errors import InternalError, ReportError
from exporter.domain.model import Days
from exporter.exposition.board import Board, RenderedSource
from exporter.exposition.telemetry import Telemetry
from exporter.http import RetryBudget
from exporter.ledger.days_to_ask import days_to_ask
from exporter.ledger.ledger import Ledger
from exporter.ledger.narrowed import narrowed
from exporter.metrics.report_view import Health
from exporter.platforms.api import Report
from exporter.polling import transitions
from exporter.polling.answers import IN_A_ROW, Known, given_up
from exporter.polling.ask import Fetch, Transport, ask
from exporter.polling.poll_result import poll_result
from exporter.polling.render import rendered
from exporter.polling.report_state import ReportState, StateStore
from exporter.polling.selector_log import SelectorLog
from exporter.polling.target import Target
from exporter.polling.threads import Worker
from exporter.polling.transitions import PollResult

log = logging.getLogger(__name__)

ASK_AGAIN = timedelta(hours=24)
"""How long a report that the platform lacks is left alone."""


@dataclass(frozen=True, slots=True)
class PollOutputs:
    """Where results go; `refreshing` is held by the one source whose refresh pass asks, so that a start is no burst."""

    board: Board
    telemetry: Telemetry
    worker: Worker
    refreshing: asyncio.Lock = field(default_factory=asyncio.Lock)
    selector_log: SelectorLog = field(default_factory=SelectorLog)


class Poller:
    """Polls one source; of one source, one poll runs at a time.

    `store` loads the states at the start and saves them after polls; without one every start is from empty.
    """

    def __init__(
        self, target: Target, fetch: Fetch, outputs: PollOutputs, clock: Clock, store: StateStore | None = None
    ) -> None:
        self.target = target
        self._fetch = fetch
        self._outputs = outputs
        self._clock = clock
        self._store = store
        self._polling = False
        self._turn = asyncio.Lock()  # of who may ask: a poll, or a piece of the refresh pass
        self._given_up: dict[str, frozenset[str] | None] = {}  # subjects that failed at the last poll; None: all did
        self._unread_pieces: dict[str, frozenset[Days]] = {}  # of the past, when the rest of it was read
        self._states = {report.name: ReportState(Ledger(), Health(target.interval)) for report in target.reports}

    async def take_over(self, other: "Poller") -> None:
        """Goes on from the states of another poller of the same platform, which has ended."""
        states, old = dict(other._states), other.target
        self._states |= await self._outputs.worker.run(lambda: transitions.taken_over(states, old, self.target))

    async def start(self) -> None:
        """Publishes the source before its first poll: all outcomes at 0, and the figures of the stored states."""
        self.expect()
        await self._load()
        await self.refresh()

    def expect(self) -> None:
        """Starts the counters of all reports at 0, unless they count already."""
        for report in self.target.reports:
            self._outputs.telemetry.expect(self.target.source, report.name)

    async def poll(self) -> None:
        """Polls every report once, one after the other; if the poll before still runs, counts that and does nothing."""
        if self._polling:
            for report in self.target.reports:
                self._outputs.telemetry.polled(self.target.source, report.name, "skipped")
            log.warning(
                "poll skipped: the one before still runs; raise poll.interval or lower poll.timeout",
                extra={"source": self.target.source},
            )
            return
        self._polling = True
        try:
            retry_budget = RetryBudget(self.target.interval.total_seconds() / 2)
            for report in self.target.reports:
                await self._poll_report(report, retry_budget)
        finally:
            self._polling = False
        await self._save()
        for report in self.target.reports:
            if self._states[report.name].to_refresh:
                await self._run_refresh_pass(report)
        self._outputs.selector_log.note(self._outputs.board.shown.unmatched)
        await self._save()

    async def refresh(self) -> None:
        """Renders all reports anew, without a request: a midnight passed, or figures became too old."""
        await self._publish(*self.target.reports)

    def due_at(self) -> datetime:
        """Returns when the next poll is due, by the last ones."""
        return transitions.due_at(self._states.values(), self._clock.now())

    def expires_at(self) -> datetime | None:
        """Returns when the figures of some report next become too old to be served."""
        return transitions.expires_at(self._states.values(), self._clock.now(), self.target.rules.max_staleness)

    async def _load(self) -> None:
        """Takes up the states that an earlier process stored; the interval is the one that is configured now."""
        if self._store is None:
            return
        try:
            stored = await self._outputs.worker.run(self._store.load)
        except Exception:
            log.exception("loading the state failed; the source starts empty", extra={"source": self.target.source})
            return
        for name in self._states.keys() & stored.keys():
            health = replace(stored[name].health, interval=self.target.interval)
            ledger = narrowed(stored[name].ledger, self.target.companies.wants)
            self._states[name] = replace(stored[name], health=health, ledger=ledger)

    async def _save(self) -> None:
        """Stores the states for a later process; whether that works does not change the poll."""
        if self._store is None:
            return
        try:
            await self._outputs.worker.run(partial(self._store.save, dict(self._states)))
        except Exception:
            log.exception("saving the state failed", extra={"source": self.target.source})

    async def _poll_report(self, report: Report, retry_budget: RetryBudget) -> None:
        async with self._turn:
            attempt, started = self._clock.now(), self._clock.monotonic()
            state = self._states[report.name]
            if not state.health.supported and attempt - (state.health.last_attempt or attempt) < ASK_AGAIN:
                return
            days = days_to_ask(state.ledger, attempt, self.target.rules)
            result = await self._ask(report, days, retry_budget)
            duration = self._clock.monotonic() - started
            lacking = report.name not in self.target.required and transitions.lacks(self._states, report, result)
            health = transitions.after_poll(replace(state.health, duration=duration), result, attempt)
            health = replace(health, supported=health.supported and not lacking)
            state = transitions.with_result(replace(state, health=health), result)
            if result.folded is not None and not result.ended and report.has_days:
                state = transitions.with_refresh_pass(state, report, days, result.folded, attempt, self.target.rules)
            changed = self._take_up(report, state, result)
            is_read = result.folded is not None and not result.ended
            self._given_up[report.name] = given_up(result.strikes) if is_read else None
        _log_poll(self.target.source, report.name, state, result)
        await self._publish(report, *changed)  # before it is counted: who sees the count finds its figures served
        self._outputs.telemetry.polled(self.target.source, report.name, state.health.outcome or "")

    async def _ask(
        self, report: Report, days: Days, retry_budget: RetryBudget, skipped: frozenset[str] = frozenset()
    ) -> PollResult:
        """Asks for days, but not about the `skipped` subjects, and folds the answers."""
        state, now = self._states[report.name], self._clock.now()
        transport = Transport(self._fetch, retry_budget, self._outputs.worker)
        listed = frozenset(day for day, block in state.ledger.blocks.items() if block.listed)
        known = Known(state.discoveries, bool(state.ledger.names), skipped, listed)
        try:
            asked = await ask(self.target, report, days, known, transport, now)
            return await self._outputs.worker.run(partial(poll_result, self.target, report, state, asked, days, now))
        except ReportError as error:
            return PollResult(None, state.discoveries, error, reason=str(error))
        except Exception:
            log.exception("poll broke", extra={"source": self.target.source, "report": report.name})
            slip = InternalError("an error of the exporter itself; please report it with the lines above")
            return PollResult(None, state.discoveries, slip, reason=str(slip))

    async def _run_refresh_pass(self, report: Report) -> None:
        """Asks for the planned days piece by piece, polls going first; what fails waits for the next poll.

        After two failures in a row everything does.
        """
        planned, strikes = self._states[report.name].to_refresh, Counter[str]()
        failed, in_a_row, is_any_read = list[Days](), 0, False
        while in_a_row < IN_A_ROW:
            async with self._outputs.refreshing, self._turn:
                left = [each for each in self._states[report.name].to_refresh if each not in failed]
                skipped = self._given_up.get(report.name)
                if skipped is None or not left:
                    break
                result = await self._ask_piece(report, left[0], skipped | given_up(strikes))
            strikes.update(result.strikes)
            is_read = result.folded is not None and not result.ended
            is_any_read |= is_read
            in_a_row = 0 if is_read else in_a_row + 1
            failed += [] if is_read else [left[0]]
        if is_any_read or failed:
            await self._end_refresh_pass(report, Days(planned[-1].first, planned[0].last), is_any_read=is_any_read)

    async def _end_refresh_pass(self, report: Report, days: Days, *, is_any_read: bool) -> None:
        """Publishes the sums once all of the past was read, but for what failed in the pass before, too."""
        left = frozenset(self._states[report.name].to_refresh)
        if left <= self._unread_pieces.get(report.name, frozenset()):
            fields = {"source": self.target.source, "report": report.name, "first": days.first, "last": days.last}
            log.info("history read", extra=fields)
            await self._publish(report)
        if is_any_read:
            self._unread_pieces[report.name] = left

    async def _ask_piece(self, report: Report, piece: Days, skipped: frozenset[str]) -> PollResult:
        """Asks for a piece of the past; it is done where it was read, be it in part."""
        retry_budget = RetryBudget(self.target.interval.total_seconds() / 2)
        result = await self._ask(report, piece, retry_budget, skipped)
        state = transitions.with_result(self._states[report.name], result)
        fields = {"source": self.target.source, "report": report.name, "first": piece.first, "last": piece.last}
        left = state.to_refresh
        if result.folded is None or result.ended:
            reason = {"outcome": result.error.outcome if result.error else "ok", "reason": result.reason}
            log.warning("history failed", extra=fields | reason)
        else:
            left = tuple(each for each in left if each != piece)
            log.debug("history read", extra=fields)
        history = state.health.history or self._unread_pieces.get(report.name, frozenset()).issuperset(left)
        state = replace(state, to_refresh=left, health=replace(state.health, history=history))
        if changed := self._take_up(report, state, result):
            await self._publish(*changed)
        return result

    def _take_up(self, report: Report, state: ReportState, result: PollResult) -> Sequence[Report]:
        """Takes up the state of a report after an answer; returns the others of which it changed companies."""
        before, began = dict(self._states), result.folded.began if result.folded else {}
        self._states |= transitions.taken_up(before, report.name, state, began, self.target.companies)
        others = (each for each in self.target.reports if each is not report)
        return [each for each in others if self._states[each.name].ledger is not before[each.name].ledger]

    async def _publish(self, *reports: Report) -> None:
        """Renders some reports, and what the source has once."""
        made = await self._outputs.worker.run(self.rendering(*reports))
        await self._outputs.worker.run(partial(self._outputs.board.put, self.target.source, made))
        for name, view in made.views.items():
            self._states[name] = replace(self._states[name], kept=view.kept)

    def rendering(self, *reports: Report) -> Callable[[], RenderedSource]:
        """Returns what renders some reports and the source, as they are now: work for the worker."""
        return partial(rendered, self.target, dict(self._states), reports, self._clock.now())


def _log_poll(source: str, report: str, state: ReportState, result: PollResult) -> None:
    """Logs the one line of a poll, by the state after it."""
    fields: dict[str, object] = {
        "source": source,
        "report": report,
        "outcome": state.health.outcome,
        "seconds": round(state.health.duration or 0.0, 3),
        "companies": len(state.ledger.names),
        "days": len(state.ledger.blocks),
    }
    if result.folded is not None and result.folded.left_out:
        fields["left_out"] = " ".join(f"{kind}={count}" for kind, count in sorted(result.folded.left_out.items()))
    if result.unread:
        fields["unread"] = " ".join(f"{item}={count}" for item, count in sorted(result.unread.items()))
    if result.reason:
        fields["reason"] = result.reason
    if result.error is None and not result.reason:
        log.info("polled", extra=fields)
    elif result.error is None:
        log.warning("polled in part", extra=fields)
    elif state.health.supported:
        log.warning("poll failed", extra=fields)
    else:
        log.info("the platform lacks the report; asked again in a day", extra=fields)
