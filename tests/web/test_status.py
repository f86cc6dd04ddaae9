"""The status page agrees with /metrics, and shows problems with their start and remedy."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from msgspec.structs import replace

from exporter.domain.calendars import Calendar
from exporter.domain.model import Column, Days, Reading, Row
from exporter.domain.selectors import Companies
from exporter.domain.threads import Worker
from exporter.exposition.board import NOTHING, Board, Published
from exporter.exposition.series_limit import USUAL_LIMITS
from exporter.metrics.limits import CompanyLimits, Threshold
from exporter.platforms.paradigm.platform import PLATFORM, QUERIES
from exporter.simulator.app import create_app as create_platform
from exporter.simulator.paradigm.world import MODES, World
from exporter.web.app import create_app
from exporter.web.server.basic_auth import BasicAuth
from exporter.web.server.web_config import LiveWebConfig
from exporter.web.status.company_page import CompanyQuery, sparkline
from exporter.web.status.page import Links, PageState, StatusPage
from exporter.web.status.problems import FailedReload
from exporter.web.status.text import activity_label, day_name, figure, measured, share, span
from tests.pipeline.pipeline import BUILT_IN, RULES, ManualClock, Pipeline, set_scenarios, target_with, utc
from tests.pipeline.test_believable_days import Platform, all_days
from tests.pipeline.test_reports import begin
from tests.samples import samples
from tests.web.api_client import Response, board_with, client_of, figures_on, get_days
from tests.web.parsed_status_page import ParsedStatusPage
from tests.web.test_days import NAMES, named, paradigm
from tests.web.web_context import WIKI, web_context

pytestmark = pytest.mark.anyio

NOON = utc(2026, 11, 20, 12)  # a Friday
LAST = date(2026, 11, 19)
HOUR = timedelta(hours=1)
RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"


async def status(board: Board, query: str = "", **options: Any) -> ParsedStatusPage:
    """Requests and parses the page of a board."""
    async with client_of(board, **options) as http:
        response = await http.get(f"/{query}")
    assert response.status_code == 200
    return ParsedStatusPage.of(response.text)


def activity(text: str, name: str, activity: str = "user_queries") -> Mapping[str, float]:
    """Returns the samples of a family of activities, by company id."""
    return {
        sample.labels["company_id"]: sample.value
        for sample in samples(text)
        if sample.name == f"chat_usage_activity_{name}" and sample.labels["activity"] == activity
    }


def identity(row: Mapping[str, str]) -> str:
    """Returns the id that a row of companies shows behind the name."""
    return row["Company"].rpartition(" ")[2]


def added_up(answer: Response, day: date) -> Mapping[str, float]:
    """Returns the sum over modes of each company's figures of a day."""
    told: dict[str, float] = {}
    for key, value in figures_on(answer.figures, str(day)).items():
        told[key.company_id] = told.get(key.company_id, 0.0) + value
    return told


def queries(world: World, day: date) -> Mapping[str, float]:
    """Returns what is true of those who asked anything on a day."""
    view = world.view(day, NOON)
    assert view is not None
    found = {company: [world.figures(company, view, mode) for mode in MODES] for company in world.companies}
    return {
        str(company.id): sum(each.user_queries for each in figures if each)
        for company, figures in found.items()
        if any(figures)
    }


async def test_page_api_metrics_and_the_platform_agree() -> None:
    """Every company's last day, today and usual, in all of them; the chart's last day is that day too."""
    world = World.from_seed(3, 12)
    async with paradigm(ManualClock(NOON), world) as pipeline:
        await pipeline.poller.poll()
        page = await status(pipeline.board)
        async with client_of(pipeline.board) as http:
            answer = await get_days(http, "measure=paradigm_user_queries")
        text = pipeline.text()

    shown = {identity(row): row for row in page.companies}
    assert len(shown) == len(activity(text, "last_day")) > 8
    for name, label in (("last_day", "Last day"), ("today", "Today"), ("baseline", "Baseline")):
        served = activity(text, name)
        assert {company: figure(served.get(company)) for company in shown} == {
            company: row[label] for company, row in shown.items()
        }
    for day, name in ((LAST, "last_day"), (NOON.date(), "today")):
        told = added_up(answer, day)
        assert told == activity(text, name)
        truth = queries(world, day)
        assert truth == {company: told[company] for company in truth}
    for chart, row in zip(page.charts, page.companies, strict=True):
        assert chart.endswith(f"on the last day {row['Last day']}")
        assert chart.startswith("six weeks, 2026-10-09 to 2026-11-19: ")


