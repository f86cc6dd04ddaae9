"""Laws of the simulator's switches: the clock, the scenarios, the count of requests, the truth over HTTP."""

import asyncio
from datetime import UTC, date, datetime

import pytest

from exporter.domain.errors import ConfigError
from exporter.simulator.app import create_app
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.control import Control
from exporter.simulator.paradigm.reports import REPORTS
from exporter.simulator.paradigm.world import World
from tests.simulator.conftest import Connect

pytestmark = pytest.mark.anyio
CHATS = "/api/v2/reporting/chat-sessions/"
SINCE = {"start_date": "2026-02-27"}


async def test_the_state_tells_the_clock_the_scenarios_and_what_is_known(connect: Connect) -> None:
    async with connect() as client:
        state = (await client.get("/control")).json()
    assert state["now"] == "2026-03-02T10:00:00Z"
    assert state["follows_wall_clock"] is True
    assert state["scenarios"] == ["normal"]
    assert state["known_scenarios"]["outage"]
    assert state["requests"] == {}


async def test_a_set_clock_moves_the_platforms_today_and_null_gives_the_wall_back(connect: Connect) -> None:
    async with connect() as client:
        before = (await client.get(CHATS, params=SINCE)).content
        moved = (await client.post("/control", json={"now": "2026-03-05T18:00:00+01:00"})).json()
        after = (await client.get(CHATS, params=SINCE)).json()
        back = (await client.post("/control", json={"now": None})).json()
        again = (await client.get(CHATS, params=SINCE)).content
    assert (moved["now"], moved["follows_wall_clock"]) == ("2026-03-05T17:00:00Z", False)
    assert max(row["date"] for entry in after["reporting"] for row in entry["dates"]) == "2026-03-05"
    assert (back["now"], back["follows_wall_clock"]) == ("2026-03-02T10:00:00Z", True)
    assert before == again


async def test_what_is_not_named_stays(connect: Connect) -> None:
    async with connect() as client:
        await client.post("/control", json={"now": "2026-03-05T18:00:00Z", "scenarios": ["outage"]})
        await client.post("/control", json={"now": "2026-03-06T18:00:00Z"})
        state = (await client.post("/control", json={})).json()
        normal = (await client.post("/control", json={"scenarios": []})).json()
    assert (state["now"], state["scenarios"]) == ("2026-03-06T18:00:00Z", ["outage"])
    assert (normal["now"], normal["scenarios"]) == ("2026-03-06T18:00:00Z", ["normal"])


WRONG = [
    pytest.param(b'{"clock": 1}', "'clock' cannot be set; known: now, scenarios", id="unknown-key"),
    pytest.param(b'{"scenarios": ["rain"]}', "'rain' does not exist; known: normal, outage", id="unknown-scenario"),
    pytest.param(b'{"scenarios": "outage"}', "not a list; known scenarios: normal", id="scenarios-no-list"),
    pytest.param(b'{"now": "noon"}', "'noon' is not a moment; write 2026-03-02T10:00:00Z", id="no-moment"),
    pytest.param(b'{"now": "2026-03-02T10:00:00"}', "is not a moment", id="naive"),
    pytest.param(b'{"now": "1999-12-31T23:00:00Z"}', "2000 to 2100", id="too-early"),
    pytest.param(b'{"now": 5}', "is not a moment", id="number"),
    pytest.param(b"now", "JSON object", id="no-json"),
    pytest.param(b"[]", "JSON object", id="no-object"),
    pytest.param(b'{"now": "2027-01-01T00:00:00Z", "scenarios": ["rain"]}', "does not exist", id="half-wrong"),
]


@pytest.mark.parametrize(("body", "detail"), WRONG)
async def test_a_mistake_is_a_400_that_lists_what_is_known_and_changes_nothing(
    connect: Connect, body: bytes, detail: str
) -> None:
    async with connect("outage") as client:
        before = (await client.get("/control")).json()
        response = await client.post("/control", content=body)
        after = (await client.get("/control")).json()
    assert response.status_code == 400
    assert detail in response.json()["detail"]
    assert before == after


