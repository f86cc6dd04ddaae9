"""Figures of a partial day are not used for the complete day, and implausible responses fail.

The platform is a table of rows that a test writes; results are read from the exposition and the API.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from exporter.domain.calendars import Calendar
from exporter.domain.clock import Clock
from exporter.domain.model import Days
from exporter.domain.selectors import Companies
from exporter.metrics.daily import DailyFigures
from exporter.metrics.target import Target
from exporter.platforms.api import Report
from exporter.platforms.paradigm.platform import REPORTS
from exporter.polling.probe import LastCodes, probe
from exporter.settings.definitions import read
from tests.pipeline.pipeline import RULES, ManualClock, Pipeline, only, target_with, utc

pytestmark = pytest.mark.anyio

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WEDNESDAY = date(2026, 3, 4)
NOON = utc(2026, 3, 4, 12)
TRUE, PARTIAL = 100, 40
QUERIES = "paradigm_user_queries"
Reports = Mapping[str, Report]
DECLARED = read(Path(__file__).parent / "paradigm.yml").reports


@pytest.fixture(params=[REPORTS, DECLARED], ids=["built-in", "declared"])
def reports(request: pytest.FixtureRequest) -> Reports:
    """The reports by name, built in and declared."""
    return request.param  # type: ignore[no-any-return]  # one of those above


def chats(reports: Reports) -> Target:
    return target_with(reports=(reports["chat-sessions"],))


class Platform(httpx.AsyncBaseTransport):
    """Responds with `rows` (user queries in chats by company and day) of the requested days, or with `answer`."""

    def __init__(self, rows: dict[tuple[str, date], object] | None = None) -> None:
        self.rows = rows or {}
        self.names = {"17": "Northwind", "18": "Contoso"}
        self.answer: bytes | None = None
        self.next: object = None
        self.asked: list[Mapping[str, str]] = []
        self.hosts: set[str] = set()
        self.silent_in_tools: frozenset[str] = frozenset()
        self.is_end_exclusive = self.refuses_filter = False
        self.names_of_tools: Mapping[str, str] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.hosts.add(f"{request.url.scheme}://{request.url.netloc.decode()}")
        query = dict(request.url.params) if "start_date" in request.url.params else self.asked[-1]
        self.asked.append(query)
        days = Days(date.fromisoformat(query["start_date"]), date.fromisoformat(query["end_date"]))
        if self.refuses_filter and "company_id" in query:
            return httpx.Response(403, stream=httpx.ByteStream(b"{}"))
        if self.is_end_exclusive:
            days = Days(days.first, days.last - DAY)
        answer = self.answer or json.dumps(self.page(request, days)).encode()
        return httpx.Response(200, stream=httpx.ByteStream(answer))

    def page(self, request: httpx.Request, days: Days) -> Mapping[str, object]:
        """Returns the report; with `next` it is the first company of it, and how the others are to be asked for."""
        report = self.report(request.url.path, days)
        if self.next is None:
            return report
        listed, number = report["reporting"], int(request.url.params.get("page", "1"))
        assert isinstance(listed, list)
        link = self.next
        if isinstance(link, str) and number < len(listed):
            link = link.format(query=request.url.copy_set_param("page", number + 1).query.decode())
        elif isinstance(link, str) and "{query}" in link:
            link = None
        return {**report, "count": len(listed), "next": link, "reporting": listed[number - 1 : number]}

    def report(self, path: str, days: Days) -> Mapping[str, object]:
        is_tools = path.endswith("/tools/")
        row, silent = (tool_row, self.silent_in_tools) if is_tools else (chat_row, frozenset[str]())
        rows = {key: value for key, value in self.rows.items() if key[1] in days}
        rows = {key: value for key, value in rows.items() if key[0] not in silent or key[1] < WEDNESDAY - 5 * DAY}
        listed = [
            {
                "company": {"id": int(company), "name": self.name(company, path)},
                "dates": [row(day, value) for (who, day), value in rows.items() if who == company],
            }
            for company in self.names
            if company not in silent or company in {who for who, _ in rows}
        ]
        described = {"usage_count": {"description": "uses", "unit": "count"}}
        return {"metadata": described, "reporting": listed, "reporting_agents": []}

    def name(self, company: str, path: str) -> str:
        return self.names_of_tools.get(company, self.names[company]) if "/tools/" in path else self.names[company]


def chat_row(day: date, queries: object) -> Mapping[str, object]:
    return {
        "date": day.isoformat(),
        "sessions": {"sessions_count": 1, "unique_models_count": 1, "average_session_length": 1.0},
        "chats": {"user_queries_count": queries, "model_responses_count": 1, "last_model_response_date": None},
    }


def tool_row(day: date, uses: object) -> Mapping[str, object]:
    return {"date": day.isoformat(), "tools": [{"name": "Web search", "usage_count": uses}]}


def all_days(*companies: str) -> dict[tuple[str, date], object]:
    return {(company, WEDNESDAY - n * DAY): TRUE for company in companies for n in range(46)}


def values(pipeline: Pipeline, name: str) -> Mapping[str, float]:
    """Returns the values of a family by company."""
    return {dict(key.labels)["company_id"]: value for key, value in pipeline.page().items() if key.name == name}


def compared_with_limits(pipeline: Pipeline, name: str = "last_day") -> Mapping[str, float]:
    """Returns the user queries that alerts compare with limits, by company."""
    found = ((dict(key.labels), value) for key, value in pipeline.page(f"chat_usage_activity_{name}").items())
    return {labels["company_id"]: value for labels, value in found if labels["activity"] == "user_queries"}


def health(pipeline: Pipeline, name: str) -> float:
    """Returns the value of the only series with this name."""
    (value,) = (value for key, value in pipeline.page(name).items() if key.name == name)
    return value


def names(pipeline: Pipeline, company: str) -> set[str]:
    """Returns every name that a company has in the exposition."""
    found = (dict(key.labels) for key in pipeline.page())
    return {labels["company"] for labels in found if labels.get("company_id") == company}


def figures_by_day(pipeline: Pipeline) -> Sequence[DailyFigures]:
    """Returns the figures of the API by report."""
    return [DailyFigures(view) for view in pipeline.board.shown.views.values()]


def listed_by_the_api(pipeline: Pipeline, day: date) -> set[str]:
    """Returns the companies that have user queries on a day in the API."""
    (daily,) = figures_by_day(pipeline)
    return {each.company_id for each in daily.figures(daily.companies, {QUERIES}, {day})}


async def at(pipeline: Pipeline, moment: datetime) -> None:
    pipeline.clock.moment = moment
    await pipeline.poller.poll()


def violations(pipeline: Pipeline, invariant: str) -> float:
    found = pipeline.page("chat_usage_invariant_violations")
    return next(value for key, value in found.items() if ("invariant", invariant) in key.labels)


def lost(pipeline: Pipeline) -> float:
    return violations(pipeline, "row_lost")


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(None, id="missing"),
        pytest.param({"queries": None}, id="null"),
        pytest.param({"queries": "many"}, id="other-type"),
    ],
)
async def test_a_figure_of_a_partial_day_is_not_used_for_the_complete_day(
    later: Mapping[str, object] | None, reports: Reports
) -> None:
    """It is absent, as are sums and baselines with it, until a response has a row again."""
    platform = Platform(all_days("17", "18") | {("17", WEDNESDAY): PARTIAL})
    async with Pipeline(platform, ManualClock(NOON), "k", chats(reports)) as pipeline:
        await pipeline.poller.poll()
        assert values(pipeline, f"{QUERIES}_today") == {"17": PARTIAL, "18": TRUE}
        del platform.rows["17", WEDNESDAY]
        if later:
            platform.rows["17", WEDNESDAY] = later["queries"]
        platform.rows["18", WEDNESDAY + DAY] = 1

        await at(pipeline, utc(2026, 3, 5, 6, 5))

        assert only(pipeline, "chat_usage_report_day_timestamp_seconds") == utc(2026, 3, 4).timestamp()
        assert values(pipeline, f"{QUERIES}_last_day") == {"18": TRUE}
        assert values(pipeline, f"{QUERIES}_7d") == {"18": 7 * TRUE}
        assert values(pipeline, f"{QUERIES}_28d") == {"18": 28 * TRUE}
        assert (
            compared_with_limits(pipeline).keys() == compared_with_limits(pipeline, "last_working_day").keys() == {"18"}
        )
        assert listed_by_the_api(pipeline, WEDNESDAY) == {"18"}
        assert lost(pipeline) == (later is None)
        assert health(pipeline, "chat_usage_report_companies") == (2 if later else 1)
        assert only(pipeline, "chat_usage_report_companies_withdrawn") == 0

        platform.rows["17", WEDNESDAY] = TRUE
        await at(pipeline, utc(2026, 3, 5, 12))

        assert values(pipeline, f"{QUERIES}_last_day") == {"17": TRUE, "18": TRUE}
        assert values(pipeline, f"{QUERIES}_7d") == {"17": 7 * TRUE, "18": 7 * TRUE}
        assert lost(pipeline) == 0
        assert only(pipeline, "chat_usage_report_restatements_total") == 0


async def test_sums_are_absent_while_a_row_is_lost(reports: Reports) -> None:
    """Also five days later: absent instead of too low."""
    platform = Platform(all_days("17", "18") | {("17", WEDNESDAY): PARTIAL})
    async with Pipeline(platform, ManualClock(NOON), "k", chats(reports)) as pipeline:
        await pipeline.poller.poll()
        del platform.rows["17", WEDNESDAY]
        for n in range(1, 6):
            platform.rows |= {("17", WEDNESDAY + n * DAY): TRUE, ("18", WEDNESDAY + n * DAY): TRUE}
            await at(pipeline, NOON + n * DAY)

        assert values(pipeline, f"{QUERIES}_last_day") == {"17": TRUE, "18": TRUE}
        assert values(pipeline, f"{QUERIES}_7d") == {"18": 7 * TRUE}


async def test_a_figure_served_as_complete_stays(reports: Reports) -> None:
    """A row that was there after the end of its day and disappears later is not lost."""
    platform = Platform(all_days("17", "18"))
    async with Pipeline(platform, ManualClock(NOON), "k", chats(reports)) as pipeline:
        await pipeline.poller.poll()
        await at(pipeline, utc(2026, 3, 5, 0, 5))
        del platform.rows["17", WEDNESDAY]
        await at(pipeline, utc(2026, 3, 5, 7))

        assert values(pipeline, f"{QUERIES}_last_day") == {"17": TRUE, "18": TRUE}
        assert lost(pipeline) == 0


async def test_a_day_with_only_lost_rows_waits_like_an_empty_day(reports: Reports) -> None:
    """The day before stays; 24 hours after the settle time the day is absent instead of 0."""
    platform = Platform(all_days("17", "18"))
    async with Pipeline(platform, ManualClock(NOON), "k", chats(reports)) as pipeline:
        await pipeline.poller.poll()
        for company in ("17", "18"):
            del platform.rows[company, WEDNESDAY]
        await at(pipeline, utc(2026, 3, 5, 6, 5))

        assert only(pipeline, "chat_usage_report_empty_day") == 1
        assert only(pipeline, "chat_usage_report_day_timestamp_seconds") == utc(2026, 3, 3).timestamp()
        assert lost(pipeline) == 2

        await at(pipeline, utc(2026, 3, 6, 6, 5))
        assert only(pipeline, "chat_usage_report_day_timestamp_seconds") == utc(2026, 3, 4).timestamp()
        assert values(pipeline, f"{QUERIES}_last_day") == {}


async def test_tool_uses_are_not_0_on_a_day_with_a_lost_row(reports: Reports) -> None:
    """A tool that a row does not name was not used; without the row this is unknown."""
    tools: tuple[Report, ...] = (reports["tools"],)
    platform = Platform(all_days("17", "18") | {("17", WEDNESDAY): PARTIAL})
    async with Pipeline(platform, ManualClock(NOON), "k", target_with(reports=tools)) as pipeline:
        await pipeline.poller.poll()
        del platform.rows["17", WEDNESDAY]
        await at(pipeline, utc(2026, 3, 5, 6, 5))

        for name in ("paradigm_tool_uses_last_day", "paradigm_tool_uses_7d", "chat_usage_activity_last_day"):
            assert values(pipeline, name).keys() == {"18"}, name


async def test_today_is_absent_without_any_row(reports: Reports) -> None:
    """With the first row of a company, the others are 0."""
    platform = Platform(all_days("17", "18"))
    for company in ("17", "18"):
        del platform.rows[company, WEDNESDAY]
    async with Pipeline(platform, ManualClock(NOON), "k", chats(reports)) as pipeline:
        await pipeline.poller.poll()
        assert values(pipeline, f"{QUERIES}_today") == {}
        assert values(pipeline, "chat_usage_activity_today") == {}

        platform.rows["17", WEDNESDAY] = 5
        await at(pipeline, NOON + HOUR)
        assert values(pipeline, f"{QUERIES}_today") == {"17": 5, "18": 0}


EMPTY_ANSWERS: Mapping[str, object] = {
    "no-companies": {"reporting": [], "reporting_agents": []},
    "no-dates": {"reporting": [{"company": {"id": 17, "name": "Northwind"}, "dates": []}], "reporting_agents": []},
}


@pytest.mark.parametrize("answer", EMPTY_ANSWERS.values(), ids=EMPTY_ANSWERS)
async def test_a_response_without_any_company_fails(answer: object, reports: Reports) -> None:
    """Figures stay until they are too old and no company is withdrawn; the next response with a row is good."""
    platform = Platform(all_days("17", "18"))
    async with Pipeline(platform, ManualClock(NOON), "k", chats(reports)) as pipeline:
        await pipeline.poller.poll()
        before = pipeline.page("paradigm_")
        platform.answer = json.dumps(answer).encode()
        await at(pipeline, NOON + HOUR)

        assert pipeline.outcomes() == {"ok": 1, "schema": 1}
        assert pipeline.page("paradigm_") == before
        assert health(pipeline, "chat_usage_report_companies_withdrawn") == 0

        platform.answer = None
        del platform.rows["18", WEDNESDAY]
        await at(pipeline, NOON + 2 * HOUR)
        assert pipeline.outcomes() == {"ok": 2, "schema": 1}


async def test_a_response_without_any_level_fails_too(reports: Reports) -> None:
    """Members are not figures of a day."""
    platform = Platform()
    listed = {"company": {"id": 17}, "current_active_members": 5, "total_historical_members": 9}
    users: tuple[Report, ...] = (reports["users"],)
    async with Pipeline(platform, ManualClock(NOON), "k", target_with(reports=users)) as pipeline:
        for companies in ([listed], []):
            platform.answer = json.dumps({"reporting": companies}).encode()
            await pipeline.poller.poll()

        assert pipeline.outcomes() == {"ok": 1, "schema": 1}
        assert values(pipeline, "paradigm_members_active") == {"17": 5}


async def test_an_account_without_usage_does_not_fail(reports: Reports) -> None:
    """If no company had a row on the requested days before, an empty week counts as zeros."""
    platform = Platform(all_days("17", "18"))
    async with Pipeline(platform, ManualClock(NOON), "k", chats(reports)) as pipeline:
        for n in range(12):
            await at(pipeline, NOON + n * DAY)

        assert pipeline.outcomes() == {"ok": 12}
        assert values(pipeline, f"{QUERIES}_last_day") == {"17": 0, "18": 0}


@pytest.mark.parametrize("link", ["https://paradigm.example/api/v2/reporting/chat-sessions/?{query}", "?{query}"])
async def test_paginated_responses_are_joined(link: str, reports: Reports) -> None:
    """At the first start and later; no company is withdrawn because it is on the second page."""
    platform = Platform(all_days("17", "18"))
    async with Pipeline(platform, ManualClock(NOON), "k", chats(reports)) as pipeline:
        platform.next = link
        for hours in range(2):
            await at(pipeline, NOON + hours * HOUR)

            assert values(pipeline, f"{QUERIES}_last_day") == {"17": TRUE, "18": TRUE}
            assert values(pipeline, f"{QUERIES}_28d") == {"17": 28 * TRUE, "18": 28 * TRUE}
        assert pipeline.outcomes() == {"ok": 2}
        assert health(pipeline, "chat_usage_report_companies_withdrawn") == 0


@pytest.mark.parametrize(
    "link",
    [
        pytest.param("https://elsewhere.example/?{query}", id="other-host"),
        pytest.param("http://paradigm.example/?{query}", id="without-tls"),
        pytest.param("https://user@paradigm.example/?{query}", id="with-a-user"),
        pytest.param("https://[/?{query}", id="no-url"),
        pytest.param("b2Zmc2V0PTI=", id="cursor"),
        pytest.param(2, id="number"),
        pytest.param("?same", id="no-end"),
    ],
)
async def test_an_incomplete_paginated_response_fails(link: object, reports: Reports) -> None:
    """If a page cannot be requested or there is no last one, the report fails and figures stay."""
    platform = Platform(all_days("17", "18"))
    async with Pipeline(platform, ManualClock(NOON), "k", chats(reports)) as pipeline:
        await pipeline.poller.poll()
        before = pipeline.page("paradigm_")
        platform.next, platform.hosts = link, set()
        await at(pipeline, NOON + HOUR)

        assert pipeline.outcomes() == {"ok": 1, "schema": 1}
        assert pipeline.page("paradigm_") == before
        assert platform.hosts == {"https://paradigm.example"}


async def test_a_company_has_one_name_in_an_exposition(reports: Reports) -> None:
    """Also in reports that have not listed it since it was renamed, in the API, and if reports disagree."""
    both: tuple[Report, ...] = (reports["chat-sessions"], reports["tools"])
    platform = Platform(all_days("17", "18"))
    platform.silent_in_tools = frozenset({"18"})
    async with Pipeline(platform, ManualClock(NOON), "k", target_with(reports=both)) as pipeline:
        await pipeline.poller.poll()
        assert "18" in values(pipeline, "paradigm_tool_uses_28d")
        platform.names["18"] = "Contoso SE"
        await at(pipeline, NOON + HOUR)

        assert names(pipeline, "18") == {"Contoso SE"}
        assert {each.companies["18"] for each in figures_by_day(pipeline)} == {"Contoso SE"}

        platform.names["18"], platform.silent_in_tools = "Contoso", frozenset()
        await at(pipeline, NOON + 2 * HOUR)
        assert names(pipeline, "18") == {"Contoso"}


async def test_reports_with_different_names_use_one(reports: Reports) -> None:
    """The name that was received last; it does not change with each poll."""
    both: tuple[Report, ...] = (reports["chat-sessions"], reports["tools"])
    platform = Platform(all_days("17", "18"))
    platform.names_of_tools = {"18": "Contoso Inc."}
    seen = set[frozenset[str]]()
    async with Pipeline(platform, ManualClock(NOON), "k", target_with(reports=both)) as pipeline:
        for hours in range(3):
            await at(pipeline, NOON + hours * HOUR)
            seen.add(frozenset(names(pipeline, "18")))

    assert seen == {frozenset({"Contoso Inc."})}


async def test_withdrawn_companies_are_not_counted_as_listed(reports: Reports) -> None:
    """Although they have held rows on the last day."""
    platform = Platform(all_days("17", "18"))
    async with Pipeline(platform, ManualClock(NOON), "k", chats(reports)) as pipeline:
        await pipeline.poller.poll()
        assert health(pipeline, "chat_usage_report_companies") == 2
        platform.rows = all_days("17")
        await at(pipeline, NOON + HOUR)

        assert health(pipeline, "chat_usage_report_companies") == 1
        assert health(pipeline, "chat_usage_report_companies_withdrawn") == 1


async def test_an_exclusive_end_date_is_recognised(reports: Reports) -> None:
    """No day is 0 by mistake, today is served, an invariant reports it, and it is remembered."""
    platform = Platform(all_days("17", "18"))
    platform.is_end_exclusive = True
    async with Pipeline(platform, ManualClock(NOON), "k", chats(reports)) as pipeline:
        await pipeline.poller.poll()
        assert values(pipeline, f"{QUERIES}_today") == {}
        assert values(pipeline, f"{QUERIES}_7d") == {"17": 7 * TRUE, "18": 7 * TRUE}
        assert values(pipeline, f"{QUERIES}_28d") == {"17": 28 * TRUE, "18": 28 * TRUE}

        await at(pipeline, NOON + HOUR)
        assert values(pipeline, f"{QUERIES}_today") == {"17": TRUE, "18": TRUE}
        assert platform.asked[-1]["end_date"] == (WEDNESDAY + DAY).isoformat()
        assert violations(pipeline, "end_exclusive") == 1
        assert pipeline.outcomes() == {"ok": 2}

        platform.is_end_exclusive = False
        platform.rows |= {(company, WEDNESDAY + DAY): TRUE for company in ("17", "18")}
        await at(pipeline, NOON + DAY)
        await at(pipeline, NOON + DAY + HOUR)
        assert platform.asked[-1]["end_date"] == (WEDNESDAY + DAY).isoformat()
        assert violations(pipeline, "end_exclusive") == 0


async def test_a_platform_that_does_not_list_today_has_no_exclusive_end(reports: Reports) -> None:
    """Requests for the days before do not change."""
    platform = Platform({key: value for key, value in all_days("17", "18").items() if key[1] < WEDNESDAY})
    async with Pipeline(platform, ManualClock(NOON), "k", chats(reports)) as pipeline:
        await pipeline.poller.poll()
        await at(pipeline, NOON + HOUR)

        assert values(pipeline, f"{QUERIES}_today") == {}
        assert violations(pipeline, "end_exclusive") == 0


@pytest.mark.parametrize("is_exclusive", [True, False])
async def test_a_probe_says_that_an_end_date_is_exclusive(is_exclusive: bool, reports: Reports) -> None:
    """By a second request, which ends with a day listed in the first response; both are repeated one day later."""
    platform = Platform(all_days("17", "18"))
    platform.is_end_exclusive = is_exclusive
    async with Pipeline(platform, ManualClock(NOON), "k", chats(reports)) as pipeline:
        clock, report = Clock(pipeline.clock.now, pipeline.clock.seconds), reports["chat-sessions"]
        finding = await probe(chats(reports), report, pipeline.client, LastCodes(), pipeline.worker, clock)

    assert finding.content is not None
    assert finding.content.listed == finding.content.asked
    assert any("end_date is exclusive" in note for note in finding.content.notes) is is_exclusive
    assert len(platform.asked) == (4 if is_exclusive else 1)


FRIDAY = date(2026, 2, 27)
FRIDAYS = {FRIDAY - 7 * n * DAY: value for n, value in enumerate((900, 100, 200, 300, 1000, 1100, 1200))}


def lower_limit(pipeline: Pipeline) -> Mapping[str, float]:
    """Returns the lower limit of user queries by company."""
    found = ((dict(key.labels), value) for key, value in pipeline.page("chat_usage_activity_limit").items())
    return {
        labels["company_id"]: value
        for labels, value in found
        if (labels["activity"], labels.get("bound")) == ("user_queries", "lower")
    }


async def test_the_sixth_week_is_held_until_monday_is_complete(reports: Reports) -> None:
    """After Monday's end Friday is still compared with the same six Fridays, so its limit stays."""
    platform = Platform({**all_days("18"), **{("17", day): value for day, value in FRIDAYS.items()}})
    async with Pipeline(platform, ManualClock(utc(2026, 3, 2, 23, 30)), "k", chats(reports)) as pipeline:
        await pipeline.poller.poll()
        assert lower_limit(pipeline)["17"] == 325
        await at(pipeline, utc(2026, 3, 3, 0, 5))
        assert lower_limit(pipeline)["17"] == 325


