"""/api/v1/days has the figures of /metrics and of the simulated platform for each held day."""

import asyncio
import csv
import dataclasses
import io
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from threading import Event
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from starlette.datastructures import QueryParams

from exporter.domain.model import Column, Days, Reading, Row
from exporter.domain.threads import Worker
from exporter.exposition.board import Board
from exporter.metrics.daily import DailyFigures
from exporter.metrics.label_limits import LabelLimits
from exporter.platforms.paradigm.platform import PLATFORM, QUERIES, TOOLS
from exporter.simulator.app import create_app as create_platform
from exporter.simulator.paradigm.world import MODES, World
from exporter.web.api.query import read
from exporter.web.app import create_app
from tests.pipeline.pipeline import RULES, ManualClock, Pipeline, set_scenarios, target_with, utc
from tests.pipeline.test_chatcaptain import Platform
from tests.web.api_client import Figure, Response, board_with, client_of, figures_of_window, figures_on, get_days
from tests.web.web_context import web_context

pytestmark = pytest.mark.anyio

NOON = utc(2026, 11, 20, 12)  # a Friday
LAST, TODAY = "2026-11-19", "2026-11-20"
DAY = timedelta(days=1)
REPORTS = tuple(PLATFORM.reports.values())


def paradigm(clock: ManualClock, world: World, **options: Any) -> Pipeline:
    """Returns a pipeline with all reports of a simulated Paradigm."""
    transport = httpx.ASGITransport(create_platform(world, clock.now, sleep=clock.sleep))
    return Pipeline(transport, clock, world.keys.admin, replace(target_with(reports=REPORTS), **options))


def sums(figures: list[Figure], length: int) -> Mapping[object, float]:
    """Adds up the figures of the days that end with the last one."""
    first = str(date.fromisoformat(LAST) - (length - 1) * DAY)
    total: dict[object, float] = {}
    for each in figures:
        if first <= each.date <= LAST:
            total[each.key] = total.get(each.key, 0.0) + each.value
    return total


@pytest.mark.parametrize("privacy", [0, 20], ids=["everybody", "groups-of-20"])
@pytest.mark.parametrize("tools", [50, 1], ids=["all-tools", "one-tool-and-others"])
async def test_every_figure_is_that_of_metrics(privacy: int, tools: int) -> None:
    """In both directions, for every measure of every report: the last day, today, and 28 days added up."""
    limits = LabelLimits({**LabelLimits().values, "tools": tools})
    async with paradigm(ManualClock(NOON), World.from_seed(3, 8), min_group=privacy, limits=limits) as pipeline:
        await pipeline.poller.poll()
        async with client_of(pipeline.board) as http:
            answer = await get_days(http)
        text = pipeline.text()

    measures = {each.measure for each in answer.figures}
    assert len(measures) == 12
    assert figures_on(answer.figures, LAST) == figures_of_window(text, "_last_day", measures)
    assert figures_on(answer.figures, TODAY) == figures_of_window(text, "_today", measures)
    month = figures_of_window(text, "_28d", measures)
    assert len(month) > 50
    added = sums(answer.figures, 28)
    assert month == {key: added[key] for key in month}


async def test_every_figure_of_chatcaptain_is_that_of_metrics() -> None:
    """Limited labels, channels and medians too."""
    place = Platform.of(RULES.zone, NOON, channels=3)
    target = replace(place.target(), rules=replace(RULES, keep_days=8))
    async with place.pipeline(target) as pipeline:
        await pipeline.poller.poll()
        async with client_of(pipeline.board) as http:
            answer = await get_days(http)
        text = pipeline.text()

    measures = {each.measure for each in answer.figures}
    assert len(measures) > 15
    assert figures_on(answer.figures, LAST) == figures_of_window(text, "_last_day", measures)
    assert figures_on(answer.figures, TODAY) == figures_of_window(text, "_today", measures)
    week, added = figures_of_window(text, "_7d", measures), sums(answer.figures, 7)
    assert len(week) > 20
    assert week == {key: added[key] for key in week}


