"""A missing, odd or refused part of a response costs only that part.

Each exposition is compared with that of the same platform without the fault, which tests/pipeline/test_chatcaptain.py
compares with the platform's data.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import product
from typing import TypeVar

import anyio
import httpx
import msgspec
import pytest
from msgspec.structs import replace

from exporter.metrics.limits import CompanyLimits, Threshold, built_in
from exporter.metrics.target import Target
from exporter.platforms.chatcaptain.component_report import ComponentReport
from exporter.platforms.chatcaptain.find_component import ReportComponent
from exporter.platforms.chatcaptain.platform import CHANNEL, OVERVIEW, PLATFORM, REPORTS
from exporter.platforms.chatcaptain.read_component import Shape
from tests.pipeline.pipeline import Pipeline, Series
from tests.pipeline.test_chatcaptain import NOON, UTC_ZONE, Platform

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MIDNIGHT = timedelta(hours=12)
HELD = {"overview": 24, "channel": 7, "inbox": 24}
"""Days; enough for baselines."""
MONDAY, FRIDAY = NOON - 4 * DAY, NOON - 7 * DAY
QUIET = date(2026, 11, 15)
"""A Sunday without usage."""
LIMITED = Threshold(
    ("conversations", "messages", "interactions", "inbox_transfers"),
    {"below": 1.0, "drop_ratio": 0.5, "spike_ratio": 3.0, "min_baseline": 0.0},
)
BUILT_IN = built_in(measure for report in REPORTS.values() for measure in report.measures)
OF_USE = ("chatcaptain_", "chat_usage_activity_")
UNREAD = "chat_usage_report_unread"

T = TypeVar("T")
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
class FaultyTransport(httpx.AsyncBaseTransport):
    """The simulated platform; `instead` may respond in its place, `change` may change a response."""

    platform: httpx.AsyncBaseTransport = field(default_factory=httpx.AsyncBaseTransport)
    change: Change = lambda _request, document: document
    instead: Answer = lambda _request: None
    asked: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if (found := self.instead(request)) is not None:
            return found
        answer = await self.platform.handle_async_request(request)
        return json(self.change(request, msgspec.json.decode(await answer.aread())), answer.status_code)


@dataclass
class Remembered(httpx.AsyncBaseTransport):
    """A simulated platform that caches responses by moment for all tests."""

    platform: Platform

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = (len(self.platform.bots.chatbots[0].channels), self.platform.clock.moment, request.method, request.url)
        if asked not in SAID:
            answer = await self.platform.transport.handle_async_request(request)
            SAID[asked] = answer.status_code, await answer.aread()
        status, content = SAID[asked]
        return httpx.Response(status, content=content)


SAID: dict[tuple[object, ...], tuple[int, bytes]] = {}


def target_of(platform: Platform, reports: tuple[str, ...]) -> Target:
    """Returns a target with built-in and configured limits on all activities."""
    target = platform.target(reports=reports)
    rules = replace(target.rules, keep_days=max(HELD[name] for name in reports))
    return replace(target, rules=rules, company_limits=CompanyLimits((BUILT_IN, LIMITED)))


async def simulate(
    reports: tuple[str, ...],
    fault: FaultyTransport,
    *,
    good_start: bool = False,
    channels: int = 2,
    begin: datetime = NOON,
) -> tuple[Page, Page]:
    """Returns the samples after the first poll and two days later; with `good_start` the first poll has no fault."""
    platform = Platform.of(UTC_ZONE, begin, channels=channels)
    remembered = Remembered(platform)
    transport = (
        FaultyTransport(remembered, quiet_sunday) if good_start else dataclasses.replace(fault, platform=remembered)
    )
    pipeline = Pipeline(
        transport, platform.clock, platform.bots.chatbots[0].key, target_of(platform, reports), platform=PLATFORM
    )
    async with pipeline:
        await pipeline.poller.poll()
        first = pipeline.page()
        transport.change, transport.instead = fault.change, fault.instead
        for _ in range(3):
            platform.clock.moment += 16 * HOUR
            await pipeline.poller.poll()
        return first, pipeline.page()


def quiet_sunday(request: httpx.Request, document: object) -> object:
    """Makes a day quiet: counts are 0, breakdowns empty, medians null."""
    if day_of(request) != QUIET or not isinstance(document, dict) or report_of(request) == "inbox":
        return document
    return {"data": {name: silent(value) for name, value in document["data"].items()}}


def silent(value: object) -> object:
    return {} if isinstance(value, dict) else None if isinstance(value, float) or value is None else 0


def answering(name: str, make: Callable[[object], object], on: Collection[date] | None = None) -> Change:
    """Changes a component on some days, by default on all; MISSING removes it."""

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


def paired(subjects: Iterable[T], troubles: Iterable[str]) -> list[tuple[T, str, bool]]:
    """Returns each subject with each trouble, in turn at the first start and while all went well before.

    So each subject and each trouble meets both; all three together would cost twice as much and found nothing more.
    """
    both = product(enumerate(subjects), enumerate(troubles))
    return [(subject, fault, (row + column) % 2 == 1) for (row, subject), (column, fault) in both]


@pytest.fixture(scope="module")
def without_faults() -> Mapping[str, tuple[Page, Page]]:
    """Returns the samples without a fault, by report."""
    return {name: anyio.run(simulate, (name,), FaultyTransport(change=quiet_sunday)) for name in HELD}


def of_use(page: Page, *without: str) -> Page:
    """Returns figures, baselines and limits without some families, channels or activities."""
    families = {f"{name}{window}" for name in without for window in ("_last_day", "_today", "_7d", "_28d")}
    return {
        series: value
        for series, value in page.items()
        if series.name.startswith(OF_USE)
        and series.name not in {*families, "chat_usage_activity_limit_missing"}
        and not {dict(series.labels).get("activity"), dict(series.labels).get("channel_id")} & {*without}
    }


def unread_of(page: Page) -> Mapping[str, float]:
    return {dict(series.labels)["item"]: value for series, value in page.items() if series.name == UNREAD}


def value_of(page: Page, family: str) -> float | None:
    return next((value for series, value in page.items() if series.name == family), None)


@pytest.mark.parametrize(("component", "kind", "good_start"), paired(COMPONENTS, KINDS))
def test_a_component_that_cannot_be_read_costs_itself_alone(
    component: tuple[str, ReportComponent], kind: str, good_start: bool, without_faults: Mapping[str, tuple[Page, Page]]
) -> None:
    """All other figures, baselines and limits are correct, the report is supported, and the item is named."""
    report, part = component
    broken = KINDS[kind](part)
    fault = FaultyTransport(change=answering(part.name, lambda _: broken))
    pages = anyio.run(partial(simulate, (report,), fault, good_start=good_start))

    own = (part.measure.family, part.measure.family.removeprefix("chatcaptain_"))
    for page, expected in zip(pages, without_faults[report], strict=True):
        assert of_use(page, *own) == of_use(expected, *own)
        assert value_of(page, "chat_usage_report_supported") == 1.0
    is_no_fault = (part.figure, kind) in {(Shape.MEDIAN, "null"), (Shape.BREAKDOWN, "empty")}
    assert bool(unread_of(pages[1])) is not is_no_fault
    needed = part.measure.family in {f"chatcaptain_{name}" for name in ("conversations", "messages", "interactions")}
    assert value_of(pages[1], "chat_usage_report_up") == float(is_no_fault or not needed)


INBOX = {
    "transferredToAgentCount": "inbox_transfers",
    "conversationAcceptedCount": "inbox_accepted",
    "conversationNotAcceptedCount": "inbox_not_accepted",
    "averageJoinTimeSeconds": "inbox_join_time_average_seconds",
    "agentPerformance": "of nobody",
}
IN_SHARE = ("inbox_transfers", "inbox_accepted")
ODD_VALUES: Mapping[str, object] = {"absent": MISSING, "null": None, "empty": [], "other-type": "12"}


@pytest.mark.parametrize("good_start", [False, True], ids=["first-start", "running"])
@pytest.mark.parametrize("kind", ODD_VALUES)
def test_a_field_of_the_inbox_that_cannot_be_read_costs_only_itself(
    kind: str, good_start: bool, without_faults: Mapping[str, tuple[Page, Page]]
) -> None:
    """Its shape is documented, so any difference counts as drift."""
    for name, own in INBOX.items():
        fault = FaultyTransport(change=answering(name, lambda _: ODD_VALUES[kind]))
        pages = anyio.run(partial(simulate, ("inbox",), fault, good_start=good_start))
        for page, expected in zip(pages, without_faults["inbox"], strict=True):
            without = f"chatcaptain_{own}", own, *(["accepted_share"] if own in IN_SHARE else [])
            assert of_use(page, *without) == of_use(expected, *without), name
        assert value_of(pages[1], "chat_usage_report_supported") == 1.0
        drift = sum(value for series, value in pages[1].items() if series.name == "chat_usage_schema_drift")
        assert bool(drift) is not (name == "agentPerformance" and kind == "empty"), name


# Days on which nothing happens


@pytest.fixture(scope="module")
def from_monday() -> tuple[Page, Page]:
    """Returns the samples without a fault of an exporter started on a Monday."""
    return anyio.run(partial(simulate, ("overview",), FaultyTransport(change=quiet_sunday), begin=MONDAY))


@pytest.mark.parametrize(("component", "kind", "good_start"), paired(OVERVIEW.components, ["absent", "null", "empty"]))
def test_what_has_no_value_on_a_quiet_day_is_no_fault(
    component: ReportComponent, kind: str, good_start: bool, from_monday: tuple[Page, Page]
) -> None:
    """Polls stay good, nothing is unread, and all figures are correct."""
    fault = FaultyTransport(change=answering(component.name, lambda _: KINDS[kind](component), {QUIET}))
    pages = anyio.run(partial(simulate, ("overview",), fault, good_start=good_start, begin=MONDAY))

    for page, truth in zip(pages, from_monday, strict=True):
        assert of_use(page) == of_use(truth)
        assert not [series for series in page if series.name == UNREAD]
        assert value_of(page, "chat_usage_report_up") == 1.0


@pytest.mark.parametrize("kind", ["absent", "null", "empty"])
@pytest.mark.anyio
async def test_a_quiet_weekend_is_no_fault(kind: str) -> None:
    """From Friday to Tuesday each poll is good and each day becomes the last day, although medians are null."""
    platform = Platform.of(UTC_ZONE, FRIDAY, channels=2)

    def quiet(request: httpx.Request, document: object) -> object:
        day = day_of(request)
        if day is None or not isinstance(document, dict) or day.weekday() not in (5, 6):
            return document
        found = {each.name: silent(document["data"][each.name]) for each in OVERVIEW.components}
        medians = {each.name: KINDS[kind](each) for each in OVERVIEW.components if each.figure is Shape.MEDIAN}
        return {"data": {name: value for name, value in {**found, **medians}.items() if value is not MISSING}}

    transport, key = FaultyTransport(platform.transport, quiet), platform.bots.chatbots[0].key
    async with Pipeline(
        transport, platform.clock, key, target_of(platform, ("overview",)), platform=PLATFORM
    ) as pipeline:
        for hours in range(0, 4 * 24 + 1, 6):
            platform.clock.moment = FRIDAY + hours * HOUR
            await pipeline.poller.poll()
            page = pipeline.page()
            day = datetime.fromtimestamp(value_of(page, "chat_usage_report_day_timestamp_seconds") or 0, UTC).date()
            assert day == (platform.clock.moment - 6 * HOUR).date() - DAY
            assert value_of(page, "chat_usage_report_up") == 1.0
            assert not unread_of(page)


@pytest.mark.parametrize("nothing", [{}, [], {"data": {}}, {"data": []}], ids=str)
def test_a_quiet_day_may_be_empty(nothing: object, from_monday: tuple[Page, Page]) -> None:
    """Then it is a day without rows, so zeros on a Sunday."""

    def change(request: httpx.Request, document: object) -> object:
        return nothing if day_of(request) == QUIET and report_of(request) == "overview" else document

    pages = anyio.run(partial(simulate, ("overview",), FaultyTransport(change=change), begin=MONDAY))
    broken_down = [each.measure.family for each in OVERVIEW.components if each.figure is Shape.BREAKDOWN]
    for page, truth in zip(pages, from_monday, strict=True):
        assert of_use(page, *broken_down) == of_use(truth, *broken_down)
        assert not [series for series in page if series.name == UNREAD]
        assert value_of(page, "chat_usage_report_up") == 1.0


def test_a_component_that_fails_for_a_day_is_requested_for_the_next() -> None:
    """A component that cannot be read for yesterday is served for today."""
    yesterday = NOON.date() - DAY
    fault = FaultyTransport(change=answering("CONVERSATION_COUNT", lambda _: "?", {yesterday}))
    [page, _] = anyio.run(simulate, ("overview",), fault)
    [truth, _] = anyio.run(simulate, ("overview",), FaultyTransport(change=quiet_sunday))

    assert value_of(page, "chatcaptain_conversations_today") == value_of(truth, "chatcaptain_conversations_today")
    assert value_of(page, "chatcaptain_conversations_today") is not None
    assert value_of(page, "chatcaptain_conversations_last_day") is None
    assert unread_of(page) == {"CONVERSATION_COUNT": 1.0}


@pytest.mark.parametrize("status", [400, 422, 500])
def test_refused_components_are_requested_one_by_one(
    status: int, without_faults: Mapping[str, tuple[Page, Page]]
) -> None:
    """All figures are correct."""

    def instead(request: httpx.Request) -> httpx.Response | None:
        several = "," in request.url.params.get("components", "")
        return json({"statusCode": status, "message": "one component only"}, status) if several else None

    pages = anyio.run(simulate, ("overview",), FaultyTransport(change=quiet_sunday, instead=instead))
    for page, expected in zip(pages, without_faults["overview"], strict=True):
        assert of_use(page) == of_use(expected)
        assert value_of(page, "chat_usage_report_up") == 1.0
        assert unread_of(page) == {}


# Channels

FAULTS: Mapping[str, Answer] = {
    "500": lambda _: json({"statusCode": 500}, 500),
    "403": lambda _: json({"statusCode": 403}, 403),
    "timeout": hang,
    "not-json": lambda _: httpx.Response(200, stream=httpx.ByteStream(b"<html>Log in</html>")),
}
CHANNELS_OF_TWO = tuple(channel.id for channel in Platform.of(UTC_ZONE, NOON, channels=2).bots.chatbots[0].channels)
CHANNELS = tuple(channel.id for channel in Platform.of(UTC_ZONE, NOON).bots.chatbots[0].channels)


def of_channels(*channels: str, then: Answer) -> Answer:
    return lambda request: then(request) if request.url.params.get("channelId") in channels else None


@pytest.fixture(scope="module")
def five_channels() -> tuple[Page, Page]:
    """Returns the samples of five channels without a fault."""
    return anyio.run(partial(simulate, ("channel",), FaultyTransport(change=quiet_sunday), channels=5))


FAILING = [*((channel,) for channel in CHANNELS), CHANNELS[1:3], CHANNELS[-2:]]


@pytest.mark.parametrize(("failing", "fault", "good_start"), paired(FAILING, FAULTS))
def test_a_channel_that_fails_costs_only_itself(
    failing: tuple[str, ...], fault: str, good_start: bool, five_channels: tuple[Page, Page]
) -> None:
    """The other channels are complete, breakdowns have their channel's id, and few requests fail."""
    asked: list[httpx.Request] = []
    troubled = FaultyTransport(change=quiet_sunday, instead=of_channels(*failing, then=FAULTS[fault]), asked=asked)
    pages = anyio.run(partial(simulate, ("channel",), troubled, good_start=good_start, channels=5))

    for page, expected in zip(pages, five_channels, strict=True):
        assert of_use(page, *failing) == of_use(expected, *failing)
        assert not [series for series in page if dict(series.labels).get("channel_id") == "other"]
    assert unread_of(pages[1]) == dict.fromkeys(failing, 4.0)
    assert value_of(pages[1], "chat_usage_report_up") == 1.0
    polls = 4
    wasted = len([each for each in asked if each.url.params.get("channelId") in failing])
    assert wasted <= polls * len(failing) * 2 * 3 * 3, "twice a poll, in two parts where that may help, three attempts"


