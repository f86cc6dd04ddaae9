"""The life of a day (docs/concepts.md), law by law, with a clock passed in."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from exporter.domain.calendars import Calendar, day_at
from exporter.domain.errors import SchemaError
from exporter.domain.model import Column, Days, Reading, Row
from exporter.ledger.day_status import DayRules, DayStatus, day_status, days_to_ask
from exporter.ledger.ledger import Asked, Ledger, fold

RULES = DayRules(
    zone=ZoneInfo("UTC"),
    settle=timedelta(hours=6),
    reread_days=3,
    keep_days=45,
    max_staleness=timedelta(days=3),
    calendar=Calendar(),
)
QUERIES = Column("queries", ("chat",))
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = (date(2026, 3, day) for day in range(2, 9))


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def polled(
    ledger: Ledger, now: datetime, rows: Sequence[tuple[str, date, float]] = (), rules: DayRules = RULES
) -> Ledger:
    """Returns the ledger after a good poll that answered with (company, day, queries)."""
    days, today = days_to_ask(ledger, now, rules), day_at(now, rules.zone)
    answer = Reading(
        {company: company.upper() for company, _, _ in rows},
        frozenset({"chat"}),
        tuple(Row("chat", day, company, {QUERIES: value}) for company, day, value in rows if day in days),
    )
    return fold(ledger, answer, Asked(days, today, now, rules.keep_days), lambda _id, _name: True)


def judged(ledger: Ledger, now: datetime, rules: DayRules = RULES) -> DayStatus:
    return day_status(ledger, now, now, rules)


def told(status: DayStatus) -> tuple[date | None, date | None, bool]:
    """Returns last day, today, and whether a day waits."""
    return status.last_day, status.today, status.empty_day


def figure(ledger: Ledger, day: date, company: str = "a") -> float:
    table = ledger.blocks[day].tables["chat"]
    return table.columns[QUERIES][table.companies.index(company)]


EVERY_DAY = tuple(("a", MONDAY + timedelta(days=n), 10.0) for n in range(-10, 20))


def test_a_day_is_published_by_an_answer_after_its_settle_time() -> None:
    """Until then the day before stays; what counts is when the answer was asked for."""
    early = polled(Ledger(), at(TUESDAY, 5, 59), EVERY_DAY)
    late = polled(early, at(TUESDAY, 6), EVERY_DAY)

    assert judged(early, at(TUESDAY, 7)).last_day == date(2026, 3, 1)
    assert judged(late, at(TUESDAY, 7)).last_day == MONDAY


def test_today_goes_at_midnight_and_comes_with_the_first_answer_of_the_new_day() -> None:
    """Yesterday's partial figure under the name today would be a lie."""
    ledger = polled(Ledger(), at(MONDAY, 23, 59), EVERY_DAY)

    assert judged(ledger, at(MONDAY, 23, 59)).today == MONDAY
    assert judged(ledger, at(TUESDAY, 0)).today is None
    assert judged(polled(ledger, at(TUESDAY, 0, 2), EVERY_DAY), at(TUESDAY, 0, 2)).today == TUESDAY


def test_figures_are_stale_when_the_last_good_poll_is_too_old() -> None:
    """At max_staleness they still stand, a second later they do not."""
    ledger, last = polled(Ledger(), at(MONDAY, 12), EVERY_DAY), at(MONDAY, 12)

    assert not day_status(ledger, at(THURSDAY, 12), last, RULES).stale
    assert day_status(ledger, at(THURSDAY, 12) + timedelta(seconds=1), last, RULES).stale
    assert day_status(Ledger(), at(MONDAY, 12), None, RULES).stale


