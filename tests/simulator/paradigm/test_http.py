"""Laws of the simulated reports over HTTP, read by a naive reader who knows only the documentation."""

import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from msgspec.structs import asdict

from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import HISTORY, World, utc_text
from tests.simulator.conftest import Connect

pytestmark = pytest.mark.anyio
CHATS = "/api/v2/reporting/chat-sessions/"
SINCE = {"start_date": "2026-02-20"}
REPORTS = ("chat-sessions", "chats-feedback", "used-documents", "users", "tools", "user-activities")


def chat_row(row: dict[str, dict[str, object]]) -> Mapping[str, object]:
    """One entry of `dates` of `reporting`, by the names of the truth."""
    visits, answers = row["sessions"], row["chats"]
    return _row(visits, answers, "sessions_count", "average_session_length")


def agent_row(row: dict[str, dict[str, object]]) -> Mapping[str, object]:
    """One entry of `dates` of `reporting_agents`, by the names of the truth."""
    visits, answers = row["threads"], row["agents"]
    return _row(visits, answers, "threads_count", "average_thread_length")


def _row(visits: dict[str, object], answers: dict[str, object], count: str, average: str) -> Mapping[str, object]:
    assert visits.keys() == {count, average, "unique_models_count"}
    assert answers.keys() == {
        "user_queries_count",
        "model_responses_with_docs_count",
        "model_responses_count",
        "last_model_response_date",
    }
    assert isinstance(visits[average], float)
    return {
        "sessions": visits[count],
        "unique_models": visits["unique_models_count"],
        "average_length": visits[average],
        "user_queries": answers["user_queries_count"],
        "model_responses": answers["model_responses_count"],
        "model_responses_with_docs": answers["model_responses_with_docs_count"],
        "last_model_response": answers["last_model_response_date"],
    }


@pytest.mark.parametrize(
    ("key", "mode", "read"), [("reporting", "chat", chat_row), ("reporting_agents", "agent", agent_row)]
)
async def test_chat_sessions_are_the_truth_no_more_and_no_less(
    connect: Connect, world: World, now: datetime, key: str, mode: str, read: object
) -> None:
    assert callable(read)
    async with connect() as client:
        answer = (await client.get(CHATS, params=SINCE)).json()
    served = {(e["company"]["id"], row.pop("date")): read(row) for e in answer[key] for row in e["dates"]}
    true = {}
    for company in world.companies:
        for day in (date(2026, 2, 20) + timedelta(days=n) for n in range(11)):
            if figures := world.truth(company.id, day, "chat" if mode == "chat" else "agent", at=now):
                text = utc_text(figures.last_model_response)
                true[company.id, day.isoformat()] = {**asdict(figures), "last_model_response": text}
    assert served == true
    assert max(day for _, day in served) == now.date().isoformat()
    assert {e["company"]["id"]: e["company"]["name"] for e in answer[key]}.items() <= {
        company.id: company.name for company in world.companies
    }.items()


async def test_chat_sessions_have_the_documented_keys_and_describe_seven_fields_each(connect: Connect) -> None:
    async with connect() as client:
        response = await client.get(CHATS, params=SINCE)
    answer = response.json()
    assert response.headers["content-type"] == "application/json"
    assert list(answer) == ["metadata", "reporting", "metadata_agent", "reporting_agents"]
    for key in ("metadata", "metadata_agent"):
        assert len(answer[key]) == 7
        assert all(set(field) == {"description", "unit"} for field in answer[key].values())
    assert "threads_count" in answer["metadata_agent"]


@pytest.mark.parametrize("report", REPORTS)
async def test_every_report_describes_its_figures_and_lists_known_companies(connect: Connect, report: str) -> None:
    async with connect() as client:
        answer = (await client.get(f"/api/v2/reporting/{report}/", params=SINCE)).json()
    leaves = set(re.findall(r'"(\w+_count|\w+_members)": \d', json.dumps(answer["reporting"])))
    assert leaves
    assert leaves <= answer["metadata"].keys()
    ids = [entry["company"]["id"] for entry in answer["reporting"]]
    assert ids == sorted(ids)
    assert all(entry.get("dates", True) for entry in answer["reporting"]), "an entry without rows is left out"


SHAPES = [
    pytest.param("chats-feedback", {"date", "model_responses_count", "feedbacks"}, id="feedback"),
    pytest.param("used-documents", {"date", "documents"}, id="documents"),
    pytest.param("tools", {"date", "tools"}, id="tools"),
    pytest.param("user-activities", {"date", "active_users_count", "connections_count"}, id="activities"),
]


@pytest.mark.parametrize(("report", "keys"), SHAPES)
async def test_a_day_of_a_smaller_report_has_its_keys(connect: Connect, report: str, keys: set[str]) -> None:
    async with connect() as client:
        answer = (await client.get(f"/api/v2/reporting/{report}/", params=SINCE)).json()
    assert list(answer) == ["metadata", "reporting"]
    assert all(row.keys() == keys for entry in answer["reporting"] for row in entry["dates"])


