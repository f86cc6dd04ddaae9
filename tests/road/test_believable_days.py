"""Days that can be believed: what was only seen while a day ran, on the whole road, is no figure of the complete day.

The platform here is a table of rows that a test writes; what is served is read from the exposition and from the API.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from exporter.domain.calendars import Calendar
from exporter.domain.clock import Clock
from exporter.domain.model import Days
from exporter.domain.selectors import Companies
from exporter.metrics.daily import DailyFigures
from exporter.platforms.api import Report
from exporter.platforms.paradigm.platform import REPORTS
from exporter.polling.probe import LastCodes, probe
from exporter.polling.target import Target
from exporter.settings.definitions import read
from tests.road.road import RULES, PassedClock, Road, only, target_with, utc

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
    """The reports by name: the same laws hold whoever describes them."""
    return request.param  # type: ignore[no-any-return]  # one of those above


def chats(reports: Reports) -> Target:
    return target_with(reports=(reports["chat-sessions"],))


class Platform(httpx.AsyncBaseTransport):
    """Answers with `rows`, user queries in chats by company and day, of the days that were asked; or with `answer`."""

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


def values(road: Road, name: str) -> Mapping[str, float]:
    """Returns the values of a family of chats by company."""
    return {dict(key.labels)["company_id"]: value for key, value in road.page().items() if key.name == name}


def judged(road: Road, name: str = "last_day") -> Mapping[str, float]:
    """Returns the user queries that alerts judge, by company."""
    found = ((dict(key.labels), value) for key, value in road.page(f"chat_usage_activity_{name}").items())
    return {labels["company_id"]: value for labels, value in found if labels["activity"] == "user_queries"}


def health(road: Road, name: str) -> float:
    """Returns the value of the one series of exactly this name."""
    (value,) = (value for key, value in road.page(name).items() if key.name == name)
    return value


def names(road: Road, company: str) -> set[str]:
    """Returns every name that a company has in the exposition."""
    found = (dict(key.labels) for key in road.page())
    return {labels["company"] for labels in found if labels.get("company_id") == company}


def figures_by_day(road: Road) -> Sequence[DailyFigures]:
    """Returns what the API serves, by report."""
    return [DailyFigures(view) for view in road.board.shown.views.values()]


def listed_by_the_api(road: Road, day: date) -> set[str]:
    """Returns the companies that have user queries on a day in the API."""
    (daily,) = figures_by_day(road)
    return {each.company_id for each in daily.figures(daily.companies, {QUERIES}, {day})}


async def at(road: Road, moment: datetime) -> None:
    road.clock.moment = moment
    await road.poller.poll()


def violations(road: Road, invariant: str) -> float:
    found = road.page("chat_usage_invariant_violations")
    return next(value for key, value in found.items() if ("invariant", invariant) in key.labels)


def lost(road: Road) -> float:
    return violations(road, "row_lost")


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(None, id="missing"),
        pytest.param({"queries": None}, id="null"),
        pytest.param({"queries": "many"}, id="other-type"),
    ],
)
async def test_a_figure_seen_only_while_its_day_ran_is_none_of_the_complete_day(
    later: Mapping[str, object] | None, reports: Reports
) -> None:
    """Not 0 and not the partial one: absent, and so are sums and baselines with it, until an answer has it again."""
    platform = Platform(all_days("17", "18") | {("17", WEDNESDAY): PARTIAL})
    async with Road(platform, PassedClock(NOON), "k", chats(reports)) as road:
        await road.poller.poll()
        assert values(road, f"{QUERIES}_today") == {"17": PARTIAL, "18": TRUE}
        del platform.rows["17", WEDNESDAY]
        if later:
            platform.rows["17", WEDNESDAY] = later["queries"]
        platform.rows["18", WEDNESDAY + DAY] = 1

        await at(road, utc(2026, 3, 5, 6, 5))

        assert only(road, "chat_usage_report_day_timestamp_seconds") == utc(2026, 3, 4).timestamp()
        assert values(road, f"{QUERIES}_last_day") == {"18": TRUE}
        assert values(road, f"{QUERIES}_7d") == {"18": 7 * TRUE}
        assert values(road, f"{QUERIES}_28d") == {"18": 28 * TRUE}
        assert judged(road).keys() == judged(road, "last_working_day").keys() == {"18"}
        assert listed_by_the_api(road, WEDNESDAY) == {"18"}
        assert lost(road) == (later is None)
        assert health(road, "chat_usage_report_companies") == (2 if later else 1)
        assert only(road, "chat_usage_report_companies_withdrawn") == 0

        platform.rows["17", WEDNESDAY] = TRUE
        await at(road, utc(2026, 3, 5, 12))

        assert values(road, f"{QUERIES}_last_day") == {"17": TRUE, "18": TRUE}
        assert values(road, f"{QUERIES}_7d") == {"17": 7 * TRUE, "18": 7 * TRUE}
        assert lost(road) == 0
        assert only(road, "chat_usage_report_restatements_total") == 0


async def test_a_lost_row_stays_lost_in_the_sums(reports: Reports) -> None:
    """Five days later the week is still not known, not too low."""
    platform = Platform(all_days("17", "18") | {("17", WEDNESDAY): PARTIAL})
    async with Road(platform, PassedClock(NOON), "k", chats(reports)) as road:
        await road.poller.poll()
        del platform.rows["17", WEDNESDAY]
        for n in range(1, 6):
            platform.rows |= {("17", WEDNESDAY + n * DAY): TRUE, ("18", WEDNESDAY + n * DAY): TRUE}
            await at(road, NOON + n * DAY)

        assert values(road, f"{QUERIES}_last_day") == {"17": TRUE, "18": TRUE}
        assert values(road, f"{QUERIES}_7d") == {"18": 7 * TRUE}


async def test_what_was_served_as_complete_stays(reports: Reports) -> None:
    """A row that an answer had after its day, taken back later, is no lost one."""
    platform = Platform(all_days("17", "18"))
    async with Road(platform, PassedClock(NOON), "k", chats(reports)) as road:
        await road.poller.poll()
        await at(road, utc(2026, 3, 5, 0, 5))
        del platform.rows["17", WEDNESDAY]
        await at(road, utc(2026, 3, 5, 7))

        assert values(road, f"{QUERIES}_last_day") == {"17": TRUE, "18": TRUE}
        assert lost(road) == 0


async def test_a_day_of_lost_rows_alone_waits_like_an_empty_day(reports: Reports) -> None:
    """Nobody is 0 on it: the day before stays, and a day after its settle time all of it is absent."""
    platform = Platform(all_days("17", "18"))
    async with Road(platform, PassedClock(NOON), "k", chats(reports)) as road:
        await road.poller.poll()
        for company in ("17", "18"):
            del platform.rows[company, WEDNESDAY]
        await at(road, utc(2026, 3, 5, 6, 5))

        assert only(road, "chat_usage_report_empty_day") == 1
        assert only(road, "chat_usage_report_day_timestamp_seconds") == utc(2026, 3, 3).timestamp()
        assert lost(road) == 2

        await at(road, utc(2026, 3, 6, 6, 5))
        assert only(road, "chat_usage_report_day_timestamp_seconds") == utc(2026, 3, 4).timestamp()
        assert values(road, f"{QUERIES}_last_day") == {}


async def test_the_uses_of_a_tool_are_not_0_on_a_day_whose_row_was_lost(reports: Reports) -> None:
    """Elsewhere a tool that a row does not name was not used; of no row that is not known."""
    tools: tuple[Report, ...] = (reports["tools"],)
    platform = Platform(all_days("17", "18") | {("17", WEDNESDAY): PARTIAL})
    async with Road(platform, PassedClock(NOON), "k", target_with(reports=tools)) as road:
        await road.poller.poll()
        del platform.rows["17", WEDNESDAY]
        await at(road, utc(2026, 3, 5, 6, 5))

        for name in ("paradigm_tool_uses_last_day", "paradigm_tool_uses_7d", "chat_usage_activity_last_day"):
            assert values(road, name).keys() == {"18"}, name


async def test_today_needs_a_row_of_somebody(reports: Reports) -> None:
    """While nobody has one nobody is 0; with the first one the others are."""
    platform = Platform(all_days("17", "18"))
    for company in ("17", "18"):
        del platform.rows[company, WEDNESDAY]
    async with Road(platform, PassedClock(NOON), "k", chats(reports)) as road:
        await road.poller.poll()
        assert values(road, f"{QUERIES}_today") == {}
        assert values(road, "chat_usage_activity_today") == {}

        platform.rows["17", WEDNESDAY] = 5
        await at(road, NOON + HOUR)
        assert values(road, f"{QUERIES}_today") == {"17": 5, "18": 0}


EMPTY_ANSWERS: Mapping[str, object] = {
    "no-companies": {"reporting": [], "reporting_agents": []},
    "no-dates": {"reporting": [{"company": {"id": 17, "name": "Northwind"}, "dates": []}], "reporting_agents": []},
}


@pytest.mark.parametrize("answer", EMPTY_ANSWERS.values(), ids=EMPTY_ANSWERS)
async def test_an_answer_that_takes_everybody_back_fails(answer: object, reports: Reports) -> None:
    """The figures stay, and nobody is withdrawn, until they are too old; the next row of anybody is good again."""
    platform = Platform(all_days("17", "18"))
    async with Road(platform, PassedClock(NOON), "k", chats(reports)) as road:
        await road.poller.poll()
        before = road.page("paradigm_")
        platform.answer = json.dumps(answer).encode()
        await at(road, NOON + HOUR)

        assert road.outcomes() == {"ok": 1, "schema": 1}
        assert road.page("paradigm_") == before
        assert health(road, "chat_usage_report_companies_withdrawn") == 0

        platform.answer = None
        del platform.rows["18", WEDNESDAY]
        await at(road, NOON + 2 * HOUR)
        assert road.outcomes() == {"ok": 2, "schema": 1}


async def test_levels_that_are_gone_at_once_fail_too(reports: Reports) -> None:
    """Members belong to no day."""
    platform = Platform()
    listed = {"company": {"id": 17}, "current_active_members": 5, "total_historical_members": 9}
    users: tuple[Report, ...] = (reports["users"],)
    async with Road(platform, PassedClock(NOON), "k", target_with(reports=users)) as road:
        for companies in ([listed], []):
            platform.answer = json.dumps({"reporting": companies}).encode()
            await road.poller.poll()

        assert road.outcomes() == {"ok": 1, "schema": 1}
        assert values(road, "paradigm_members_active") == {"17": 5}


async def test_a_silent_account_is_none_that_takes_everybody_back(reports: Reports) -> None:
    """Nobody had a row in the asked days before: a closed week is good, and zeros."""
    platform = Platform(all_days("17", "18"))
    async with Road(platform, PassedClock(NOON), "k", chats(reports)) as road:
        for n in range(12):
            await at(road, NOON + n * DAY)

        assert road.outcomes() == {"ok": 12}
        assert values(road, f"{QUERIES}_last_day") == {"17": 0, "18": 0}


@pytest.mark.parametrize("link", ["https://paradigm.example/api/v2/reporting/chat-sessions/?{query}", "?{query}"])
async def test_an_answer_in_pages_is_read_as_one(link: str, reports: Reports) -> None:
    """At a first start and ever after; nobody is withdrawn because of being on the second page."""
    platform = Platform(all_days("17", "18"))
    async with Road(platform, PassedClock(NOON), "k", chats(reports)) as road:
        platform.next = link
        for hours in range(2):
            await at(road, NOON + hours * HOUR)

            assert values(road, f"{QUERIES}_last_day") == {"17": TRUE, "18": TRUE}
            assert values(road, f"{QUERIES}_28d") == {"17": 28 * TRUE, "18": 28 * TRUE}
        assert road.outcomes() == {"ok": 2}
        assert health(road, "chat_usage_report_companies_withdrawn") == 0


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
async def test_half_of_an_answer_is_none(link: object, reports: Reports) -> None:
    """A further page that cannot be asked, or no last one, lets the report fail; the figures stay."""
    platform = Platform(all_days("17", "18"))
    async with Road(platform, PassedClock(NOON), "k", chats(reports)) as road:
        await road.poller.poll()
        before = road.page("paradigm_")
        platform.next, platform.hosts = link, set()
        await at(road, NOON + HOUR)

        assert road.outcomes() == {"ok": 1, "schema": 1}
        assert road.page("paradigm_") == before
        assert platform.hosts == {"https://paradigm.example"}


async def test_a_company_has_one_name_on_a_page(reports: Reports) -> None:
    """Also in the reports that do not list it since it was renamed, in the API's rows, and where reports disagree."""
    both: tuple[Report, ...] = (reports["chat-sessions"], reports["tools"])
    platform = Platform(all_days("17", "18"))
    platform.silent_in_tools = frozenset({"18"})
    async with Road(platform, PassedClock(NOON), "k", target_with(reports=both)) as road:
        await road.poller.poll()
        assert "18" in values(road, "paradigm_tool_uses_28d")
        platform.names["18"] = "Contoso SE"
        await at(road, NOON + HOUR)

        assert names(road, "18") == {"Contoso SE"}
        assert {each.companies["18"] for each in figures_by_day(road)} == {"Contoso SE"}

        platform.names["18"], platform.silent_in_tools = "Contoso", frozenset()
        await at(road, NOON + 2 * HOUR)
        assert names(road, "18") == {"Contoso"}