@pytest.mark.parametrize(
    ("polls", "now", "expected"),
    [
        pytest.param([], at(MONDAY, 12), Days(date(2026, 2, 27), MONDAY), id="first-start-asks-the-reread-days"),
        pytest.param([at(MONDAY, 12)], at(MONDAY, 13), Days(date(2026, 2, 27), MONDAY), id="next-poll-the-same"),
        pytest.param(
            [at(MONDAY, 12)],
            at(date(2026, 3, 12), 12),
            Days(MONDAY, date(2026, 3, 12)),
            id="after-an-outage-from-there",
        ),
        pytest.param(
            [at(MONDAY, 12)],
            at(date(2026, 6, 1), 12),
            Days(date(2026, 4, 17), date(2026, 6, 1)),
            id="never-more-than-is-held",
        ),
    ],
)
def test_a_poll_asks_from_the_oldest_unsettled_day(polls: list[datetime], now: datetime, expected: Days) -> None:
    """At least today and the re-read days before it, so that nothing stays unread after an outage."""
    ledger = Ledger()
    for moment in polls:
        ledger = polled(ledger, moment, EVERY_DAY)

    assert expected == days_to_ask(ledger, now, RULES)


def test_a_correction_changes_the_figure_in_place() -> None:
    """The day stays published, the new figure stands."""
    ledger = polled(Ledger(), at(TUESDAY, 7), EVERY_DAY)
    corrected = polled(ledger, at(TUESDAY, 8), [("a", MONDAY, 12.0), ("a", TUESDAY, 1.0)])

    assert (figure(ledger, MONDAY), figure(corrected, MONDAY)) == (10.0, 12.0)
    assert judged(corrected, at(TUESDAY, 8)).last_day == MONDAY


def test_a_row_that_is_taken_back_stays_held() -> None:
    """A row once served and later left out is no correction to 0."""
    ledger = polled(Ledger(), at(TUESDAY, 7), EVERY_DAY)

    assert figure(polled(ledger, at(TUESDAY, 8), [("a", TUESDAY, 1.0)]), MONDAY) == 10.0


def test_a_company_is_withdrawn_when_all_its_asked_rows_are_taken_back() -> None:
    """It has no series then, but its days stay held; a row brings it back."""
    both = [*EVERY_DAY, *(("b", day, 5.0) for _, day, _ in EVERY_DAY)]
    ledger = polled(Ledger(), at(TUESDAY, 7), both)
    swapped = polled(ledger, at(TUESDAY, 8), EVERY_DAY)
    back = polled(swapped, at(TUESDAY, 9), both)

    assert swapped.withdrawn == {"b"}
    assert set(swapped.first_days["chat"]) == {"a"}
    assert figure(swapped, MONDAY, "b") == 5.0
    assert back.withdrawn == frozenset()


def test_a_quiet_company_is_not_withdrawn() -> None:
    """Who had no row in the asked days before had none to take back."""
    ledger = polled(Ledger(), at(MONDAY, 12), [("a", MONDAY, 1.0), ("b", date(2026, 2, 27), 5.0)])
    for day in (TUESDAY, WEDNESDAY, THURSDAY):
        ledger = polled(ledger, at(day, 12), [("a", day, 1.0), ("b", date(2026, 2, 27), 5.0)])
    assert judged(ledger, at(THURSDAY, 12)).last_day == WEDNESDAY
    ledger = polled(ledger, at(FRIDAY, 12), [("a", FRIDAY, 1.0), ("a", THURSDAY, 1.0)])

    assert ledger.withdrawn == frozenset()


def test_days_that_the_platform_keeps_no_more_take_nobody_back() -> None:
    """An old piece of the past that lists nothing leaves everybody what is held."""
    ledger = polled(Ledger(), at(TUESDAY, 7), EVERY_DAY)
    old = Asked(Days(date(2026, 2, 25), MONDAY), TUESDAY, at(TUESDAY, 8), RULES.keep_days)
    asked = fold(ledger, Reading({}, frozenset({"chat"}), ()), old, lambda _id, _name: True)

    assert asked.withdrawn == frozenset()
    assert figure(asked, MONDAY) == 10.0


def test_a_company_gone_from_the_held_history_is_gone() -> None:
    """With its last held row goes its name."""
    rules = replace(RULES, keep_days=5)
    ledger = polled(Ledger(), at(MONDAY, 12), [("a", MONDAY, 1.0), ("b", MONDAY, 1.0)], rules)
    for n in range(1, 7):
        day = MONDAY + timedelta(days=n)
        ledger = polled(ledger, at(day, 12), [("a", day, 1.0)], rules)

    assert dict(ledger.names) == {"a": "A"}