@pytest.mark.parametrize(
    "name", ["sessions", "likes", "liked_share", "grounded_share", "tool_uses", "active_users", "document_uses"]
)
async def test_another_activity_is_shown_with_its_own_figures(name: str) -> None:
    """For any activity; six weeks are added up as the activity."""
    async with paradigm(ManualClock(NOON), World.from_seed(3, 6), min_group=15) as pipeline:
        await pipeline.poller.poll()
        page, text = await status(pipeline.board, f"?activity={name}"), pipeline.text()

    served = activity(text, "last_day", name)
    assert {each["Activity"] for each in page.companies} == {activity_label(name)}
    assert {identity(row): row["Last day"] for row in page.companies} == {
        identity(row): measured(served.get(identity(row)), name) for row in page.companies
    }
    rendered = [row for row in page.companies if row["Last day"] != "–"]
    assert [each.rpartition(" day ")[2] for each in page.charts] == [row["Last day"] for row in rendered]
    assert len(rendered) == len(served)


async def test_six_weeks_are_those_of_the_api() -> None:
    """Smallest and largest figure of the 42 days, weekends included, none of today."""
    async with paradigm(ManualClock(NOON), World.from_seed(3, 6)) as pipeline:
        await pipeline.poller.poll()
        page = await status(pipeline.board, "?sort=company")
        async with client_of(pipeline.board) as http:
            answer = await get_days(http, f"measure=paradigm_user_queries&from=2026-10-09&to={LAST}")

    for row, chart in zip(page.companies, page.charts, strict=True):
        by_day: dict[str, float] = {}
        for each in answer.figures:
            if each.company_id == identity(row):
                by_day[each.date] = by_day.get(each.date, 0.0) + each.value
        low, high = figure(min(by_day.values())), figure(max(by_day.values()))
        assert f": {len(by_day)} days with figures, {low} to {high}, " in chart


async def quiet(moment: datetime = NOON, *limits: Threshold) -> Board:
    """Returns a board on which all activities of the busiest company have fallen; `limits` are further ones."""
    clock, world = ManualClock(NOON), World.from_seed(1, 6)
    transport = httpx.ASGITransport(create_platform(world, clock.now, sleep=clock.sleep, scenarios=("quiet-company",)))
    clock.moment = moment
    target = replace(target_with(), company_limits=CompanyLimits((BUILT_IN, *limits)))
    async with Pipeline(transport, clock, world.keys.admin, target) as pipeline:
        await pipeline.poller.poll()
    return pipeline.board


def broken(text: str) -> list[tuple[str, ...]]:
    """Returns broken limits as cells of a row, computed from the exposition as the alert rules do."""
    values: dict[tuple[str, ...], float] = {}
    limits = []
    for each in samples(text):
        key = each.labels.get("company_id", ""), each.labels.get("activity", "")
        if each.name == "chat_usage_activity_limit":
            limits.append((key, each.labels, each.value))
        values[(each.name, *key)] = each.value
    found: list[tuple[str, ...]] = []
    for (company, name), labels, limit in limits:
        is_lower, is_fixed = labels["bound"] == "lower", labels["basis"] == "fixed"
        value = values.get((f"chat_usage_activity_last_{'working_day' if is_lower else 'day'}", company, name))
        if value is not None and (value < limit if is_lower else value > limit):
            family = "chat_usage_company_last_working_day_timestamp_seconds"
            judged = datetime.fromtimestamp(values[(family, company, "")], UTC).date()
            side = f"{'below' if is_lower else 'above'} the {'fixed limit' if is_fixed else 'limit for that weekday'}"
            runbook = "ChatUsageBelowThreshold" if is_fixed else "ChatUsageActivityDropped"
            said = f"{labels['severity']} {activity_label(name)} {side} what to do: {runbook}"
            found.append((company, said, day_name(judged), figure(value), figure(limit)))
    return found