async def test_reports_that_disagree_on_a_name_settle_for_one(reports: Reports) -> None:
    """The one that was given last; it does not change with each poll."""
    both: tuple[Report, ...] = (reports["chat-sessions"], reports["tools"])
    platform = Platform(all_days("17", "18"))
    platform.names_of_tools = {"18": "Contoso Inc."}
    seen = set[frozenset[str]]()
    async with Road(platform, PassedClock(NOON), "k", target_with(reports=both)) as road:
        for hours in range(3):
            await at(road, NOON + hours * HOUR)
            seen.add(frozenset(names(road, "18")))

    assert seen == {frozenset({"Contoso Inc."})}


async def test_companies_that_were_withdrawn_are_not_counted_as_there(reports: Reports) -> None:
    """Their held rows of the last day are no rows that the platform lists."""
    platform = Platform(all_days("17", "18"))
    async with Road(platform, PassedClock(NOON), "k", chats(reports)) as road:
        await road.poller.poll()
        assert health(road, "chat_usage_report_companies") == 2
        platform.rows = all_days("17")
        await at(road, NOON + HOUR)

        assert health(road, "chat_usage_report_companies") == 1
        assert health(road, "chat_usage_report_companies_withdrawn") == 1


async def test_an_end_date_that_is_exclusive_is_recognised(reports: Reports) -> None:
    """No day of zeros at the seam; from then on today is there; it shows as an invariant, and is kept."""
    platform = Platform(all_days("17", "18"))
    platform.is_end_exclusive = True
    async with Road(platform, PassedClock(NOON), "k", chats(reports)) as road:
        await road.poller.poll()
        assert values(road, f"{QUERIES}_today") == {}
        assert values(road, f"{QUERIES}_7d") == {"17": 7 * TRUE, "18": 7 * TRUE}
        assert values(road, f"{QUERIES}_28d") == {"17": 28 * TRUE, "18": 28 * TRUE}

        await at(road, NOON + HOUR)
        assert values(road, f"{QUERIES}_today") == {"17": TRUE, "18": TRUE}
        assert platform.asked[-1]["end_date"] == (WEDNESDAY + DAY).isoformat()
        assert violations(road, "end_exclusive") == 1
        assert road.outcomes() == {"ok": 2}

        platform.is_end_exclusive = False
        platform.rows |= {(company, WEDNESDAY + DAY): TRUE for company in ("17", "18")}
        await at(road, NOON + DAY)
        await at(road, NOON + DAY + HOUR)
        assert platform.asked[-1]["end_date"] == (WEDNESDAY + DAY).isoformat()
        assert violations(road, "end_exclusive") == 0


