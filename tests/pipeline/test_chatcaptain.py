"""ChatCaptain from response to exposition: every shape of response gives the platform's figures."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from msgspec.structs import replace

from exporter.domain import calendars
from exporter.domain.errors import ConfigError
from exporter.domain.scope import Scope
from exporter.domain.selectors import Selection
from exporter.exposition.board import RenderedSource
from exporter.forecast import Size, forecast, polls
from exporter.metrics.target import Target
from exporter.platforms.api import Account, Component, Override
from exporter.platforms.chatcaptain.platform import PLATFORM
from exporter.platforms.jmespath_fields import expression
from exporter.simulator.app import create_app
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.chatcaptain.components import truth
from exporter.simulator.chatcaptain.tally import OPERATOR_NAMES
from exporter.simulator.paradigm.world import World
from tests.pipeline.pipeline import RULES, ManualClock, Pipeline, set_scenarios, utc
from tests.simulator.chatcaptain.odd import ODD_OVERRIDES

pytestmark = pytest.mark.anyio

NOON = utc(2026, 11, 20, 12)
PARIS, ST_JOHNS, UTC_ZONE = ZoneInfo("Europe/Paris"), ZoneInfo("America/St_Johns"), ZoneInfo("UTC")
REPORTS = ("overview", "channel", "inbox")
Key = tuple[str, frozenset[tuple[str, str]]]
"""A family, and the labels in addition to those of the company."""
Figures = Mapping[Key, float]
SHAPES = ("shape-keyed", "shape-listed", "shape-numbered", "shape-bare")
BROKEN_DOWN = {
    "conversations_by_language": "language",
    "conversations_by_channel_type": "channel_type",
    "intent_hits": "intent",
    "calls_by_end_reason": "reason",
    "calls_by_exit_step": "step",
}
OF_CHANNELS = {
    "conversations",
    "messages",
    "interactions",
    "call_duration",
    "calls_by_end_reason",
    "calls_by_exit_step",
    "call_user_inputs_median",
}
"""Figures served per channel; those of calls only for voice channels."""
OF_CALLS = {"call_duration", "calls_by_end_reason", "calls_by_exit_step", "call_user_inputs_median"}


@dataclass(frozen=True)
class Platform:
    """A simulated ChatCaptain with one chatbot, and the clock that it shares with the exporter."""

    bots: Bots
    clock: ManualClock
    transport: httpx.ASGITransport

    @classmethod
    def of(cls, zone: ZoneInfo, now: datetime, *scenarios: str, channels: int = 5) -> "Platform":
        bots, clock = Bots.from_seed(1, 1, channels, zone), ManualClock(now)
        app = create_app(World.from_seed(1, 1, zone), clock.now, scenarios=scenarios, sleep=clock.sleep, bots=bots)
        return cls(bots, clock, httpx.ASGITransport(app))

    @property
    def account(self) -> Account:
        return Account("s", {"chatbot_id": self.bots.chatbots[0].id, "company": "ACME", "channels": Selection()})

    async def switch(self, *scenarios: str) -> None:
        """Lets other things go wrong from now on."""
        async with httpx.AsyncClient(transport=self.transport) as http:
            await set_scenarios(http, *scenarios)

    def target(
        self, overrides: Mapping[str, Override] | None = None, reports: tuple[str, ...] = REPORTS, keep_days: int = 8
    ) -> Target:
        """Returns the source, with as few held days as a week's sum needs: each is a request per report and channel."""
        given = overrides or {}
        return Target(
            source="s",
            platform="chatcaptain",
            reports=tuple(PLATFORM.configured(name, given.get(name), self.account) for name in reports),
            scope=Scope(zone=self.bots.zone),
            rules=replace(RULES, zone=self.bots.zone, keep_days=keep_days),
            interval=timedelta(hours=1),
            one_company=PLATFORM.one_company,
        )

    def pipeline(self, target: Target | None = None, per_minute: int = 6000) -> Pipeline:
        key, target = self.bots.chatbots[0].key, target or self.target()
        return Pipeline(self.transport, self.clock, key, target, platform=PLATFORM, per_minute=per_minute)

    def told(self, report: str, day: date, channel: str = "") -> Mapping[str, object]:
        query = {"chatbot": self.bots.chatbots[0].id, "report": report, "channel": channel}
        return truth(self.bots, query, day, self.clock.now())

    def expected(self, day: date, window: str) -> Figures:
        """Returns the figures of a day as the platform's own truth has them."""
        found: dict[Key, float] = {}
        for report in ("overview", "inbox"):
            found |= _samples(self.told(report, day), "chatcaptain_", window, {})
        for channel in self.bots.chatbots[0].channels:
            served = {
                name: value
                for name, value in self.told("channel", day, channel.id).items()
                if name in OF_CHANNELS and (channel.type == "voice" or name not in OF_CALLS)
            }
            found |= _samples(served, "chatcaptain_channel_", window, {"channel_id": channel.id})
        return found