async def test_every_held_day_has_the_platforms_own_numbers() -> None:
    """Each of 46 days and every company; a zero without a row only where the platform had one before."""
    world = World.from_seed(5, 12)
    async with paradigm(ManualClock(NOON), world) as pipeline:
        await pipeline.poller.poll()
        async with client_of(pipeline.board) as http:
            answer = await get_days(http, "measure=paradigm_user_queries")

    told = {(each.date, each.company_id, each.labels["mode"]): each for each in answer.figures}
    assert {each.date for each in answer.figures} == {str(NOON.date() - n * DAY) for n in range(46)}
    for company in world.companies:
        for mode in MODES:
            seen = False
            for day in (NOON.date() - n * DAY for n in range(45, -1, -1)):
                view = world.view(day, NOON)
                truth = view and world.figures(company, view, mode)
                figure = told.get((str(day), str(company.id), mode))
                seen |= truth is not None
                if truth:
                    assert figure is not None
                    assert (figure.value, figure.evidence) == (truth.user_queries, "row")
                elif seen:
                    assert figure is not None
                    assert (figure.value, figure.evidence) == (0, "silence")
                else:
                    assert figure is None


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param(
            utc(2026, 11, 20, 12),
            {"11-20": "today", "11-19": "published", "11-17": "published", "11-16": "final", "10-06": "final"},
            id="noon",
        ),
        pytest.param(utc(2026, 11, 20, 3), {"11-20": "today", "11-19": "settling", "11-18": "published"}, id="night"),
    ],
)
async def test_states_of_days(at: datetime, expected: Mapping[str, str]) -> None:
    """Today is partial; an ended day settles for 6 hours; a re-read day is published; others are final."""
    async with paradigm(ManualClock(at), World.from_seed(3, 8)) as pipeline:
        await pipeline.poller.poll()
        async with client_of(pipeline.board) as http:
            answer = await get_days(http)

    states = answer.states()
    assert expected == {day: states[f"2026-{day}"] for day in expected}
    assert {each.state for each in answer.figures if each.date == "2026-11-19"} == {expected["11-19"]}
    settling = [each for each in answer.figures if each.state == "settling"]
    assert {each.evidence for each in settling} <= {"row"}
    assert bool(settling) is (expected["11-19"] == "settling")
    assert answer.reports[0].last_day == max(day for day, state in states.items() if state == "published")


async def test_a_day_that_waits_for_its_rows_has_no_figures() -> None:
    """A business day without rows is empty instead of 0, until a row arrives or 24 hours have passed."""
    clock, world = ManualClock(NOON), World.from_seed(3, 8)
    transport = httpx.ASGITransport(create_platform(world, clock.now, sleep=clock.sleep, scenarios=("late-day",)))
    async with Pipeline(transport, clock, world.keys.admin) as pipeline, client_of(pipeline.board) as http:
        await pipeline.poller.poll()
        waiting = await get_days(http)
        clock.moment += timedelta(hours=3)
        await pipeline.poller.poll()
        arrived = await get_days(http)

    assert waiting.states()[LAST] == "empty"
    assert not figures_on(waiting.figures, LAST)
    assert arrived.states()[LAST] == "published"
    assert figures_on(arrived.figures, LAST)


async def test_stale_figures_are_gone_as_from_metrics() -> None:
    """After max_staleness without a poll that read anything; the report is named, as stale."""
    clock = ManualClock(NOON)
    async with paradigm(clock, World.from_seed(3, 8)) as pipeline, client_of(pipeline.board) as http:
        await pipeline.poller.poll()
        clock.moment += timedelta(days=3, seconds=1)
        await pipeline.poller.render_all()
        answer = await get_days(http)

    assert not answer.figures
    assert {(each.stale, each.last_day, len(each.days)) for each in answer.reports} == {(True, None, 0)}