def broken_limits(page: ParsedStatusPage) -> list[tuple[str, ...]]:
    """Returns the rows of broken limits: the company's id and the cells."""
    cells = ("Broken limit", "Judged day", "Value", "Limit")
    found = [(identity(row), *(row.get(each, "").strip() for each in cells)) for row in page.companies]
    return [row for row in found if row[2]]


SUNDAY = utc(2026, 11, 22, 12)


@pytest.mark.parametrize(("now", "judged"), [(NOON, "Thu 19 Nov 2026"), (SUNDAY, "Fri 20 Nov 2026")])
async def test_limits_are_broken_as_the_alert_rules_have_it(now: datetime, judged: str) -> None:
    """Companies outside their limits are first, with runbook, day, figure and limit.

    On a weekend that day is Friday, whatever Saturday's figure beside it is; who keeps all limits has nothing there.
    """
    board = await quiet(now)
    text = next(iter(board.shown.exposition.values())).plain.decode()
    page = await status(board, now=lambda: now)

    ((company, *cells),) = broken(text)
    assert cells[1] == judged
    assert broken_limits(page) == [(company, *cells)]
    assert identity(page.companies[0]) == company
    assert {row.get("Broken limit", "") for row in page.companies[1:]} == {""}
    assert "1 company is outside its limits" in page.summary
    fitting = await status(board, "?show=broken", now=lambda: now)
    assert [identity(row) for row in fitting.companies] == [company]


async def test_each_broken_limit_has_a_row_of_its_own() -> None:
    """The worst first; the company is counted once."""
    least = Threshold(("sessions",), {"below": 1e6}, company="id:1", severity="critical")
    board = await quiet(NOON, least, Threshold(("user_queries",), {"below": 1e6}, company="id:1"))
    page = await status(board)

    found = broken_limits(page)
    assert sorted(found) == sorted(broken(next(iter(board.shown.exposition.values())).plain.decode()))
    of_first = [said.split()[0] for company, said, *_ in found if company == "1"]
    assert of_first[:2] == ["critical", "warning"]
    assert page.summary.count("outside") == 1
    assert str(len({company for company, *_ in found})) in page.summary.partition("outside")[0]


async def test_what_companies_come_to_is_on_top_with_its_day() -> None:
    """For each source with figures, the sum of its companies and of their baselines."""
    async with paradigm(ManualClock(SUNDAY), World.from_seed(3, 12)) as pipeline:
        await pipeline.poller.poll()
        page, text = await status(pipeline.board, now=lambda: SUNDAY), pipeline.text()

    used, usual = activity(text, "last_day"), activity(text, "baseline")
    share_of_usual = share(sum(used[each] for each in usual) / sum(usual.values()))
    active = sum(value > 0 for value in used.values())
    (total,) = page.totals
    queries_of_day = f"{figure(sum(used.values()))} user queries, {share_of_usual} of the baseline"
    assert total == f"Sat 21 Nov 2026 · {queries_of_day} · {active} of {len(page.companies)} companies active"


async def test_limits_are_not_evaluated_by_old_figures() -> None:
    """As in the alert rules: if the last day is too old, the problem is of the report."""
    board = await quiet()
    page = await status(board, now=lambda: NOON + timedelta(days=2))
    assert {row["Broken limit"].strip() for row in page.companies} == {"not evaluated"}
    assert any("limits are not evaluated" in each for each in page.problems)


FAILING = {
    "outage": ("The platform answers with an error", "ChatUsageReportFetchFailing", "503"),
    "key-rejected": ("The platform refuses the key", "ChatUsageAPIKeyRejected", "401"),
    "html-200": ("The answer is not JSON", "ChatUsageReportShapeUnknown", "s: chat-sessions"),
    "schema-change": ("The answer is not in the expected format", "ChatUsageReportShapeUnknown", "reporting"),
}


