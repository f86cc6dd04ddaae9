"""What is read of the simulated platform's answers is the simulator's own truth."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from exporter.domain import calendars
from exporter.domain.model import Days, Row
from exporter.domain.scope import Scope
from exporter.platforms.api import Context
from exporter.platforms.paradigm.platform import (
    CHAT_SESSIONS,
    CHATS_FEEDBACK,
    REPORTS,
    TOOLS,
    USED_DOCUMENTS,
    USER_ACTIVITIES,
    USERS,
)
from exporter.simulator.paradigm import figures, reports
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.world import MODES, DayView, World

Figures = Mapping[tuple[str, str, tuple[str, ...]], float]
"""The figures of one company and day by part, family and label values."""
MOMENTS = {
    "noon-in-utc": (ZoneInfo("UTC"), datetime(2026, 11, 20, 12, tzinfo=UTC)),
    "clocks-set-back-in-paris": (ZoneInfo("Europe/Paris"), datetime(2026, 10, 25, 22, tzinfo=UTC)),
    "leap-day-in-auckland": (ZoneInfo("Pacific/Auckland"), datetime(2028, 2, 29, 4, tzinfo=UTC)),
}
SEEDS = (1, 7, 2026)


def sessions(world: World, company: Company, view: DayView) -> Figures:
    """Returns what chat-sessions should say."""
    found: dict[tuple[str, str, tuple[str, ...]], float] = {}
    for mode in MODES:
        use = world.figures(company, view, mode)
        if use:
            found |= {
                (mode, f"paradigm_{family}", (mode,)): float(value)
                for family, value in {
                    "sessions": use.sessions,
                    "user_queries": use.user_queries,
                    "model_responses": use.model_responses,
                    "model_responses_with_docs": use.model_responses_with_docs,
                    "unique_models": use.unique_models,
                    "session_length_average": use.average_length,
                    "last_model_response_timestamp_seconds": use.last_model_response.timestamp(),
                }.items()
            }
    return found


def feedback(world: World, company: Company, view: DayView) -> Figures:
    """Returns what chats-feedback should say."""
    said = figures.feedback(world, company, view)
    if said is None:
        return {}
    return {
        ("all", "paradigm_feedbacks", ("like",)): said.likes,
        ("all", "paradigm_feedbacks", ("dislike",)): said.dislikes,
        ("all", "paradigm_feedbacks", ("copy",)): said.copies,
        ("all", "paradigm_feedback_model_responses", ()): said.model_responses,
    }


def documents(world: World, company: Company, view: DayView) -> Figures:
    """Returns what used-documents should say."""
    used = figures.documents(world, company, view)
    if not used:
        return {}
    return {
        ("all", "paradigm_document_uses", ()): sum(use.uses for use in used),
        ("all", "paradigm_documents_used", ()): len({use.document_id for use in used}),
    }


def members(_: World, company: Company, view: DayView) -> Figures:
    """Returns what users should say."""
    level = figures.members(company, view)
    if level is None:
        return {}
    return {
        ("all", "paradigm_members_active", ()): level.active,
        ("all", "paradigm_members_ever", ()): level.ever,
    }


def tools(world: World, company: Company, view: DayView) -> Figures:
    """Returns what tools should say."""
    return {("all", "paradigm_tool_uses", (use.tool,)): use.uses for use in figures.tools(world, company, view)}


def activity(world: World, company: Company, view: DayView) -> Figures:
    """Returns what user-activities should say."""
    there = figures.activity(world, company, view)
    return {("all", "paradigm_active_users", ()): there.active_users} if there else {}


TRUTHS = {
    CHAT_SESSIONS.name: sessions,
    CHATS_FEEDBACK.name: feedback,
    USED_DOCUMENTS.name: documents,
    USERS.name: members,
    TOOLS.name: tools,
    USER_ACTIVITIES.name: activity,
}


def by_row(rows: Iterable[Row]) -> Mapping[tuple[str, date], Figures]:
    """Returns the figures by company and day."""
    found: dict[tuple[str, date], dict[tuple[str, str, tuple[str, ...]], float]] = {}
    for row in rows:
        figures_of_day = found.setdefault((row.company_id, row.day), {})
        figures_of_day |= {(row.part, *column): value for column, value in row.figures.items()}
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
    body = msgspec.json.encode(reports.REPORTS[name].answer(world, world.known(), views))

    (request,) = REPORTS[name].plan(days, Scope())
    reading = REPORTS[name].decode(body, request, Context("s", today, zone))

    truth = {
        (str(company.id), view.day): expected
        for company in world.known()
        for view in (views if REPORTS[name].has_days else views[-1:])
        if (expected := TRUTHS[name](world, company, view))
    }
    assert truth == by_row(reading.rows)
    assert truth
    assert not reading.surprises
    assert {note.field for note in reading.fields} == described_fields(name)


def described_fields(name: str) -> set[str]:
    """Returns what the simulator describes."""
    return {field for part in reports.REPORTS[name].parts for field in part.described}


@pytest.mark.parametrize(("zone", "wrong"), [("America/Los_Angeles", False), ("UTC", True)])
def test_answers_outside_their_day_tell_of_a_wrong_zone(zone: str, wrong: bool) -> None:
    """The evening of a platform in California is the next day elsewhere."""
    world, now = World.from_seed(1, 12, ZoneInfo("America/Los_Angeles")), datetime(2026, 11, 20, 20, tzinfo=UTC)
    days = Days(date(2026, 11, 1), date(2026, 11, 20))
    answer = reports.REPORTS["chat-sessions"].answer(world, world.known(), world.views(days.first, days.last, now))
    (request,) = CHAT_SESSIONS.plan(days, Scope())

    reading = CHAT_SESSIONS.decode(msgspec.json.encode(answer), request, Context("s", days.last, ZoneInfo(zone)))

    assert bool(reading.violations.get("answer_outside_day")) is wrong