async def test_another_method_on_a_page_of_its_own_is_a_405(connect: Connect) -> None:
    async with connect() as client:
        assert (await client.delete("/control")).status_code == 405
        assert (await client.post("/truth")).json() == {"detail": "Method Not Allowed"}


async def test_requests_are_counted_by_path_whatever_the_answer_but_not_the_simulators_own(connect: Connect) -> None:
    async with connect() as client:
        for path in (CHATS, CHATS + "?start_date=2026-03-01", CHATS[:-1], "/nowhere", "/truth", "/control"):
            await client.get(path)
        state = (await client.get("/control")).json()
    assert state["requests"] == {CHATS[:-1]: 1, CHATS: 2, "/nowhere": 1}


def test_an_unknown_scenario_at_the_start_is_an_error_of_configuration(world: World, now: datetime) -> None:
    with pytest.raises(ConfigError, match="'rain' does not exist; known: normal"):
        create_app(world, lambda: now, scenarios=("rain",))


def test_a_scenario_keeps_its_beginning_while_it_stays_on(world: World) -> None:
    begun = datetime(2026, 3, 2, 10, tzinfo=UTC)
    control = Control(world, Bots.from_seed(7), lambda: begun, asyncio.sleep, ("quiet-company",))
    busiest = world.busiest(0).id
    control.change({"now": "2026-03-09T10:00:00Z", "scenarios": ["outage", "quiet-company"]})
    at = control.now()
    quiet, usual = (w.truth(busiest, date(2026, 3, 3), "chat", at=at) for w in (control.world, world))
    assert quiet
    assert usual
    assert quiet.user_queries < usual.user_queries / 5


@pytest.mark.parametrize("report", REPORTS)
async def test_the_truth_of_each_report_is_told_for_any_known_day(connect: Connect, report: str) -> None:
    async with connect() as client:
        query = {"company_id": "3", "day": "2026-02-27", "report": report}
        known = await client.get("/truth", params=query)
        future = await client.get("/truth", params={**query, "day": "2026-03-03"})
        nobody = await client.get("/truth", params={**query, "company_id": "99"})
    assert known.status_code == 200
    assert known.json()
    assert future.json() is None
    assert nobody.json() is None


async def test_the_truth_of_chat_sessions_is_that_of_the_world(connect: Connect, world: World, now: datetime) -> None:
    async with connect() as client:
        query = {"company_id": "3", "day": "2026-02-27", "report": "chat-sessions"}
        told = (await client.get("/truth", params=query)).json()
    assert told.keys() == {"chat", "agent"}
    figures = world.truth(3, date(2026, 2, 27), "chat", at=now)
    assert figures
    assert told["chat"]["user_queries"] == figures.user_queries
    assert datetime.fromisoformat(told["chat"]["last_model_response"]) == figures.last_model_response


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        pytest.param({}, "needs company_id", id="nothing"),
        pytest.param({"company_id": "x", "day": "2026-03-01"}, "needs company_id", id="no-number"),
        pytest.param({"company_id": "1", "day": "monday"}, "needs company_id", id="no-day"),
        pytest.param({"chatbot": "x", "report": "inbox"}, "or chatbot, day (YYYY", id="no-day-of-a-chatbot"),
        pytest.param({"chatbot": "x", "day": "yesterday", "report": "inbox"}, "or chatbot, day (YYYY", id="unreadable"),
        pytest.param({"chatbot": "x", "day": "2026-03-01"}, "and report: 'report'", id="no-report-of-a-chatbot"),
        pytest.param({"company_id": "1", "day": "2026-03-01"}, "known: chat-sessions", id="no-report"),
        pytest.param({"company_id": "1", "day": "2026-03-01", "report": "x"}, "known: chat-sessions", id="bad-report"),
    ],
)
async def test_a_wrong_question_for_the_truth_is_a_400(connect: Connect, query: dict[str, str], detail: str) -> None:
    async with connect() as client:
        response = await client.get("/truth", params=query)
    assert response.status_code == 400
    assert detail in response.json()["detail"]