async def test_a_withdrawn_company_has_no_figures() -> None:
    """As it has no series."""
    clock, world = ManualClock(NOON), World.from_seed(3, 8)
    transport = httpx.ASGITransport(create_platform(world, clock.now, sleep=clock.sleep))
    async with Pipeline(transport, clock, world.keys.admin) as pipeline, client_of(pipeline.board) as http:
        await pipeline.poller.poll()
        async with httpx.AsyncClient(transport=transport) as platform:
            await set_scenarios(platform, "missing-company")
        await pipeline.poller.poll()
        gone = str(world.busiest(1).id)
        assert not (await get_days(http, f"company=id:{gone}")).figures
        assert (await get_days(http)).figures


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        pytest.param("company=id:1", lambda each: each.company_id == "1", id="company-by-id"),
        pytest.param("company=name:N*&company=3", lambda each: each.company_id in "13", id="two-companies"),
        pytest.param(f"from={LAST}&to={LAST}", lambda each: each.date == LAST, id="one-day"),
        pytest.param("from=2026-11-01", lambda each: each.date >= "2026-11-01", id="since-a-day"),
        pytest.param("to=2026-11-01", lambda each: each.date <= "2026-11-01", id="until-a-day"),
        pytest.param("source=s", lambda _: True, id="source"),
        pytest.param(
            "measure=paradigm_tool_uses&measure=paradigm_sessions",
            lambda each: each.measure in ("paradigm_tool_uses", "paradigm_sessions"),
            id="two-measures",
        ),
        pytest.param("company=id:none", lambda _: False, id="nobody"),
        pytest.param("from=2030-01-01", lambda _: False, id="no-day"),
    ],
)
async def test_filters_leave_what_they_say(query: str, fits: Any) -> None:
    """A filtered response is the full one without other rows, in the same order; days are filtered too."""
    async with paradigm(ManualClock(NOON), World.from_seed(3, 4)) as pipeline, client_of(pipeline.board) as http:
        await pipeline.poller.poll()
        whole, part = await get_days(http), await get_days(http, query)

    assert part.figures == [each for each in whole.figures if fits(each)]
    kept = {each.date for each in part.figures}
    assert kept <= {day.date for report in part.reports for day in report.days}


async def test_joined_pages_are_the_full_response() -> None:
    """Whatever their size, in JSON and in CSV; companies stand in the order of their ids."""
    async with paradigm(ManualClock(NOON), World.from_seed(3, 11)) as pipeline, client_of(pipeline.board) as http:
        await pipeline.poller.poll()
        whole = await get_days(http, f"from={LAST}")
        table = (await http.get(f"/api/v1/days?from={LAST}&format=csv")).text
        for size in (1, 4, 100):
            assert whole.figures == [each for page in await pages(http, f"from={LAST}", size) for each in page.figures]
            assert table == await lines(http, f"from={LAST}", size)

    ids = list(dict.fromkeys(each.company_id for each in whole.figures))
    assert ids == sorted(ids, key=int)
    assert len(ids) > 8


async def pages(http: httpx.AsyncClient, query: str, size: int) -> list[Response]:
    """Follows `next` to the end."""
    found = [await get_days(http, f"{query}&limit={size}")]
    while found[-1].next:
        assert len({each.company_id for each in found[-1].figures}) == size
        found.append(await get_days(http, f"{query}&limit={size}&cursor={found[-1].next}"))
    return found


async def lines(http: httpx.AsyncClient, query: str, size: int) -> str:
    """Follows the header Link to the end; the header line counts once."""
    page = await http.get(f"/api/v1/days?{query}&format=csv&limit={size}")
    text = page.text
    while "next" in page.links:
        page = await http.get(page.url.join(page.links["next"]["url"]))
        text += page.text.partition("\r\n")[2]
    return text


