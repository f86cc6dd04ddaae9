"""What alerts judge equals what rows and entries say, worked out plainly; and each trap of it has a case."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.domain.calendars import Calendar
from exporter.domain.model import Column, Days, Family, Reading, Row
from exporter.ledger.day_status import day_status
from exporter.ledger.ledger import Asked, Ledger, fold
from exporter.metrics.activities import (
    BASELINE,
    LAST_DAY,
    LAST_WORKING_DAY,
    LIMIT,
    MISSING,
    TODAY,
    WORKING_DAY,
    activity_families,
)
from exporter.metrics.limits import CompanyCalendar, CompanyLimits, Threshold
from exporter.metrics.report_view import CompanyIndex, ReportView
from exporter.metrics.target import Health
from exporter.platforms.api import Report
from exporter.platforms.paradigm.platform import (
    CHAT_SESSIONS,
    CHATS_FEEDBACK,
    FEEDBACKS,
    GROUNDED,
    QUERIES,
    RESPONSES,
    TOOLS,
    USER_ACTIVITIES,
)
from tests.pipeline.pipeline import BUILT_IN, RULES, target_with, utc

NOON = utc(2026, 3, 4, 12)  # a Wednesday
RUNNING, LAST = date(2026, 3, 4), date(2026, 3, 3)
SINCE = RUNNING - timedelta(days=45)
NORTHWIND, TAILSPIN = "17", "18"
NAMES = {NORTHWIND: "Northwind", TAILSPIN: "Tailspin"}
HOLIDAY = LAST - timedelta(days=14)
DAILY = replace(RULES, calendar=Calendar())
FIXED = Threshold(("user_queries",), {"below": 50.0}, company="id:17", severity="critical")

Figures = Callable[[date], float | None]


class Case(NamedTuple):
    """One company's figure per day in one column, None for no row."""

    column: Column
    figure: Figures
    part: str = "chat"
    company: str = NORTHWIND


def queries(figure: Figures, mode: str = "chat", company: str = NORTHWIND) -> Case:
    return Case(Column(QUERIES.family, (mode,)), figure, mode, company)


def families_of(
    *cases: Case,
    now: datetime = NOON,
    read_at: datetime | None = None,
    report: Report = CHAT_SESSIONS,
    company_limits: CompanyLimits | None = None,
    calendar: Calendar | None = None,
    sums: bool = True,
    min_group: int = 0,
    success: datetime | None = None,
) -> Sequence[Family]:
    asked = Days(SINCE, (read_at or now).date())
    rows: dict[tuple[str, date, str], dict[Column, float]] = {}
    for column, figure, part, company in cases:
        for day in asked:
            if (value := figure(day)) is not None:
                rows.setdefault((part, day, company), {})[column] = value
    reading = Reading(NAMES, frozenset(report.parts), tuple(Row(*key, figures) for key, figures in rows.items()))
    at = read_at or now
    ledger = fold(Ledger(), reading, Asked(asked, asked.last, at, 45), lambda _id, _name: True)
    rules = replace(DAILY, calendar=calendar or Calendar())
    status = day_status(ledger, now, success or at, rules)
    target = replace(target_with(rules), min_group=min_group)
    target = target if company_limits is None else replace(target, company_limits=company_limits)
    view = ReportView(target, report, ledger, status, Health(timedelta(hours=1), history=sums))
    return [each.made() for each in activity_families(CompanyIndex(view))]


def served(*cases: Case, working_days: bool = False, **options: Any) -> Mapping[tuple[str, ...], float]:
    """Returns the samples by family and by the labels after source, report and company's name."""
    return {
        (family.name, sample.label_values[2], *sample.label_values[4:]): sample.value
        for family in families_of(*cases, **options)
        if family.name != MISSING
        if (family.name == WORKING_DAY) is working_days
        for sample in family.samples
    }


def usual(name: str, company: str = NORTHWIND, activity: str = "user_queries", *more: str) -> tuple[str, ...]:
    return (name, company, activity, *more)


LOWER = (LIMIT, NORTHWIND, "user_queries", "lower", "usual", "warning")
UPPER = (LIMIT, NORTHWIND, "user_queries", "upper", "usual", "info")


