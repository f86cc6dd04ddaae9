"""Laws of the simulated ChatCaptain over HTTP: keys, questions, errors, figures of a time frame."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.chatcaptain.components import CHANNEL, OVERVIEW
from exporter.simulator.chatcaptain.tally import OPERATOR_NAMES
from tests.simulator.chatcaptain.conftest import NOW, Connect, frame, instant

pytestmark = pytest.mark.anyio
DAY = date(2026, 2, 27)
NAMES = {
    "CONVERSATION_COUNT": "conversations",
    "MESSAGE_COUNT": "messages",
    "INTERACTION_COUNT": "interactions",
    "STEP_EXEC_COUNT": "steps",
    "INTENT_COUNT": "intents",
    "CONVERSATION_LANGUAGES": "conversations_by_language",
    "CONVERSATION_BY_CHANNEL_TYPE": "conversations_by_channel_type",
    "INTENT_HITS": "intent_hits",
    "CONVERSATION_MESSAGE_COUNT_MEDIAN": "conversation_messages_median",
    "MESSAGE_LENGTH_MEDIAN": "message_length_median",
    "INTENT_SCORE_MEDIAN": "intent_score_median",
    "CALL_DURATION_TOTAL": "call_duration",
    "CALL_DURATION_MEDIAN": "call_duration_median",
    "CALL_EXIT_STEP": "calls_by_exit_step",
    "CALL_USER_INPUTS_MEDIAN": "call_user_inputs_median",
    "CALL_END_REASON": "calls_by_end_reason",
}


def by_our_names(data: Mapping[str, object]) -> dict[str, object]:
    return {NAMES[name.removesuffix("_FOR_CHANNEL_ID")]: value for name, value in data.items()}


def wanted(report: tuple[str, ...]) -> str:
    """Returns the numbers of a report's components that are figures of ours."""
    known = (str(n) for n, name in enumerate(report) if name.removesuffix("_FOR_CHANNEL_ID") in NAMES)
    return ",".join(known)


async def test_overview_is_the_truth(connect: Connect, bots: Bots) -> None:
    async with connect() as client:
        answer = (await client.report("overview", frame(DAY), wanted(OVERVIEW))).json()
        query = {"chatbot": bots.chatbots[0].id, "day": str(DAY), "report": "overview"}
        truth = (await client.http.get("/truth", params=query)).json()
    assert by_our_names(answer["data"]) == truth
    assert truth["conversations"] > 0


async def test_each_channel_is_the_truth(connect: Connect, bots: Bots) -> None:
    async with connect() as client:
        channels = (await client.get("channels")).json()["channels"]
        assert [each.keys() for each in channels] == [{"channelId", "channelName", "channelType"}] * 12
        for channel_id in (each["channelId"] for each in channels):
            response = await client.report("channel", frame(DAY), wanted(CHANNEL), channelId=channel_id)
            query = {"chatbot": bots.chatbots[0].id, "day": str(DAY), "report": "channel", "channel": channel_id}
            truth = (await client.http.get("/truth", params=query)).json()
            assert by_our_names(response.json()["data"]) == truth


async def test_inbox_is_the_truth_and_names_people(connect: Connect, bots: Bots) -> None:
    async with connect() as client:
        data = (await client.get("inbox", **frame(DAY))).json()["data"]
        query = {"chatbot": bots.chatbots[0].id, "day": str(DAY), "report": "inbox"}
        truth = (await client.http.get("/truth", params=query)).json()
    assert truth == {
        "inbox_transfers": data["transferredToAgentCount"],
        "inbox_accepted": data["conversationAcceptedCount"],
        "inbox_not_accepted": data["conversationNotAcceptedCount"],
        "inbox_join_time_average_seconds": data["averageJoinTimeSeconds"],
    }
    people = data["agentPerformance"]
    assert {each["operatorName"] for each in people} <= set(OPERATOR_NAMES.values())
    assert sum(each["acceptedCount"] for each in people) == data["conversationAcceptedCount"] > 0