NAMES = {
    "1": '=HYPERLINK("https://evil.example")',
    "2": "+49 30 1234",
    "3": "-1+1",
    "4": "@SUM(A1)",
    "5": "\t=1",
    "6": "<script>alert(\"1\")</script>, & 'x'",
    "7": "two\nlines",
    "8": "＝1+1",
    "9": "Zoë 🚀",
}


def named(names: Mapping[str, str] = NAMES, figure: float = 12.0, since: date = date(2026, 11, 18)) -> Board:
    """Returns a board about companies with these names; each has the same figure on each day."""
    held = Days(since, NOON.date())
    rows = (Row("chat", day, each, {Column(QUERIES.family, ("chat",)): figure}) for day in held for each in names)
    return board_with(Reading(names, frozenset(MODES), tuple(rows)), held, NOON)


async def test_who_is_in_one_mode_only_has_no_figures_of_the_other() -> None:
    """Not even if it is requested alone."""
    held = Days(NOON.date() - DAY, NOON.date())
    rows = tuple(
        Row(mode, day, company, {Column(QUERIES.family, (mode,)): 1.0})
        for day in held
        for company, mode in (("1", "chat"), ("2", "agent"))
    )
    async with client_of(board_with(Reading({"1": "A", "2": "B"}, frozenset(MODES), rows), held, NOON)) as http:
        for company, mode in (("1", "chat"), ("2", "agent")):
            answer = await get_days(http, f"company=id:{company}")
            assert {each.labels["mode"] for each in answer.figures} == {mode}


async def test_a_tool_counts_zero_on_complete_days_alone() -> None:
    """A company without a row on a day that still settles may get one."""
    night, column = utc(2026, 11, 20, 3), Column("paradigm_tool_uses", ("Search",))
    rows = [Row("all", date(2026, 11, day), "1", {column: 2.0}) for day in (17, 18, 19, 20)]
    rows += [Row("all", date(2026, 11, 17), "2", {column: 5.0})]
    target = target_with(reports=(TOOLS,))
    held = Days(date(2026, 11, 17), night.date())
    reading = Reading({"1": "A", "2": "B"}, frozenset(["all"]), tuple(rows))
    async with client_of(board_with(reading, held, night, target)) as http:
        answer = await get_days(http, "company=2")

    told = [(each.date, each.value, each.state, each.evidence) for each in answer.figures]
    assert told == [("2026-11-17", 5.0, "published", "row"), ("2026-11-18", 0.0, "published", "silence")]
    assert answer.states("tools")["2026-11-19"] == "settling"


async def test_json_tells_names_as_they_are() -> None:
    """Markup, line ends and emoji are text, and browsers do not sniff the type."""
    async with client_of(named()) as http:
        answer = await get_days(http)
        headers = (await http.get("/api/v1/days")).headers

    assert {each.company_id: each.company for each in answer.figures} == NAMES
    assert headers["content-type"] == "application/json"
    assert headers["x-content-type-options"] == "nosniff"