def test_a_channel_whose_counts_fail_keeps_its_id_in_breakdowns(
    without_faults: Mapping[str, tuple[Page, Page]],
) -> None:
    """It is not counted as another channel."""

    def change(request: httpx.Request, document: object) -> object:
        document = quiet_sunday(request, document)
        if isinstance(document, dict) and "CALL_END_REASON" in document.get("data", ()):
            return {"data": document["data"] | {"CONVERSATION_COUNT_FOR_CHANNEL_ID": "?"}}
        return "?" if request.url.params.get("components") == "1" else document

    pages = anyio.run(simulate, ("channel",), FaultyTransport(change=change))
    for page, expected in zip(pages, without_faults["channel"], strict=True):
        own = ("chatcaptain_channel_conversations",)
        assert of_use(page, *own) == of_use(expected, *own)
        assert not [series for series in page if dict(series.labels).get("channel_id") == "other"]


@pytest.mark.parametrize("fault", ["403", "timeout"])
def test_what_fails_for_all_channels_ends_the_poll_early(fault: str) -> None:
    """After two failures in a row; other reports continue, and no channel is named."""
    asked: list[httpx.Request] = []
    troubled = FaultyTransport(instead=of_channels(*CHANNELS, then=FAULTS[fault]), asked=asked)
    [page, _] = anyio.run(partial(simulate, ("channel",), troubled, channels=5))

    assert value_of(page, "chat_usage_report_up") == 0.0
    assert unread_of(page) == {}
    assert len({each.url.params["channelId"] for each in asked if "channelId" in each.url.params}) == 2


