"""Labels that anybody may add values to stay within their limits, without coming and going, and lose no use."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import structs

from exporter.domain.model import READ_COMPLETELY, Column, Days, Kind, Measure, Reading, Row
from exporter.ledger.day_status import DayStatus
from exporter.ledger.ledger import Asked, Ledger, fold
from exporter.metrics import usage
from exporter.metrics.label_limits import (
    OTHER,
    LabelLimits,
    Uses,
    columns_if_all_fit,
    keep,
    keep_all,
    keep_labels,
    uses,
)
from exporter.metrics.report_view import CompanyIndex, ReportView
from exporter.metrics.target import Health
from exporter.metrics.usage import kept_sums, limited_sums
from exporter.platforms.paradigm import platform as paradigm
from tests.pipeline.pipeline import target_with, utc

TODAY = date(2026, 3, 3)
NOON = utc(2026, 3, 3, 12)
MONTH = tuple(TODAY - timedelta(days=n) for n in range(28))
FAMILY = "paradigm_tool_uses"
TOOLS = Measure(FAMILY, "Uses", Kind.SUM, ("tool",), limits=("tools",))
MARKED_TOOLS = replace(TOOLS, needs_read_marker=True)
REASONS = Measure(
    "calls", "Calls", Kind.SUM, ("channel_id", "reason"), limits=("channels", "reasons"), needs_read_marker=True
)
CALLS = Measure(
    "conversations", "Conversations", Kind.SUM, ("channel_id",), limits=("channels",), needs_read_marker=True
)
MEDIAN = Measure("median", "Median", Kind.AVERAGE, ("channel_id",), limits=("channels",), needs_read_marker=True)
Labels = tuple[str, ...]
YESTERDAY = TODAY - timedelta(days=1)
BOTH = (TODAY, YESTERDAY)
NOW = (TODAY,)


def figures(**tools: float) -> Uses:
    """Returns the uses of each tool today."""
    return Uses({(tool,): {TODAY: value} for tool, value in tools.items()}, {})


def spans(measure: Measure, held: Ledger, last: date, today: date | None) -> Mapping[usage.Window, Sequence[date]]:
    """Returns the held days of a measure's windows, newest first."""
    ends = {each: today if each is usage.TODAY else last for each in usage.families_of(measure, paradigm.TOOLS)}
    return {window: [day for day in window.ending(end) if day in held.blocks] for window, end in ends.items() if end}


def kept(found: Uses, limit: int, before: set[str] | None = None) -> set[str]:
    earlier = frozenset((tool,) for tool in before or ())
    return {labels[-1] for labels in keep(found, MONTH, (limit,), earlier)}


def shown(
    found: Uses, chosen: set[Labels], measure: Measure = TOOLS, span: tuple[date, ...] = NOW
) -> Mapping[Labels, float]:
    """Returns what is served while these values are kept."""
    return dict(kept_sums(found, frozenset(chosen), LabelLimits().caps(measure), span, measure))


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
    assert shown(figures(a=1, b=5, c=5, other=2), {("b",)}) == {("b",): 5, (OTHER,): 8}


def test_a_value_counts_from_its_first_day_on() -> None:
    """Not used on a later day it is 0; before its first day it has no figure."""
    found = Uses({("late",): {TODAY: 3.0}, ("early",): {YESTERDAY: 2.0}}, {})

    assert shown(found, {*found.figures}) == {("late",): 3, ("early",): 0}
    assert shown(found, {*found.figures}, span=(YESTERDAY,)) == {("early",): 2}


def test_values_that_are_cut_alike_are_added_up() -> None:
    """`value_length` holds before anything is ranked."""
    row = Row("all", TODAY, "17", {Column(FAMILY, ("web search",)): 2.0, Column(FAMILY, ("web scraping",)): 3.0})
    days = Days(TODAY, TODAY)
    reading = Reading({"17": "Northwind"}, frozenset({"all"}), (row,))
    ledger = fold(Ledger(), reading, Asked(days, TODAY, NOON, 45), lambda _id, _name: True)

    assert list(uses(ledger, "all", TOOLS, 5, ("17",))) == [("17", Uses({("web s",): {TODAY: 5.0}}, {}))]