async def test_used_documents_have_an_id_a_file_name_a_title_and_a_count(connect: Connect) -> None:
    async with connect() as client:
        answer = (await client.get("/api/v2/reporting/used-documents/", params=SINCE)).json()
    for entry in answer["reporting"]:
        for row in entry["dates"]:
            fields = {"document_id", "document_filename", "document_title", "usage_count"}
            assert all(use.keys() == fields for use in row["documents"])
            assert len({use["document_id"] for use in row["documents"]}) == len(row["documents"])


async def test_users_have_two_levels_and_no_days(connect: Connect) -> None:
    async with connect() as client:
        answer = (await client.get("/api/v2/reporting/users/", params=SINCE)).json()
    for entry in answer["reporting"]:
        assert entry.keys() == {"company", "total_historical_members", "current_active_members"}
        assert 0 < entry["current_active_members"] <= entry["total_historical_members"]


@pytest.mark.parametrize("report", REPORTS)
async def test_days_before_the_platforms_memory_are_an_empty_report(connect: Connect, report: str) -> None:
    async with connect() as client:
        query = {"start_date": "0001-01-01", "end_date": "2020-01-01"}
        answer = (await client.get(f"/api/v2/reporting/{report}/", params=query)).json()
    assert answer["reporting"] == []


async def test_the_end_date_is_today_by_default_also_when_it_is_empty(connect: Connect) -> None:
    async with connect() as client:
        bodies = {
            (await client.get(CHATS, params={**SINCE, **end})).content
            for end in ({}, {"end_date": ""}, {"end_date": "2026-03-02"}, {"end_date": "9999-12-31"})
        }
    assert len(bodies) == 1


async def test_equal_seed_and_clock_give_equal_bytes_another_seed_others(now: datetime) -> None:
    bodies = []
    for seed in (7, 7, 8):
        world = World.from_seed(seed)
        headers = {"Authorization": f"Bearer {world.keys.admin}"}
        transport = httpx.ASGITransport(create_app(world, lambda: now))
        async with httpx.AsyncClient(transport=transport, base_url="http://paradigm") as client:
            bodies.append((await client.get(CHATS, params=SINCE, headers=headers)).content)
    assert bodies[0] == bodies[1] != bodies[2]


async def test_the_platforms_today_is_that_of_its_zone() -> None:
    world = World.from_seed(7, zone=ZoneInfo("Pacific/Kiritimati"))
    headers = {"Authorization": f"Bearer {world.keys.admin}"}
    clock = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)  # on Kiritimati it is half past midnight of the 3rd
    transport = httpx.ASGITransport(create_app(world, lambda: clock))
    async with httpx.AsyncClient(transport=transport, base_url="http://paradigm", headers=headers) as client:
        assert (await client.get(CHATS, params={"start_date": "2026-03-03"})).status_code == 200
        assert (await client.get(CHATS, params={"start_date": "2026-03-04"})).status_code == 400


WRONG = [
    pytest.param({}, {"start_date": ["This field is required."]}, id="no-start"),
    pytest.param({"start_date": ""}, {"start_date": "wrong format"}, id="empty-start"),
    pytest.param({"start_date": "02/03/2026"}, {"start_date": "wrong format"}, id="other-format"),
    pytest.param({"start_date": "2026-02-30"}, {"start_date": "wrong format"}, id="no-such-day"),
    pytest.param({"start_date": "20260202"}, {"start_date": "wrong format"}, id="no-dashes"),
    pytest.param({**SINCE, "end_date": "soon"}, {"end_date": "wrong format"}, id="bad-end"),
    pytest.param({**SINCE, "end_date": "2026-02-19"}, {"non_field_errors": "before start_date"}, id="end-before-start"),
    pytest.param({"start_date": "2026-03-03"}, {"non_field_errors": "before start_date"}, id="start-after-today"),
    pytest.param({**SINCE, "company_id": "ACME"}, {"company_id": "valid integer"}, id="bad-company"),
    pytest.param(
        {"start_date": "x", "end_date": "y", "company_id": "z"},
        {"start_date": "wrong format", "end_date": "wrong format", "company_id": "valid integer"},
        id="all-at-once",
    ),
]


@pytest.mark.parametrize("path", [CHATS, "/api/v2/reporting/users/"])
@pytest.mark.parametrize(("query", "errors"), WRONG)
async def test_a_wrong_query_is_a_400_that_names_each_field(
    connect: Connect, path: str, query: dict[str, str], errors: dict[str, str | list[str]]
) -> None:
    async with connect() as client:
        response = await client.get(path, params=query)
    assert response.status_code == 400
    assert response.json().keys() == errors.keys()
    for field, message in errors.items():
        assert response.json()[field] == message if isinstance(message, list) else message in response.json()[field][0]


KEYS = [
    pytest.param({}, "credentials were not provided", id="none"),
    pytest.param({"Authorization": "Basic YTpi"}, "credentials were not provided", id="other-scheme"),
    pytest.param({"Authorization": "Bearer"}, "credentials were not provided", id="scheme-only"),
    pytest.param({"Authorization": "Bearer wrong"}, "Invalid", id="wrong"),
]