async def test_csv_has_no_formula_and_else_the_same() -> None:
    """Text that could be a formula in a spreadsheet starts with an apostrophe."""
    async with client_of(named()) as http:
        answer = await get_days(http)
        response = await http.get("/api/v1/days", headers={"Accept": "text/csv"})
        table = list(csv.DictReader(io.StringIO(response.text, newline="")))

    assert response.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert response.headers["content-disposition"] == 'attachment; filename="days.csv"'
    assert [(each.date, each.company_id, each.value, each.state, each.evidence) for each in answer.figures] == [
        (row["date"], row["company_id"], float(row["value"]), row["state"], row["evidence"]) for row in table
    ]
    for row in table:
        name = NAMES[row["company_id"]]
        assert row["company"] == (name if name[0] in "<tZ" else f"'{name}".replace("\t=", "\t'="))
        assert (row["measure"], row["label"], row["label_value"]) == ("paradigm_user_queries", "mode", "chat")
        assert (row["second_label"], row["second_label_value"], row["value"]) == ("", "", "12")


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        pytest.param(0.0, "0", id="zero"),
        pytest.param(1234567.0, "1234567", id="whole"),
        pytest.param(61.25, "61.25", id="broken"),
        pytest.param(1e17, "100000000000000000", id="large"),
    ],
)
async def test_numbers_of_csv(figure: float, text: str) -> None:
    """Whole ones have no point, which is a thousands separator in half of Europe; numbers are never quoted."""
    async with client_of(named({"1": "One"}, figure, NOON.date())) as http:
        line = (await http.get("/api/v1/days?format=csv")).text.splitlines()[1]
    texts = ("s", "chat-sessions", "1", "One", "paradigm_user_queries", "mode", "chat", "", "")
    quoted = [f'"{each}"' for each in (TODAY, *texts, "today", "row")]
    assert line == ",".join((*quoted[:10], text, *quoted[10:]))


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        pytest.param("ACME;=cmd|' /C calc'!A1", "ACME;'=cmd|' /C calc'!A1", id="behind-a-semicolon"),
        pytest.param('ACME; "=1', "ACME; \"'=1", id="behind-a-semicolon-and-blanks"),
        pytest.param("ACME\t＋1", "ACME\t'＋1", id="behind-a-tab"),
        pytest.param(" \xa0=1", "' \xa0=1", id="behind-blanks"),
        pytest.param("\x01=1", "'\x01=1", id="behind-a-control-character"),
        pytest.param("a=b; c - d", "a=b; c - d", id="no-formula"),
    ],
)
async def test_no_cell_of_any_locale_begins_a_formula(name: str, cell: str) -> None:
    """With a semicolon between cells, as in France and Germany, quotes within a line mean nothing."""
    async with client_of(named({"1": name})) as http:
        [_, row, *_] = csv.reader(io.StringIO((await http.get("/api/v1/days?format=csv")).text, newline=""))
    assert row[4] == cell


@pytest.mark.parametrize(
    ("accept", "query", "json"),
    [
        pytest.param("", "", True, id="nothing-said"),
        pytest.param("*/*", "", True, id="anything"),
        pytest.param("text/csv", "", False, id="csv"),
        pytest.param("text/*", "", False, id="some-text"),
        pytest.param("text/csv;q=0.4, application/json;q=0.5", "", True, id="json-better"),
        pytest.param("text/html,application/xml;q=0.9,*/*;q=0.8", "", True, id="a-browser"),
        pytest.param("text/csv", "?format=json", True, id="format-goes-first"),
        pytest.param("application/json", "?format=csv", False, id="csv-by-format"),
    ],
)
async def test_the_format_is_the_requested_one(accept: str, query: str, json: bool) -> None:
    async with client_of(named()) as http:
        response = await http.get(f"/api/v1/days{query}", headers={"Accept": accept})
    assert response.headers["content-type"].startswith("application/json" if json else "text/csv")


WRONG = {
    "form=2026-11-01": 'the parameter "form" does not exist; did you mean "format"?',
    "x=1": 'the parameter "x" does not exist; known: company, cursor, format, from, limit, measure, source, to',
    "source=S": 'the source "S" does not exist; did you mean "s"?',
    "source=": 'the source "" does not exist; known: s',
    "measure=paradigm_user_queries_last_day": 'the measure "paradigm_user_queries_last_day" does not exist; '
    'did you mean "paradigm_user_queries"?',
    "from=2026-02-30": 'from="2026-02-30" is not a day; write it as 2026-03-02',
    "to=20261120": 'to="20261120" is not a day; write it as 2026-03-02',
    "from=2026-11-02&to=2026-11-01": "from=2026-11-02 is after to=2026-11-01; swap them",
    "from=2026-11-02&from=2026-11-01": "from is given 2 times; give it once",
    "limit=0": 'limit="0" is not a number of companies; give 1 to 10000',
    "limit=10001": 'limit="10001" is not a number of companies; give 1 to 10000',
    "limit=%D9%A3": 'limit="٣" is not a number of companies; give 1 to 10000',
    "cursor=17": 'cursor="17" is not a cursor of this API; take it from next of the previous page',
    "format=xml": 'the format "xml" does not exist; known: csv, json',
    "format=JSON": 'the format "JSON" does not exist; did you mean "json"?',
    "company="
    + "a" * 257: f'company="{"a" * 60}..." is not a selector; give id:17 or name:Nor*, 256 characters at most',
    "company=id:": 'company="id:" is not a selector; give id:17 or name:Nor*, 256 characters at most',
    "source=a%0Ab": "the source 'a\\nb' does not exist; known: s",
}