def test_modes_are_added_up() -> None:
    """The platform moves users from chats to agents: the sum does not fall."""
    found = served(queries(lambda _: 60), queries(lambda day: None if day < LAST else 40, "agent"))

    assert found[usual(LAST_DAY)] == 100
    assert found[usual(TODAY)] == 100
    assert found[usual(BASELINE)] == 60


def test_an_activity_of_one_label_value_is_that_alone() -> None:
    """Likes are no dislikes."""
    cases = (
        Case(Column(FEEDBACKS.family, (kind,)), lambda _, n=number: n, "all")  # type: ignore[misc]  # mypy cannot infer a default's type
        for kind, number in (("like", 5), ("dislike", 2), ("copy", 9))
    )
    found = served(*cases, report=CHATS_FEEDBACK)
    figures = {key[2]: value for key, value in found.items() if key[0] == LAST_DAY}
    assert figures == {"likes": 5, "dislikes": 2, "copies": 9, "liked_share": 5 / 7}


def test_tools_are_added_up_whatever_they_are_called() -> None:
    """A tool that a row does not name was not used; no day is running for them."""
    tools = [
        Case(Column("paradigm_tool_uses", ("Web search",)), lambda _: 3, "all"),
        Case(Column("paradigm_tool_uses", ("CRM",)), lambda day: 4 if day == LAST else None, "all"),
    ]
    found = served(*tools, report=TOOLS)
    assert found[usual(LAST_DAY, NORTHWIND, "tool_uses")] == 7
    assert found[usual(BASELINE, NORTHWIND, "tool_uses")] == 3
    assert usual(TODAY, NORTHWIND, "tool_uses") not in found


def test_silence_is_0_from_the_first_row_on() -> None:
    """Of a company that fell silent the collapse shows; before its first row there is nothing."""
    fell = served(queries(lambda day: 80 if day < LAST else None), queries(lambda _: 1, company=TAILSPIN))
    assert fell[usual(LAST_DAY)] == 0
    assert fell[usual(BASELINE)] == 80
    late = served(queries(lambda day: 5 if day == RUNNING else None), queries(lambda _: 1, company=TAILSPIN))
    assert usual(LAST_DAY) not in late
    assert late[usual(TODAY)] == 5


def test_a_row_that_lacks_the_figure_makes_the_sum_unknown_not_smaller() -> None:
    """As it does for the figures themselves."""
    grounded = Column(GROUNDED.family, ("chat",))
    cases = queries(lambda _: 60), Case(grounded, lambda day: None if day == LAST else 7)
    found = served(*cases)
    activity = "model_responses_with_docs"
    assert usual(LAST_DAY, NORTHWIND, activity) not in found
    assert found[usual(TODAY, NORTHWIND, activity)] == 7


def test_what_the_platform_never_told_is_nobodys_0() -> None:
    found = served(queries(lambda _: 60))
    assert {key[2] for key in found} == {"user_queries"}


def test_usual_is_the_median_of_the_same_weekday() -> None:
    """Of six weeks, whatever one odd Tuesday and all other weekdays were."""
    weeks = {LAST - timedelta(days=7 * n): value for n, value in enumerate((0, 90, 100, 110, 5000, 95, 105))}
    found = served(queries(lambda day: weeks.get(day, 1)))
    assert found[usual(BASELINE)] == median([90, 100, 110, 5000, 95, 105])
    assert found[LOWER] == pytest.approx(0.5 * 102.5)
    assert found[UPPER] == pytest.approx(3 * 102.5)


def test_holidays_are_not_usual() -> None:
    """Of the company's own calendar."""

    def figure(day: date) -> float:
        return 0 if day == HOLIDAY else 90 if day.toordinal() // 7 % 2 else 70

    with_holiday = served(queries(figure))
    own = CompanyLimits((BUILT_IN,), calendars=(CompanyCalendar("id:17", Calendar(holidays=frozenset({HOLIDAY}))),))
    without = served(queries(figure), company_limits=own)
    points = [figure(LAST - timedelta(days=7 * n)) for n in range(1, 7)]
    assert with_holiday[usual(BASELINE)] == median(points)
    assert without[usual(BASELINE)] == median(point for point in points if point)


@pytest.mark.parametrize(("weeks", "known"), [(3, True), (2, False)])
def test_under_three_points_nothing_is_usual(weeks: int, known: bool) -> None:
    """Of a new company only fixed limits can be judged."""
    first = LAST - timedelta(days=7 * weeks)
    found = served(queries(lambda day: 60 if day >= first else None), company_limits=CompanyLimits((BUILT_IN, FIXED)))
    assert (usual(BASELINE) in found, LOWER in found, UPPER in found) == (known, known, known)
    assert found[(LIMIT, NORTHWIND, "user_queries", "lower", "fixed", "critical")] == 50