@pytest.mark.parametrize("scenario", FAILING)
async def test_a_failing_report_says_what_why_since_when_and_what_to_do(scenario: str) -> None:
    """Figures stay; the failure has the text of the log."""
    clock, world = ManualClock(NOON), World.from_seed(1, 6)
    transport = httpx.ASGITransport(create_platform(world, clock.now, sleep=clock.sleep))
    what, runbook, why = FAILING[scenario]
    async with (
        Pipeline(transport, clock, world.keys.admin) as pipeline,
        httpx.AsyncClient(transport=transport) as platform,
    ):
        await pipeline.poller.poll()
        before = await status(pipeline.board)
        await set_scenarios(platform, scenario)
        clock.moment += HOUR
        await pipeline.poller.poll()
        page = await status(pipeline.board, now=clock.now)

    (line,) = page.problems
    assert f"s, chat-sessions: {what}; no good poll since 2026-11-20 12:00 UTC" in line
    assert why in line
    assert f"{WIKI}/runbooks/{runbook}.md" in page.links
    assert world.keys.admin not in line
    assert page.companies == before.companies
    assert page.reports[0]["Last good poll"].split() == ["2026-11-20", "12:00", "UTC", "1", "h", "ago"]
    assert page.reports[0]["Health"] == ("bad" if scenario == "key-rejected" else "warning")
    assert page.summary.startswith("1 of 1 reports needs attention")


async def test_a_cause_is_shown_once() -> None:
    """A refused key is one line, not one for each report."""
    clock, world = ManualClock(NOON), World.from_seed(1, 4)
    transport = httpx.ASGITransport(create_platform(world, clock.now, sleep=clock.sleep, scenarios=("key-rejected",)))
    target = target_with(reports=tuple(PLATFORM.reports.values()))
    async with Pipeline(transport, clock, world.keys.admin, target) as pipeline:
        await pipeline.poller.poll()
        page = await status(pipeline.board)

    (line,) = page.problems
    assert "s, all 6 reports: The platform refuses the key; it was never read" in line
    assert not page.companies


async def test_a_refused_configuration_shows_until_a_good_one_is_read() -> None:
    """Whoever looks whether a change has arrived must see that it has not, also before the alert fires."""
    failed_reload: FailedReload | None = FailedReload(NOON - HOUR, "exporter.yml:3: settle: give <a> duration")
    async with paradigm(ManualClock(NOON), World.from_seed(3, 4)) as pipeline:
        await pipeline.poller.poll()
        async with client_of(pipeline.board, failed_reload=lambda: failed_reload) as http:
            refused = ParsedStatusPage.of((await http.get("/")).text)
            failed_reload = None
            good = ParsedStatusPage.of((await http.get("/")).text)

    (line,) = refused.problems
    assert "configuration: Refused when it was reloaded, 2026-11-20 11:00 UTC; the previous one stays in force" in line
    assert "exporter.yml:3: settle: give <a> duration" in line
    assert f"{WIKI}/runbooks/ChatUsageConfigReloadFailed.md" in refused.links
    assert "The new configuration was refused" in refused.summary
    assert not good.problems
    assert "configuration" not in good.summary
    assert refused.reports == good.reports


async def test_late_polls_and_late_days() -> None:
    """Without a new publication, since the page checks the clock."""
    async with paradigm(ManualClock(NOON), World.from_seed(3, 4)) as pipeline:
        await pipeline.poller.poll()
        board = pipeline.board
    assert not (await status(board, now=lambda: NOON + 2 * HOUR)).problems
    (late,) = (await status(board, now=lambda: NOON + 3 * HOUR)).problems
    assert "s, all 6 reports: Polls have stopped: the next one is 2 h late" in late
    later = await status(board, now=lambda: NOON + timedelta(days=3))
    assert any("It is late: its newest complete day was 4 days ago" in each for each in later.problems)


async def test_an_empty_day_and_companies_that_are_missing() -> None:
    """Awaited days, expected companies, and selectors without a match."""
    clock, world = ManualClock(NOON), World.from_seed(3, 8)
    transport = httpx.ASGITransport(create_platform(world, clock.now, sleep=clock.sleep, scenarios=("late-day",)))
    target = target_with(companies=Companies(expected=("1", "4711"), exclude=("No such*",)))
    async with Pipeline(transport, clock, world.keys.admin, target) as pipeline:
        await pipeline.poller.poll()
        page = await status(pipeline.board)

    told = "\n".join(page.problems)
    assert "s, chat-sessions: A complete business day has no row of any company yet" in told
    assert "s: Expected and in no report: 1 company (4711)" in told
    assert "s: Selectors in companies.exclude that match nothing: 1 (" in told
    (missing,) = (row for row in page.companies if identity(row) == "seen")
    assert missing["Company"] == "– 4711 expected, never seen"


