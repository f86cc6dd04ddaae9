"""A local day is asked for from its midnight to a millisecond before the next one, whatever its zone and its clocks."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.domain import calendars
from exporter.platforms.chatcaptain.statistics_report import LocalDay
from exporter.platforms.json_values import is_date_time, moment_in

ZONES = (
    "Europe/Berlin",
    "Europe/Helsinki",
    "Asia/Kolkata",
    "America/Los_Angeles",
    "Pacific/Kiritimati",
    "America/Sao_Paulo",  # its clocks changed at midnight
    "Australia/Lord_Howe",  # they change by half an hour
)
LIMITS = {
    "documented-sample": ("Europe/Berlin", "2025-01-05", "2025-01-04T23:00:00.000Z", "2025-01-05T22:59:59.999Z"),
    "plus-2": ("Europe/Helsinki", "2026-03-03", "2026-03-02T22:00:00.000Z", "2026-03-03T21:59:59.999Z"),
    "plus-5-30": ("Asia/Kolkata", "2026-03-03", "2026-03-02T18:30:00.000Z", "2026-03-03T18:29:59.999Z"),
    "minus-8": ("America/Los_Angeles", "2026-03-03", "2026-03-03T08:00:00.000Z", "2026-03-04T07:59:59.999Z"),
    "plus-14": ("Pacific/Kiritimati", "2026-03-03", "2026-03-02T10:00:00.000Z", "2026-03-03T09:59:59.999Z"),
    "23-hours": ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00.000Z", "2026-03-29T21:59:59.999Z"),
    "25-hours": ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00.000Z", "2026-10-25T22:59:59.999Z"),
    "from-1-o-clock": ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00.000Z", "2018-11-05T01:59:59.999Z"),
    "no-time-at-all": ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00.000Z", "2011-12-30T10:00:00.000Z"),
}


def moments(day: LocalDay) -> tuple[datetime, datetime]:
    since, until = (datetime.fromisoformat(text) for text in day.limits)
    return since, until


@pytest.mark.parametrize(("zone", "day", "since", "until"), LIMITS.values(), ids=LIMITS)
def test_a_day_is_asked_for_with_its_own_limits(zone: str, day: str, since: str, until: str) -> None:
    """Local midnight in UTC, and the last millisecond before the next one."""
    assert LocalDay(date.fromisoformat(day), ZoneInfo(zone)).limits == (since, until)


@given(st.sampled_from(ZONES), st.dates(date(1990, 1, 1), date(2040, 1, 1)))
def test_adjoining_days_neither_overlap_nor_leave_more_than_the_last_millisecond(name: str, day: date) -> None:
    """Nothing at 00:00:00.000 is counted on two days."""
    zone = ZoneInfo(name)
    _, until = moments(LocalDay(day, zone))
    since, _ = moments(LocalDay(day + timedelta(days=1), zone))

    assert since - until == timedelta(milliseconds=1)


BUCKETS = {
    "its-midnight": ("Europe/Berlin", "2026-03-03", "2026-03-03T00:00:00+01:00", True),
    "the-same-in-utc": ("Europe/Berlin", "2026-03-03", "2026-03-02T23:00:00.000Z", True),
    "its-date": ("Europe/Berlin", "2026-03-03", "2026-03-03", True),
    "seconds": ("Europe/Berlin", "2026-03-03", 1772492400, True),
    "milliseconds": ("Europe/Berlin", "2026-03-03", 1772492400000, True),
    "utc-in-a-zone-east": ("Europe/Berlin", "2026-03-03", "2026-03-03T00:00:00Z", False),
    "utc-in-a-zone-west": ("America/Los_Angeles", "2026-03-03", "2026-03-04T00:00:00Z", False),
    "the-day-before": ("Europe/Berlin", "2026-03-03", "2026-03-02", False),
    "the-day-after": ("Europe/Berlin", "2026-03-03", "2026-03-04", False),
    "second-of-25-hours": ("Europe/Berlin", "2026-10-25", "2026-10-25T22:00:00Z", True),
    "next-day-of-23-hours": ("Europe/Berlin", "2026-03-29", "2026-03-29T23:00:00Z", False),
}


@pytest.mark.parametrize(("zone", "day", "time", "of_it"), BUCKETS.values(), ids=BUCKETS)
def test_a_bucket_belongs_to_the_day_at_whose_midnight_it_starts(
    zone: str, day: str, time: object, of_it: bool
) -> None:
    """One that another zone cut, or that starts on another day, does not; of 25 hours the last begins a second one."""
    local = LocalDay(date.fromisoformat(day), ZoneInfo(zone))
    begun = moment_in(time, local.zone)

    assert begun is not None
    assert local.begins(begun) is of_it


@pytest.mark.parametrize(
    "time",
    ["2024", "2026-03-03T00:00", "2026-13-01", "0001-01-01", "de", "", 5, -1.5, True, None, 10**400, []],
    ids=str,
)
def test_what_names_no_moment_is_none(time: object) -> None:
    """A number that is too small or too large, a time without an offset, a date that there is not."""
    assert moment_in(time, ZoneInfo("Europe/Berlin")) is None


@pytest.mark.parametrize("text", ["2024", "20260303", "de", "", "2026-03-03x", "26-03-03"])
def test_a_name_is_no_time(text: str) -> None:
    """Not even a year."""
    assert not is_date_time(text)


def test_a_day_starts_where_calendars_say() -> None:
    """There is one definition of a day."""
    since, _ = moments(LocalDay(date(2026, 3, 3), ZoneInfo("Asia/Kolkata")))

    assert since == calendars.start(date(2026, 3, 3), ZoneInfo("Asia/Kolkata"))