def test_a_lost_part_is_an_error_and_changes_nothing() -> None:
    """If an array that held days had is missing, its companies would all look silent."""
    ledger = polled(Ledger(), at(MONDAY, 12), EVERY_DAY)
    days = days_to_ask(ledger, at(MONDAY, 13), RULES)

    with pytest.raises(SchemaError, match="no rows of chat any more"):
        fold(
            ledger,
            Reading({}, frozenset({"agent"}), ()),
            Asked(days, MONDAY, at(MONDAY, 13), 45),
            lambda _id, _name: True,
        )


class TestEmptyDays:
    """A business day on which no company has a row may just not be there yet."""

    def test_a_working_day_without_rows_waits(self) -> None:
        """It is not served as zeros although it is settled."""
        ledger = polled(Ledger(), at(WEDNESDAY, 7), [("a", MONDAY, 1.0)])

        status = judged(ledger, at(WEDNESDAY, 7))

        assert (status.last_day, status.empty_day) == (MONDAY, True)

    def test_a_row_of_the_day_ends_the_wait(self) -> None:
        """The report was late."""
        ledger = polled(Ledger(), at(WEDNESDAY, 7), [("a", MONDAY, 1.0)])
        ledger = polled(ledger, at(WEDNESDAY, 8), [("a", MONDAY, 1.0), ("a", TUESDAY, 2.0)])

        assert told(judged(ledger, at(WEDNESDAY, 8))) == (TUESDAY, None, False)

    def test_a_row_of_a_later_day_ends_the_wait(self) -> None:
        """The platform went on, so the day was really empty."""
        ledger = polled(Ledger(), at(WEDNESDAY, 7), [("a", MONDAY, 1.0), ("a", WEDNESDAY, 2.0)])

        assert told(judged(ledger, at(WEDNESDAY, 7))) == (TUESDAY, WEDNESDAY, False)

    def test_a_row_of_a_company_that_is_not_held_ends_the_wait(self) -> None:
        """Excluded companies are evidence too."""
        days = Days(MONDAY, WEDNESDAY)
        answer = Reading({"x": "X"}, frozenset({"chat"}), (Row("chat", TUESDAY, "x", {QUERIES: 1.0}),))
        ledger = fold(Ledger(), answer, Asked(days, WEDNESDAY, at(WEDNESDAY, 7), 45), lambda _id, _name: False)

        assert judged(ledger, at(WEDNESDAY, 7)).last_day == TUESDAY
        assert not ledger.names

    def test_an_answer_a_day_after_settle_ends_the_wait(self) -> None:
        """Then silence is the answer; one second before it is not."""
        ledger = polled(Ledger(), at(WEDNESDAY, 7), [("a", MONDAY, 1.0)])
        nearly = polled(ledger, at(THURSDAY, 6) - timedelta(seconds=1), [("a", MONDAY, 1.0)])

        assert judged(nearly, at(THURSDAY, 6)).last_day == MONDAY
        assert judged(polled(nearly, at(THURSDAY, 6), [("a", MONDAY, 1.0)]), at(THURSDAY, 6)).last_day == TUESDAY

    def test_a_day_off_without_rows_is_zeros_at_once(self) -> None:
        """Nobody works on Saturday."""
        ledger = polled(Ledger(), at(SUNDAY, 7), [("a", FRIDAY, 1.0)])

        assert told(judged(ledger, at(SUNDAY, 7))) == (SATURDAY, None, False)

    def test_a_waiting_day_is_asked_for_until_it_is_decided(self) -> None:
        """Also when it is older than the re-read days."""
        rules = replace(RULES, settle=timedelta(hours=24), reread_days=2)
        ledger = polled(Ledger(), at(WEDNESDAY, 1), [("a", MONDAY - timedelta(days=1), 1.0)], rules)
        ledger = polled(ledger, at(WEDNESDAY, 23), (), rules)

        assert judged(ledger, at(THURSDAY, 12), rules).empty_day
        assert MONDAY in days_to_ask(ledger, at(THURSDAY, 12), rules)


