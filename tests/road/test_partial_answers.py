"""What can be read counts: whatever part of an answer is missing, odd or refused costs that part alone.

Along the whole road, each page is compared with that of the same platform without the trouble, which
tests/road/test_chatcaptain.py holds against the platform's own truth.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial

import anyio
import httpx
import msgspec
import pytest

from exporter.domain.thresholds import Threshold, built_in
from exporter.metrics.limits import CompanyLimits
from exporter.platforms.chatcaptain.component_report import ComponentReport
from exporter.platforms.chatcaptain.find_component import ReportComponent
from exporter.platforms.chatcaptain.platform import CHANNEL, OVERVIEW, PLATFORM, REPORTS
from exporter.platforms.chatcaptain.read_component import Shape
from exporter.polling.target import Target
from tests.road.road import Road, Series
from tests.road.test_chatcaptain import NOON, UTC_ZONE, Platform

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MIDNIGHT = timedelta(hours=12)
HELD = {"overview": 24, "channel": 8, "inbox": 24}
"""Days: enough for baselines, where there are any."""
QUIET = date(2026, 11, 15)
"""A Sunday, on which nobody says a word in the worlds of these tests."""
LIMITED = Threshold(
    ("conversations", "messages", "interactions", "inbox_transfers"),
    {"below": 1.0, "drop_ratio": 0.5, "spike_ratio": 3.0, "min_baseline": 0.0},
)
BUILT_IN = built_in(measure for report in REPORTS.values() for measure in report.measures)
OF_USE = ("chatcaptain_", "chat_usage_activity_")
UNREAD = "chat_usage_report_unread"

Page = Mapping[Series, float]
Answer = Callable[[httpx.Request], httpx.Response | None]
Change = Callable[[httpx.Request, object], object]


def json(content: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(msgspec.json.encode(content)))


def hang(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no byte for a minute", request=request)


def day_of(request: httpx.Request) -> date | None:
    since = request.url.params.get("from")
    return datetime.fromisoformat(since).date() if since else None


def report_of(request: httpx.Request) -> str:
    return request.url.path.rpartition("/")[2]


@dataclass
class Troubled(httpx.AsyncBaseTransport):
    """The simulated platform; `instead` may answer in its place, `change` may change what an answer says."""

    platform: httpx.AsyncBaseTransport = field(default_factory=httpx.AsyncBaseTransport)
    change: Change = lambda _request, document: document
    instead: Answer = lambda _request: None
    asked: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if (found := self.instead(request)) is not None:
            return found
        answer = await self.platform.handle_async_request(request)
        body = b"".join([part async for part in answer.stream])  # type: ignore[union-attr]  # it is an async one
        return json(self.change(request, msgspec.json.decode(body)), answer.status_code)


def target_of(platform: Platform, reports: tuple[str, ...]) -> Target:
    """Has limits on all activities: the usual ones, and an operator's."""
    target = platform.target(reports=reports)
    rules = replace(target.rules, keep_days=max(HELD[name] for name in reports))
    return replace(target, rules=rules, company_limits=CompanyLimits((BUILT_IN, LIMITED)))


async def travel(
    reports: tuple[str, ...], trouble: Troubled, *, good_start: bool = False, channels: int = 2
) -> tuple[Page, Page]:
    """Returns the page after the first poll, and that of two days later; a `good_start` has no trouble before."""
    platform = Platform.of(UTC_ZONE, NOON, channels=channels)
    transport = (
        Troubled(platform.transport, quiet_sunday) if good_start else replace(trouble, platform=platform.transport)
    )
    road = Road(
        transport, platform.clock, platform.bots.chatbots[0].key, target_of(platform, reports), platform=PLATFORM
    )
    async with road:
        await road.poller.poll()
        first = road.page()
        transport.change, transport.instead = trouble.change, trouble.instead
        for _ in range(3):
            platform.clock.moment += 16 * HOUR
            await road.poller.poll()
        return first, road.page()


