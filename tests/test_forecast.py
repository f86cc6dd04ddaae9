"""The forecast is right: it equals the series of /metrics and the requests that the simulated platform counts."""

import dataclasses
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from msgspec.structs import replace
from starlette.applications import Starlette

from exporter.domain.model import Column, Days, Measure, Reading
from exporter.domain.scope import Scope
from exporter.exposition.text import Format
from exporter.forecast import DAY, MINUTE, Forecast, Size, forecast, most_polls, most_requests_in_a_minute, polls
from exporter.http.client import Bucket
from exporter.metrics.label_limits import LabelLimits
from exporter.metrics.report_health import FIELD_INFO
from exporter.metrics.target import Target
from exporter.platforms.api import NO_DISCOVERIES, Context, Discoveries, Report, ReportDefaults, Request
from exporter.platforms.paradigm.platform import CHAT_SESSIONS, REPORTS, USER_ACTIVITIES, USERS
from exporter.polling.schedule import triggers
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import MODES, World
from tests.pipeline.pipeline import RULES, ManualClock, Pipeline, utc

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
UTC_ZONE, PARIS, LORD_HOWE = ZoneInfo("UTC"), ZoneInfo("Europe/Paris"), ZoneInfo("Australia/Lord_Howe")
NOW = utc(2026, 11, 20, 18)
EVERY_REPORT = tuple(REPORTS.values())


@dataclass(frozen=True, slots=True)
class OneDayPerRequest(ReportDefaults):
    """A chat-sessions report with one request per day."""

    name: str = CHAT_SESSIONS.name
    measures: tuple[Measure, ...] = CHAT_SESSIONS.measures
    day_bytes: int = CHAT_SESSIONS.day_bytes
    asks_by_day: bool = True

    @property
    def parts(self) -> Mapping[str, tuple[Column, ...]]:
        return CHAT_SESSIONS.parts

    def plan(self, days: Days, scope: Scope, discoveries: Discoveries = NO_DISCOVERIES) -> tuple[Request, ...]:
        return tuple(request for day in days for request in CHAT_SESSIONS.plan(Days(day, day), scope))

    def decode(self, body: bytes, request: Request, context: Context) -> Reading:
        return CHAT_SESSIONS.decode(body, request, context)


def moments(target: Target, begin: datetime, span: timedelta, chance: random.Random) -> list[datetime]:
    """Returns when polls start in the `span` after a start, by asking the triggers as APScheduler does."""
    found = []
    for name, trigger in triggers(target, chance).items():
        moment = begin if name == "interval" else trigger.get_next_fire_time(None, begin)
        while moment < begin + span:
            found.append(moment)
            moment = trigger.get_next_fire_time(moment, moment)
    return sorted(found)


def most_within(span: timedelta, found: Sequence[datetime]) -> int:
    """Returns the maximum of moments in any `span`, by counting."""
    return max(sum(first <= moment < first + span for moment in found[place:]) for place, first in enumerate(found))


def foretell(target: Target, companies: int = 1, now: datetime = NOW) -> Forecast:
    return forecast([target], Size(companies), now)


def target_with(*reports: Report, scope: Scope | None = None) -> Target:
    return Target("s", "paradigm", reports or (CHAT_SESSIONS,), scope or Scope(), RULES, HOUR)


def polled(interval: timedelta, jitter: float, zone: ZoneInfo, settle: timedelta) -> Target:
    return replace(target_with(), interval=interval, jitter=jitter, rules=replace(RULES, zone=zone, settle=settle))


# Series


def served(pipeline: Pipeline) -> Mapping[str, int]:
    """Counts the sample lines of a scrape by family."""
    lines = (
        (pipeline.board.shown.exposition[Format.TEXT].plain + pipeline.telemetry.tail(Format.TEXT))
        .decode()
        .splitlines()
    )
    counts: Counter[str] = Counter()
    family = ""
    for line in lines:
        if line.startswith("# TYPE "):
            family = line.split()[2]
        elif not line.startswith("#"):
            counts[family] += 1
    return counts


def everybody_everywhere(companies: int) -> World:
    """Makes a world in which each company has rows in both modes, yesterday and today."""
    world = World.from_seed(1, companies).under(lambda _company, _view: 1000.0)
    for company in world.companies:
        days = (NOW.date(), NOW.date() - timedelta(days=1))
        if not all(world.truth(company.id, day, mode, at=NOW) for day in days for mode in MODES):
            world = world.without(company.id)
    return world


