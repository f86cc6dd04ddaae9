"""What is served after an answer of Paradigm, along the whole road but the network, as a folder.

A case holds `body.json`, the bytes of the answer asked on Tuesday 2026-03-03 at 12:00 UTC for 2026-02-28 to
2026-03-03, and `expected.txt`, the lines that it makes; `held.json`, if there, was answered an hour before.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from exporter.domain.calendars import Calendar
from exporter.domain.errors import ReportError
from exporter.domain.model import Days
from exporter.domain.scope import Scope
from exporter.exposition.text import write
from exporter.ledger.day_status import DayRules
from exporter.ledger.ledger import Asked, Ledger, fold
from exporter.metrics.health import Health
from exporter.metrics.report_health import families
from exporter.platforms.api import Context
from exporter.platforms.paradigm.platform import CHAT_SESSIONS
from exporter.polling.render import view
from exporter.polling.report_state import ReportState
from exporter.polling.target import Target

CASES = Path(__file__).parent / "cases" / "chat-sessions"
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
    return folded, " ".join(f"{kind}={count}" for kind, count in sorted(reading.surprises.items()))


def served(ledger: Ledger) -> str:
    """Returns the lines with figures of companies."""
    health = Health(timedelta(hours=1), last_success=NOON)
    target = Target("s", "paradigm", (CHAT_SESSIONS,), Scope(), RULES, timedelta(hours=1))
    seen = view(target, CHAT_SESSIONS, ReportState(ledger, health), NOON)
    figures = [each for each in families(seen) if each.name.startswith("paradigm_")]
    return "".join(write(family).lines for family in figures)


def outcome(case: Path) -> str:
    """Returns what the case makes: the lines served, or how the answer fails."""
    held = case / "held.json"
    ledger, _ = answered(Ledger(), held.read_bytes(), NOON - timedelta(hours=1)) if held.exists() else (Ledger(), "")
    try:
        ledger, left_out = answered(ledger, (case / "body.json").read_bytes(), NOON)
    except ReportError as error:
        return f"# {error.outcome}: {error}\n{served(ledger)}"
    return f"# ok, left out: {left_out or 'nothing'}\n{served(ledger)}"


@pytest.mark.parametrize(
    "case", sorted(path.parent for path in CASES.glob("*/expected.txt")), ids=lambda case: case.name
)
def test_an_answer_makes_exactly_the_expected_lines(case: Path) -> None:
    """The whole of what is served is compared, so nothing else is."""
    assert (case / "expected.txt").read_text(encoding="utf-8") == outcome(case)
