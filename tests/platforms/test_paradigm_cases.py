"""What is served after a response of Paradigm's chat-sessions, without a network.

The cases are in cases/chat-sessions.yml; the answer comes at 12:00 UTC.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from exporter.domain.calendars import Calendar
from exporter.domain.errors import ReportError
from exporter.domain.model import Days
from exporter.domain.scope import Scope
from exporter.exposition.text import write
from exporter.ledger.day_status import DayRules
from exporter.ledger.ledger import Asked, Ledger, fold
from exporter.metrics.report_health import families
from exporter.metrics.report_view import view
from exporter.metrics.target import Health, ReportState, Target
from exporter.platforms.api import Context
from exporter.platforms.paradigm.platform import CHAT_SESSIONS
from tests.platforms.answer_cases import CASES, Case

TODAY = date(2026, 3, 3)
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
DAYS = Days(date(2026, 2, 28), TODAY)
RULES = DayRules(
    zone=ZoneInfo("UTC"),
    settle=timedelta(hours=6),
    reread_days=3,
    keep_days=45,
    max_staleness=timedelta(days=3),
    calendar=Calendar(),
)


def answered(ledger: Ledger, body: bytes, at: datetime) -> tuple[Ledger, str]:
    """Returns the ledger after an answer and what the answer's log line would say was left out."""
    (request,) = CHAT_SESSIONS.plan(DAYS, Scope())
    reading = CHAT_SESSIONS.decode(body, request, Context("s", TODAY, RULES.zone))
    folded = fold(ledger, reading, Asked(DAYS, TODAY, at, RULES.keep_days), lambda _id, _name: True)
    drift = {kind: len(paths) for kind, paths in reading.drift.items()}
    left_out = {**drift, **reading.violations, "outside_range": reading.outside_range}
    return folded, " ".join(f"{kind}={count}" for kind, count in sorted(left_out.items()) if count)


def served(ledger: Ledger) -> str:
    """Returns the lines with figures of companies."""
    health = Health(timedelta(hours=1), last_success=NOON, read_at=NOON)
    target = Target("s", "paradigm", (CHAT_SESSIONS,), Scope(), RULES, timedelta(hours=1))
    seen = view(target, CHAT_SESSIONS, ReportState(ledger, health), NOON)
    figures = [each for each in families(seen) if each.name.startswith("paradigm_")]
    return "".join(write(family).piece.plain.decode() for family in figures)


def outcome(case: Case) -> str:
    """Returns what the case makes: the lines served, or how the answer fails."""
    ledger = Ledger()
    if case.held is not None:
        ledger, _ = answered(ledger, case.held, NOON - timedelta(hours=1))
    try:
        ledger, left_out = answered(ledger, case.body, NOON)
    except ReportError as error:
        return f"# {error.outcome}: {error}\n{served(ledger)}"
    return f"# ok, left out: {left_out or 'nothing'}\n{served(ledger)}"


@pytest.mark.parametrize("case", [case for case in CASES if case.served is not None], ids=lambda case: case.id)
def test_an_answer_makes_exactly_the_expected_lines(case: Case) -> None:
    """The whole of what is served is compared, so nothing else is."""
    assert case.report == CHAT_SESSIONS.name
    assert case.served == outcome(case)