def test_before_the_history_is_read_nothing_is_usual() -> None:
    found = served(queries(lambda _: 60), sums=False)
    assert (usual(BASELINE) in found, LOWER in found, UPPER in found) == (False, False, False)
    assert found[usual(LAST_DAY)] == 60


def test_a_tiny_company_has_no_lower_limit_and_a_generous_upper_one() -> None:
    """A collapsed figure must not disarm its own alert: it is the usual that has to be large enough."""
    tiny, collapsed = served(queries(lambda _: 5)), served(queries(lambda day: 0 if day == LAST else 60))
    assert LOWER not in tiny
    assert tiny[UPPER] == 3 * 20
    assert collapsed[LOWER] == 30


MONDAY = utc(2026, 3, 2, 12)


def test_over_a_weekend_the_last_working_day_stands_still() -> None:
    """A company that stays down from Friday on is judged by Friday until Monday is complete."""
    friday = date(2026, 2, 27)

    def figure(day: date) -> float:
        return 5 if day >= friday else 60

    for now in (utc(2026, 2, 28, 12), utc(2026, 3, 1, 12), MONDAY):
        found = served(queries(figure), now=now)
        assert (found[usual(LAST_WORKING_DAY)], found[LOWER]) == (5, 30)
        assert found[usual(LAST_DAY)] == 5
    assert (
        served(queries(lambda day: 8 if day == date(2026, 3, 2) else 5), now=NOON - timedelta(days=1))[
            usual(LAST_WORKING_DAY)
        ]
        == 8
    )


def test_lower_limits_are_of_the_weekday_that_they_judge() -> None:
    """On Monday the last day is Sunday, whose usual is small, and Friday is judged by Fridays."""

    def figure(day: date) -> float:
        return 60 if day.weekday() < 5 else 2

    found = served(queries(figure), now=MONDAY)
    assert (found[usual(BASELINE)], found[LOWER], found[UPPER]) == (2, 30, 60)


def test_a_holiday_is_no_working_day_of_those_who_keep_it() -> None:
    calendar = CompanyCalendar("name:North*", Calendar(holidays=frozenset({LAST})))
    cases = [queries(lambda day: 0 if day == LAST else 60, company=company) for company in NAMES]
    found = served(*cases, company_limits=CompanyLimits((BUILT_IN,), (calendar,)))
    assert found[usual(LAST_WORKING_DAY, NORTHWIND)] == 60
    assert found[usual(LAST_WORKING_DAY, TAILSPIN)] == 0
    assert served(*cases, company_limits=CompanyLimits((BUILT_IN,), (calendar,)), working_days=True) == {
        (WORKING_DAY, NORTHWIND): utc(2026, 3, 2).timestamp(),
        (WORKING_DAY, TAILSPIN): utc(2026, 3, 3).timestamp(),
    }


# Shares, of what 7 days add up to.


def answered(queries_of: Figures, responses_of: Figures) -> tuple[Case, Case]:
    return queries(queries_of), Case(Column(RESPONSES.family, ("chat",)), responses_of)


def share(name: str, *more: str) -> tuple[str, ...]:
    return usual(name, NORTHWIND, "answered_share", *more)


@given(
    st.dictionaries(
        st.integers(1, 45).map(lambda n: RUNNING - timedelta(days=n)),
        st.tuples(st.integers(0, 9), st.integers(0, 9)),
        min_size=1,
    )
)
def test_a_share_is_that_of_the_families_of_7_days(rows: Mapping[date, tuple[int, int]]) -> None:
    """As whoever divides one by the other has it; the usual one is the median of those of six weeks."""
    rows = {**rows, LAST: rows.get(LAST, (3, 2))}
    responses, queries_of = ({day: each[place] for day, each in rows.items()} for place in (0, 1))
    found = served(*answered(queries_of.get, responses.get))

    def week(end: date) -> float:
        days = [end - timedelta(days=n) for n in range(7)]
        of, part = (sum(each.get(day, 0) for day in days) for each in (queries_of, responses))
        return part / of if of else math.nan

    points = [week(LAST - timedelta(days=7 * n)) for n in range(1, 7)]
    known = [point for point in points if not math.isnan(point)]
    expected = {LAST_DAY: week(LAST), BASELINE: median(known) if len(known) > 2 else math.nan}
    assert {name: found[share(name)] for name in (LAST_DAY, BASELINE, TODAY) if share(name) in found} == {
        name: value for name, value in expected.items() if not math.isnan(value)
    }


