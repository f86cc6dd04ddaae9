"""What is read of the simulated platform's answers is the simulator's own truth."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from exporter.domain import calendars
from exporter.domain.model import Column, Days, Row
from exporter.domain.scope import Scope
from exporter.platforms.api import Context
from exporter.platforms.paradigm.platform import CHAT_SESSIONS, REPORTS
from exporter.simulator.paradigm import reports
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.world import DayView, World
from tests.platform_data import FACTS

Figures = Mapping[tuple[str, str, tuple[str, ...]], float]
"""The figures of one company and day by part, family and label values."""
MOMENTS = {
    "noon-in-utc": (ZoneInfo("UTC"), datetime(2026, 11, 20, 12, tzinfo=UTC)),
    "clocks-set-back-in-paris": (ZoneInfo("Europe/Paris"), datetime(2026, 10, 25, 22, tzinfo=UTC)),
    "leap-day-in-auckland": (ZoneInfo("Pacific/Auckland"), datetime(2028, 2, 29, 4, tzinfo=UTC)),
}
SEEDS = (1, 7, 2026)
MARKER = Column("paradigm_tool_uses")
"""What says that the tools of a row were read; no figure."""


def truth(name: str, world: World, company: Company, view: DayView) -> Figures:
    """Returns what a report should say."""
    return {
        (dict(labels).get("mode", "all"), family, tuple(value for _, value in labels)): figure
        for family, labels, figure in FACTS[name](world, company, view)
    }


def by_row(rows: Iterable[Row]) -> Mapping[tuple[str, date], Figures]:
    """Returns the figures by company and day."""
    found: dict[tuple[str, date], dict[tuple[str, str, tuple[str, ...]], float]] = {}
    for row in rows:
        figures_of_day = found.setdefault((row.company_id, row.day), {})
        figures_of_day |= {(row.part, *column): value for column, value in row.figures.items() if column != MARKER}
    return found


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", REPORTS)
def test_every_figure_is_the_simulators_own(name: str, seed: int, moment: tuple[ZoneInfo, datetime]) -> None:
    """Each company and day, nothing more and nothing less, and nothing odd about it."""
    zone, now = moment
    world, today = World.from_seed(seed, 12, zone), calendars.day_at(now, zone)
    days = Days(today - timedelta(days=45), today)
    views = world.views(days.first, days.last, now)
    body = msgspec.json.encode(reports.REPORTS[name].answer(world, world.companies, views))

    (request,) = REPORTS[name].plan(days, Scope())
    reading = REPORTS[name].decode(body, request, Context("s", today, zone))

    expected = {
        (str(company.id), view.day): found
        for company in world.companies
        for view in (views if REPORTS[name].has_days else views[-1:])
        if (found := truth(name, world, company, view))
    }
    assert expected == by_row(reading.rows)
    assert expected
    assert (reading.drift, reading.violations, reading.outside_range) == ({}, {}, 0)
    assert {note.field for note in reading.fields} == described_fields(name)


def described_fields(name: str) -> set[str]:
    """Returns what the simulator describes."""
    return {field for part in reports.REPORTS[name].parts for field in part.described}


@pytest.mark.parametrize(("zone", "wrong"), [("America/Los_Angeles", False), ("UTC", True)])
def test_answers_outside_their_day_tell_of_a_wrong_zone(zone: str, wrong: bool) -> None:
    """The evening of a platform in California is the next day elsewhere."""
    world, now = World.from_seed(1, 12, ZoneInfo("America/Los_Angeles")), datetime(2026, 11, 20, 20, tzinfo=UTC)
    days = Days(date(2026, 11, 1), date(2026, 11, 20))
    answer = reports.REPORTS["chat-sessions"].answer(world, world.companies, world.views(days.first, days.last, now))
    (request,) = CHAT_SESSIONS.plan(days, Scope())

    reading = CHAT_SESSIONS.decode(msgspec.json.encode(answer), request, Context("s", days.last, ZoneInfo(zone)))

    assert bool(reading.violations.get("answer_outside_day")) is wrong