async def test_a_company_that_was_taken_back_is_named() -> None:
    clock, world = ManualClock(NOON), World.from_seed(3, 8)
    transport = httpx.ASGITransport(create_platform(world, clock.now, sleep=clock.sleep))
    async with (
        Pipeline(transport, clock, world.keys.admin) as pipeline,
        httpx.AsyncClient(transport=transport) as platform,
    ):
        await pipeline.poller.poll()
        await set_scenarios(platform, "missing-company")
        await pipeline.poller.poll()
        page = await status(pipeline.board)

    (line,) = page.problems
    assert "The platform took back all rows of 1 company" in line
    assert [row for row in page.companies if "taken back by the platform" in row["Company"]]


async def test_a_renamed_company_has_one_name() -> None:
    """On the page for any activity or search, and in the API: the newest name, also of quiet reports."""
    platform = Platform(all_days("17", "18"))
    platform.silent_in_tools = frozenset({"18"})
    both = (PLATFORM.reports["chat-sessions"], PLATFORM.reports["tools"])
    async with Pipeline(platform, ManualClock(utc(2026, 3, 4, 12)), "k", target_with(reports=both)) as pipeline:
        await pipeline.poller.poll()
        platform.names["18"] = "Contoso SE"
        await pipeline.poller.poll()
        queries = ("", "?activity=tool_uses", "?q=Contoso", "?q=Contoso+SE")
        pages = [await status(pipeline.board, query) for query in queries]
        async with client_of(pipeline.board) as http:
            answer = await get_days(http, "company=18")

    for page in pages:
        assert [row["Company"] for row in page.companies if identity(row) == "18"] == ["Contoso SE 18"]
    assert {key.company for key in answer.figures} == {"Contoso SE"}
    assert {key.measure for key in answer.figures} > {"paradigm_tool_uses", "paradigm_user_queries"}


async def test_before_the_first_poll() -> None:
    """The page says that there are no figures yet."""
    nothing = await status(Board())
    assert nothing.summary == "No figures yet: the first poll is still running. "
    async with paradigm(ManualClock(NOON), World.from_seed(3, 4)) as pipeline:
        page = await status(pipeline.board, next_poll=lambda _source: NOON + HOUR)
    assert {row["Health"] for row in page.reports} == {"not polled yet"}
    assert {row["Next poll"] for row in page.reports} == {"2026-11-20 13:00 UTC in 1 h"}


async def test_a_report_that_the_platform_lacks_is_no_trouble() -> None:
    pipeline, _, _ = begin("tools")
    async with pipeline:
        await pipeline.poller.poll()
        page = await status(pipeline.board)
    health = {row["Report"]: row["Health"] for row in page.reports}
    assert health.pop("tools") == "not on this platform"
    assert set(health.values()) == {"good"}
    assert not page.problems


async def test_names_are_shown_and_never_interpreted() -> None:
    """Markup in a name is text, in the row and in the data of the script."""
    async with client_of(named()) as http:
        text = (await http.get("/")).text
    page = ParsedStatusPage.of(text)

    shown = {identity(row): row["Company"].rpartition(" ")[0] for row in page.companies}
    assert shown == {company: name.replace("\n", " ").strip() for company, name in NAMES.items()}
    assert text.count("<script") == 1


def many(count: int) -> Board:
    """Returns a board about so many companies, whose figures are their numbers."""
    names = {str(number): f"Company {number:04}" for number in range(1, count + 1)}
    held = Days(date(2026, 11, 18), NOON.date())
    column = Column(QUERIES.family, ("chat",))
    rows = (Row("chat", day, each, {column: float(each)}) for day in held for each in names)
    target = target_with(replace(RULES, calendar=Calendar()))
    return board_with(Reading(names, frozenset(MODES), tuple(rows)), held, NOON, target)