TOOLS_OF_THE_SIMULATOR = 6


async def foreseen_and_served(target: Target) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Returns the series by family as they are foretold, and as a page has them after a poll of many companies.

    What the platform says of its fields is left out: that cannot be foreseen.
    """
    world, clock = everybody_everywhere(40), ManualClock(NOW)
    companies = len(world.companies)
    transport = httpx.ASGITransport(create_app(world, clock.now, sleep=clock.sleep))
    async with Pipeline(transport, clock, world.keys.admin, target) as pipeline:
        await pipeline.poller.poll()
        foreseen = foretell(target, companies=companies)
        page = served(pipeline)

    assert companies > 25
    assert page[FIELD_INFO.name] > 0
    counted = added_up(foreseen)
    assert foreseen.total_series == sum(counted.values())
    return counted, {family: count for family, count in page.items() if family != FIELD_INFO.name}


def added_up(foreseen: Forecast) -> Mapping[str, int]:
    """Adds up the series of the process, its sources and their reports."""
    total = Counter(foreseen.series)
    for source in foreseen.sources:
        total += sum((Counter(report.series) for report in source.reports), Counter(source.series))
    return total


@pytest.mark.parametrize("excluded", [(), ("*_today", "chat_usage_poll_*")], ids=["all families", "some excluded"])
@pytest.mark.parametrize("reports", [(CHAT_SESSIONS,), EVERY_REPORT], ids=["one report", "all reports"])
async def test_the_series_foretold_are_the_series_served(
    reports: tuple[Report, ...], excluded: tuple[str, ...]
) -> None:
    """For every family, also levels, health and live metrics, if each company has more tools than are kept."""
    limits = LabelLimits({"tools": TOOLS_OF_THE_SIMULATOR - 1})
    foreseen, page = await foreseen_and_served(replace(target_with(*reports), excluded=excluded, limits=limits))

    assert foreseen == page


async def test_open_labels_have_at_most_the_series_foretold() -> None:
    """Per company and window there are as many tools as are kept, and one `other`; other families are as forecast."""
    foreseen, page = await foreseen_and_served(target_with(*EVERY_REPORT))

    kept = {f"paradigm_tool_uses_{window}": 50 + 1 for window in ("last_day", "7d", "28d")}
    assert foreseen == {**page, **{family: page[family] // TOOLS_OF_THE_SIMULATOR * n for family, n in kept.items()}}


@pytest.mark.parametrize("min_group", [0, 5])
def test_series_do_not_hang_on_the_size_of_groups(min_group: int) -> None:
    """The maximum assumes that every group is large enough to be served."""
    target = target_with(USERS, USER_ACTIVITIES)

    assert foretell(replace(target, min_group=min_group)) == foretell(target)


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_series_do_not_hang_on_the_hour(hour: int) -> None:
    """The forecast is the worst case also before yesterday has settled."""
    at_hour, later = (foretell(target_with(), now=utc(2026, 11, 20, hour)), foretell(target_with()))

    assert at_hour.total_series == later.total_series


def test_each_source_has_its_own_series_and_the_process_has_its_once() -> None:
    """Two equal sources have twice the series of one, except for those of the process."""
    one = foretell(target_with())
    both = forecast([replace(target_with(), source=name) for name in ("a", "b")], Size(1), NOW)

    process = sum(one.series.values())
    assert both.total_series == 2 * (one.total_series - process) + process


# Calls


async def asked(world: World, target: Target, key: str, polls_at: Sequence[datetime]) -> Mapping[str, int]:
    """Returns how many requests the simulated platform counts by report, after a first poll an hour earlier."""
    clock = ManualClock(polls_at[0] - HOUR)
    transport = httpx.ASGITransport(create_app(world, clock.now, sleep=clock.sleep))
    async with Pipeline(transport, clock, key, target) as pipeline:
        await pipeline.poller.poll()
        before = await counted(transport)
        for clock.moment in polls_at:
            await pipeline.poller.poll()
    after = await counted(transport)
    return {
        report.name: after[request.path] - before[request.path]
        for report in target.reports
        for request in report.plan(Days(polls_at[0].date(), polls_at[0].date()), target.scope)
    }


async def counted(transport: httpx.ASGITransport) -> Mapping[str, int]:
    """Returns how many requests the simulated platform has counted, by path."""
    async with httpx.AsyncClient(transport=transport, base_url="https://paradigm.example") as control:
        requests: dict[str, int] = (await control.get("/control")).json()["requests"]
    return requests


def calls(foreseen: Forecast) -> Mapping[str, float]:
    """Returns the expected calls of each report of the only source."""
    [source] = foreseen.sources
    return {report.name: report.calls.expected for report in source.reports}


@pytest.mark.parametrize(
    ("report", "begin", "expected"),
    [
        pytest.param(CHAT_SESSIONS, utc(2026, 11, 20), 26 + 1, id="a calendar day"),
        pytest.param(CHAT_SESSIONS, utc(2026, 11, 20, 17, 23), 26 + 1, id="24 hours from any start"),
        pytest.param(OneDayPerRequest(), utc(2026, 11, 20), 26 * 4 + 42, id="a request per day asked"),
    ],
)
async def test_the_calls_foretold_are_the_calls_made(report: Report, begin: datetime, expected: int) -> None:
    """Without jitter and with an interval that divides a day, it is exact: 26 polls and a refresh pass."""
    world, target = World.from_seed(1, 3), target_with(report)
    made = await asked(world, target, world.keys.admin, moments(target, begin, DAY, random.Random(1)))

    assert made == calls(foretell(target)) == {report.name: expected}


@pytest.mark.parametrize("begin", [utc(2026, 11, 20), utc(2026, 11, 20, 17, 23)], ids=["a calendar day", "24 hours"])
async def test_the_calls_foretold_of_every_report_are_the_calls_made(begin: datetime) -> None:
    """It is exact for each report; members are current levels without past days."""
    world, target = World.from_seed(1, 3), target_with(*EVERY_REPORT)
    made = await asked(world, target, world.keys.admin, moments(target, begin, DAY, random.Random(1)))

    assert made == calls(foretell(target)) == {name: 26 + (name != "users") for name in REPORTS}


async def test_a_report_that_the_platform_lacks_costs_one_call_a_day() -> None:
    """With `reports: auto` the forecast assumes that the platform has all reports, and is right about those it has."""
    lacked = {
        name: dataclasses.replace(REPORTS[name], path=f"/api/v2/reporting/no-{name}/") for name in ("tools", "users")
    }
    world, target = World.from_seed(1, 3), target_with(*{**REPORTS, **lacked}.values())
    polls_at = moments(target, utc(2026, 11, 20), DAY, random.Random(1))
    made = await asked(world, target, world.keys.admin, polls_at)

    assert made == {**calls(foretell(target)), "tools": 1, "users": 1}


class Spacious(httpx.ASGITransport):
    """A platform with so many companies, whose answers are as large as the report forecasts, most of it spaces."""

    def __init__(self, app: Starlette, companies: int) -> None:
        super().__init__(app)
        self._companies = companies
        self._day_bytes = {report.path: report.day_bytes for report in EVERY_REPORT}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        first, last = (date.fromisoformat(request.url.params[name]) for name in ("start_date", "end_date"))
        size = self._day_bytes[request.url.path] * self._companies * len(Days(first, last))
        return httpx.Response(answer.status_code, stream=httpx.ByteStream((await answer.aread()).ljust(size)))


async def test_the_pieces_foretold_are_the_pieces_asked() -> None:
    """For past days of many companies; reports with larger answers need more calls."""
    companies, clock = 400, ManualClock(NOW)
    world, target = World.from_seed(1, 3), target_with(*EVERY_REPORT)
    app = create_app(world, clock.now, sleep=clock.sleep)
    async with Pipeline(Spacious(app, companies), clock, world.keys.admin, target) as pipeline:
        await pipeline.poller.poll()
    made = await counted(httpx.ASGITransport(app))

    foreseen = calls(foretell(target, companies=companies))
    polls_a_day = polls(target, NOW).expected
    assert {name: made[report.path] - 1 for name, report in REPORTS.items()} == {
        name: expected - polls_a_day for name, expected in foreseen.items()
    }
    assert foreseen["used-documents"] > foreseen["chat-sessions"] > polls_a_day + 1 > foreseen["users"]


async def test_a_filter_that_is_refused_costs_one_call_a_day() -> None:
    """`most` includes the request that gets a 403, `expected` does not."""
    world, target = World.from_seed(1, 3), target_with(scope=Scope("2"))
    polls_at = moments(target, utc(2026, 11, 20), DAY, random.Random(1))
    refused = await asked(world, target, world.keys.company_admin, polls_at)
    granted = await asked(world, target, world.keys.admin, polls_at)

    foreseen = foretell(target).calls
    assert [granted, refused] == [{"chat-sessions": foreseen.expected}, {"chat-sessions": foreseen.expected + 1}]
    assert foreseen.most == polls(target, NOW).most + 2 + 2  # passes, and refusals: one a day, and one after a start


POLLED = [
    pytest.param(polled(HOUR, 0.1, UTC_ZONE, timedelta(hours=6)), id="default"),
    pytest.param(polled(HOUR, 0.5, PARIS, timedelta(hours=30)), id="much jitter, long settle, clock changes"),
    pytest.param(polled(7 * HOUR, 0.0, UTC_ZONE, timedelta(hours=6)), id="no divisor of a day"),
    pytest.param(polled(timedelta(days=3), 0.2, LORD_HOWE, timedelta(hours=23)), id="less than daily"),
    pytest.param(polled(12 * HOUR, 0.0, PARIS, timedelta(0)), id="no settle time"),
    pytest.param(
        polled(timedelta(minutes=20), 0.3, PARIS, timedelta(hours=23, minutes=59)), id="settle meets midnight"
    ),
]


@pytest.mark.parametrize("target", POLLED)
def test_expected_polls_are_the_mean_of_a_year(target: Target) -> None:
    """Jitter only delays: an hourly poll with a jitter of 10 % starts 22.9 times a day, not 24."""
    days = 365
    found = moments(target, utc(2026, 1, 1), days * DAY, random.Random(1))

    assert len(found) / days == pytest.approx(polls(target, utc(2026, 1, 1)).expected, rel=0.01)


@pytest.mark.parametrize("target", POLLED)
@pytest.mark.parametrize("span", [DAY, MINUTE], ids=["24 hours", "a minute"])
def test_no_span_has_more_polls_than_foretold(target: Target, span: timedelta) -> None:
    """With any jitter, also when clocks change."""
    found = moments(target, utc(2026, 1, 1), 365 * DAY, random.Random(1))

    assert most_within(span, found[:3000]) <= most_polls(target, span, utc(2026, 1, 1))


@pytest.mark.parametrize(
    ("target", "most"),
    [
        pytest.param(polled(HOUR, 0.1, UTC_ZONE, timedelta(hours=6)), 24 + 3, id="one of the two comes twice"),
        pytest.param(polled(7 * HOUR, 0.0, UTC_ZONE, timedelta(hours=6)), 4 + 3, id="a part of an interval counts"),
        pytest.param(polled(HOUR, 0.1, UTC_ZONE, timedelta(hours=23)), 24 + 3, id="no day of 23 hours"),
        pytest.param(polled(HOUR, 0.1, PARIS, timedelta(hours=23)), 24 + 4, id="a day of 23 hours"),
    ],
)
def test_most_polls_of_24_hours(target: Target, most: int) -> None:
    """The shortest possible intervals, and midnights as close to each other as possible."""
    assert polls(target, NOW).most == most


# The peak


@pytest.mark.parametrize("per_minute", [1, 2, 60])
async def test_the_rate_limit_lets_a_burst_and_a_refill_into_a_minute(per_minute: int) -> None:
    """Counted with the client's own rate limit."""
    clock = WaitingClock(NOW)
    bucket, passed = Bucket(per_minute, clock.for_fetch()), list[float]()
    for _ in range(3 * per_minute):
        await bucket.take()
        passed.append(clock.seconds())

    assert sum(moment < passed[0] + 60 for moment in passed) == most_requests_in_a_minute(per_minute)


class WaitingClock(ManualClock):
    """A clock that advances when somebody sleeps."""

    async def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("per_minute", "peak"),
    [
        pytest.param(60, 4 + 4 + 42, id="what two polls and a pass over the past ask"),
        pytest.param(3, 5, id="what the rate limit lets through"),
    ],
)
def test_the_peak_is_what_polls_ask_within_the_rate_limit(per_minute: int, peak: int) -> None:
    """An interval poll, one after midnight, and the refresh pass after it may start in one minute."""
    target = replace(target_with(OneDayPerRequest()), requests_per_minute=per_minute)
    [source] = forecast([target], Size(1), NOW).sources

    assert (source.peak, source.reports[0].peak) == (peak, peak)
