"""Which companies are wanted decides alone what is held of them, not whether that was known before or after a poll."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.model import Days, Reading, Row
from exporter.ledger.ledger import Asked, Ledger, fold, narrowed
from tests.ledger.test_first_days import BEGIN, COMPANIES, PARTS, rows


@given(rows, st.sets(st.sampled_from(COMPANIES)))
def test_folding_wanted_companies_is_folding_all_and_narrowing(
    of_answer: list[tuple[str, int, str, object]], wanted: set[str]
) -> None:
    """Also of columns: one that only unwanted companies have is not held."""
    today = date(2026, 3, 2)
    listed = {(part, today.replace(day=2 - min(ago, 1)), company): figures for part, ago, company, figures in of_answer}
    reading = Reading(
        dict.fromkeys(COMPANIES, "A"),
        frozenset(PARTS),
        tuple(Row(*key, figures) for key, figures in listed.items()),  # type: ignore[arg-type]  # hypothesis draws objects
    )
    asked = Asked(Days(today.replace(day=1), today), today, BEGIN, 5)

    before = fold(Ledger(), reading, asked, lambda company, _name: company in wanted)
    after = narrowed(fold(Ledger(), reading, asked, lambda _id, _name: True), lambda company, _name: company in wanted)

    assert before.names == after.names
    assert {part: found for part, found in before.columns().items() if found} == {
        part: found for part, found in after.columns().items() if found
    }
