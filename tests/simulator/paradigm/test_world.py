"""Laws of the simulated platform's truth."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from exporter.domain import calendars
from exporter.simulator.paradigm.world import HISTORY, HOLIDAYS, MODES, Figures, World, utc_text

DAY = timedelta(days=1)
CLOCKS = [
    pytest.param(datetime(2000, 1, 1, tzinfo=UTC), id="first-moment-of-2000"),
    pytest.param(datetime(2026, 11, 20, 15, 30, tzinfo=UTC), id="today"),
    pytest.param(datetime(2028, 2, 29, 12, tzinfo=UTC), id="leap-day"),
    pytest.param(datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC), id="end-of-2100"),
]


def every_figure(world: World, day: date, at: datetime) -> Iterator[Figures]:
    """All rows of one day."""
    for company in world.companies:
        for mode in MODES:
            if figures := world.truth(company.id, day, mode, at=at):
                yield figures


def queries(world: World, day: date, ids: frozenset[int]) -> int:
    """User queries of some companies on one whole day."""
    rows = (world.truth(n, day, mode, at=calendars.end(day, world.zone)) for n in ids for mode in MODES)
    return sum(figures.user_queries for figures in rows if figures)


def test_equal_seeds_make_equal_worlds_and_other_seeds_others() -> None:
    assert World.from_seed(3) == World.from_seed(3)
    assert World.from_seed(3).companies != World.from_seed(4).companies
    assert World.from_seed(3).keys != World.from_seed(4).keys


def test_keys_are_plausible_and_different() -> None:
    keys = World.from_seed(3).keys
    words = {keys.admin, keys.next_admin, keys.company_admin, keys.expired}
    assert len(words) == 4
    assert all(len(prefix) == 8 and len(secret) == 32 for prefix, secret in (word.split(".") for word in words))


@pytest.mark.parametrize("at", CLOCKS)
def test_any_clock_has_at_least_800_days_behind_it(world: World, at: datetime) -> None:
    days = [at.date() - n * DAY for n in range(1, 801)]
    with_rows = sum(any(every_figure(world, day, at)) for day in days)
    assert with_rows == 800


@pytest.mark.parametrize("at", CLOCKS)
def test_counts_are_consistent_and_the_last_answer_lies_inside_its_day(world: World, at: datetime) -> None:
    for day in (at.date() - n * DAY for n in range(30)):
        for figures in every_figure(world, day, at):
            assert 1 <= figures.sessions <= figures.user_queries
            assert 1 <= figures.model_responses <= figures.user_queries
            assert 0 <= figures.model_responses_with_docs <= figures.model_responses
            assert 1 <= figures.unique_models <= figures.model_responses
            assert isinstance(figures.average_length, float)
            assert calendars.day_at(figures.last_model_response, world.zone) == day
            assert figures.last_model_response <= at


def test_no_figure_falls_through_the_day_and_the_last_one_is_final(world: World, today: date) -> None:
    start = calendars.start(today, world.zone)
    for company in world.companies:
        for mode in MODES:
            seen = [world.truth(company.id, today, mode, at=start + timedelta(minutes=20 * n)) for n in range(72)]
            known = [figures for figures in seen if figures]
            assert seen[: 72 - len(known)] == [None] * (72 - len(known)), "a row does not go again"
            for name in Figures.__struct_fields__:
                values = [getattr(figures, name) for figures in known]
                assert values == sorted(values), name
            final = world.truth(company.id, today, mode, at=start + DAY)
            assert final == world.truth(company.id, today, mode, at=start + 300 * DAY)


def test_the_figures_of_the_running_day_do_grow(world: World, today: date) -> None:
    hours = [calendars.start(today, world.zone) + timedelta(hours=n) for n in range(25)]
    totals = [sum(figures.user_queries for figures in every_figure(world, today, hour)) for hour in hours]
    assert totals[0] == totals[5] == 0
    assert 0 < totals[9] < totals[12] < totals[16] < totals[24]


def test_a_day_that_has_not_begun_or_is_no_longer_kept_has_no_row(world: World, now: datetime, today: date) -> None:
    assert world.truth(1, today + DAY, "chat", at=now) is None
    assert any(every_figure(world, today - HISTORY, now))
    assert not any(every_figure(world, today - HISTORY - DAY, now))


def test_views_are_the_begun_and_kept_days_asked_for(world: World, now: datetime, today: date) -> None:
    assert [view.day for view in world.views(today - DAY, date.max, now)] == [today - DAY, today]
    assert len(world.views(date.min, date.max, now)) == HISTORY.days + 1
    assert world.views(today + DAY, today + DAY, now) == ()


def test_a_world_keeps_as_many_days_as_it_is_told(world: World, now: datetime, today: date) -> None:
    longer = replace(world, keeps=2 * HISTORY)
    assert len(longer.views(date.min, date.max, now)) == 2 * HISTORY.days + 1
    assert any(every_figure(longer, today - 2 * HISTORY, now))
    assert list(every_figure(longer, today - DAY, now)) == list(every_figure(world, today - DAY, now))


@pytest.mark.parametrize("company_id", [-1, 0, 21, 10**30])
def test_an_unknown_company_has_no_row(world: World, company_id: int, now: datetime, today: date) -> None:
    assert world.truth(company_id, today - DAY, "chat", at=now) is None


def test_days_off_are_quiet_for_most_and_small_companies_leave_days_out(world: World) -> None:
    friday, days_off = date(2026, 2, 27), (date(2026, 2, 28), date(2026, 1, 1))
    assert (days_off[1].month, days_off[1].day) in HOLIDAYS
    resting = frozenset(company.id for company in world.companies if company.weekend < 0.1)
    assert len(resting) > 12
    for day in days_off:
        at = calendars.end(day, world.zone)
        assert queries(world, day, resting) < queries(world, friday, resting) / 10
        assert any(world.truth(company_id, day, "chat", at=at) is None for company_id in resting)


def test_chats_fall_and_agents_rise_but_the_platform_grows(world: World) -> None:
    def of_mode(day: date, mode: int) -> int:
        at = calendars.end(day, world.zone)
        rows = (world.truth(company.id, day, MODES[mode], at=at) for company in world.companies)
        return sum(figures.user_queries for figures in rows if figures)

    before, during, after = date(2025, 11, 19), date(2026, 5, 20), date(2026, 11, 18)
    assert of_mode(before, 1) == 0
    assert of_mode(before, 0) > of_mode(during, 0) > 5 * of_mode(after, 0)
    assert of_mode(after, 1) > of_mode(during, 1) > 0


def test_agents_come_when_a_company_says() -> None:
    world = World.from_seed(7)
    world = replace(world, companies=[replace(each, agents_from=date(2010, 1, 1)) for each in world.companies])
    assert world.truth(1, date(2012, 1, 10), "agent", at=datetime(2012, 2, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        pytest.param("Europe/Berlin", date(2026, 3, 29), 23, id="23-hours"),
        pytest.param("Europe/Berlin", date(2026, 10, 25), 25, id="25-hours"),
        pytest.param("America/Sao_Paulo", date(2018, 11, 4), 23, id="no-midnight"),
        pytest.param("Pacific/Kiritimati", date(2026, 3, 2), 24, id="plus-14"),
    ],
)
def test_days_are_those_of_the_zone_however_long(zone: str, day: date, hours: int) -> None:
    world = World.from_seed(7, 60, ZoneInfo(zone))
    end = calendars.end(day, world.zone)
    view = world.view(day, end)
    assert view
    assert view.length == hours * 3600
    rows = list(every_figure(world, day, end))
    assert rows
    assert {calendars.day_at(figures.last_model_response, world.zone) for figures in rows} == {day}
    assert not any(every_figure(world, day, calendars.start(day, world.zone)))


def test_a_day_that_a_zone_jumped_over_has_no_rows() -> None:
    world = World.from_seed(7, 20, ZoneInfo("Pacific/Apia"))
    assert not any(every_figure(world, date(2011, 12, 30), datetime(2012, 1, 10, tzinfo=UTC)))
    assert any(every_figure(world, date(2011, 12, 29), datetime(2012, 1, 10, tzinfo=UTC)))


def test_the_busiest_companies_are_always_there_and_ranks_end_with_the_last_one(world: World) -> None:
    sizes = [world.busiest(rank).size for rank in range(15)]
    assert sizes == sorted(sizes, reverse=True)
    assert all(world.busiest(rank).tenure is None for rank in range(15))
    assert world.busiest(15) == world.busiest(14)
    assert World.from_seed(7, 1).busiest(1).id == 1


def test_moments_are_written_in_utc_with_a_z() -> None:
    assert utc_text(datetime(2026, 3, 2, 18, 41, 9, tzinfo=ZoneInfo("Europe/Berlin"))) == "2026-03-02T17:41:09Z"
