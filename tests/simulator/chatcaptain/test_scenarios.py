"""Laws of what can go wrong with the simulated ChatCaptain: each scenario over HTTP, and what it leaves alone."""

import inspect
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import jmespath
import pytest
from starlette.applications import Starlette

from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.chatcaptain.components import OVERVIEW
from exporter.simulator.chatcaptain.exports import Exports
from exporter.simulator.scenarios import ERROR, OF_CHATCAPTAIN
from tests.simulator.chatcaptain.conftest import NOW, Client, Connect, frame
from tests.simulator.chatcaptain.odd import ODD_OVERRIDES

pytestmark = pytest.mark.anyio
DAY = date(2026, 2, 27)
WEEK = frame(date(2026, 2, 16), date(2026, 2, 22))
Answer = dict[str, Any]


def keyed(answer: Answer) -> Answer:
    return dict(answer["data"])


def listed(answer: Answer) -> Answer:
    assert answer["error"] is None
    values = {OVERVIEW[each["id"]]: each["value"] for each in answer["data"]}
    for each in values["CONVERSATION_LANGUAGES"]:
        assert 0 < each["share"] <= 1
    values["CONVERSATION_LANGUAGES"] = {each["name"]: each["count"] for each in values["CONVERSATION_LANGUAGES"]}
    values["CONVERSATION_COUNT_INTERVAL"] = [
        dated(each["date"] / 1000, each["value"]) for each in values["CONVERSATION_COUNT_INTERVAL"]
    ]
    return values


def numbered(answer: Answer) -> Answer:
    values = {OVERVIEW[int(number)]: value for number, value in answer["report"].items()}
    for name in ("CONVERSATION_COUNT", "MESSAGE_LENGTH_MEDIAN"):
        values[name] = values[name]["total"]
    values["CONVERSATION_COUNT_INTERVAL"] = [
        dated(each["time"], each["value"]) for each in values["CONVERSATION_COUNT_INTERVAL"]
    ]
    return values


def odd(answer: Answer) -> Answer:
    values = {}
    for name in ASKED:
        written = ODD_OVERRIDES["overview"][name]
        if "value" in written and len(written) == 1:
            values[name] = jmespath.search(written["value"], answer)
        elif "items" in written:
            items = jmespath.search(written["items"], answer)
            values[name] = {each[written["label"]]: each[written["value"]] for each in items}
        else:
            points = jmespath.search(written["series"], answer)
            values[name] = [{"timestamp": each[written["time"]], "count": each[written["value"]]} for each in points]
    return values


def dated(seconds: float, count: int) -> Answer:
    return {"timestamp": datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"), "count": count}


ASKED = {
    name: OVERVIEW.index(name)
    for name in (
        *("CONVERSATION_COUNT", "CONVERSATION_LANGUAGES", "MESSAGE_LENGTH_MEDIAN"),
        "CONVERSATION_COUNT_INTERVAL",
    )
}
COMPONENTS = ",".join(map(str, ASKED.values()))
READERS: Mapping[str, Callable[[Answer], Answer]] = {
    "shape-keyed": keyed,
    "shape-listed": listed,
    "shape-numbered": numbered,
    "shape-odd": odd,
}


@pytest.mark.parametrize("shape", READERS)
async def test_every_shape_says_the_same(connect: Connect, shape: str) -> None:
    async with connect() as client:
        usual = (await client.report("overview", WEEK, COMPONENTS)).json()["data"]
    async with connect(shape) as client:
        assert READERS[shape]((await client.report("overview", WEEK, COMPONENTS)).json()) == usual


async def test_shape_bare_can_be_told_one_component_at_a_time(connect: Connect) -> None:
    async with connect() as client:
        usual = (await client.report("overview", WEEK, COMPONENTS)).json()["data"]
    async with connect("shape-bare") as client:
        together = (await client.report("overview", WEEK, COMPONENTS)).json()
        single = {
            name: (await client.report("overview", WEEK, str(number))).json()["data"] for name, number in ASKED.items()
        }
    assert together == {"data": list(usual.values())}
    assert single == usual


@pytest.mark.parametrize("shape", [*READERS, "shape-bare"])
async def test_a_median_of_nothing_is_null_in_every_shape(connect: Connect, shape: str) -> None:
    tomorrow = frame(NOW.date() + timedelta(days=1))
    async with connect(shape) as client:
        answer = (await client.report("overview", tomorrow, "10")).text
    assert "null" in answer.replace('"error":null', "")


BROKEN_DATA = [
    pytest.param("error-in-200", {"data": None, "error": ERROR}, id="error-in-200"),
    pytest.param("data-null", {"data": None}, id="data-null"),
]


@pytest.mark.parametrize(("scenario", "body"), BROKEN_DATA)
async def test_no_data_in_a_200_but_the_channels_are_listed(connect: Connect, scenario: str, body: Answer) -> None:
    async with connect(scenario) as client:
        answers = [await client.report("overview", frame(DAY), "1"), await client.get("inbox", **frame(DAY))]
        channels = (await client.get("channels")).json()
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, body)] * 2
    assert len(channels["channels"]) == 12