def quiet_sunday(request: httpx.Request, document: object) -> object:
    """Lets nothing happen on one day: counts are 0, break-downs empty, medians null."""
    if day_of(request) != QUIET or not isinstance(document, dict) or report_of(request) == "inbox":
        return document
    return {"data": {name: silent(value) for name, value in document["data"].items()}}


def silent(value: object) -> object:
    return {} if isinstance(value, dict) else None if isinstance(value, float) or value is None else 0


def answering(name: str, make: Callable[[object], object], on: Collection[date] | None = None) -> Change:
    """Changes what one component says on some days, by default on all; MISSING takes it out."""

    def change(request: httpx.Request, document: object) -> object:
        document = quiet_sunday(request, document)
        if isinstance(document, dict) and name in document.get("data", ()) and (on is None or day_of(request) in on):
            value = make(document["data"].pop(name))
            return {"data": document["data"] if value is MISSING else {**document["data"], name: value}}
        return document

    return change


MISSING = object()
OTHER_TYPE: Mapping[Shape, object] = {
    Shape.COUNT: {"p50": 1, "p90": 2},
    Shape.TOTAL: "12 h",
    Shape.MEDIAN: {"p50": 1.5, "p90": 2.5},
    Shape.BREAKDOWN: 7,
}
KINDS: Mapping[str, Callable[[ReportComponent], object]] = {
    "absent": lambda _: MISSING,
    "null": lambda _: None,
    "empty": lambda _: [],
    "other-type": lambda component: OTHER_TYPE[component.figure],
}
REPORTED: Mapping[str, ComponentReport] = {"overview": OVERVIEW, "channel": CHANNEL}
COMPONENTS = [(name, each) for name, report in REPORTED.items() for each in report.components]


@pytest.fixture(scope="module")
def untroubled() -> Mapping[str, tuple[Page, Page]]:
    """Returns the pages without trouble, by report."""
    return {
        name: anyio.run(travel, (name,), Troubled(change=quiet_sunday)) for name in ("overview", "channel", "inbox")
    }


def of_use(page: Page, *without: str) -> Page:
    """Returns figures, windows, baselines and limits, without those of some families, channels or activities."""
    families = {f"{name}{window}" for name in without for window in ("_last_day", "_today", "_7d", "_28d")}
    return {
        series: value
        for series, value in page.items()
        if series.name.startswith(OF_USE)
        and series.name not in {*families, "chat_usage_activity_limit_missing"}
        and not {dict(series.labels).get("activity"), dict(series.labels).get("channel_id")} & {*without}
    }


def value_of(page: Page, family: str) -> float | None:
    return next((value for series, value in page.items() if series.name == family), None)


@pytest.mark.parametrize("good_start", [False, True], ids=["first-start", "running"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("report", "component"), COMPONENTS, ids=lambda each: getattr(each, "name", each))
def test_a_component_that_cannot_be_read_costs_itself_alone(
    report: str, component: ReportComponent, kind: str, good_start: bool, untroubled: Mapping[str, tuple[Page, Page]]
) -> None:
    """Every other figure, window, baseline and limit is the truth, the report is supported, and the item is named."""
    broken = KINDS[kind](component)
    trouble = Troubled(change=answering(component.name, lambda _: broken))
    pages = anyio.run(partial(travel, (report,), trouble, good_start=good_start))

    own = (component.family, component.family.removeprefix("chatcaptain_"))
    for page, expected in zip(pages, untroubled[report], strict=True):
        assert of_use(page, *own) == of_use(expected, *own)
        assert value_of(page, "chat_usage_report_supported") == 1.0
    is_no_fault = (component.figure, kind) in {(Shape.MEDIAN, "null"), (Shape.BREAKDOWN, "empty")}
    unread = {dict(series.labels)["item"]: value for series, value in pages[1].items() if series.name == UNREAD}
    assert bool(unread) is not is_no_fault
    needed = component.family in {f"chatcaptain_{name}" for name in ("conversations", "messages", "interactions")}
    assert value_of(pages[1], "chat_usage_report_up") == float(is_no_fault or not needed)