async def test_the_end_is_inclusive_to_the_millisecond(connect: Connect, bots: Bots) -> None:
    """The bot's own check happens at midnight sharp: whoever asks up to the next midnight counts it twice."""
    debug = next(channel.id for channel in bots.chatbots[0].channels if channel.type == "debug")
    right = frame(DAY)
    late = {**right, "to": instant(datetime.fromisoformat(right["to"]) + timedelta(milliseconds=1))}
    alone = {"from": late["to"], "to": late["to"]}
    async with connect() as client:
        counts = [
            (await client.report("channel", each, "1", channelId=debug)).json()["data"].popitem()[1]
            for each in (right, late, alone)
        ]
    assert counts[0] + counts[2] == counts[1]
    assert counts[2] > 0


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/St_Johns", "Asia/Kolkata"])
async def test_days_add_up_to_their_week_over_a_clock_change(connect: Connect, zone: str) -> None:
    days = [date(2025, 10, 23) + timedelta(days=n) for n in range(12)]  # to 3 November: both continents change
    async with connect() as client:
        asked = [frame(day, zone=ZoneInfo(zone)) for day in days] + [frame(days[0], days[-1], ZoneInfo(zone))]
        answers = [(await client.report("overview", each, "1,7,14,0,13")).json()["data"] for each in asked]
    *single, whole = answers
    assert {name: sum(each[name] for each in single) for name in whole} == whole


async def test_a_series_of_days_has_a_bucket_for_each_and_adds_up(connect: Connect) -> None:
    async with connect() as client:
        week = frame(date(2026, 2, 16), date(2026, 2, 22))
        data = (await client.report("overview", week, "1,2")).json()["data"]
        hours = (await client.report("overview", frame(DAY), "2", interval="3600")).json()["data"]
        cut = await connect_series(connect, week)
    points = data["CONVERSATION_COUNT_INTERVAL"]
    assert [each["timestamp"] for each in points] == [f"2026-02-{day}T23:00:00.000Z" for day in range(15, 22)]
    assert sum(each["count"] for each in points) == data["CONVERSATION_COUNT"]
    assert len(hours["CONVERSATION_COUNT_INTERVAL"]) == 24
    assert [each["timestamp"] for each in cut] == [f"2026-02-{day}T00:00:00.000Z" for day in range(15, 23)]
    assert sum(each["count"] for each in cut) == data["CONVERSATION_COUNT"]


async def connect_series(connect: Connect, week: Mapping[str, str]) -> list[dict[str, Any]]:
    async with connect("utc-buckets") as client:
        points: list[dict[str, Any]] = (await client.report("overview", week, "2")).json()["data"].popitem()[1]
        return points


async def test_trends_and_transfer_targets_are_there_for_who_asks(connect: Connect, bots: Bots) -> None:
    voice = next(channel.id for channel in bots.chatbots[0].channels if channel.type == "voice")
    async with connect() as client:
        week = frame(date(2026, 2, 9), date(2026, 2, 22))
        data = (await client.report("channel", week, "17,22", channelId=voice)).json()["data"]
    assert data["CALL_DURATION_PERIODIC_TREND"].keys() == {"current", "previous"}
    assert all(number.startswith("+") for number in data["CALL_TRANSFER_TARGET"])
    assert data["CALL_TRANSFER_TARGET"]


async def test_today_is_as_of_now_and_the_future_is_empty(connect: Connect) -> None:
    async def today(at: datetime) -> int:
        async with connect(at=at) as client:
            data = (await client.report("overview", frame(NOW.date()), "1")).json()["data"]
            return int(data["CONVERSATION_COUNT"])

    assert 0 < await today(NOW) < await today(NOW + timedelta(hours=6)) < await today(NOW + timedelta(days=2))
    assert await today(NOW - timedelta(days=2)) == 0


async def test_equal_questions_have_equal_answers(connect: Connect) -> None:
    async with connect() as client:
        first, second = [(await client.report("overview", frame(DAY), "1,3,4,11")).content for _ in range(2)]
    assert first == second


KEYS = [
    pytest.param("", 401, "Missing API key", id="none"),
    pytest.param("CCSB-wrong", 401, "Invalid API key", id="wrong"),
    pytest.param("other", 403, "Missing permission chatbots.statistics.get", id="of-another-chatbot"),
]


@pytest.mark.parametrize("call", ["reports/overview", "reports/channel", "inbox", "channels", "export/exp_1"])
@pytest.mark.parametrize(("key", "status", "message"), KEYS)
async def test_a_key_opens_one_chatbot(
    connect: Connect, bots: Bots, call: str, key: str, status: int, message: str
) -> None:
    async with connect(key=bots.chatbots[1].key if key == "other" else key) as client:
        response = await client.get(call)
    assert response.status_code == status
    assert response.json() == {"statusCode": status, "message": message, "error": response.reason_phrase}