async def test_error_beside_data_has_both(connect: Connect) -> None:
    async with connect("error-beside-data") as client:
        answer = (await client.report("overview", frame(DAY), "1")).json()
    assert (answer["error"], answer["data"]["CONVERSATION_COUNT"] > 0) == (ERROR, True)


async def test_channels_broken_leaves_reports_alone(connect: Connect, bots: Bots) -> None:
    first = bots.chatbots[0].channels[0].id
    async with connect("channels-broken") as client:
        answers = [
            await client.get("channels"),
            await client.report("overview", frame(DAY), "1"),
            await client.report("channel", frame(DAY), "1", channelId=first),
        ]
    assert [answer.status_code for answer in answers] == [500, 200, 200]
    assert answers[0].json()["error"] == "Internal Server Error"


async def test_channel_broken_is_the_second_one(connect: Connect, bots: Bots) -> None:
    async with connect("channel-broken") as client:
        statuses = [
            (await client.report("channel", frame(DAY), "1", channelId=channel.id)).status_code
            for channel in bots.chatbots[0].channels
        ]
    assert statuses == [200, 500, *[200] * 10]


async def test_channel_removed_and_channel_renamed(connect: Connect, bots: Bots) -> None:
    first, *_, last = bots.chatbots[0].channels
    async with connect("channel-removed", "channel-renamed") as client:
        channels = (await client.get("channels")).json()["channels"]
        gone = await client.report("channel", frame(DAY), "1", channelId=last.id)
    assert len(channels) == 11
    assert (channels[0]["channelId"], channels[0]["channelName"]) == (first.id, f"{first.name} (neu)")
    assert gone.status_code == 404


async def test_gaps_in_series_lack_what_is_empty_and_nothing_else(connect: Connect) -> None:
    """Nor is anything else left out: utc-buckets has its own test in test_http."""
    async with connect() as client:
        full = (await client.report("overview", frame(DAY), "1,2", interval="3600")).json()["data"]
    async with connect("gaps-in-series") as client:
        gaps = (await client.report("overview", frame(DAY), "1,2", interval="3600")).json()["data"]
    points = full["CONVERSATION_COUNT_INTERVAL"]
    assert gaps["CONVERSATION_COUNT_INTERVAL"] == [each for each in points if each["count"]] != points
    assert gaps["CONVERSATION_COUNT"] == full["CONVERSATION_COUNT"]


async def test_utc_buckets_start_before_the_frame(connect: Connect) -> None:
    async with connect("utc-buckets") as client:
        data = (await client.report("overview", frame(DAY), "2")).json()["data"]
    starts = [each["timestamp"] for each in data["CONVERSATION_COUNT_INTERVAL"]]
    assert starts == ["2026-02-26T00:00:00.000Z", "2026-02-27T00:00:00.000Z"]


SHARED = [
    pytest.param("outage", [503, 503], "text/html", id="outage"),
    pytest.param("html-200", [200, 200], "text/html", id="html-200"),
    pytest.param("key-rejected", [401, 401], "application/json", id="key-rejected"),
    pytest.param("rate-limited", [429, 200], "application/json", id="rate-limited"),
    pytest.param("slow", [200, 200], "application/json", id="slow"),
]


@pytest.mark.parametrize(("scenario", "statuses", "kind"), SHARED)
async def test_what_troubles_paradigm_troubles_this_platform(
    connect: Connect, scenario: str, statuses: list[int], kind: str
) -> None:
    async with connect(scenario) as client:
        answers = [await client.report("overview", frame(DAY), "1") for _ in statuses]
    assert [answer.status_code for answer in answers] == statuses
    assert all(answer.headers["content-type"].startswith(kind) for answer in answers)
    assert [answer.headers.get("retry-after") for answer in answers if answer.status_code == 429] in ([], ["1"])