def test_a_break_down_that_was_not_read_has_no_zeros() -> None:
    """A channel that answered without a reason has 0 of it; one whose breakdown is unknown has no figure."""
    figures_of: dict[Labels, dict[date, float]] = {
        ("a", "hung up"): {YESTERDAY: 2.0},
        ("b", "hung up"): {YESTERDAY: 3.0},
        ("a", "lost"): {TODAY: 1.0},
    }
    found = Uses(figures_of, {("a",): {TODAY, YESTERDAY}, ("b",): {YESTERDAY}})
    chosen = {("a",), ("b",), *found.figures}

    assert shown(found, chosen, REASONS) == {("a", "hung up"): 0, ("a", "lost"): 1}
    assert shown(found, chosen, REASONS, BOTH) == {("a", "hung up"): 2, ("a", "lost"): 1}


def test_a_day_without_a_row_is_a_day_of_zeros_for_a_break_down_too() -> None:
    """A platform that lists only those who did something says so of their breakdowns."""
    found = Uses({("a", "hung up"): {YESTERDAY: 2.0}}, {})

    assert shown(found, {*found.figures}, REASONS, BOTH) == {}
    assert shown(found._replace(silent={TODAY}), {*found.figures}, REASONS, BOTH) == {("a", "hung up"): 2}


def test_a_channel_that_did_not_answer_has_no_figure_and_makes_no_sum_smaller() -> None:
    """One that is gone altogether takes nothing from the others."""
    found = Uses(
        {("a",): {YESTERDAY: 1.0, TODAY: 2.0}, ("late",): {TODAY: 4.0}, ("gone",): {YESTERDAY: 8.0}},
        {},
    )

    assert shown(found, {("a",), ("late",), ("gone",)}, CALLS, BOTH) == {("a",): 3}
    assert shown(found, {("a",)}, CALLS, NOW) == {("a",): 2, (OTHER,): 4}
    assert shown(found, {("a",)}, CALLS, BOTH) == {("a",): 3}, "the sum of the others is not known"


def test_medians_are_not_added_up() -> None:
    """Those of channels that are not kept are nobody's."""
    found = Uses({("a",): {TODAY: 1.5}, ("b",): {TODAY: 2.5}}, {})

    assert shown(found, {("a",)}, MEDIAN) == {("a",): 1.5}


def test_of_two_open_labels_the_second_is_chosen_for_each_value_of_the_first() -> None:
    """The first one as another family chose it; what is not kept of either is `other`."""
    reasons = {("a", "x"): 5, ("a", "y"): 4, ("b", "x"): 3, ("c", "y"): 2, ("c", "z"): 1}
    found = Uses({labels: {TODAY: float(value)} for labels, value in reasons.items()}, {})
    leading = frozenset({("a",), ("b",)})
    chosen = keep(found, MONTH, (2, 1), frozenset(), leading)

    assert chosen == {("a",), ("b",), ("a", "x"), ("b", "x"), (OTHER, "y")}
    assert shown(found, set(chosen), replace(REASONS, needs_read_marker=False)) == {
        ("a", "x"): 5,
        ("a", OTHER): 4,
        ("b", "x"): 3,
        (OTHER, "y"): 2,
        (OTHER, OTHER): 1,
    }


names = st.text(max_size=3) | st.just(OTHER)
values = st.dictionaries(
    st.tuples(names),
    st.dictionaries(st.sampled_from(MONTH), st.integers(0, 9).map(float), min_size=1),
    max_size=8,
)


@given(values, st.integers(0, 9), st.frozensets(st.tuples(names)))
def test_no_use_is_lost_and_no_limit_broken(
    found: dict[Labels, dict[date, float]], limit: int, before: frozenset[Labels]
) -> None:
    """Whatever was kept before: at most `limit` values and `other`, and the same sum."""
    held = Uses(found, {})
    chosen = keep(held, MONTH, (limit,), before)
    served = list(kept_sums(held, chosen, (limit,), MONTH, TOOLS))

    assert len(chosen) <= limit
    assert len({labels for labels, _ in served}) <= limit + 1
    assert sum(value for _, value in served) == sum(sum(days.values()) for days in found.values())


READ = {Column(FAMILY): READ_COMPLETELY}
tools = st.dictionaries(st.sampled_from(("a", "b", "abc", "abd")), st.sampled_from((0.0, 1.0, 5.0)), max_size=4)


History = dict[date, dict[str, dict[str, float]]]
"""Uses by day, company and tool."""
histories = st.dictionaries(st.sampled_from(MONTH), st.dictionaries(st.sampled_from(("1", "2")), tools))


def folded(history: History) -> Ledger:
    ledger = Ledger()
    for day, companies in history.items():
        rows = tuple(
            Row("all", day, company, READ | {Column(FAMILY, (tool,)): value for tool, value in used.items()})
            for company, used in companies.items()
        )
        reading = Reading(dict.fromkeys(companies, "name"), frozenset({"all"}), rows)
        ledger = fold(ledger, reading, Asked(Days(day, day), TODAY, NOON, 45), lambda _id, _name: True)
    return ledger