class MovingClock(ManualClock):
    """A clock that advances when code sleeps on it."""

    async def sleep(self, seconds: float) -> None:
        """Takes the time, at once."""
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)


def _samples(figures: Mapping[str, object], prefix: str, window: str, labels: Mapping[str, str]) -> Figures:
    found: dict[Key, float] = {}
    for name, value in figures.items():
        family = f"{prefix}{name}{window}"
        if isinstance(value, Mapping):
            label = BROKEN_DOWN[name]
            found |= {(family, frozenset({**labels, label: str(part)}.items())): float(n) for part, n in value.items()}
        elif isinstance(value, int | float):
            found[family, frozenset(labels.items())] = float(value)
    return found


def outcomes_of(pipeline: Pipeline) -> Mapping[str, float]:
    """Returns the number of polls of all reports by outcome."""
    found: dict[str, float] = {}
    for series, value in pipeline.page("chat_usage_polls_total").items():
        outcome = dict(series.labels)["outcome"]
        found[outcome] = found.get(outcome, 0.0) + value
    return {outcome: count for outcome, count in found.items() if count}


def figures(pipeline: Pipeline, window: str) -> Figures:
    """Returns the samples of a window in the exposition."""
    return {
        (series.name, frozenset(label for label in series.labels if label[0] not in ("company_id", "company"))): value
        for series, value in pipeline.page("chatcaptain_").items()
        if series.name.endswith(window)
    }


def without_zeros_of_names(found: Figures) -> Figures:
    """Leaves out zeros of breakdowns, which names of other days have."""
    names = set(BROKEN_DOWN.values())
    return {key: value for key, value in found.items() if value or not names & dict(key[1]).keys()}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("zone", "now"),
    [
        pytest.param(UTC_ZONE, NOON, id="utc"),
        pytest.param(PARIS, utc(2026, 10, 26, 12), id="paris-after-the-day-of-25-hours"),
        pytest.param(PARIS, utc(2026, 3, 30, 12), id="paris-after-the-day-of-23-hours"),
        pytest.param(ST_JOHNS, utc(2026, 11, 2, 14), id="st-johns-after-the-day-of-25-hours"),
    ],
)
async def test_every_shape_gives_the_platforms_figures(zone: ZoneInfo, now: datetime, shape: str) -> None:
    """For the last day, today, and seven days with a clock change."""
    platform = Platform.of(zone, now, shape)
    today = calendars.day_at(now, zone)
    async with platform.pipeline() as pipeline:
        await pipeline.poller.poll()
        assert outcomes_of(pipeline) == {"ok": 3.0}

    yesterday = today - timedelta(days=1)
    last_day = figures(pipeline, "_last_day")
    assert without_zeros_of_names(last_day) == pytest.approx(platform.expected(yesterday, "_last_day"))
    running = {
        key: value
        for key, value in platform.expected(today, "_today").items()
        if not set(BROKEN_DOWN.values()) & dict(key[1]).keys()
    }
    assert without_zeros_of_names(figures(pipeline, "_today")) == pytest.approx(running)
    assert running["chatcaptain_conversations_today", frozenset()] > 0
    for name in ("conversations", "messages", "steps"):
        days = [today - timedelta(days=n) for n in range(1, 8)]
        week = sum(float(str(platform.told("overview", day)[name])) for day in days)
        assert figures(pipeline, "_7d")[f"chatcaptain_{name}_7d", frozenset()] == week