SHARE_LIMITS = {
    "a volume that will do": (20, {}, True),
    "too small a volume": (14, {}, False),
    "an own floor": (14, {"min_volume": 98.0}, True),
    "an own floor that is not reached": (20, {"min_volume": 141.0}, False),
    "no floor": (1, {"min_volume": None}, True),
}


@pytest.mark.parametrize(("daily", "floor", "is_limited"), SHARE_LIMITS.values(), ids=SHARE_LIMITS)
def test_a_share_of_little_has_no_limit(daily: int, floor: Mapping[str, float | None], is_limited: bool) -> None:
    """By the queries of its 7 days: 100 are enough unless the entry says otherwise."""
    limits = {"below": 0.4, "above": 0.9, "drop_ratio": 0.5, **floor}
    entry = Threshold(("answered_share",), limits, severity="critical", team="sales")
    found = served(*answered(lambda _: daily, lambda _: daily), company_limits=CompanyLimits((entry,)))

    assert found[share(LAST_DAY)] == found[share(LAST_WORKING_DAY)] == 1
    assert {key[3:]: value for key, value in found.items() if key[0] == LIMIT} == (
        {
            ("lower", "fixed", "critical", "sales"): 0.4,
            ("upper", "fixed", "critical", "sales"): 0.9,
            ("lower", "usual", "critical", "sales"): 0.5,
        }
        if is_limited
        else {}
    )


def test_a_share_ends_with_the_last_working_day_where_it_is_compared_with_a_lower_limit() -> None:
    """On a Sunday, for Friday: what Saturday and Sunday do to it is not judged."""
    entry, weekdays = Threshold(("answered_share",), {"below": 0.4}), Calendar()
    now, friday = utc(2026, 3, 9, 12), date(2026, 3, 6)
    cases = answered(lambda _: 20, lambda day: 20 if day <= friday else 0)
    found = served(*cases, now=now, company_limits=CompanyLimits((entry,)), calendar=weekdays)

    assert (found[share(LAST_DAY)], found[share(LAST_WORKING_DAY)]) == (5 / 7, 1)


def test_before_the_past_was_read_there_is_no_share() -> None:
    found = served(*answered(lambda _: 20, lambda _: 20), sums=False)
    assert share(LAST_DAY) not in found


OF_SHARES = CompanyLimits((Threshold(("answered_share",), {"below": 0.4, "drop_ratio": 0.5}),))
SHARE_CASES: Mapping[str, tuple[Mapping[str, object], Figures, Mapping[str, float]]] = {
    "the past was not read": ({"sums": False}, lambda _: 20, {"no_history": 1}),
    "too few weeks have a share": ({}, lambda day: 20 if day > LAST - timedelta(days=14) else 0, {"few_weeks": 1}),
    "the floor is not reached": ({}, lambda _: 1, {}),
    "the figures lack": ({}, lambda _: None, {"unread": 1}),
    "all are in force": ({}, lambda _: 20, {}),
}


@pytest.mark.parametrize(("options", "figure", "reasons"), SHARE_CASES.values(), ids=SHARE_CASES)
def test_why_a_limit_of_a_share_is_missing(
    options: Mapping[str, object], figure: Figures, reasons: Mapping[str, float]
) -> None:
    cases = answered(lambda day: 5 if figure(day) is None else figure(day), figure)
    (found,) = (
        each
        for each in families_of(*cases, company_limits=OF_SHARES, **options)  # type: ignore[arg-type]  # options of several types
        if each.name == MISSING
    )
    assert {reason: value for (*_, activity, reason), value in found.samples if activity == "answered_share"} == reasons