async def test_a_platform_that_does_not_list_today_has_no_exclusive_end(reports: Reports) -> None:
    """The days before end where they should."""
    platform = Platform({key: value for key, value in all_days("17", "18").items() if key[1] < WEDNESDAY})
    async with Road(platform, PassedClock(NOON), "k", chats(reports)) as road:
        await road.poller.poll()
        await at(road, NOON + HOUR)

        assert values(road, f"{QUERIES}_today") == {}
        assert violations(road, "end_exclusive") == 0


@pytest.mark.parametrize("is_exclusive", [True, False])
async def test_a_probe_says_that_an_end_date_is_exclusive(is_exclusive: bool, reports: Reports) -> None:
    """By a second question, which ends with a day that the first one listed; both are asked again, one day further."""
    platform = Platform(all_days("17", "18"))
    platform.is_end_exclusive = is_exclusive
    async with Road(platform, PassedClock(NOON), "k", chats(reports)) as road:
        clock, report = Clock(road.clock.now, road.clock.seconds), reports["chat-sessions"]
        finding = await probe(chats(reports), report, road.client, LastCodes(), road.worker, clock)

    assert finding.found is not None
    assert finding.found.listed == finding.found.asked
    assert any("end_date is exclusive" in note for note in finding.found.notes) is is_exclusive
    assert len(platform.asked) == (4 if is_exclusive else 1)