def odd_overrides(*reports: str) -> Mapping[str, Override]:
    """Returns the overrides for a shape that cannot be read without them."""
    return {
        report: Override(
            components={
                name: Component(**{option: expression(text) for option, text in options.items()})
                for name, options in ODD_OVERRIDES[report].items()
                if name in {component.name for component in PLATFORM.reports[report].components}  # type: ignore[attr-defined]  # its own reports have them
            }
        )
        for report in reports
    }


async def test_an_unknown_shape_gives_no_figure_and_one_log_line(caplog: pytest.LogCaptureFixture) -> None:
    """Overrides in the configuration make it readable."""
    platform = Platform.of(UTC_ZONE, NOON, "shape-odd")
    async with platform.pipeline(platform.target(reports=("overview",))) as pipeline:
        await pipeline.poller.poll()
        assert outcomes_of(pipeline) == {"schema": 1.0}
        assert not pipeline.page("chatcaptain_")
    [line] = [record for record in caplog.records if record.message == "poll failed"]
    reason = str(line.__dict__["reason"])
    assert "sources.s.overrides.overview.components." in reason
    assert "\n" not in reason

    async with platform.pipeline(platform.target(odd_overrides("overview", "channel"))) as pipeline:
        await pipeline.poller.poll()
        assert outcomes_of(pipeline) == {"ok": 3.0}
    yesterday = NOON.date() - timedelta(days=1)
    found = without_zeros_of_names(figures(pipeline, "_last_day"))
    assert found == pytest.approx(platform.expected(yesterday, "_last_day"))


def test_a_component_that_does_not_exist_is_refused() -> None:
    """The message suggests the nearest name."""
    with pytest.raises(ConfigError, match="CONVERSATION_COUNT"):
        PLATFORM.configured("overview", Override(components={"CONVERSATIONS_COUNT": Component(expression("a"))}))


def asked(pipeline: Pipeline) -> Mapping[str, float]:
    """Returns the number of requests by report."""
    found: dict[str, float] = {}
    for series, value in pipeline.page("chat_usage_api_requests_total").items():
        labels = dict(series.labels)
        found[labels["report"]] = found.get(labels["report"], 0.0) + value
    return found


@pytest.mark.parametrize(("channels", "held"), [(1, RULES.keep_days), (12, 8)])
async def test_requests_match_the_plan_and_final_days_are_not_requested_again(channels: int, held: int) -> None:
    """Past days are requested once, days that can change at each poll, and the list of channels once a day."""
    platform = Platform.of(UTC_ZONE, NOON, channels=channels)
    target = platform.target(keep_days=held)
    async with platform.pipeline(target) as pipeline:
        await pipeline.poller.poll()
        start = asked(pipeline)
        pipeline.clock.moment += timedelta(hours=1)
        await pipeline.poller.poll()
        one_poll = {report: count - start[report] for report, count in asked(pipeline).items()}
        pipeline.clock.moment += timedelta(hours=18)  # the next day is complete
        await pipeline.poller.poll()
        flip = {report: count - start[report] - one_poll[report] for report, count in asked(pipeline).items()}

    days = RULES.reread_days + 1
    assert one_poll == {"overview": days, "inbox": days, "channel": days * channels, "channels": 0.0}
    past = held + 1 - days
    assert start == {"overview": held + 1, "inbox": held + 1, "channel": (held + 1) * channels, "channels": 1}
    assert flip == start

    [foreseen] = forecast([target], Size(1, channels), NOON).sources
    polls_a_day = 26
    by_report = {report.name: report.calls.expected for report in foreseen.reports}
    assert by_report == {
        "overview": polls_a_day * one_poll["overview"] + past,
        "channel": polls_a_day * one_poll["channel"] + past * channels + 1,
        "inbox": polls_a_day * one_poll["inbox"] + past,
    }
    most_polls = polls(target, NOON).most
    assert {report.name: report.calls.most for report in foreseen.reports} == {
        "overview": most_polls * one_poll["overview"] + 2 * past,
        "channel": most_polls * one_poll["channel"] + 2 * (past * channels + 1),
        "inbox": most_polls * one_poll["inbox"] + 2 * past,
    }, "a pass over the past at the start and one after the flip; components are asked for together"
    assert all(report.most_in_parts > report.calls.most for report in foreseen.reports if report.name != "inbox")


