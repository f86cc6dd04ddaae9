"""A breakdown that was read completely has the values of the new answer; a value that it no longer has counts 0."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from exporter.domain.model import READ_COMPLETELY, READ_IN_PART, Column, Days, Kind, Measure, Reading, Row
from exporter.ledger.corrections import corrections
from exporter.ledger.ledger import Asked, Ledger, fold

TODAY = date(2026, 3, 2)
HELLO, BYE, OTHER = Column("hits", ("hello",)), Column("hits", ("bye",)), Column("tools", ("bye",))
READ = Column("hits")
"""The marker of an answer in which the breakdown could be read."""
FIRST, SECOND = Column("calls", ("a", "x")), Column("calls", ("b", "y"))


def folded(ledger: Ledger, figures: dict[Column, float], other: dict[Column, float] | None = None) -> Ledger:
    """Returns the ledger with a row of company 1, and one of company 2 if given."""
    companies = {"1": figures} if other is None else {"1": figures, "2": other}
    rows = tuple(Row("chat", TODAY, company, row) for company, row in companies.items())
    reading = Reading(dict.fromkeys(companies, "A"), frozenset({"chat"}), rows)
    asked = Asked(Days(TODAY, TODAY), TODAY, datetime(2026, 3, 2, 12, tzinfo=UTC), 5, ZoneInfo("UTC"))
    return fold(ledger, reading, asked, lambda _id, _name: True)


HELD = {HELLO: 2.0, BYE: 1.0, OTHER: 5.0}


@pytest.mark.parametrize("held", [HELD | {READ: READ_COMPLETELY}, HELD], ids=["with-a-marker", "without-one"])
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param({READ: READ_COMPLETELY, HELLO: 3.0}, HELD | {HELLO: 3.0, BYE: 0.0}, id="a-value-is-gone"),
        pytest.param({READ: READ_COMPLETELY}, HELD | {HELLO: 0.0, BYE: 0.0}, id="all-values-are-gone"),
        pytest.param({READ: READ_IN_PART, HELLO: 3.0}, HELD | {HELLO: 3.0}, id="an-item-has-no-name"),
        pytest.param({Column("calls"): 1.0}, HELD, id="not-read"),
    ],
)
def test_a_value_that_is_gone_counts_0(
    held: dict[Column, float], answer: dict[Column, float], expected: dict[Column, float]
) -> None:
    """Without the marker of a complete reading nothing is known of it: what is held stays."""
    ledger = folded(folded(Ledger(), held), answer)
    table = ledger.table(TODAY, "chat")
    assert {column: table.columns[column][0] for column in expected} == expected


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        pytest.param(Column("calls"), {FIRST: 0.0, SECOND: 7.0}, id="of-the-whole-breakdown"),
        pytest.param(Column("calls", ("b",)), {FIRST: 2.0, SECOND: 7.0}, id="of-another-first-label"),
    ],
)
def test_a_marker_speaks_for_the_values_below_it(marker: Column, expected: dict[Column, float]) -> None:
    """Also for those of a first label that the new row does not name."""
    ledger = folded(folded(Ledger(), {FIRST: 2.0, SECOND: 1.0}), {marker: READ_COMPLETELY, SECOND: 7.0})
    assert {column: ledger.table(TODAY, "chat").columns[column][0] for column in expected} == expected


def test_each_row_is_marked_by_itself() -> None:
    """Rows with the same columns differ in what was read."""
    complete, in_part = {READ: READ_COMPLETELY, HELLO: 3.0}, {READ: READ_IN_PART, HELLO: 3.0}
    table = folded(folded(Ledger(), HELD, HELD), complete, in_part).table(TODAY, "chat")
    assert list(table.columns[BYE]) == [0.0, 1.0]


def test_a_marker_is_no_corrected_figure() -> None:
    """A company without a row was served as 0, and its marker never is."""
    measures = [Measure("hits", "Hits", Kind.SUM, ("intent",), limits=("intents",), needs_read_marker=True)]
    marked, unmarked = {READ: READ_COMPLETELY, HELLO: 2.0}, {HELLO: 2.0}
    before = folded(Ledger(), marked | {BYE: 1.0}, unmarked)
    assert corrections(before, folded(before, marked, unmarked), [TODAY], measures) == (1, 1 / 5)
    assert corrections(before, folded(before, marked | {BYE: 1.0}, marked), [TODAY], measures) == (0, 0.0)