def test_who_is_told_shows_where_somebody_is_named() -> None:
    """The label is there for all limits of a source, empty where nobody is."""
    entry = Threshold(("user_queries",), {"below": 50.0}, company="id:17", team="sales")
    cases = [queries(lambda _: 60, company=company) for company in NAMES]
    found = served(*cases, company_limits=CompanyLimits((BUILT_IN, entry)))

    assert found[LIMIT, NORTHWIND, "user_queries", "lower", "fixed", "warning", "sales"] == 50
    assert found[LIMIT, TAILSPIN, "user_queries", "lower", "usual", "warning", ""] == 30


def test_only_what_has_a_lower_limit_has_a_last_working_day() -> None:
    """Its series cost something; off removes them."""
    off = Threshold(("user_queries",), {"drop_ratio": None}, company="Tail*")
    cases = [queries(lambda _: 60, company=company) for company in NAMES]
    found = served(*cases, company_limits=CompanyLimits((BUILT_IN, off)))
    assert usual(LAST_WORKING_DAY, NORTHWIND) in found
    assert usual(LAST_WORKING_DAY, TAILSPIN) not in found


def test_stale_figures_go_and_fixed_limits_stay() -> None:
    """What is usual goes with the figures that it is made of."""
    read_at = NOON - timedelta(days=4)
    found = served(queries(lambda _: 60), read_at=read_at, now=NOON, company_limits=CompanyLimits((BUILT_IN, FIXED)))
    assert found == {(LIMIT, NORTHWIND, "user_queries", "lower", "fixed", "critical"): 50}
    assert served(queries(lambda _: 60), read_at=read_at, now=NOON, working_days=True) == {}


@pytest.mark.parametrize(
    ("people", "told"),
    [pytest.param(4, False, id="too-few"), pytest.param(5, True, id="enough"), pytest.param(0, True, id="nobody")],
)
def test_small_groups_of_people_show_in_no_way(people: int, told: bool) -> None:
    """Neither on a day, nor in what is usual, nor in a limit made of it."""
    entry = Threshold(("active_users",), {"drop_ratio": 0.5, "spike_ratio": 2.0, "min_baseline": 0.0})
    active = Case(Column("paradigm_active_users"), lambda _: people, "all")
    found = served(active, report=USER_ACTIVITIES, min_group=5, company_limits=CompanyLimits((entry,)))
    assert bool(found) is told
    assert ({key[0] for key in found} == {LAST_DAY, TODAY, LAST_WORKING_DAY, BASELINE, LIMIT}) is told


class Entries(NamedTuple):
    """Entries after the built-in one, and the limits of user queries that they come to."""

    entries: Sequence[Threshold]
    limits: Mapping[tuple[str, str, str], float]


USER_QUERIES = ("user_queries",)
RESOLVED = {
    "built in": Entries((), {("lower", "usual", "warning"): 50, ("upper", "usual", "info"): 300}),
    "the last one counts": Entries(
        (Threshold(USER_QUERIES, {"drop_ratio": 0.2}), Threshold(USER_QUERIES, {"drop_ratio": 0.8})),
        {("lower", "usual", "warning"): 80, ("upper", "usual", "info"): 300},
    ),
    "two severities side by side": Entries(
        (
            Threshold(USER_QUERIES, {"below": 10.0}),
            Threshold(USER_QUERIES, {"below": 5.0}, severity="critical"),
        ),
        {
            ("lower", "usual", "warning"): 50,
            ("upper", "usual", "info"): 300,
            ("lower", "fixed", "warning"): 10,
            ("lower", "fixed", "critical"): 5,
        },
    ),
    "off without a severity removes all of them": Entries(
        (
            Threshold(USER_QUERIES, {"drop_ratio": 0.1}, severity="critical"),
            Threshold(USER_QUERIES, {"drop_ratio": None, "spike_ratio": None}),
        ),
        {},
    ),
    "off with a severity removes that one": Entries(
        (
            Threshold(USER_QUERIES, {"drop_ratio": 0.1}, severity="critical"),
            Threshold(USER_QUERIES, {"drop_ratio": None}, severity="critical"),
        ),
        {("lower", "usual", "warning"): 50, ("upper", "usual", "info"): 300},
    ),
    "a larger usual is asked for": Entries(
        (Threshold(USER_QUERIES, {"min_baseline": 200.0}),), {("upper", "usual", "info"): 600}
    ),
    "any usual will do": Entries(
        (Threshold(USER_QUERIES, {"min_baseline": None}),),
        {("lower", "usual", "warning"): 50, ("upper", "usual", "info"): 300},
    ),
    "of others": Entries(
        (Threshold(USER_QUERIES, {"above": 1.0}, company="id:18"), Threshold(("likes",), {"above": 1.0})),
        {("lower", "usual", "warning"): 50, ("upper", "usual", "info"): 300},
    ),
    "by name": Entries(
        (Threshold(USER_QUERIES, {"spike_ratio": 2.0}, company="name:North*"),),
        {("lower", "usual", "warning"): 50, ("upper", "usual", "info"): 200},
    ),
    "by id or name": Entries(
        (Threshold(USER_QUERIES, {"above": 7.0}, company="17"), Threshold(USER_QUERIES, {"below": 7.0}, company="n*")),
        {("lower", "usual", "warning"): 50, ("upper", "usual", "info"): 300, ("upper", "fixed", "warning"): 7},
    ),
}


