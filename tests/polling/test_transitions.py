"""What other settings keep of held days: everything but what is not wanted, and what is missing is asked for."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import pytest
from msgspec.structs import replace

from exporter.domain.model import Column, Days, Reading, Row
from exporter.domain.scope import Scope
from exporter.domain.selectors import Companies
from exporter.ledger.ledger import Asked, Ledger, fold, narrowed
from exporter.metrics.target import Health, ReportState, Target
from exporter.platforms.paradigm.platform import CHAT_SESSIONS
from exporter.polling.transitions import due_at, taken_over
from tests.pipeline.pipeline import RULES, utc

NOON = utc(2026, 3, 3, 12)
TODAY = NOON.date()
HOUR = timedelta(hours=1)
QUERIES, MODELS = Column("paradigm_user_queries", ("chat",)), Column("paradigm_unique_models", ("chat",))
TARGET = Target("s", "paradigm", (CHAT_SESSIONS,), Scope(), RULES, HOUR)
ONLY_ONE = replace(TARGET, companies=Companies(("1",)))


def reading(*rows: tuple[str, Mapping[Column, float]]) -> Reading:
    """Returns one answer about today: id and figures of each company."""
    names = {company: f"Company {company}" for company, _ in rows}
    return Reading(names, frozenset({"chat"}), tuple(Row("chat", TODAY, company, figures) for company, figures in rows))


def held(*rows: tuple[str, Mapping[Column, float]]) -> Ledger:
    asked = Asked(Days(TODAY, TODAY), TODAY, NOON, RULES.keep_days)
    return fold(Ledger(), reading(*rows), asked, lambda _id, _name: True)


TWO = held(("1", {QUERIES: 3.0}), ("2", {QUERIES: 4.0, MODELS: 1.0}))
PAST = (Days(date(2026, 2, 1), date(2026, 2, 20)),)
STATE = ReportState(
    TWO, Health(HOUR, NOON, NOON, 0.1, "ok", history=True, read_at=NOON), refreshed_for=date(2026, 3, 2)
)


def over(state: ReportState, old: Target, new: Target) -> ReportState:
    (found,) = taken_over({CHAT_SESSIONS.name: state}, old, new).values()
    return found


def test_a_company_that_is_not_wanted_leaves_nothing() -> None:
    """As if it had never been wanted: neither rows nor a name, nor a column that only it had a figure for."""
    withdrawn = replace(TWO, withdrawn=frozenset({"1", "2"}))

    assert narrowed(TWO, ONLY_ONE.companies.wants) == held(("1", {QUERIES: 3.0}))
    assert narrowed(withdrawn, ONLY_ONE.companies.wants).withdrawn == {"1"}


def test_a_day_without_anybody_left_is_still_a_day_that_was_read() -> None:
    nobody = narrowed(TWO, lambda _id, _name: False)

    assert [(block.read_at, block.listed) for block in nobody.blocks.values()] == [(NOON, True)]
    assert nobody.columns() == {"chat": frozenset()}
    assert not nobody.names


def test_if_all_are_wanted_nothing_is_copied() -> None:
    assert narrowed(TWO, TARGET.companies.wants) is TWO


def test_selectors_are_asked_about_new_and_renamed_companies_alone() -> None:
    """Since other settings narrow what is held, the others are wanted."""
    asked_about: list[tuple[str, str]] = []

    def wanted(company: str, name: str) -> bool:
        asked_about.append((company, name))
        return True

    answer = reading(("1", {QUERIES: 5.0}), ("2", {QUERIES: 5.0}), ("3", {QUERIES: 5.0}))
    renamed = replace(TWO, names={**TWO.names, "2": "Old name"})
    fold(renamed, answer, Asked(Days(TODAY, TODAY), TODAY, NOON, RULES.keep_days), wanted)

    assert sorted(asked_about) == [("2", "Company 2"), ("3", "Company 3")]


def test_other_settings_keep_the_held_days() -> None:
    """All of them, with their health; the interval is the new one."""
    found = over(STATE, TARGET, replace(TARGET, interval=2 * HOUR, excluded=("*",), rules=replace(RULES, settle=HOUR)))

    assert found == replace(STATE, health=replace(STATE.health, interval=2 * HOUR))


def test_companies_that_are_not_wanted_leave_at_once() -> None:
    """Without a question: who stays was held."""
    found = over(STATE, TARGET, ONLY_ONE)

    assert found == replace(STATE, ledger=held(("1", {QUERIES: 3.0})))


def test_some_leave_and_others_may_come() -> None:
    found = over(
        STATE, replace(TARGET, companies=Companies(("1", "2"))), replace(TARGET, companies=Companies(("2", "3")))
    )

    assert (found.ledger.names, found.widened) == ({"2": "Company 2"}, True)


def test_the_past_of_companies_that_are_wanted_now_is_asked_for() -> None:
    """What is left of a pass that left them out is not worth asking; one that was still to come stays so."""
    found = over(replace(STATE, to_refresh=PAST), ONLY_ONE, TARGET)

    assert (found.to_refresh, found.refreshed_for, found.widened) == ((), None, True)
    assert over(found, TARGET, ONLY_ONE).widened


def test_more_days_to_hold_are_asked_for_and_sums_go_on() -> None:
    found = over(replace(STATE, to_refresh=PAST), TARGET, replace(TARGET, rules=replace(RULES, keep_days=60)))

    assert (found.to_refresh, found.refreshed_for, found.widened, found.health.history) == ((), None, False, True)


def test_fewer_days_to_hold_need_no_question() -> None:
    state = replace(STATE, to_refresh=PAST)

    assert over(state, TARGET, replace(TARGET, rules=replace(RULES, keep_days=10))) == state


def test_a_report_that_is_not_asked_any_more_is_forgotten_and_a_new_one_starts_empty() -> None:
    assert taken_over({"users": STATE}, TARGET, TARGET) == {}


def late(state: ReportState, age: timedelta) -> ReportState:
    return replace(state, health=replace(state.health, last_attempt=NOON - age))


@pytest.mark.parametrize(
    ("states", "due"),
    [
        pytest.param([late(STATE, HOUR / 2)], NOON + HOUR / 2, id="an-interval-after-the-last"),
        pytest.param([late(STATE, HOUR / 2), late(STATE, HOUR / 4)], NOON + HOUR / 2, id="of-the-report-before-all"),
        pytest.param([STATE, ReportState(Ledger(), Health(HOUR))], NOON, id="at-once-if-one-was-never-asked"),
        pytest.param([STATE, replace(STATE, to_refresh=PAST)], NOON, id="at-once-for-the-past"),
        pytest.param([STATE, replace(STATE, widened=True)], NOON, id="at-once-for-other-companies"),
        pytest.param([late(STATE, 2 * HOUR)], NOON, id="at-once-if-overdue"),
    ],
)
def test_the_rhythm_goes_on_over_a_reload(states: Sequence[ReportState], due: datetime) -> None:
    """Reloads that come more often than polls must not put the next poll off for ever."""
    assert due_at(states, NOON) == due
