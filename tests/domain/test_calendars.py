"""In every time zone, days follow each other without gap or overlap, whatever happens to clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.calendars import Calendar, day_at, end, next_midnight, start

ZONES = (
    "UTC",
    "Europe/Paris",
    "Pacific/Apia",
    "America/St_Johns",
    "America/Toronto",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Pacific/Kiritimati",
    "Atlantic/Azores",
)
zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.datetimes(datetime(1915, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 st adds it


@given(moments, zones)
def test_a_moment_lies_in_its_day(moment: datetime, zone: ZoneInfo) -> None:
    """The day of a moment has started and not yet ended."""
    day = day_at(moment, zone)

    assert start(day, zone) <= moment < end(day, zone)


def test_a_jump_over_midnight_from_before_it_belongs_to_the_old_day() -> None:
    """Toronto, 1919: clocks went from 23:30 to 00:30; the new day starts at the jump."""
    zone = ZoneInfo("America/Toronto")
    moment = datetime(1919, 3, 31, 4, 45, tzinfo=UTC)

    assert moment.astimezone(zone).date() == date(1919, 3, 31)
    assert day_at(moment, zone) == date(1919, 3, 30)


@given(moments, zones, st.timedeltas(timedelta(0), timedelta(days=2)))
def test_days_never_go_back(moment: datetime, zone: ZoneInfo, later: timedelta) -> None:
    """Also where clocks are set back over midnight."""
    assert day_at(moment, zone) <= day_at(moment + later, zone)


@given(moments, zones)
def test_the_next_midnight_starts_a_later_day(moment: datetime, zone: ZoneInfo) -> None:
    """Timers that wait for it never wait for the past."""
    midnight = next_midnight(moment, zone)

    assert moment < midnight
    assert day_at(moment, zone) < day_at(midnight, zone)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        pytest.param("Europe/Paris", date(2026, 3, 29), 23, id="clocks-go-forward"),
        pytest.param("Europe/Paris", date(2026, 10, 25), 25, id="clocks-go-back"),
        pytest.param("America/St_Johns", date(2026, 3, 8), 23, id="half-hour-zone-forward"),
        pytest.param("America/St_Johns", date(2010, 11, 7), 25, id="back-over-midnight-from-the-first"),
        pytest.param("Africa/Cairo", date(2026, 4, 24), 23, id="midnight-does-not-exist"),
        pytest.param("Pacific/Apia", date(2011, 12, 30), 0, id="a-day-that-never-was"),
        pytest.param("Pacific/Apia", date(2011, 12, 31), 24, id="the-day-after-it"),
        pytest.param("UTC", date(2026, 3, 29), 24, id="utc"),
    ],
)
def test_a_day_lasts_from_midnight_to_midnight(zone: str, day: date, hours: int) -> None:
    """23, 24 or 25 hours, or none where a zone crossed the date line."""
    assert timedelta(hours=hours) == end(day, ZoneInfo(zone)) - start(day, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("day", "working"),
    [
        pytest.param(date(2026, 11, 20), True, id="friday"),
        pytest.param(date(2026, 11, 21), False, id="saturday"),
        pytest.param(date(2026, 12, 25), False, id="holiday"),
    ],
)
def test_working_days_are_neither_weekend_nor_holiday(day: date, working: bool) -> None:
    """The operator decides what is a weekend and what is a holiday."""
    assert working == Calendar(holidays=frozenset({date(2026, 12, 25)})).is_working(day)