async def test_the_series_of_a_chatbot_are_within_the_forecast() -> None:
    """Per family; the forecast assumes all names of all breakdowns, and calls in every channel."""
    platform = Platform.of(UTC_ZONE, NOON)
    target = platform.target(keep_days=RULES.keep_days)
    async with platform.pipeline(target) as pipeline:
        await pipeline.poller.poll()
        text = pipeline.text()
    [foreseen] = forecast([target], Size(9, 5), NOON).sources
    most: dict[str, int] = dict(foreseen.series)
    for report in foreseen.reports:
        for family, count in report.series.items():
            most[family] = most.get(family, 0) + count
    served: dict[str, int] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            family = line.partition("{")[0]
            served[family] = served.get(family, 0) + 1
    assert {family: count for family, count in served.items() if count > most.get(family, 0)} == {}


async def test_twelve_channels_serve_their_last_day_within_a_minute() -> None:
    """At 60 requests per minute while past days are read; the clock advances as the rate limit requires."""
    platform = dataclasses.replace(Platform.of(UTC_ZONE, NOON, channels=12), clock=MovingClock(NOON))
    async with platform.pipeline(platform.target(keep_days=RULES.keep_days), per_minute=60) as pipeline:
        served_at: list[float] = []
        put = pipeline.board.put

        def noted(source: str, rendered: RenderedSource) -> None:
            put(source, rendered)
            if len(pipeline.page("chatcaptain_channel_conversations_last_day")) == 12:
                served_at.append(sum(platform.clock.slept))

        pipeline.board.put = noted  # type: ignore[method-assign]  # listens
        await pipeline.poller.poll()
    assert served_at[0] <= 60
    assert sum(platform.clock.slept) > 300, "the history took its time"


@pytest.mark.parametrize(
    ("scenario", "outcomes"),
    [
        pytest.param("error-in-200", {"platform_error": 3.0}, id="error-in-200"),
        pytest.param("error-beside-data", {"platform_error": 3.0}, id="error-beside-data"),
        pytest.param("data-null", {"schema": 3.0}, id="data-null"),
        pytest.param("key-rejected", {"auth": 3.0}, id="key-rejected"),
        pytest.param("outage", {"http_error": 3.0}, id="outage"),
    ],
)
async def test_a_failure_serves_no_figure(scenario: str, outcomes: Mapping[str, float]) -> None:
    """No zeros; the log line has the platform's message."""
    platform = Platform.of(UTC_ZONE, NOON, scenario)
    async with platform.pipeline() as pipeline:
        await pipeline.poller.poll()
        assert outcomes_of(pipeline) == outcomes
        assert not [name for name in pipeline.page("chatcaptain_") if name.name != "chatcaptain_channel_info"]