async def test_truncated_ends_in_its_middle(connect: Connect) -> None:
    async with connect() as client:
        whole = (await client.get("channels")).content
    async with connect("truncated") as client:
        assert (await client.get("channels")).content == whole[: len(whole) // 2]


async def count(client: Client, day: date) -> int:
    data = (await client.report("overview", frame(day), "7")).json()["data"]
    return int(data["MESSAGE_COUNT"])


async def test_late_day_restatement_and_quiet_company_change_what_is_true(connect: Connect) -> None:
    yesterday = NOW.date() - timedelta(days=1)
    async with connect() as client:
        usual = await count(client, yesterday)
    async with connect("late-day") as client:
        assert await count(client, yesterday) == 0
    async with connect("late-day", at=NOW + timedelta(hours=6)) as client:
        assert await count(client, yesterday) == usual
    async with connect("restatement") as client:
        assert 0.5 * usual < await count(client, yesterday) < usual
    async with connect("restatement", at=NOW + timedelta(days=2)) as client:
        assert await count(client, yesterday) == usual
    async with connect("quiet-company") as client:
        assert await count(client, yesterday) < 0.3 * usual
        assert await count(client, yesterday - timedelta(days=3)) > 0


async def export(client: Client, polls: int) -> list[Answer]:
    """Starts an export and returns what its status says at each poll."""
    started = await client.http.post(f"{client.root}/export", params=frame(DAY))
    assert (started.status_code, started.json().keys()) == (202, {"exportId"})
    return [(await client.get(f"export/{started.json()['exportId']}")).json() for _ in range(polls)]


async def file(exports: Exports, url: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Starlette(routes=exports.routes()))) as http:
        return await http.get(url, headers={"x-seen": "yes"})


async def test_an_export_takes_some_polls_and_its_file_is_on_another_host(connect: Connect, exports: Exports) -> None:
    async with connect() as client:
        first, second, third, fourth = await export(client, 4)
    assert (first, second) == ({"status": "queued"}, {"status": "IN_BEARBEITUNG"})
    assert (third["status"], third["downloadUrl"][:19]) == ("completed", "http://files/files/")
    assert fourth["downloadUrl"] != third["downloadUrl"]
    response = await file(exports, third["downloadUrl"])
    assert response.text.startswith("channel;conversations;messages\n")
    assert exports.seen[0]["x-seen"] == "yes"
    seen = await file(exports, "http://files/seen")
    assert seen.json() == exports.seen
    forged = await file(exports, third["downloadUrl"] + "x")
    assert forged.status_code == 403


async def test_an_export_without_another_host_is_served_by_the_platform(connect: Connect, exports: Exports) -> None:
    exports.base = None
    async with connect() as client:
        url = (await export(client, 3))[-1]["downloadUrl"]
        response = await client.http.get(url)
    assert (url[:22], response.status_code) == ("http://captain/files/e", 200)


async def test_an_export_of_another_chatbot_is_unknown(connect: Connect, bots: Bots) -> None:
    async with connect() as client:
        export_id = (await client.http.post(f"{client.root}/export", params=frame(DAY))).json()["exportId"]
        other = bots.chatbots[1]
        url = f"/v1/chatbots/{other.id}/statistics/export/{export_id}"
        response = await client.http.get(url, headers={"x-chatcaptain-key": other.key})
        odd_frame = await client.http.post(f"{client.root}/export")
    assert (response.status_code, odd_frame.status_code) == (404, 400)


async def test_export_never_ends(connect: Connect) -> None:
    async with connect("export-never-ends") as client:
        statuses = [answer["status"] for answer in await export(client, 20)]
    assert statuses == ["queued", *["IN_BEARBEITUNG"] * 19]


async def test_export_fails(connect: Connect) -> None:
    async with connect("export-fails") as client:
        last = (await export(client, 3))[-1]
    assert last.keys() == {"status", "error"}


async def test_export_link_refused_once(connect: Connect, exports: Exports) -> None:
    async with connect("export-link-refused") as client:
        *_, first, second = await export(client, 4)
    assert (await file(exports, first["downloadUrl"])).status_code == 403
    assert (await file(exports, second["downloadUrl"])).status_code == 200


async def test_export_redirected(connect: Connect, exports: Exports) -> None:
    async with connect("export-redirected") as client:
        url = (await export(client, 3))[-1]["downloadUrl"]
    response = await file(exports, url)
    assert response.status_code == 302
    assert (await file(exports, f"http://files{response.headers['location']}")).status_code == 200


async def test_export_truncated_promises_more_than_it_sends(connect: Connect, exports: Exports) -> None:
    async with connect("export-truncated") as client:
        url = (await export(client, 3))[-1]["downloadUrl"]
    response = await file(exports, url)
    assert len(response.content) < int(response.headers["content-length"])


async def test_export_huge_does_not_say_how_large_it_is(connect: Connect, exports: Exports) -> None:
    """A mebibyte here; a real one is longer than any test should wait for."""
    async with connect("export-huge") as client:
        url = (await export(client, 3))[-1]["downloadUrl"]
    response = await file(exports, url)
    assert "content-length" not in response.headers
    assert len(response.content) >= 2**20


def test_every_scenario_of_this_platform_has_a_test_here() -> None:
    """A scenario that nobody checks promises nothing."""
    text = inspect.getsource(inspect.getmodule(keyed) or inspect)
    assert [name for name in OF_CHATCAPTAIN if f'"{name}"' not in text] == []