# Which report is supported


def test_only_a_report_of_which_nothing_can_be_read_is_unsupported() -> None:
    """If another report is good; its items are named nevertheless."""

    def odd(request: httpx.Request, document: object) -> object:
        return {"stats": "?"} if report_of(request) == "channel" else document

    [page, _] = anyio.run(simulate, ("overview", "channel"), FaultyTransport(change=odd))
    supported = {dict(s.labels)["report"]: v for s, v in page.items() if s.name == "chat_usage_report_supported"}

    assert supported == {"overview": 1.0, "channel": 0.0}
    assert set(unread_of(page)) == {*CHANNELS_OF_TWO}


def test_inactive_limits_are_counted_by_reason() -> None:
    """A count that cannot be read has no limits; the others keep theirs."""
    fault = FaultyTransport(change=answering("CONVERSATION_COUNT", lambda _: "?"))
    [page, _] = anyio.run(simulate, ("overview",), fault)
    missing = {
        (dict(series.labels)["activity"], dict(series.labels)["reason"]): value
        for series, value in page.items()
        if series.name == "chat_usage_activity_limit_missing"
    }

    assert missing == {("conversations", "unread"): 1.0}
    assert value_of(page, "chat_usage_report_up") == 0.0
    assert value_of(page, "chatcaptain_messages_28d") is not None