@pytest.mark.parametrize(("headers", "detail"), KEYS)
async def test_a_missing_or_wrong_key_is_a_401_before_anything_is_validated(
    connect: Connect, headers: dict[str, str], detail: str
) -> None:
    async with connect() as client:
        del client.headers["Authorization"]
        response = await client.get(CHATS, headers=headers)
    assert response.status_code == 401
    assert detail in response.json()["detail"]
    assert response.headers["www-authenticate"] == "Bearer"


async def test_an_expired_key_is_a_401_that_says_so(connect: Connect, world: World) -> None:
    async with connect(key=world.keys.expired) as client:
        response = await client.get(CHATS, params=SINCE)
    assert (response.status_code, response.json()) == (401, {"detail": "API key has expired."})


async def test_the_next_key_opens_nothing_yet_and_the_scheme_is_case_insensitive(
    connect: Connect, world: World
) -> None:
    async with connect(key=world.keys.next_admin) as client:
        assert (await client.get(CHATS, params=SINCE)).status_code == 401
        headers = {"Authorization": f"bearer {world.keys.admin}"}
        assert (await client.get(CHATS, params=SINCE, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("wanted", "ids"), [({}, {1}), ({"company_id": "1"}, {1})], ids=["without-filter", "own-company"]
)
async def test_a_company_admin_sees_the_own_company_only(
    connect: Connect, world: World, wanted: dict[str, str], ids: set[int]
) -> None:
    async with connect(key=world.keys.company_admin) as client:
        answer = (await client.get(CHATS, params={**SINCE, **wanted})).json()
    assert {entry["company"]["id"] for entry in answer["reporting"]} == ids


async def test_a_company_admin_is_refused_another_company_with_403(connect: Connect, world: World) -> None:
    async with connect(key=world.keys.company_admin) as client:
        response = await client.get(CHATS, params={**SINCE, "company_id": "2"})
    assert response.status_code == 403
    assert response.json() == {"detail": "You do not have permission to perform this action."}


async def test_an_admins_filter_keeps_one_company_and_an_unknown_one_keeps_none(connect: Connect) -> None:
    async with connect() as client:
        everything = (await client.get(CHATS, params=SINCE)).json()
        one = (await client.get(CHATS, params={**SINCE, "company_id": "5"})).json()
        none = (await client.get(CHATS, params={**SINCE, "company_id": "999"})).json()
    assert one["reporting"] == [entry for entry in everything["reporting"] if entry["company"]["id"] == 5]
    assert one["reporting"]
    assert none["reporting"] == none["reporting_agents"] == []


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/api/v2/reporting/chat-sessions", "/api/v2/reporting/chat-sessions/"),
        ("/api/v2/reporting/users?start_date=2026-03-01&a=%20", "/api/v2/reporting/users/?start_date=2026-03-01&a=%20"),
    ],
)
async def test_a_path_without_slash_is_a_301_to_the_one_with_it_even_without_a_key(
    connect: Connect, path: str, location: str
) -> None:
    async with connect(key="wrong") as client:
        response = await client.get(path)
    assert (response.status_code, response.headers["location"]) == (301, location)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_other_methods_are_a_405_for_who_has_a_key_and_a_401_for_others(connect: Connect, method: str) -> None:
    async with connect() as client:
        response = await client.request(method, CHATS)
        stranger = await client.request(method, CHATS, headers={"Authorization": "Bearer wrong"})
    assert (response.status_code, response.json()) == (405, {"detail": f'Method "{method}" not allowed.'})
    assert response.headers["allow"] == "GET, HEAD"
    assert stranger.status_code == 401


@pytest.mark.parametrize(
    "path", ["/", "/api/v2/", "/api/v2/reporting/", "/api/v2/reporting/costs/", "/api/v2/reporting/costs", "/control/"]
)
async def test_an_unknown_path_is_a_404_with_a_detail(connect: Connect, path: str) -> None:
    async with connect() as client:
        response = await client.get(path)
    assert (response.status_code, response.json()) == (404, {"detail": "Not found."})


async def test_a_thousand_companies_and_four_days_cost_less_than_a_second_of_cpu(now: datetime) -> None:
    world = World.from_seed(7, 1000)
    headers = {"Authorization": f"Bearer {world.keys.admin}"}
    transport = httpx.ASGITransport(create_app(world, lambda: now))
    async with httpx.AsyncClient(transport=transport, base_url="http://paradigm", headers=headers) as client:
        begin = time.process_time()
        response = await client.get(CHATS, params={"start_date": "2026-02-27"})
        cost = time.process_time() - begin
    assert len(response.json()["reporting"]) > 800
    assert cost < 1


async def test_at_least_two_years_come_in_one_answer(connect: Connect, today: date) -> None:
    async with connect() as client:
        answer = (await client.get(CHATS, params={"start_date": "2020-01-01", "company_id": "3"})).json()
    days = [row["date"] for row in answer["reporting"][0]["dates"]]
    assert days == sorted(set(days))
    assert days[0] == (today - HISTORY).isoformat()
    assert len(days) > 800
