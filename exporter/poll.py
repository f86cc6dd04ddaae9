"""Polls the reports of one source: ask, read, fold, judge, render, publish. The only place where these steps meet.

What computes runs in the worker thread; what waits, on the event loop. A failed report keeps what it has; nothing here
is written by anybody else, and what others may see is published on the board.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from exporter.calendars import day_at
from exporter.errors import ReportError
from exporter.families import Health, View, families, source_families
from exporter.fetch import Patience
from exporter.judge import DayRules, days_to_ask, judge
from exporter.ledger import Asked, Ledger, Wanted, fold
from exporter.model import Days
from exporter.page import Board
from exporter.source import Report, Request, Scope
from exporter.telemetry import Telemetry
from exporter.worker import Worker

log = logging.getLogger(__name__)


class Fetch(Protocol):
    """What the poller needs of `exporter.fetch.Client`."""

    async def get(self, request: Request, patience: Patience) -> bytes:
        """Returns the body of a good answer or raises a ReportError."""


@dataclass(frozen=True, slots=True)
class Watch:
    """One source as the poller knows it: what to ask, whom to hold, what days mean, which families are unwanted."""

    source: str
    reports: tuple[Report, ...]
    scope: Scope
    rules: DayRules
    interval: timedelta
    wanted: Wanted = lambda _id, _name: True
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Time:
    """Where moments come from: `now` is aware, `monotonic` counts seconds and never jumps."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where results go."""

    board: Board
    telemetry: Telemetry
    worker: Worker


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered of one report between two polls."""

    ledger: Ledger
    health: Health


class Answer(NamedTuple):
    """What was asked and the whole body that came."""

    request: Request
    body: bytes


async def ask(watch: Watch, report: Report, days: Days, fetch: Fetch, patience: Patience) -> tuple[Answer, ...]:
    """Asks all requests that `days` of a report take, one after the other.

    Raises:
        ReportError: one of them failed; the others are not asked.
    """
    return tuple([Answer(each, await fetch.get(each, patience)) for each in report.plan(days, watch.scope)])


def read(
    watch: Watch, report: Report, ledger: Ledger, answers: Iterable[Answer], now: datetime
) -> tuple[Ledger, Mapping[str, int]]:
    """Folds all answers of a report that were asked for at `now`; returns what was left out and why, too.

    Raises:
        ReportError: one of them cannot be read; then none counts.
    """
    today = day_at(now, watch.rules.zone)
    surprises: Counter[str] = Counter()
    for request, body in answers:
        reading = report.decode(body, request, today)
        ledger = fold(ledger, reading, Asked(request.days, today, now, watch.rules.keep_days), watch.wanted)
        surprises.update(reading.surprises)
    return ledger, surprises


def view(watch: Watch, report: Report, state: State, now: datetime) -> View:
    """Judges what is held of a report, ready to be made into families."""
    judgement = judge(state.ledger, now, state.health.last_success, watch.rules)
    return View(watch.source, report, state.ledger, judgement, state.health, watch.rules, watch.excluded)


class Poller:
    """Polls one source; of one source, one poll runs at a time."""

    def __init__(self, watch: Watch, fetch: Fetch, outlet: Outlet, time: Time) -> None:
        self.watch = watch
        self._fetch = fetch
        self._outlet = outlet
        self._time = time
        self._polling = False
        self._states = {report.name: State(Ledger(), Health(watch.interval)) for report in watch.reports}

    async def start(self) -> None:
        """Puts the source on the page before its first poll: all outcomes at 0, no figure."""
        for report in self.watch.reports:
            self._outlet.telemetry.expect(self.watch.source, report.name)
        settle = source_families(self.watch.source, self.watch.rules)
        await self._outlet.worker.run(lambda: self._outlet.board.publish(self.watch.source, "", settle, serves=False))
        await self.refresh()

    async def poll(self) -> None:
        """Polls every report once, one after the other; if the poll before still runs, counts that and does nothing."""
        if self._polling:
            for report in self.watch.reports:
                self._outlet.telemetry.polled(self.watch.source, report.name, "skipped")
            log.warning(
                "poll skipped: the one before still runs; raise poll.interval or lower poll.timeout",
                extra={"source": self.watch.source},
            )
            return
        self._polling = True
        try:
            patience = Patience(self.watch.interval.total_seconds() / 2)
            for report in self.watch.reports:
                await self._poll_report(report, patience)
        finally:
            self._polling = False

    async def refresh(self) -> None:
        """Judges and renders all reports anew, without a request: a midnight passed, or figures became too old."""
        for report in self.watch.reports:
            await self._publish(report)

    def expires_at(self) -> datetime | None:
        """Returns when the figures of some report next become too old to be served."""
        now = self._time.now()
        ends = (
            state.health.last_success + self.watch.rules.max_staleness
            for state in self._states.values()
            if state.health.last_success is not None
        )
        return min((end for end in ends if end >= now), default=None)

    async def _poll_report(self, report: Report, patience: Patience) -> None:
        attempt, started = self._time.now(), self._time.monotonic()
        state = self._states[report.name]
        outcome, ledger, note = await self._try(report, state.ledger, attempt, patience)
        health = replace(
            state.health,
            last_attempt=attempt,
            last_success=attempt if outcome == "ok" else state.health.last_success,
            duration=self._time.monotonic() - started,
            outcome=outcome,
        )
        self._states[report.name] = State(ledger, health)
        self._outlet.telemetry.polled(self.watch.source, report.name, outcome)
        self._tell(report, health, ledger, note)
        await self._publish(report)

    async def _try(self, report: Report, ledger: Ledger, now: datetime, patience: Patience) -> tuple[str, Ledger, str]:
        """Returns outcome, ledger and what there is to say; a failure leaves the ledger as it was."""
        try:
            folded, surprises = await self._ask(report, ledger, now, patience)
        except ReportError as error:
            return error.outcome, ledger, str(error)
        except Exception:
            log.exception("poll broke", extra={"source": self.watch.source, "report": report.name})
            return "internal", ledger, "an error of the exporter itself; please report it with the lines above"
        return "ok", folded, " ".join(f"{kind}={count}" for kind, count in sorted(surprises.items()))

    async def _ask(
        self, report: Report, ledger: Ledger, now: datetime, patience: Patience
    ) -> tuple[Ledger, Mapping[str, int]]:
        """Asks all requests of a report and folds the answers, all or none of them."""
        answers = await ask(self.watch, report, days_to_ask(ledger, now, self.watch.rules), self._fetch, patience)
        return await self._outlet.worker.run(lambda: read(self.watch, report, ledger, answers, now))

    async def _publish(self, report: Report) -> None:
        state, now = self._states[report.name], self._time.now()

        def render() -> None:
            seen = view(self.watch, report, state, now)
            serves = seen.judgement.last_day is not None or seen.judgement.today is not None
            self._outlet.board.publish(self.watch.source, report.name, families(seen), serves=serves)

        await self._outlet.worker.run(render)

    def _tell(self, report: Report, health: Health, ledger: Ledger, note: str) -> None:
        """Logs the one line of a poll."""
        fields: dict[str, object] = {
            "source": self.watch.source,
            "report": report.name,
            "outcome": health.outcome,
            "seconds": round(health.duration or 0.0, 3),
            "companies": len(ledger.names),
            "days": len(ledger.blocks),
        }
        if health.outcome == "ok":
            log.info("polled", extra=fields | ({"left_out": note} if note else {}))
        else:
            log.warning("poll failed", extra=fields | {"reason": note})