FRIDAY = date(2026, 2, 27)
FRIDAYS = {FRIDAY - 7 * n * DAY: value for n, value in enumerate((900, 100, 200, 300, 1000, 1100, 1200))}


def lower_limit(road: Road) -> Mapping[str, float]:
    """Returns the lower limit of user queries by company."""
    found = ((dict(key.labels), value) for key, value in road.page("chat_usage_activity_limit").items())
    return {
        labels["company_id"]: value
        for labels, value in found
        if (labels["activity"], labels.get("bound")) == ("user_queries", "lower")
    }


async def test_the_sixth_week_is_not_lost_before_monday_is_complete(reports: Reports) -> None:
    """From Tuesday's midnight on Friday is still judged, by the same six Fridays: its limit is the same."""
    platform = Platform({**all_days("18"), **{("17", day): value for day, value in FRIDAYS.items()}})
    async with Road(platform, PassedClock(utc(2026, 3, 2, 23, 30)), "k", chats(reports)) as road:
        await road.poller.poll()
        assert lower_limit(road)["17"] == 325
        await at(road, utc(2026, 3, 3, 0, 5))
        assert lower_limit(road)["17"] == 325


async def test_a_closure_of_three_weeks_leaves_the_limit_as_it_was(reports: Reports) -> None:
    """The last business day before it is judged by the six weeks before that; also after a start within it."""
    closed = Calendar(holidays=frozenset(FRIDAY + n * DAY for n in range(1, 22)))
    target = replace(chats(reports), rules=replace(RULES, calendar=closed))
    platform = Platform({("17", day): value for day, value in FRIDAYS.items()})
    async with Road(platform, PassedClock(NOON), "k", target) as road:
        for n in range(0, 17, 2):
            await at(road, NOON + n * DAY)
            assert lower_limit(road) == {"17": 325}, n
    async with Road(platform, PassedClock(NOON + 16 * DAY), "k", target) as road:
        await road.poller.poll()
        assert lower_limit(road) == {"17": 325}


