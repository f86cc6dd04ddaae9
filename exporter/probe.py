"""Asks a report once, on the road of a first poll, and says what was found; publishes nothing."""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from exporter.errors import ReportError
from exporter.families import Health, families
from exporter.fetch import Patience
from exporter.judge import days_to_ask
from exporter.ledger import Ledger
from exporter.memory import State
from exporter.poll import Time, view
from exporter.question import Answer, Fetch, Watch, ask, read
from exporter.source import Report
from exporter.worker import Worker

PATIENCE_SECONDS = 60.0
"""What one report may wait between attempts: somebody is looking on."""


@dataclass(frozen=True, slots=True)
class Found:
    """What good answers held.

    Of the days asked for (`asked`) `listed` have a row. `companies` are those that would be served, `series` what the
    page would have of the report, its health included. `left_out` counts by kind what could not be read.
    """

    asked: int
    listed: int
    companies: int
    series: int
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """How asking one report went.

    `status` is the HTTP status of the last attempt, empty if there is none; `found` is None, and `message` one line,
    when it failed.
    """

    source: str
    report: str
    status: str
    outcome: str
    seconds: float
    found: Found | None
    message: str


class LastCodes:
    """Remembers how the last attempt of each report ended (`exporter.fetch.Observer`)."""

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}

    def request(self, report: str, code: str, seconds: float) -> None:
        """Takes note of one attempt; `error` is none with a status."""
        self._codes[report] = "" if code == "error" else code

    def waited(self, report: str, seconds: float) -> None:
        """Waits are part of the time that a report takes."""

    def dated(self, skew: float) -> None:
        """The platform's clock does not change what a report holds."""

    def of(self, report: str) -> str:
        """Returns the status of the last attempt, empty if there is none."""
        return self._codes.get(report, "")


class Probe:
    """Asks the reports of one source; `codes` is the observer of `fetch`."""

    def __init__(self, watch: Watch, fetch: Fetch, codes: LastCodes, worker: Worker, time: Time) -> None:
        self._watch = watch
        self._fetch = fetch
        self._codes = codes
        self._worker = worker
        self._time = time

    async def ask(self, report: Report) -> Finding:
        """Asks one report for the days of a first poll; a failure is a finding too."""
        now, began = self._time.now(), self._time.monotonic()
        outcome, found, message = "ok", None, ""
        try:
            found = await self._find(report, now)
        except ReportError as error:
            outcome, message = error.outcome, self._line(report, str(error))
        except Exception as error:  # of ours: the other reports are asked all the same
            outcome, message = "internal", self._line(report, _broken(error))
        seconds = self._time.monotonic() - began
        return Finding(self._watch.source, report.name, self._codes.of(report.name), outcome, seconds, found, message)

    async def _find(self, report: Report, now: datetime) -> Found:
        days = days_to_ask(Ledger(), now, self._watch.rules)
        answers = await ask(self._watch, report, days, self._fetch, Patience(PATIENCE_SECONDS))
        return await self._worker.run(lambda: _found(self._watch, report, answers, now))

    def _line(self, report: Report, text: str) -> str:
        """Returns one line that names source and report, as messages of the client do already."""
        who = f"{self._watch.source}: {report.name}: "
        return who + " ".join(text.removeprefix(who).split())


def _found(watch: Watch, report: Report, answers: tuple[Answer, ...], now: datetime) -> Found:
    came = read(watch, report, Ledger(), answers, now)
    health = Health(watch.interval, last_attempt=now, last_success=now, duration=0.0, outcome="ok", history=True)
    served = families(view(watch, report, State(came.ledger, health), now))
    return Found(
        asked=len(came.ledger.blocks),
        listed=sum(block.listed for block in came.ledger.blocks.values()),
        companies=len(came.ledger.names),
        series=sum(len(family.samples) for family in served),
        left_out=came.surprises,
    )


def _broken(error: Exception) -> str:
    """Says where the exporter broke, without what it was reading."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
    return f"an error of the exporter itself ({where}); please report it"