@pytest.mark.parametrize("query", WRONG, ids=[each[:24] for each in WRONG])
async def test_a_wrong_parameter_is_named_in_one_line(query: str) -> None:
    """Errors are JSON in any case, with what, where and remedy."""
    async with client_of(named()) as http:
        response = await http.get(f"/api/v1/days?{query}", headers={"Accept": "text/csv"})
    assert (response.status_code, response.json()) == (400, {"error": WRONG[query]})


def test_a_selector_may_have_globs_and_an_empty_one_matches_nothing() -> None:
    assert read(QueryParams("company=name:N*&company="), {}).company == ("name:N*", "")


async def test_nothing_is_sent_twice() -> None:
    """A client that has the newest version gets 304, after polls that changed no figure too; a new figure is sent."""
    clock, world = ManualClock(NOON), World.from_seed(3, 8)
    async with paradigm(clock, world) as pipeline, client_of(pipeline.board) as http:
        await pipeline.poller.poll()
        first = await http.get("/api/v1/days?to=2026-11-19")
        have = {"If-None-Match": f'"other", {first.headers["etag"]}'}
        await pipeline.poller.render_all()
        same = await http.get("/api/v1/days?to=2026-11-19", headers=have)
        another = await http.get("/api/v1/days?to=2026-11-18", headers=have)
        table = await http.get("/api/v1/days?to=2026-11-19&format=csv", headers=have)
        clock.moment += timedelta(hours=4)
        await pipeline.poller.poll()
        later = await http.get("/api/v1/days?to=2026-11-19", headers=have)

    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    assert [each.status_code for each in (another, table, later)] == [200, 200, 200]
    assert (later.status_code, later.headers["etag"] != first.headers["etag"]) == (200, True)


async def test_another_definition_of_the_same_figures_is_another_version() -> None:
    """A reload may change it: then a client with the figures of before gets them as they are defined now."""
    held, column = Days(date(2026, 11, 17), NOON.date()), Column("paradigm_tool_uses", ("Search",))
    reading = Reading({"1": "A"}, frozenset(["all"]), tuple(Row("all", day, "1", {column: 2.0}) for day in held))
    measure, versions = TOOLS.measure, []
    for defined in (measure, measure, dataclasses.replace(measure, labels=("plugin",))):
        target = target_with(reports=(dataclasses.replace(TOOLS, measure=defined),))
        async with client_of(board_with(reading, held, NOON, target)) as http:
            versions.append((await http.get("/api/v1/days")).headers["etag"])
    assert versions[1] == versions[0]
    assert versions[2] != versions[0]


async def test_a_row_that_is_lost_is_another_version() -> None:
    """Its figures are unknown, those of a row without figures are 0."""
    held, column = Days(date(2026, 11, 17), NOON.date()), Column("paradigm_tool_uses", ("Search",))
    reading = Reading({"1": "A"}, frozenset(["all"]), tuple(Row("all", day, "1", {column: 2.0}) for day in held))
    (view,) = board_with(reading, held, NOON, target_with(reports=(TOOLS,))).shown.views.values()
    day, block = next(iter(view.ledger.blocks.items()))
    lost = replace(block.tables["all"], lost=frozenset(["1"]))
    blocks = {**view.ledger.blocks, day: replace(block, tables={"all": lost})}
    of_lost = DailyFigures(replace(view, ledger=replace(view.ledger, blocks=blocks)))
    held_days, families = frozenset(held), frozenset([TOOLS.measure.family])
    before, after = (list(each.figures(["1"], families, held_days)) for each in (DailyFigures(view), of_lost))
    assert before != after
    assert DailyFigures(view).version != of_lost.version


