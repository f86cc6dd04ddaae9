"""Asks a report and reads the answers: the steps of a poll as functions, for the poller and for whoever probes.

Nothing is remembered here; what is known before and after goes in and out as values.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol

from exporter.calendars import day_at
from exporter.corrections import Corrections, corrections
from exporter.fetch import Patience
from exporter.judge import DayRules, published_days
from exporter.ledger import Asked, Ledger, fold
from exporter.model import Days
from exporter.selection import Companies
from exporter.source import Context, Report, Request, Scope


class Fetch(Protocol):
    """What is needed of `exporter.fetch.Client`."""

    async def get(self, request: Request, patience: Patience) -> bytes:
        """Returns the body of a good answer or raises a ReportError."""


@dataclass(frozen=True, slots=True)
class Watch:
    """One source as the poller knows it: what to ask, whom to hold, what days mean, which families are unwanted."""

    source: str
    platform: str
    reports: tuple[Report, ...]
    scope: Scope
    rules: DayRules
    interval: timedelta
    companies: Companies = field(default_factory=Companies)
    excluded: tuple[str, ...] = ()


class Answer(NamedTuple):
    """What was asked and the whole body that came."""

    request: Request
    body: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """What came of the answers.

    `names` are all companies that the answers list, wanted or not; `surprises` say what was left out and why;
    `corrections` what changed; `day_bytes` is how large a day of an answer is.
    """

    ledger: Ledger
    names: Mapping[str, str]
    surprises: Mapping[str, int]
    corrections: Corrections
    day_bytes: float


async def ask(watch: Watch, report: Report, days: Days, fetch: Fetch, patience: Patience) -> tuple[Answer, ...]:
    """Asks all requests that `days` of a report take, one after the other.

    Raises:
        ReportError: one of them failed; the others are not asked.
    """
    return tuple([Answer(each, await fetch.get(each, patience)) for each in report.plan(days, watch.scope)])


def read(watch: Watch, report: Report, ledger: Ledger, answers: Iterable[Answer], now: datetime) -> Read:
    """Folds all answers of a report that were asked for at `now`.

    Raises:
        ReportError: one of them cannot be read; then none counts.
    """
    today = day_at(now, watch.rules.zone)
    surprises: Counter[str] = Counter()
    folded, asked, size, names = ledger, set[date](), 0, dict[str, str]()
    for request, body in answers:
        reading = report.decode(body, request, Context(watch.source, today, watch.rules.zone))
        folded = fold(folded, reading, Asked(request.days, today, now, watch.rules.keep_days), watch.companies.wants)
        surprises.update(reading.surprises)
        names.update(reading.names)
        asked.update(request.days)
        size += len(body)
    served = published_days(ledger, now, watch.rules) & asked & folded.blocks.keys()
    return Read(folded, names, surprises, corrections(ledger, folded, served, report.measures), size / len(asked))