@given(histories, st.integers(0, 4), st.sampled_from((2, 10)))
def test_where_all_fit_all_are_kept_without_ranking(history: History, cap: int, length: int) -> None:
    """The short way chooses what the long one does, or says that it cannot."""
    ledger = folded(history)
    columns = columns_if_all_fit(ledger, "all", TOOLS, (cap,))

    if columns is not None:
        assert keep_all(ledger, "all", columns, length) == {
            company: keep(held, MONTH, (cap,), frozenset())
            for company, held in uses(ledger, "all", TOOLS, length, ("1", "2"))
        }
    else:
        assert cap < len({tool for companies in history.values() for used in companies.values() for tool in used})


@given(histories, st.sampled_from((2, 10)), st.integers(1, 10), st.sampled_from((TOOLS, MARKED_TOOLS)))
@example({YESTERDAY: {"1": {"b": 0.0}}, TODAY: {"1": {"a": 0.0}}}, 10, 1, TOOLS)  # a newer tool may take the only place
def test_a_window_has_what_each_company_used_in_it(history: History, length: int, most: int, measure: Measure) -> None:
    """Names cut alike are one; a tool counts 0 once it was used, and is absent before; what does not fit is `other`."""
    ledger = folded({YESTERDAY: {}, TODAY: {}, **history})
    tools_used = {tool[:length] for companies in history.values() for used in companies.values() for tool in used}
    status = DayStatus(YESTERDAY, TODAY, empty_day=False, stale=False, covered=frozenset(ledger.blocks))
    limits = LabelLimits({"tools": most}, length)
    kept = keep_labels(paradigm.TOOLS, ledger, YESTERDAY, limits, {})
    health = Health(timedelta(hours=1), history=True)
    target = structs.replace(target_with(), source="production", limits=limits)
    view = ReportView(target, paradigm.TOOLS, ledger, status, health, kept)
    found = limited_sums(CompanyIndex(view), measure, spans(measure, ledger, YESTERDAY, TODAY))

    for window, samples in found.items():
        days = window.ending(TODAY if window is usage.TODAY else YESTERDAY)
        used: dict[Labels, float] = {}
        for day, companies in history.items():
            for company, told in companies.items():
                for tool, value in told.items() if day <= days[0] else ():
                    labels = ("production", company, "name", tool[:length])
                    used[labels] = used.get(labels, 0.0) + (value if day in days else 0.0)
        served = {sample.label_values: sample.value for sample in samples}
        assert len(served) == len(samples)
        if len(tools_used) <= most:
            assert served == used
        assert {company: total(served, company) for company in ("1", "2")} == {
            company: total(used, company) for company in ("1", "2")
        }


def test_what_a_row_without_a_marker_lacks_is_unknown() -> None:
    """The sum of its company alone, and only of days with that row; the short way is not taken then."""
    ledger = folded({YESTERDAY: {"1": {"a": 1.0, "b": 1.0}, "2": {"a": 1.0, "b": 1.0}}})
    rows = (Row("all", TODAY, "1", {Column(FAMILY, ("a",)): 2.0}), Row("all", TODAY, "2", READ))
    reading = Reading({"1": "name", "2": "name"}, frozenset({"all"}), rows)
    ledger = fold(ledger, reading, Asked(Days(TODAY, TODAY), TODAY, NOON, 45), lambda _id, _name: True)
    limits, health = LabelLimits({"tools": 9}, 10), Health(timedelta(hours=1), history=True)
    status = DayStatus(TODAY, None, empty_day=False, stale=False, covered=frozenset(ledger.blocks))
    kept = keep_labels(paradigm.TOOLS, ledger, TODAY, limits, {})
    target = structs.replace(target_with(), source="production", limits=limits)
    view = ReportView(target, paradigm.TOOLS, ledger, status, health, kept)
    found = limited_sums(CompanyIndex(view), MARKED_TOOLS, spans(MARKED_TOOLS, ledger, TODAY, None))

    assert {sample.label_values[1:]: sample.value for sample in found[usage.WEEK]} == {
        ("1", "name", "a"): 3.0,
        ("2", "name", "a"): 1.0,
        ("2", "name", "b"): 1.0,
    }


def total(samples: Mapping[Labels, float], company: str) -> float:
    return sum(value for labels, value in samples.items() if labels[1] == company)
