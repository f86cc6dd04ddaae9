"""Labels that anybody may add values to stay within their limits, without coming and going, and lose no use."""

from collections.abc import Mapping
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.ledger import Asked, Ledger, fold
from exporter.model import Column, Days, Reading, Row
from exporter.open_labels import OTHER, Kept, capped, keep, uses
from tests.road import utc

TODAY = date(2026, 3, 3)
NOON = utc(2026, 3, 3, 12)
MONTH = tuple(TODAY - timedelta(days=n) for n in range(28))
FAMILY = "paradigm_tool_uses"
Uses = Mapping[tuple[str, ...], Mapping[date, float]]
"""Figures by label values and day."""


def figures(**tools: float) -> Uses:
    """Returns the uses of each tool today."""
    return {(tool,): {TODAY: value} for tool, value in tools.items()}


def kept(found: Uses, limit: int, before: set[str] | None = None) -> set[str]:
    earlier: Kept = {"17": frozenset((tool,) for tool in before or ())}
    return {labels[-1] for labels in keep({"17": found}, MONTH, limit, earlier)["17"]}


@pytest.mark.parametrize(
    ("limit", "names"),
    [
        pytest.param(3, {"a", "b", "c"}, id="room-for-all"),
        pytest.param(2, {"b", "c"}, id="the-most-used"),
        pytest.param(1, {"b"}, id="then-by-name"),
        pytest.param(0, set(), id="none"),
    ],
)
def test_the_values_with_the_largest_month_are_kept(limit: int, names: set[str]) -> None:
    """Of equals the first by name."""
    assert names == kept(figures(a=1, b=5, c=5), limit)


def test_a_kept_value_leaves_only_when_it_has_clearly_fallen_behind() -> None:
    """At rank 12 of 10 it stays, at rank 13 it goes; series must not come and go with every poll."""
    ranked = {f"t{n:02}": 100.0 - n for n in range(1, 20)}
    earlier = {f"t{n:02}" for n in range(1, 10)}

    assert "t12" in kept(figures(**ranked), 10, earlier | {"t12"})
    assert "t13" not in kept(figures(**ranked), 10, earlier | {"t13"})


def test_the_rest_is_added_up_and_nothing_is_lost() -> None:
    """A tool that happens to be named other is in it too."""
    found = figures(a=1, b=5, c=5, other=2)

    assert dict(capped(found, frozenset({("b",)}), (TODAY,), TODAY)) == {("b",): 5, (OTHER,): 8}


def test_a_value_counts_from_its_first_day_on() -> None:
    """Not used on a later day it is 0; before its first day it has no figure."""
    yesterday = TODAY - timedelta(days=1)
    found: Uses = {("late",): {TODAY: 3.0}, ("early",): {yesterday: 2.0}}
    both = frozenset(found)

    assert dict(capped(found, both, (TODAY,), TODAY)) == {("late",): 3, ("early",): 0}
    assert dict(capped(found, both, (yesterday,), yesterday)) == {("early",): 2}


def test_values_that_are_cut_alike_are_added_up() -> None:
    """`value_length` holds before anything is ranked."""
    row = Row("all", TODAY, "17", {Column(FAMILY, ("web search",)): 2.0, Column(FAMILY, ("web scraping",)): 3.0})
    days = Days(TODAY, TODAY)
    reading = Reading({"17": "Northwind"}, frozenset({"all"}), (row,))
    ledger = fold(Ledger(), reading, Asked(days, TODAY, NOON, 45), lambda _id, _name: True)

    assert uses(ledger, "all", FAMILY, 5) == {"17": {("web s",): {TODAY: 5.0}}}


names = st.text(max_size=3) | st.just(OTHER)
values = st.dictionaries(
    st.tuples(names),
    st.dictionaries(st.sampled_from(MONTH), st.integers(0, 9).map(float), min_size=1),
    max_size=8,
)


@given(values, st.integers(0, 9), st.frozensets(st.tuples(names)))
def test_no_use_is_lost_and_no_limit_broken(found: Uses, limit: int, before: frozenset[tuple[str, ...]]) -> None:
    """Whatever was kept before: at most `limit` values and `other`, and the same sum."""
    chosen = keep({"17": found}, MONTH, limit, {"17": before}).get("17", frozenset())
    shown = list(capped(found, chosen, MONTH, TODAY))

    assert len(chosen) <= limit
    assert len({labels for labels, _ in shown}) <= limit + 1
    assert sum(value for _, value in shown) == sum(sum(days.values()) for days in found.values())
