"""A breakdown that was read again has the values of the new answer; what no longer stands in it counts 0."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from exporter.domain.model import Column, Days, Reading, Row
from exporter.ledger.ledger import Asked, Ledger, fold

TODAY = date(2026, 3, 2)
HELLO, BYE, OTHER = Column("hits", ("hello",)), Column("hits", ("bye",)), Column("tools", ("bye",))
READ = Column("hits")
"""The marker of an answer in which the breakdown could be read."""


def folded(ledger: Ledger, figures: dict[Column, float]) -> Ledger:
    reading = Reading({"1": "A"}, frozenset({"chat"}), (Row("chat", TODAY, "1", figures),))
    asked = Asked(Days(TODAY, TODAY), TODAY, datetime(2026, 3, 2, 12, tzinfo=UTC), 5, ZoneInfo("UTC"))
    return fold(ledger, reading, asked, lambda _id, _name: True)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param({READ: 1.0, HELLO: 3.0}, {HELLO: 3.0, BYE: 0.0, OTHER: 5.0}, id="a-value-is-gone"),
        pytest.param({READ: 1.0}, {HELLO: 0.0, BYE: 0.0, OTHER: 5.0}, id="all-values-are-gone"),
        pytest.param({Column("calls"): 1.0}, {HELLO: 2.0, BYE: 1.0, OTHER: 5.0}, id="not-read"),
    ],
)
def test_a_value_that_is_gone_counts_0(answer: dict[Column, float], expected: dict[Column, float]) -> None:
    """Without the marker nothing is known of it: what is held stays."""
    ledger = folded(folded(Ledger(), {READ: 1.0, HELLO: 2.0, BYE: 1.0, OTHER: 5.0}), answer)
    table = ledger.table(TODAY, "chat")
    assert {column: table.columns[column][0] for column in expected} == expected