async def test_a_poll_that_changes_nothing_keeps_the_version() -> None:
    """In the night the simulated companies sleep: two polls of the same moment are two publications of one truth."""
    clock, world = ManualClock(NOON), World.from_seed(3, 8)
    async with paradigm(clock, world) as pipeline, client_of(pipeline.board) as http:
        await pipeline.poller.poll()
        before = (await http.get("/api/v1/days")).headers["etag"]
        shown = pipeline.board.shown
        clock.moment += timedelta(seconds=1)
        await pipeline.poller.poll()
        assert shown is not pipeline.board.shown
        assert before == (await http.get("/api/v1/days")).headers["etag"]


@pytest.mark.parametrize("query", ["", "?format=csv", "?limit=1"])
async def test_gzip_and_head(query: str) -> None:
    """Compressed where that is wanted, in pieces that are one stream; HEAD has the same headers and no body."""
    async with client_of(named()) as http:
        plain = await http.get(f"/api/v1/days{query}", headers={"Accept-Encoding": "identity"})
        packed = await http.get(f"/api/v1/days{query}", headers={"Accept-Encoding": "gzip"})
        head = await http.head(f"/api/v1/days{query}", headers={"Accept-Encoding": "gzip"})

    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == plain.text
    assert (head.status_code, head.headers, head.content) == (200, packed.headers, b"")
    assert plain.headers["vary"] == "Accept, Accept-Encoding"


async def test_a_scrape_does_not_wait_for_a_reader() -> None:
    """Nor does anything else on the event loop during a long response."""
    worker, end = Worker("readers"), Event()
    transport = httpx.ASGITransport(create_app(web_context(named(), worker)))
    async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as http, asyncio.TaskGroup() as group:
        busy = group.create_task(worker.run(lambda: end.wait(20)))
        await asyncio.sleep(0)  # so that it stands in the queue before the reader
        reader = group.create_task(http.get("/api/v1/days"))
        assert (await http.get("/metrics")).status_code == 200
        assert not reader.done()
        end.set()
        await busy
        assert (await reader).status_code == 200
    worker.close()


async def test_before_anything_is_published_there_is_nothing() -> None:
    async with client_of(Board()) as http:
        assert await get_days(http) == Response([], [], None)
        assert (await http.get("/api/v1/days?source=s")).json() == {
            "error": 'the source "s" does not exist; known: none'
        }


async def test_an_excluded_family_is_not_served() -> None:
    """A measure of which one window is unwanted stays: its days are the same."""
    for excluded, there in ((("paradigm_sessions_*",), False), (("paradigm_sessions_7d",), True)):
        async with paradigm(ManualClock(NOON), World.from_seed(3, 2), excluded=excluded) as pipeline:
            await pipeline.poller.poll()
            async with client_of(pipeline.board) as http:
                answer = await get_days(http)
        assert ("paradigm_sessions" in {each.measure for each in answer.figures}) is there


async def test_the_description_names_what_there_is() -> None:
    """OpenAPI 3.1, with this configuration's sources and measures, so that a tool can offer them."""
    async with client_of(named()) as http:
        response = await http.get("/api/v1/openapi.json")
    document = response.json()
    parameters = {each["name"]: each["schema"] for each in document["paths"]["/api/v1/days"]["get"]["parameters"]}
    assert document["openapi"] == "3.1.0"
    assert parameters["source"]["items"]["enum"] == ["s"]
    assert "paradigm_user_queries" in parameters["measure"]["items"]["enum"]
    assert "paradigm_last_model_response_timestamp_seconds" not in parameters["measure"]["items"]["enum"]