async def test_the_key_counts_in_its_own_header_only(connect: Connect, bots: Bots) -> None:
    async with connect(key="") as client:
        key = bots.chatbots[0].key
        bearer = await client.http.get(f"{client.root}/channels", headers={"Authorization": f"Bearer {key}"})
        query = await client.get("channels", **{"x-chatcaptain-key": key})
    assert (bearer.status_code, query.status_code) == (401, 401)


async def test_what_does_not_exist_is_a_404(connect: Connect, bots: Bots) -> None:
    async with connect() as client:
        answers = [
            await client.http.get("/v1/chatbots/bot_none/statistics/channels"),
            await client.http.get(f"/v1/chatbots/{bots.chatbots[0].id}"),
            await client.get("reports/agents"),
            await client.get("export/exp_none"),
            await client.http.post(f"{client.root}/inbox"),
            await client.report("channel", frame(DAY), "1", channelId="none"),
        ]
    assert [(answer.status_code, answer.json()["error"]) for answer in answers] == [(404, "Not Found")] * 6


GOOD = {"from": "2026-02-26T23:00:00.000Z", "to": "2026-02-27T22:59:59.999Z", "interval": "86400", "components": "1"}
DATE = "must be a valid ISO 8601 date string"
ODD_QUESTIONS = [
    pytest.param({"from": ""}, f"from {DATE}", id="no-from"),
    pytest.param({"to": "tomorrow"}, f"to {DATE}", id="unreadable-to"),
    pytest.param({"from": "2026-02-26T23:00:00"}, f"from {DATE}", id="no-offset"),
    pytest.param({"from": "1999-02-26T23:00:00Z"}, f"from {DATE}", id="long-ago"),
    pytest.param({"to": "2026-02-26T22:59:59.999Z"}, "to must not be before from", id="end-before-start"),
    pytest.param({"interval": ""}, "interval must be one of the following values: 86400, 3600", id="no-interval"),
    pytest.param({"interval": "60"}, "interval must be one of the following values: 86400, 3600", id="interval"),
    pytest.param({"from": "2025-02-26T23:00:00Z", "interval": "3600"}, "interval is too short", id="years-in-hours"),
    pytest.param({"components": ""}, "each value in components must be", id="no-components"),
    pytest.param({"components": "1,x"}, "each value in components must be", id="no-number"),
    pytest.param({"components": "1,17"}, "each value in components must be", id="component-of-the-other-report"),
]


@pytest.mark.parametrize(("odd", "says"), ODD_QUESTIONS)
async def test_an_odd_question_is_a_400_that_says_what_is_odd(
    connect: Connect, odd: Mapping[str, str], says: str
) -> None:
    async with connect() as client:
        response = await client.get("reports/overview", **{**GOOD, **odd})
    assert response.status_code == 400
    assert response.json().keys() == {"statusCode", "message", "error"}
    assert any(message.startswith(says) for message in response.json()["message"])


async def test_an_inbox_needs_its_time_frame_and_a_channels_report_its_channel(connect: Connect) -> None:
    async with connect() as client:
        inbox = await client.get("inbox")
        channel = await client.get("reports/channel", **GOOD)
    assert inbox.json()["message"] == [f"from {DATE}", f"to {DATE}"]
    assert channel.json()["message"] == ["channelId should not be empty"]


async def test_a_question_with_an_offset_is_the_same_instant(connect: Connect) -> None:
    local = {"from": "2026-02-27T00:00:00+01:00", "to": "2026-02-27T23:59:59.999+01:00"}
    async with connect() as client:
        assert (await client.report("overview", local, "1")).json() == (
            await client.report("overview", frame(DAY), "1")
        ).json()


async def test_requests_are_counted_and_a_wrong_truth_is_a_400(connect: Connect) -> None:
    async with connect() as client:
        await client.get("channels")
        state = (await client.http.get("/control")).json()
        wrong = await client.http.get("/truth", params={"chatbot": "none", "day": "2026-03-02", "report": "inbox"})
    assert state["requests"] == {f"{client.root}/channels": 1}
    assert (wrong.status_code, "does not exist" in wrong.json()["detail"]) == (400, True)