@pytest.mark.parametrize("entries", RESOLVED.values(), ids=RESOLVED)
def test_entries_come_to_limits(entries: Entries) -> None:
    """Per limit and severity, in the order of the file; case counts."""
    found = served(queries(lambda _: 100), company_limits=CompanyLimits((BUILT_IN, *entries.entries)))
    limits = {key[3:]: value for key, value in found.items() if key[:3] == (LIMIT, NORTHWIND, "user_queries")}
    assert limits == entries.limits


# Everything at once, against a witness that works it out from the rows.

CALENDARS = (Calendar(), Calendar(frozenset({4, 5}), frozenset({LAST, HOLIDAY})), Calendar(frozenset()))
days_of_rows = st.dictionaries(
    st.integers(0, 45).map(lambda n: RUNNING - timedelta(days=n)), st.integers(0, 60).map(float), max_size=46
)


@given(
    st.dictionaries(st.tuples(st.sampled_from(("chat", "agent")), st.sampled_from(tuple(NAMES))), days_of_rows),
    st.sampled_from(CALENDARS),
    st.sampled_from((0.0, 20.0)),
)
def test_all_five_equal_what_the_rows_say(
    rows: Mapping[tuple[str, str], Mapping[date, float]], calendar: Calendar, least: float
) -> None:
    """Whoever has rows on whichever days."""
    entry = Threshold(USER_QUERIES, {"drop_ratio": 0.5, "spike_ratio": 2.0, "min_baseline": least, "above": 9.0})
    book = CompanyLimits((entry,))
    found = served(
        *(queries(of.get, mode, company) for (mode, company), of in rows.items()),
        company_limits=book,
        calendar=calendar,
    )

    def expected(company: str) -> Mapping[tuple[str, ...], float]:
        own = [of for (_, each), of in rows.items() if each == company and of]
        if not own:
            return {}
        first = min(min(of) for of in own)

        def on(day: date) -> float:
            return sum(of.get(day, 0.0) for of in own) if first <= day else math.nan

        def normal(day: date) -> float:
            weeks = [day - timedelta(days=7 * n) for n in range(1, 7)]
            points = [on(each) for each in weeks if each >= SINCE and each not in calendar.holidays]
            points = [point for point in points if not math.isnan(point)]
            return median(points) if len(points) > 2 else math.nan

        # A complete business day on which nobody has a row is waited for, as no later one has any.
        listed = {day for of in rows.values() for day in of}
        waited = {LAST} if calendar.is_working(LAST) and not listed & {LAST, RUNNING} else set[date]()
        published = [day for day in Days(SINCE, LAST) if day not in waited]
        last, working = published[-1], next(day for day in reversed(published) if calendar.is_working(day))
        lower = 0.5 * normal(working) if normal(working) >= least else math.nan
        figures = {
            (LAST_DAY,): on(last),
            (TODAY,): on(RUNNING) if RUNNING in listed else math.nan,
            (LAST_WORKING_DAY,): on(working),
            (BASELINE,): normal(last),
            (LIMIT, "upper", "fixed", "warning"): 9.0,
            (LIMIT, "lower", "usual", "warning"): lower,
            (LIMIT, "upper", "usual", "info"): 2 * max(normal(last), least),
        }
        if math.isnan(normal(last)):
            del figures[LIMIT, "upper", "usual", "info"]
        return {
            (name, company, "user_queries", *rest): value
            for (name, *rest), value in figures.items()
            if not math.isnan(value)
        }

    assert found == pytest.approx({**expected(NORTHWIND), **expected(TAILSPIN)})
