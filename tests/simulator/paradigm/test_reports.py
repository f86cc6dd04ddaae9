"""Laws of the smaller reports: each over HTTP equals its truth, fits the figures it is made from, and never falls."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest

from exporter.domain import calendars
from exporter.simulator.paradigm import reports
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.world import DayView, World
from tests.simulator.conftest import Connect

pytestmark = pytest.mark.anyio
Naive = Callable[..., object]


def feedback(row: Mapping[str, Mapping[str, object]]) -> object:
    """A day of chats-feedback, by the names of the truth."""
    said = row["feedbacks"]
    counts = {"likes": said["likes_count"], "dislikes": said["dislikes_count"], "copies": said["copies_count"]}
    return {"model_responses": row["model_responses_count"], **counts}


def documents(row: Mapping[str, list[dict[str, object]]]) -> object:
    """A day of used-documents, by the names of the truth."""
    names = {"document_id": "document_id", "filename": "document_filename", "title": "document_title"}
    return [
        {**{ours: use[theirs] for ours, theirs in names.items()}, "uses": use["usage_count"]}
        for use in row["documents"]
    ]


def tools(row: Mapping[str, list[dict[str, object]]]) -> object:
    """A day of tools, by the names of the truth."""
    return [{"tool": use["tool_name"], "uses": use["usage_count"]} for use in row["tools"]]


def activities(row: Mapping[str, Mapping[str, object]]) -> object:
    """A day of user-activities, by the names of the truth."""
    return {"active_users": row["active_users_count"], "connections": row["connections_count"]}


NAIVE = [
    pytest.param("chats-feedback", feedback, id="chats-feedback"),
    pytest.param("used-documents", documents, id="used-documents"),
    pytest.param("tools", tools, id="tools"),
    pytest.param("user-activities", activities, id="user-activities"),
]


@pytest.mark.parametrize(("report", "read"), NAIVE)
async def test_what_is_served_of_days_is_the_truth_and_what_is_not_is_nothing(
    connect: Connect, world: World, report: str, read: Naive
) -> None:
    days = ("2026-02-28", "2026-03-01", "2026-03-02")
    async with connect() as client:
        query = {"start_date": days[0], "end_date": days[-1]}
        answer = (await client.get(f"/api/v2/reporting/{report}/", params=query)).json()
        served = {(e["company"]["id"], row["date"]): read(row) for e in answer["reporting"] for row in e["dates"]}
        for company in world.companies:
            for day in days:
                asked = {"company_id": str(company.id), "day": day, "report": report}
                truth = (await client.get("/truth", params=asked)).json()
                assert served.get((company.id, day)) == (truth or None)
    assert served
    assert len(served) < len(world.companies) * len(days), "somebody was not there"


async def test_users_are_the_truth_of_the_last_day_asked_for(connect: Connect, world: World, today: date) -> None:
    async with connect() as client:
        query = {"start_date": "2026-01-01"}
        answer = (await client.get("/api/v2/reporting/users/", params=query)).json()
        served = {
            e["company"]["id"]: {"ever": e["total_historical_members"], "active": e["current_active_members"]}
            for e in answer["reporting"]
        }
        for company in world.companies:
            asked = {"company_id": str(company.id), "day": today.isoformat(), "report": "users"}
            assert served.get(company.id) == (await client.get("/truth", params=asked)).json()


def views(world: World, day: date) -> list[DayView]:
    """A day as seen every 40 minutes of it."""
    start = calendars.start(day, world.zone)
    found = (world.view(day, start + timedelta(minutes=40 * n)) for n in range(37))
    return [view for view in found if view]


def levels(world: World, company: Company, view: DayView) -> tuple[int, ...]:
    """Everything that is counted in the smaller reports, as far as it stands in a fixed place."""
    said, there = reports.feedback(world, company, view), reports.activity(world, company, view)
    used = {use["document_id"]: int(use["uses"]) for use in reports.documents(world, company, view)}
    called = {use["tool"]: int(use["uses"]) for use in reports.tools(world, company, view)}
    counts = (len(used), sum(used.values()), len(called), sum(called.values()))
    return (*counts, *(said.values() if said else (0,) * 4), *(there.values() if there else (0,) * 2))


def test_nothing_falls_through_the_day(world: World, today: date) -> None:
    for company in world.companies:
        seen = [levels(world, company, view) for view in views(world, today)]
        assert all(earlier <= later for pair in pairwise(seen) for earlier, later in zip(*pair, strict=True))


def test_the_smaller_reports_fit_the_figures_they_are_made_from(world: World, now: datetime, today: date) -> None:
    for view in world.views(today - timedelta(days=30), today, now):
        for company in world.companies:
            rows = reports.figures_by_mode(world, company, view).values()
            said, there = reports.feedback(world, company, view), reports.activity(world, company, view)
            assert (said is None) == (there is None) == (not rows)
            if said is None or there is None:
                continue
            assert said["model_responses"] == sum(row.model_responses for row in rows)
            assert said["likes"] + said["dislikes"] <= said["model_responses"]
            assert there["active_users"] <= there["connections"]
            level = reports.members(company, view)
            assert level
            assert there["active_users"] <= level["active"] <= level["ever"]
            assert bool(reports.documents(world, company, view)) == any(row.model_responses_with_docs for row in rows)


def test_members_ever_never_fall(world: World, now: datetime, today: date) -> None:
    for company in world.companies:
        known = [reports.members(company, view) for view in world.views(today - timedelta(days=800), today, now)]
        ever = [level["ever"] for level in known if level]
        assert ever == sorted(ever)