@pytest.mark.parametrize(
    ("query", "first", "last", "count"),
    [
        pytest.param("", 120, 71, 50, id="the-largest-first"),
        pytest.param("?page=3", 20, 1, 20, id="last-page"),
        pytest.param("?page=99", 20, 1, 20, id="beyond-the-last-page"),
        pytest.param("?page=x&sort=nothing", 120, 71, 50, id="nonsense"),
        pytest.param("?sort=company", 1, 50, 50, id="by-name"),
        pytest.param("?sort=-company", 120, 71, 50, id="by-name-backwards"),
        pytest.param("?sort=last_day", 1, 50, 50, id="by-figure"),
        pytest.param("?sort=-today", 120, 71, 50, id="by-figure-backwards"),
        pytest.param("?q=company+001", 19, 10, 10, id="by-words"),
        pytest.param("?q=77", 77, 77, 1, id="by-id-and-words"),
        pytest.param("?source=s&activity=user_queries", 120, 71, 50, id="source-and-activity"),
    ],
)
async def test_companies_can_be_found_among_many(query: str, first: int, last: int, count: int) -> None:
    """The server searches, sorts and pages all companies."""
    page = await status(many(120), query)
    assert len(page.companies) == count
    assert (identity(page.companies[0]), identity(page.companies[-1])) == (str(first), str(last))


async def test_no_company_matches() -> None:
    assert not (await status(many(3), "?q=nobody")).companies
    assert not (await status(many(3), "?source=other")).companies


async def test_runbooks_are_where_the_operator_has_them() -> None:
    """As the rules of his own do."""
    page = await status(await quiet(), links=Links("https://wiki.example/usage/docs"))
    assert "https://wiki.example/usage/docs/runbooks/ChatUsageActivityDropped.md" in page.links
    assert not any("example.org" in link for link in page.links)


async def test_without_an_address_of_the_runbooks_there_is_no_dead_link() -> None:
    """The example address is no link, but the runbook is named."""
    page = await status(await quiet(), links=Links())
    assert not any("example.org" in link for link in page.links)
    assert any(
        "what to do: runbook ChatUsageActivityDropped" in cell for row in page.companies for cell in row.values()
    )


async def test_a_company_links_to_its_dashboard() -> None:
    """With its source, as the alerts do, whatever its name holds; without the address of Grafana there is no link."""
    board = named()
    page = await status(board, links=Links(grafana="https://grafana.example/x"))
    found = [
        urlsplit(link) for link in page.links if link.startswith("https://grafana.example/x/d/chat-usage-company?")
    ]
    asked = [parse_qs(each.query) for each in found]
    assert {each["var-company"][0] for each in asked} == set(NAMES.values())
    assert all((each["var-source"], each["from"]) == (["s"], ["now-30d"]) for each in asked)
    assert not any("grafana" in link for link in (await status(board)).links)


async def test_every_link_works_or_is_of_a_runbook() -> None:
    """Pages, heads and files; nothing is loaded from another host."""
    board = await quiet()
    page = await status(board)
    async with client_of(board) as http:
        for link in page.links:
            if link.startswith(WIKI):
                assert (RUNBOOKS / link.removeprefix(f"{WIKI}/runbooks/")).is_file()
            else:
                assert (await http.get(link)).status_code == 200, link
    assert sum(link.startswith("static/") for link in page.links) == 3


async def test_the_page_is_rendered_once_a_minute_and_publication() -> None:
    """Other requests get the same bytes; another query, minute or publication gives another page."""
    files = dict.fromkeys(("icon.svg", "status.css", "status.js"), "")
    status_page, shown, board = StatusPage(files), Published(), named()
    state = PageState(board.shown, NOON, {})
    first = status_page.page(state, CompanyQuery())
    assert status_page.page(state._replace(now=NOON + timedelta(seconds=59)), CompanyQuery()) is first
    assert status_page.page(state, CompanyQuery(q="x")) is not first
    assert status_page.page(state._replace(now=NOON + timedelta(minutes=1)), CompanyQuery()) is not first
    assert status_page.page(state._replace(shown=shown), CompanyQuery()) is not first
    for number in range(100):
        status_page.page(state._replace(shown=shown), CompanyQuery(page=number))
    assert len(status_page._pages) == 64


