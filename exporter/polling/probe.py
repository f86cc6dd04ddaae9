"""Asks a report once, as a first poll does, and describes the result; publishes nothing."""

import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from exporter.domain.calendars import ONE_DAY, day_at
from exporter.domain.clock import Clock
from exporter.domain.errors import ReportError
from exporter.domain.model import Days, Reading
from exporter.domain.text import enumerated, printable
from exporter.http import RetryBudget
from exporter.ledger.day_status import days_to_ask
from exporter.ledger.ledger import Ledger
from exporter.metrics.report_health import families
from exporter.metrics.report_view import Health
from exporter.platforms.api import END_DATE, Context, Report
from exporter.polling.ask import Fetch, Transport, ask
from exporter.polling.poll_result import Answer, Answers, Known, poll_result
from exporter.polling.render import view
from exporter.polling.target import ReportState, Target
from exporter.polling.threads import Worker
from exporter.polling.transitions import after_poll

RETRY_SECONDS = 60.0
"""Seconds that one report may wait between attempts; somebody is watching."""
FIELDS_SHOWN = 20
"""Fields of a kind in one line."""


@dataclass(frozen=True, slots=True)
class Found:
    """The content of good answers.

    Of the days `asked` for, `listed` have a row; both are 0 for levels. `companies` and `series` would be served,
    health included. `unknown` and `missing` count fields, `left_out` other unreadable things by kind. `notes` say
    which fields drifted and how self-described answers were read. `names` are all listed companies by id.
    """

    asked: int
    listed: int
    companies: int
    series: int
    unknown: int
    missing: int
    left_out: Mapping[str, int]
    notes: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of asking one report.

    `status` is the last attempt's HTTP status, if any. `message` is one line if something failed; `found` is None
    if nothing could be read.
    """

    source: str
    report: str
    status: str
    outcome: str
    seconds: float
    found: Found | None
    message: str


class LastCodes:
    """Keeps the status of each report's last attempt (`exporter.http.Observer`)."""

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}

    def request(self, report: str, code: str, seconds: float) -> None:
        """Notes one attempt; an `error` has no status."""
        self._codes[report] = "" if code == "error" else code

    def waited(self, report: str, seconds: float) -> None:
        """Ignored: waits are part of a report's time."""

    def paused(self, until: datetime) -> None:
        """Ignored: messages say so."""

    def dated(self, skew: float) -> None:
        """Ignored: the clock does not change a report."""

    def of(self, report: str) -> str:
        """Returns the status of the last attempt, if any."""
        return self._codes.get(report, "")


class Probe:
    """Asks the reports of one source; `codes` is the observer of `fetch`."""

    def __init__(self, target: Target, fetch: Fetch, codes: LastCodes, worker: Worker, clock: Clock) -> None:
        self._target = target
        self._fetch = fetch
        self._codes = codes
        self._worker = worker
        self._clock = clock

    async def ask(self, report: Report) -> Finding:
        """Asks one report for the days of a first poll; a failure is a finding too."""
        now, began = self._clock.now(), self._clock.monotonic()
        outcome, found, message = "ok", None, ""
        try:
            found, failure = await self._find(report, now)
            if failure is not None:
                outcome, message = failure.outcome, self._line(report, str(failure))
        except ReportError as error:
            outcome, message = error.outcome, self._line(report, str(error))
        except Exception as error:  # an error of the exporter: the other reports are asked all the same
            outcome, message = "internal", self._line(report, _broken(error))
        seconds = self._clock.monotonic() - began
        return Finding(self._target.source, report.name, self._codes.of(report.name), outcome, seconds, found, message)

    async def _find(self, report: Report, now: datetime) -> tuple[Found | None, ReportError | None]:
        days = days_to_ask(Ledger(), now, self._target.rules)
        transport = Transport(self._fetch, RetryBudget(RETRY_SECONDS), self._worker)
        asked = await ask(self._target, report, days, Known(), transport, now)
        yesterday = days.last - ONE_DAY
        listed = {row.day for answer in asked.answers for row in answer.reading.rows}
        if yesterday in listed and days.last not in listed and not report.asks_by_day:
            shorter, known = Days(days.first, yesterday), Known(listed=frozenset({yesterday}))
            discoveries = (await ask(self._target, report, shorter, known, transport, now)).discoveries
            if END_DATE in discoveries:
                asked = await ask(self._target, report, days, Known(discoveries), transport, now)
        error = next((each.error for each in asked.failures), None)
        return await self._worker.run(partial(_found, self._target, report, asked, now)), error

    def _line(self, report: Report, text: str) -> str:
        """Returns one line that names source and report once, even if the message names them already."""
        who = f"{self._target.source}: {report.name}: "
        text = text.removeprefix(who).removeprefix(f"{self._target.source}/{report.name}: ")
        return who + " ".join(text.split())