async def test_a_silent_day_stays_one_of_zeros_when_the_first_row_leaves(reports: Reports) -> None:
    """Six weeks back the company was there, and silent; that its first row is held no more changes nothing."""
    recent = {("17", WEDNESDAY - n * DAY): 107 for n in range(-1, 24)}
    platform = Platform({**all_days("18"), **recent, ("17", WEDNESDAY - 45 * DAY): 5})
    async with Road(platform, PassedClock(NOON), "k", chats(reports)) as road:
        for n in range(2):
            await at(road, NOON + n * DAY)
            found = {key.labels: value for key, value in road.page("chat_usage_activity_baseline").items()}
            usual = next(v for k, v in found.items() if {("company_id", "17"), ("activity", "user_queries")} <= k)
            assert usual == 53.5


async def test_a_filter_that_the_key_may_not_use_is_tried_once_a_day() -> None:
    """A company admin's key, and one company included: one refusal a day instead of one before each request."""
    platform, only_one = Platform(all_days("17", "18")), Companies(("17",))
    platform.refuses_filter = True
    target = replace(target_with(companies=only_one), scope=only_one.scope)
    async with Road(platform, PassedClock(NOON), "k", target) as road:
        for hours in range(24):
            await at(road, NOON + hours * HOUR)
        assert sum("company_id" in query for query in platform.asked) == 1
        assert values(road, f"{QUERIES}_last_day") == {"17": TRUE}

        platform.refuses_filter = False
        await at(road, NOON + DAY)
        await at(road, NOON + DAY + HOUR)
        assert sum("company_id" in query for query in platform.asked) == 3
        assert road.outcomes() == {"ok": 26}
