"""Laws of the troubles: each over HTTP, what it leaves alone, and that several add up."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import httpx
import pytest

from exporter.simulator.app import create_app
from exporter.simulator.paradigm.reports import REPORTS
from exporter.simulator.paradigm.world import World
from exporter.simulator.scenarios import SCENARIOS, chosen
from tests.simulator.conftest import Connect

pytestmark = pytest.mark.anyio
CHATS = "/api/v2/reporting/chat-sessions/"
SINCE = {"start_date": "2026-02-20"}
TRANSPORT = (
    "outage",
    "slow",
    "rate-limited",
    "key-rejected",
    "html-200",
    "truncated",
    "schema-change",
    "field-renamed",
)


def test_every_scenario_says_what_it_does_and_stands_under_its_name() -> None:
    assert all(scenario.description and scenario.name == name for name, scenario in SCENARIOS.items())


def test_scenarios_come_in_one_order_and_once_however_they_are_named() -> None:
    assert chosen(["truncated", "outage", "outage"]) == chosen(["outage", "truncated"])
    assert chosen([]) == chosen(["normal"])


@pytest.mark.parametrize("report", REPORTS)
async def test_outage_is_a_503_with_a_proxys_page_for_every_report_whatever_the_key(
    connect: Connect, report: str
) -> None:
    async with connect("outage", key="wrong") as client:
        response = await client.get(f"/api/v2/reporting/{report}/")
        control = await client.get("/control")
    assert response.status_code == 503
    assert response.headers["content-type"].startswith("text/html")
    assert control.status_code == 200


async def test_html_200_is_a_log_in_page(connect: Connect) -> None:
    async with connect("html-200") as client:
        response = await client.get(CHATS, params=SINCE)
    assert (response.status_code, response.text[:15]) == (200, "<!doctype html>")


async def test_key_rejected_refuses_the_admin_too(connect: Connect) -> None:
    async with connect("key-rejected") as client:
        response = await client.get(CHATS, params=SINCE)
    assert (response.status_code, response.json()) == (401, {"detail": "Invalid API key."})


async def test_key_swapped_shows_the_old_key_one_company_until_it_ends(connect: Connect, world: World) -> None:
    async def seen(key: str) -> set[int]:
        answer = await client.get(CHATS, params=SINCE, headers={"Authorization": f"Bearer {key}"})
        return {entry["company"]["id"] for entry in answer.json()["reporting"]} if answer.is_success else set()

    async with connect("key-swapped") as client:
        swapped = await seen(world.keys.admin), await seen(world.keys.next_admin)
        await client.post("/control", json={"scenarios": []})
        ended = await seen(world.keys.admin), await seen(world.keys.next_admin)
    assert swapped[0] == {1} < swapped[1]
    assert ended == (swapped[1], set())


async def test_rate_limited_refuses_every_other_request_of_each_report(connect: Connect) -> None:
    async with connect("rate-limited") as client:
        chats = [await client.get(CHATS, params=SINCE) for _ in range(4)]
        users = await client.get("/api/v2/reporting/users/", params=SINCE)
    assert [response.status_code for response in chats] == [429, 200, 429, 200]
    assert chats[0].headers["retry-after"] == "1"
    assert "throttled" in chats[0].json()["detail"]
    assert users.status_code == 429


async def test_slow_waits_three_seconds_and_then_tells_the_truth(world: World, now: datetime, connect: Connect) -> None:
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    transport = httpx.ASGITransport(create_app(world, lambda: now, scenarios=("slow",), sleep=wait))
    headers = {"Authorization": f"Bearer {world.keys.admin}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://paradigm", headers=headers) as client:
        slow = await client.get(CHATS, params=SINCE)
    async with connect() as client:
        usual = await client.get(CHATS, params=SINCE)
    assert waits == [3.0]
    assert slow.content == usual.content


async def test_truncated_is_a_200_that_ends_in_its_middle(connect: Connect) -> None:
    async with connect("truncated") as client:
        cut = await client.get(CHATS, params=SINCE)
        await client.post("/control", json={"scenarios": []})
        whole = await client.get(CHATS, params=SINCE)
    assert cut.status_code == 200
    assert whole.content.startswith(cut.content)
    with pytest.raises(json.JSONDecodeError):
        cut.json()


@pytest.mark.parametrize("report", REPORTS)
async def test_schema_change_gives_the_lists_other_names(connect: Connect, report: str) -> None:
    async with connect("schema-change") as client:
        answer = (await client.get(f"/api/v2/reporting/{report}/", params=SINCE)).json()
    assert not any(key.startswith("reporting") for key in answer)
    assert answer["results"]


async def test_field_renamed_gives_one_leaf_another_name(connect: Connect) -> None:
    """Only in the rows of chats: what describes the fields, and all figures, are as they were."""
    async with connect() as usual, connect("field-renamed") as troubled:
        before, after = [(await client.get(CHATS, params=SINCE)).text for client in (usual, troubled)]
    rows = sum(len(entry["dates"]) for entry in json.loads(before)["reporting"])
    assert after.count('"queries_count"') == rows > 0
    assert json.loads(after) != json.loads(before)
    assert json.loads(after.replace('"queries_count"', '"user_queries_count"')) == json.loads(before)


async def test_several_scenarios_add_up(connect: Connect) -> None:
    async with connect("schema-change", "rate-limited", "missing-company") as client:
        first = await client.get(CHATS, params=SINCE)
        second = await client.get(CHATS, params=SINCE)
    assert first.status_code == 429
    assert len(second.json()["results"]) > 10


@pytest.mark.parametrize("name", TRANSPORT)
async def test_the_truth_knows_nothing_of_troubles_on_the_way(connect: Connect, name: str) -> None:
    query = {"company_id": "3", "day": "2026-02-27", "report": "chat-sessions"}
    async with connect() as usual, connect(name) as troubled:
        assert (await usual.get("/truth", params=query)).content == (await troubled.get("/truth", params=query)).content


async def totals(client: httpx.AsyncClient, now: str) -> Mapping[date, int]:
    """All user queries by day, as a naive reader sees them at a moment."""
    await client.post("/control", json={"now": now})
    answer = (await client.get(CHATS, params=SINCE)).json()
    sums: dict[date, int] = {}
    for key, side in (("reporting", "chats"), ("reporting_agents", "agents")):
        for entry in answer[key]:
            for row in entry["dates"]:
                day = date.fromisoformat(row["date"])
                sums[day] = sums.get(day, 0) + row[side]["user_queries_count"]
    return sums


async def test_late_day_has_no_rows_for_a_day_until_14_00_of_the_next(connect: Connect) -> None:
    monday = date(2026, 3, 2)
    async with connect() as client:
        usual = (await totals(client, "2026-03-03T14:00:00Z"))[monday]
        await client.post("/control", json={"scenarios": ["late-day"]})
        running = await totals(client, "2026-03-02T18:00:00Z")
        waiting = await totals(client, "2026-03-03T13:59:59Z")
        arrived = await totals(client, "2026-03-03T14:00:00Z")
    assert monday not in running, "a row that was served would be taken back"
    assert max(waiting) == date(2026, 3, 1)
    assert max(arrived) == monday
    assert arrived[monday] == usual


async def test_late_day_is_late_by_the_clock_of_the_zone() -> None:
    usual = World.from_seed(7, zone=ZoneInfo("Europe/Berlin"))
    late = SCENARIOS["late-day"].world(usual, date(2026, 3, 3))
    monday = date(2026, 3, 2)
    before, after = (datetime(2026, 3, 3, *time, tzinfo=UTC) for time in ((12, 59), (13, 0)))
    assert late.truth(3, monday, "chat", at=before) is None
    assert late.truth(3, monday, "chat", at=after) == usual.truth(3, monday, "chat", at=after)


async def test_restatement_corrects_a_day_upwards_once_at_noon_two_days_later(connect: Connect) -> None:
    friday = date(2026, 2, 27)
    async with connect() as client:
        final = (await totals(client, "2026-03-01T12:00:00Z"))[friday]
        await client.post("/control", json={"scenarios": ["restatement"]})
        first = (await totals(client, "2026-02-28T06:00:00Z"))[friday]
        still = (await totals(client, "2026-03-01T11:59:00Z"))[friday]
        corrected = (await totals(client, "2026-03-01T12:00:00Z"))[friday]
    assert first == still
    assert 0.75 * final < first < 0.85 * final
    assert corrected == final


@pytest.mark.parametrize("report", REPORTS)
async def test_missing_company_is_gone_from_every_report_and_from_the_truth(
    connect: Connect, world: World, report: str
) -> None:
    gone = world.busiest(1).id
    async with connect() as usual, connect("missing-company") as troubled:
        ids = []
        for client in (usual, troubled):
            answer = (await client.get(f"/api/v2/reporting/{report}/", params=SINCE)).json()
            ids.append({entry["company"]["id"] for entry in answer["reporting"]})
        query = {"company_id": str(gone), "day": "2026-02-27", "report": report}
        truth = (await troubled.get("/truth", params=query)).json()
    assert ids[0] - ids[1] == {gone}
    assert truth is None


async def test_quiet_company_falls_to_a_tenth_from_yesterday_on_and_nobody_else_does(
    connect: Connect, world: World, now: datetime
) -> None:
    quiet = SCENARIOS["quiet-company"].world(world, date(2026, 2, 28))
    for company in world.companies:
        for day, expected in ((date(2026, 2, 26), 1.0), (date(2026, 2, 27), 0.1)):
            usual, seen = (w.truth(company.id, day, "chat", at=now) for w in (world, quiet))
            if company != world.busiest(0):
                assert usual == seen
            elif usual and seen:
                assert seen.user_queries == pytest.approx(usual.user_queries * expected, abs=1)
    async with connect("quiet-company") as client:
        query = {"start_date": "2026-03-01", "end_date": "2026-03-01", "company_id": str(world.busiest(0).id)}
        (entry,) = (await client.get(CHATS, params=query)).json()["reporting"]
    yesterday = world.truth(world.busiest(0).id, date(2026, 3, 1), "chat", at=now)
    assert yesterday
    assert entry["dates"][0]["chats"]["user_queries_count"] <= yesterday.user_queries / 5