class TestClocksThatJump:
    """What a wrong clock made is put right by the first answer under the right one."""

    def test_a_clock_that_was_ahead_leaves_nothing_behind(self) -> None:
        """Days that have not ended are not complete, and a running day was not read after its end."""
        ledger = polled(Ledger(), at(MONDAY, 12), EVERY_DAY)
        ahead = polled(ledger, at(WEDNESDAY, 12), EVERY_DAY)
        right = polled(ahead, at(MONDAY, 13), EVERY_DAY)

        assert judged(ahead, at(WEDNESDAY, 12)).last_day == TUESDAY
        assert judged(ahead, at(MONDAY, 13)).last_day == date(2026, 3, 1)
        assert judged(right, at(MONDAY, 13)).last_day == date(2026, 3, 1)
        assert judged(right, at(TUESDAY, 5)).last_day == date(2026, 3, 1)
        assert judged(polled(right, at(TUESDAY, 6), EVERY_DAY), at(TUESDAY, 6)).last_day == MONDAY

    def test_a_clock_set_back_a_little_takes_no_published_day_away(self) -> None:
        """An hour back, over the settle time: what was published stays so."""
        ledger = polled(Ledger(), at(TUESDAY, 6, 30), EVERY_DAY)
        back = polled(ledger, at(TUESDAY, 5, 30), EVERY_DAY)

        assert judged(back, at(TUESDAY, 5, 30)).last_day == MONDAY


class TestHeldDays:
    """What is usual for a day needs six weeks before it, whichever day that is."""

    @pytest.mark.parametrize(
        ("now", "oldest"),
        [
            pytest.param(at(MONDAY, 12), date(2026, 1, 16), id="as-configured"),
            pytest.param(at(TUESDAY, 5), date(2026, 1, 16), id="before-monday-is-complete"),
            pytest.param(at(TUESDAY, 6), date(2026, 1, 17), id="monday-is-complete"),
        ],
    )
    def test_the_sixth_week_is_held(self, now: datetime, oldest: date) -> None:
        """Before Monday is complete Friday is judged, and its weekday six weeks before is held."""
        assert RULES.held_since(now) == oldest

    @pytest.mark.parametrize("weeks", [1, 3])
    def test_a_closure_holds_the_days_before_it(self, weeks: int) -> None:
        """A company that is closed for weeks keeps what is usual for its last business day."""
        closed = Calendar(holidays=frozenset(MONDAY + timedelta(days=n) for n in range(7 * weeks)))
        last, now = date(2026, 2, 27), at(MONDAY + timedelta(days=7 * weeks), 12)

        for rules in (replace(RULES, calendar=closed), replace(RULES, company_calendars=(closed,))):
            assert rules.held_since(now) == last - timedelta(days=42)

    def test_a_first_day_is_remembered_when_its_rows_leave(self) -> None:
        """A day of silence later on stays one of zeros, and is none before the first row."""
        rules, ledger = replace(RULES, keep_days=5), Ledger()
        for n in range(9):
            now = at(MONDAY + timedelta(days=n), 12)
            rows = [("a", MONDAY, 1.0), ("a", MONDAY + timedelta(days=6), 1.0), ("b", day_at(now, rules.zone), 1.0)]
            ledger = polled(ledger, now, rows, rules)

        assert min(ledger.blocks) > MONDAY
        assert ledger.first_days["chat"]["a"] == MONDAY

    def test_a_company_that_is_gone_is_not_remembered(self) -> None:
        """If it comes back after all held days, that is its first row."""
        rules = replace(RULES, keep_days=5)
        ledger = polled(Ledger(), at(MONDAY, 12), [("a", MONDAY, 1.0), ("b", MONDAY, 1.0)], rules)
        for n in range(1, 8):
            day = MONDAY + timedelta(days=n)
            ledger = polled(ledger, at(day, 12), [("a", day, 1.0)], rules)

        assert ledger.first_seen["chat"].keys() == {"a"}