async def test_a_closure_of_three_weeks_keeps_the_limit(reports: Reports) -> None:
    """The last business day is compared with the six weeks before it, also after a restart during the closure."""
    closed = Calendar(holidays=frozenset(FRIDAY + n * DAY for n in range(1, 22)))
    target = replace(chats(reports), rules=replace(RULES, calendar=closed))
    platform = Platform({("17", day): value for day, value in FRIDAYS.items()})
    async with Pipeline(platform, ManualClock(NOON), "k", target) as pipeline:
        for n in range(0, 17, 2):
            await at(pipeline, NOON + n * DAY)
            assert lower_limit(pipeline) == {"17": 325}, n
    async with Pipeline(platform, ManualClock(NOON + 16 * DAY), "k", target) as pipeline:
        await pipeline.poller.poll()
        assert lower_limit(pipeline) == {"17": 325}


async def test_a_day_without_usage_stays_0_when_the_first_row_is_dropped(reports: Reports) -> None:
    """Six weeks ago the company existed without usage; dropping its first row changes nothing."""
    recent = {("17", WEDNESDAY - n * DAY): 107 for n in range(-1, 24)}
    platform = Platform({**all_days("18"), **recent, ("17", WEDNESDAY - 45 * DAY): 5})
    async with Pipeline(platform, ManualClock(NOON), "k", chats(reports)) as pipeline:
        for n in range(2):
            await at(pipeline, NOON + n * DAY)
            found = {key.labels: value for key, value in pipeline.page("chat_usage_activity_baseline").items()}
            usual = next(v for k, v in found.items() if {("company_id", "17"), ("activity", "user_queries")} <= k)
            assert usual == 53.5


async def test_a_forbidden_filter_is_tried_once_a_day() -> None:
    """With a company admin's key and one included company there is one refusal per day instead of one per request."""
    platform, only_one = Platform(all_days("17", "18")), Companies(("17",))
    platform.refuses_filter = True
    target = replace(target_with(companies=only_one), scope=only_one.scope)
    async with Pipeline(platform, ManualClock(NOON), "k", target) as pipeline:
        for hours in range(24):
            await at(pipeline, NOON + hours * HOUR)
        assert sum("company_id" in query for query in platform.asked) == 1
        assert values(pipeline, f"{QUERIES}_last_day") == {"17": TRUE}

        platform.refuses_filter = False
        await at(pipeline, NOON + DAY)
        await at(pipeline, NOON + DAY + HOUR)
        assert sum("company_id" in query for query in platform.asked) == 3
        assert pipeline.outcomes() == {"ok": 26}