async def test_a_broken_channel_does_not_affect_the_others() -> None:
    """The poll is good, since no limit needs the channel; the channel is named."""
    platform = Platform.of(UTC_ZONE, NOON, "channel-broken")
    async with platform.pipeline() as pipeline:
        await pipeline.poller.poll()
        assert outcomes_of(pipeline) == {"ok": 3.0}
        [unread] = pipeline.page("chat_usage_report_unread")
        assert dict(unread.labels) == {"report": "channel", "item": platform.bots.chatbots[0].channels[1].id}
        served = {
            dict(each.labels)["channel_id"] for each in pipeline.page("chatcaptain_channel_conversations_last_day")
        }
    channels = [channel.id for channel in platform.bots.chatbots[0].channels]
    assert served == set(channels) - {channels[1]}


async def test_without_a_list_of_channels_other_reports_continue() -> None:
    """With yesterday's list the channels are requested too, although the poll fails."""
    fresh = Platform.of(UTC_ZONE, NOON, "channels-broken")
    async with fresh.pipeline() as pipeline:
        await pipeline.poller.poll()
        assert outcomes_of(pipeline) == {"ok": 2.0, "http_error": 1.0}
        assert not pipeline.page("chatcaptain_channel_")
        assert pipeline.page("chatcaptain_conversations_last_day")

    known = Platform.of(UTC_ZONE, NOON)
    async with known.pipeline() as pipeline:
        await pipeline.poller.poll()
        await known.switch("channels-broken")
        known.clock.moment += timedelta(hours=20)
        await pipeline.poller.poll()
        assert outcomes_of(pipeline) == {"ok": 5.0, "http_error": 1.0}
        served = pipeline.page("chatcaptain_channel_conversations_last_day")
    yesterday = known.clock.moment.date() - timedelta(days=1)
    assert sum(served.values()) == sum(
        float(str(known.told("channel", yesterday, channel.id)["conversations"]))
        for channel in known.bots.chatbots[0].channels
    )


async def test_a_renamed_channel_keeps_its_series() -> None:
    """The name is only in the info metric, which changes with the next list."""
    platform = Platform.of(UTC_ZONE, NOON)
    async with platform.pipeline(platform.target(keep_days=RULES.keep_days)) as pipeline:
        await pipeline.poller.poll()
        before = pipeline.page("chatcaptain_channel_conversations_28d").keys()
        names = {dict(each.labels)["channel"] for each in pipeline.page("chatcaptain_channel_info")}
        await platform.switch("channel-renamed")
        platform.clock.moment += timedelta(hours=20)
        await pipeline.poller.poll()
        after = {dict(each.labels)["channel"] for each in pipeline.page("chatcaptain_channel_info")}
        assert pipeline.page("chatcaptain_channel_conversations_28d").keys() == before
    assert names != after


async def test_a_removed_channel_has_no_last_day() -> None:
    """Its series end, the others continue."""
    platform = Platform.of(UTC_ZONE, NOON)
    async with platform.pipeline() as pipeline:
        await pipeline.poller.poll()
        before = {
            dict(each.labels)["channel_id"] for each in pipeline.page("chatcaptain_channel_conversations_last_day")
        }
        await platform.switch("channel-removed")
        platform.clock.moment += timedelta(hours=48)
        await pipeline.poller.poll()
        after = {
            dict(each.labels)["channel_id"] for each in pipeline.page("chatcaptain_channel_conversations_last_day")
        }
        named = {dict(each.labels)["channel_id"] for each in pipeline.page("chatcaptain_channel_info")}
    assert after < before
    assert after == named


async def test_no_operator_is_in_the_exposition_or_the_state() -> None:
    """Neither name nor id."""
    platform = Platform.of(UTC_ZONE, NOON)
    async with platform.pipeline() as pipeline:
        await pipeline.poller.poll()
        text = pipeline.text() + repr(pipeline.poller._states)
    for identity, name in OPERATOR_NAMES.items():
        assert identity not in text
        assert name not in text
