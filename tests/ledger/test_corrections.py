"""What counts as a correction, and how large a share of its day it is."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from exporter.domain.model import Column, Days, Kind, Measure, Reading, Row
from exporter.ledger.corrections import corrections
from exporter.ledger.ledger import Asked, Ledger, fold

DAY = date(2026, 3, 2)
QUERIES = Column("queries")
MEASURES = (Measure("queries", "Queries", Kind.SUM),)


def folded(ledger: Ledger, by_part: dict[str, float]) -> Ledger:
    rows = tuple(Row(part, DAY, "1", {QUERIES: value}) for part, value in by_part.items())
    asked = Asked(Days(DAY, DAY), date(2026, 3, 3), datetime(2026, 3, 3, 12, tzinfo=UTC), 5, ZoneInfo("UTC"))
    return fold(ledger, Reading({"1": "A"}, frozenset(by_part), rows), asked, lambda _id, _name: True)


def test_the_share_is_that_of_the_whole_day() -> None:
    """A part that did not change belongs to the day as well: one query of a thousand is not half a day."""
    before = folded(Ledger(), {"chat": 998.0, "agent": 1.0})

    after = folded(before, {"chat": 998.0, "agent": 2.0})

    assert after.table(DAY, "chat") is before.table(DAY, "chat")
    assert corrections(before, after, [DAY], MEASURES) == (1, 1 / 1000)