def _found(target: Target, report: Report, asked: Answers, now: datetime) -> Found | None:
    state = ReportState(Ledger(), Health(target.interval, duration=0.0, history=True))
    result = poll_result(target, report, state, asked, now)
    if result.read is None:
        return None
    state = after_poll(target, report, {report.name: state}, asked.days, result, now)
    served = families(view(target, report, state, now))
    return Found(
        asked=len(state.ledger.blocks) if report.has_days else 0,
        listed=sum(block.listed for block in state.ledger.blocks.values()) if report.has_days else 0,
        companies=len(state.ledger.names),
        series=sum(len(family.samples) for family in served),
        unknown=result.drift.get("unknown", 0),
        missing=result.drift.get("missing", 0),
        left_out={kind: count for kind, count in result.left_out.items() if kind not in ("unknown", "missing")},
        notes=(
            *_ended(asked),
            *_explained(target, report, asked.answers, now),
            *_drifted(result.read),
            *_guessed(result.read),
            *_unread(asked),
        ),
        names=result.read.names,
    )


def _explained(target: Target, report: Report, answers: Iterable[Answer], now: datetime) -> Iterator[str]:
    """Yields how an answer is read; answers of a report are alike, so the first that lists anything is enough."""
    context = Context(target.source, day_at(now, target.rules.zone), target.rules.zone)
    found = [report.explain(each.body, each.request, context) for each in answers]
    if lines := next(filter(None, found), ()):
        yield from map(printable, lines)
    elif () in found:
        family = report.measures[0].family
        yield f"no row lists anything in these days, so the field for {family} is not known yet"


def _ended(asked: Answers) -> Iterator[str]:
    """Yields that the end date is exclusive."""
    if END_DATE in asked.discoveries:
        yield "end_date is exclusive: answers lack the last day, so one more day is asked for"


def _drifted(read: Reading) -> Iterator[str]:
    """Yields one line per kind with all undocumented paths."""
    if read.drift:
        kinds = sorted(read.drift.items())
        yield "; ".join(f"{kind}: {enumerated(sorted(paths), FIELDS_SHOWN)}" for kind, paths in kinds)


def _guessed(read: Reading) -> Iterator[str]:
    """Yields one line of all values whose meaning was inferred from their shape."""
    if read.guesses:
        yield f"a guess; compare with the platform's own figures: {enumerated(sorted(read.guesses), FIELDS_SHOWN)}"


def _unread(asked: Answers) -> Iterator[str]:
    """Yields what could not be read, once for all that looks or fails alike: keys and types, no figure."""
    found: dict[str, dict[str, None]] = {}
    for failure in asked.failures:
        unread = failure.unread
        why = f"where the answer is {unread.outline}" if unread else " ".join(str(failure.error).split())
        found.setdefault(why, {}).update(dict.fromkeys([unread.name] if unread else failure.items))
    for why, items in found.items():
        yield printable(f"cannot be read: {enumerated([*items], FIELDS_SHOWN)}; {why}")


def _broken(error: Exception) -> str:
    """Says where the exporter failed, without the data that it was reading."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
    return f"internal error of the exporter ({where}); please report it"
