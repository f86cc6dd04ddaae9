"""Asks a report once, as a first poll does, and describes the result; publishes nothing."""

import traceback
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from msgspec import Struct

from exporter.domain.calendars import ONE_DAY, day_at
from exporter.domain.clock import Clock
from exporter.domain.errors import InternalError, ReportError
from exporter.domain.model import Days, Reading
from exporter.domain.threads import Worker
from exporter.domain.wording import enumerated, printable
from exporter.http import RetryBudget
from exporter.ledger.day_status import days_to_ask
from exporter.ledger.ledger import Ledger
from exporter.metrics.report_health import families
from exporter.metrics.report_view import view
from exporter.metrics.target import Health, ReportState, Target
from exporter.platforms.api import END_DATE, Context, Report
from exporter.polling.answers import Answers, EarlierAnswers
from exporter.polling.ask import Fetch, Transport, ask
from exporter.polling.poll_result import after_poll, poll_result

RETRY_SECONDS = 60.0
"""Seconds that one report may wait between attempts; somebody is watching."""
FIELDS_SHOWN = 20
"""Fields of a kind in one line."""


class Content(Struct, frozen=True):
    """The content of good answers.

    Of the days `asked` for, `listed` have a row; both are 0 for levels. `companies` and `series` would be served,
    health included. `left_out` counts unreadable things by kind, among them `unknown` and `missing` fields. `notes`
    say which fields drifted and how self-described answers were read. `names` are all listed companies by id.
    """

    asked: int
    listed: int
    companies: int
    series: int
    left_out: Mapping[str, int]
    notes: tuple[str, ...] = ()
    names: Mapping[str, str] = {}


class Finding(Struct, frozen=True):
    """The result of asking one report.

    `status` is the last attempt's HTTP status, if any. `message` is one line, without source and report, if something
    failed; `content` is None if nothing could be read.
    """

    source: str
    report: str
    status: str
    outcome: str
    seconds: float
    content: Content | None
    message: str


class LastCodes(Struct):
    """Keeps the status of the last attempt, `by_report` (`exporter.http.Observer`)."""

    by_report: dict[str, str] = {}

    def request(self, source: str, report: str, code: str, seconds: float) -> None:
        """Notes one attempt; an `error` has no status."""
        self.by_report[report] = "" if code == "error" else code

    def _ignored(self, *_what: object, **_named: object) -> None:
        """Waits and the platform's clock do not matter here, and messages name a pause."""

    waited = paused = dated = _ignored


async def probe(
    target: Target, report: Report, fetch: Fetch, codes: LastCodes, worker: Worker, clock: Clock
) -> Finding:
    """Asks one report for the days of a first poll; a failure is a finding too. `codes` is the observer of `fetch`."""
    began, content, error = clock.monotonic(), None, None
    try:
        transport = Transport(fetch, RetryBudget(RETRY_SECONDS), worker)
        content, error = await _probe(target, report, transport, clock.now())
    except ReportError as failure:
        error = failure
    except Exception as failure:  # the other reports are asked all the same; data that was being read is not shown
        place = traceback.extract_tb(failure.__traceback__)[-1]
        where = f"{type(failure).__name__} in {Path(place.filename).name}, line {place.lineno}"
        error = InternalError(f"internal error of the exporter ({where}); please report it")
    text = str(error or "")
    for who in (f"{target.source}: {report.name}: ", f"{target.source}/{report.name}: "):
        text = text.removeprefix(who)
    return Finding(
        target.source,
        report.name,
        codes.by_report.get(report.name, ""),
        error.outcome if error else "ok",
        clock.monotonic() - began,
        content,
        " ".join(text.split()),
    )


async def _probe(
    target: Target, report: Report, transport: Transport, now: datetime
) -> tuple[Content | None, ReportError | None]:
    days = days_to_ask(Ledger(), now, target.rules)
    received = await ask(target, report, days, EarlierAnswers(), transport, now)
    yesterday = days.last - ONE_DAY
    listed = {row.day for answer in received.answers for row in answer.reading.rows}
    if yesterday in listed and days.last not in listed and not report.asks_by_day:
        shorter, earlier = Days(days.first, yesterday), EarlierAnswers(listed=frozenset({yesterday}))
        discoveries = (await ask(target, report, shorter, earlier, transport, now)).discoveries
        if END_DATE in discoveries:
            received = await ask(target, report, days, EarlierAnswers(discoveries), transport, now)
    error = next((each.error for each in received.failures), None)
    return await transport.worker.run(partial(_content, target, report, received, now)), error


def _content(target: Target, report: Report, received: Answers, now: datetime) -> Content | None:
    state = ReportState(Ledger(), Health(target.interval, duration=0.0, history=True))
    result = poll_result(target, report, state, received, now)
    if result.read is None:
        return None
    state = after_poll(target, report, {report.name: state}, received.days, result, now)
    served = families(view(target, report, state, now))
    return Content(
        asked=len(state.ledger.blocks) if report.has_days else 0,
        listed=sum(block.listed for block in state.ledger.blocks.values()) if report.has_days else 0,
        companies=len(state.ledger.names),
        series=sum(len(family.samples) for family in served),
        left_out=result.left_out,
        notes=tuple(_notes(target, report, received, result.read, now)),
        names=result.read.names,
    )


def _notes(target: Target, report: Report, received: Answers, read: Reading, now: datetime) -> Iterator[str]:
    """Yields a line for each thing that an operator should know of the answers."""
    if END_DATE in received.discoveries:
        yield "end_date is exclusive: answers lack the last day, so one more day is asked for"
    yield from _explained(target, report, received, now)
    if read.drift:
        kinds = sorted(read.drift.items())
        yield "; ".join(f"{kind}: {enumerated(sorted(paths), FIELDS_SHOWN)}" for kind, paths in kinds)
    if read.guesses:
        yield f"a guess; compare with the platform's own figures: {enumerated(sorted(read.guesses), FIELDS_SHOWN)}"
    yield from _unread(received)


def _explained(target: Target, report: Report, received: Answers, now: datetime) -> Iterator[str]:
    """Yields how an answer is read; answers of a report are alike, so the first that lists anything is enough."""
    context = Context(target.source, day_at(now, target.rules.zone), target.rules.zone)
    found = [report.explain(each.body, each.request, context) for each in received.answers]
    if lines := next(filter(None, found), ()):
        yield from map(printable, lines)
    elif () in found:
        family = report.measures[0].family
        yield f"no row lists anything in these days, so the field for {family} is not known yet"


def _unread(received: Answers) -> Iterator[str]:
    """Yields what could not be read, once for all that looks or fails alike: keys and types, no figure."""
    found: dict[str, dict[str, None]] = {}
    for failure in received.failures:
        unread = failure.unread
        why = f"where the answer is {unread.outline}" if unread else " ".join(str(failure.error).split())
        found.setdefault(why, {}).update(dict.fromkeys([unread.name] if unread else failure.items))
    for why, items in found.items():
        yield printable(f"cannot be read: {enumerated([*items], FIELDS_SHOWN)}; {why}")
