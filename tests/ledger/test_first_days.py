"""The first days of companies and figures: carried from ledger to ledger, they are those of the rows that are held."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.domain.model import Column, Days, Reading, Row
from exporter.ledger.ledger import Asked, Ledger, fold

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
PARTS, COMPANIES = ("chat", "agent"), ("7", "12", "a")
COLUMNS = (Column("queries"), Column("tools", ("search",)))
KEEP_DAYS = 5

rows = st.lists(
    st.tuples(
        st.sampled_from(PARTS),
        st.integers(0, 3),
        st.sampled_from(COMPANIES),
        st.dictionaries(st.sampled_from(COLUMNS), st.floats(0, 9)),
    ),
    max_size=6,
)
"""Of an answer: part, how many days before its last one, company, figures."""
polls = st.lists(st.tuples(st.sampled_from((1, 12, 30, 80)), st.integers(0, 2), rows), min_size=1, max_size=8)
"""Hours since the poll before, how many days before today the last asked one is, rows."""


@given(polls)
def test_first_days_are_those_of_the_held_rows(
    found: list[tuple[int, int, list[tuple[str, int, str, object]]]],
) -> None:
    """Whatever came in between: quiet days, lost rows, withdrawn companies, days that are held no more."""
    ledger, now = Ledger(), BEGIN
    for hours, earlier, of_answer in found:
        now += timedelta(hours=hours)
        last = now.date() - timedelta(days=earlier)
        days = Days(last - timedelta(days=3), last)
        listed = {(part, last - timedelta(days=ago), company): figures for part, ago, company, figures in of_answer}
        reading = Reading(
            dict.fromkeys(COMPANIES, "A"),
            frozenset(PARTS),
            tuple(Row(*key, figures) for key, figures in listed.items()),  # type: ignore[arg-type]  # hypothesis draws objects
        )
        asked = Asked(days, now.date(), now, KEEP_DAYS, ZoneInfo("UTC"))

        ledger = fold(ledger, reading, asked, lambda _id, _name: True)

        anew = replace(ledger)
        assert anew.first_days == ledger.first_days
        for part in PARTS:
            for column in COLUMNS:
                assert anew.first_figures(part, column) == ledger.first_figures(part, column)


def test_of_a_poll_that_changes_no_company_they_are_the_same_object() -> None:
    """So that what is made from them is known to be the same soon."""
    day = date(2026, 3, 2)
    asked = Asked(Days(day, day), day, BEGIN, KEEP_DAYS)
    before = None
    ledger = Ledger()
    for value in (1.0, 2.0, 3.0):
        row = Row("chat", day, "7", {COLUMNS[0]: value})
        ledger = fold(ledger, Reading({"7": "A"}, frozenset({"chat"}), (row,)), asked, lambda _id, _name: True)
        first = ledger.first_days["chat"]
        assert before is None or before is first
        before = first