async def test_headers_keep_everything_out() -> None:
    """No inline script, no other host, no frame; compressed where that is wanted."""
    async with client_of(named()) as http:
        page = await http.get("/", headers={"Accept-Encoding": "gzip"})
        plain = await http.get("/", headers={"Accept-Encoding": "identity"})
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; script-src 'self'")
    assert "unsafe" not in page.headers["content-security-policy"]
    assert (page.headers["x-content-type-options"], page.headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert (page.headers["content-encoding"], page.text) == ("gzip", plain.text)
    assert "content-encoding" not in plain.headers


async def test_headers_of_the_web_configuration_win(tmp_path: Path) -> None:
    """Who configures a policy of his own means it; the other headers stay."""
    (tmp_path / "web.yml").write_text("http_server_config: {headers: {Content-Security-Policy: sandbox}}\n")
    worker = Worker("readers")
    gated = BasicAuth(create_app(web_context(named(), worker)), LiveWebConfig(tmp_path / "web.yml").current)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gated), base_url="http://exporter") as http:
        for path in ("/", "/static/status.css", "/api/v1/days"):
            answer = await http.get(path)
            assert answer.headers.get_list("content-security-policy") == ["sandbox"]
            assert answer.headers["x-content-type-options"] == "nosniff"
    worker.close()


async def test_a_removed_source_is_neither_on_the_page_nor_in_the_api() -> None:
    """In the one step in which its series go."""
    board = named()
    board.replace({"s": NOTHING}, USUAL_LIMITS)
    async with client_of(board) as http:
        assert not (await get_days(http)).reports
    assert not (await status(board)).reports


async def test_excluded_families_are_not_on_the_page() -> None:
    """What is not on /metrics is not shown here either: a dash, and no limit."""
    async with paradigm(ManualClock(NOON), World.from_seed(3, 4), excluded=("chat_usage_activity_*",)) as pipeline:
        await pipeline.poller.poll()
        page = await status(pipeline.board)
    assert {(row["Last day"], row["Baseline"], row["Broken limit"].strip()) for row in page.companies} == {
        ("–", "–", "–")
    }


def test_a_picture_of_nothing_says_so() -> None:
    """A day without a figure has no bar, a day of zero has half a pixel."""
    assert sparkline([None, None], LAST, None, "sessions").description == "no complete day in the six weeks before"
    rendered = sparkline([0.0, None, 4.0], LAST, 2.0, "sessions")
    assert (rendered.bars, rendered.last, rendered.usual) == ("M1 24V23.5", "M7 24V1", "M0 12.5H126")


async def test_files_are_kept_by_browsers_until_they_change() -> None:
    """Their URL has a version; without it they are requested each time and the response is 304."""
    page = await status(named())
    address = next(link for link in page.links if "status.css" in link)
    async with client_of(Board()) as http:
        file = await http.get(f"/{address}")
        bare = await http.get("/static/status.css", headers={"If-None-Match": file.headers["etag"]})
        missing = [await http.get(f"/static/{name}") for name in ("other.css", "..%2fpress.py", "%2e%2e/press.py")]
    assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert file.headers["content-type"] == "text/css; charset=utf-8"
    assert (bare.status_code, bare.content, bare.headers["cache-control"]) == (304, b"", "no-cache")
    assert {each.status_code for each in missing} == {404}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "–"),
        (0.0, "0"),
        (61.0, "61"),
        (1234567.0, "1 234 567"),
        (68.5, "68.5"),
        (0.1234, "0.123"),
        (1782.5, "1 782"),
    ],
)
def test_figures_in_words(value: float | None, said: str) -> None:
    assert figure(value) == said.replace(" ", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=3, seconds=5), "3 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=47, minutes=59), "47 h 59 min"),
        (timedelta(days=2, hours=5), "2 days"),
    ],
)
def test_spans_in_words(length: timedelta, said: str) -> None:
    assert span(length) == said


def test_shares_in_words() -> None:
    assert [share(each) for each in (None, 0.0, 0.505, 12.5)] == ["–", "0 %", "50 %", "1\N{NO-BREAK SPACE}250 %"]
