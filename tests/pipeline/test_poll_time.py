"""Failing channels delay a poll only a little; it ends before the next one is due."""

from collections.abc import Sequence
from datetime import timedelta

import anyio
import httpx
import pytest
from msgspec.structs import replace

from exporter.platforms.chatcaptain.platform import PLATFORM
from tests.pipeline.pipeline import Pipeline
from tests.pipeline.test_chatcaptain import NOON, UTC_ZONE, MovingClock, Platform
from tests.pipeline.test_partial_answers import FAULTS, FaultyTransport, Page, of_use, target_of, value_of

TIMEOUT, INTERVAL = timedelta(seconds=60), timedelta(hours=1)
STRIKES = 2
"""Timeouts of one channel that a poll waits for."""
CHANNELS = [channel.id for channel in Platform.of(UTC_ZONE, NOON, channels=12).bots.chatbots[0].channels]


async def polled(failing: Sequence[str], channels: int = 5, fault: str = "timeout") -> Sequence[Page]:
    """Returns the samples after a first poll and after one two days later; a timeout advances the clock."""
    platform, clock = Platform.of(UTC_ZONE, NOON, channels=channels), MovingClock(NOON)

    def fail(request: httpx.Request) -> httpx.Response | None:
        if request.url.params.get("channelId") not in failing:
            return None
        clock.moment += TIMEOUT if fault == "timeout" else timedelta()
        return FAULTS[fault](request)

    target, key = target_of(platform, ("overview", "channel")), platform.bots.chatbots[0].key
    target = replace(target, rules=replace(target.rules, keep_days=4))
    pages = []
    async with Pipeline(
        FaultyTransport(platform.transport, instead=fail), clock, key, target, platform=PLATFORM
    ) as pipeline:
        for days in (0, 2):
            platform.clock.moment = clock.moment = NOON + timedelta(days=days)
            await pipeline.poller.poll()
            pages.append(pipeline.page())
    return pages


def seconds(page: Page) -> float:
    """Returns the duration of a poll of both reports."""
    return sum(value for series, value in page.items() if series.name == "chat_usage_poll_duration_seconds")


@pytest.fixture(scope="module")
def without_faults() -> Sequence[Page]:
    """Returns the samples without a fault."""
    return anyio.run(polled, [])


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("failing", CHANNELS[:5])
def test_a_failing_channel_costs_two_timeouts_at_most(failing: str, fault: str, without_faults: Sequence[Page]) -> None:
    """At the first start and later; everything else is complete when the poll ends."""
    for page, truth in zip(anyio.run(polled, [failing], 5, fault), without_faults, strict=True):
        assert seconds(page) <= STRIKES * TIMEOUT.total_seconds()
        assert (seconds(page) == STRIKES * TIMEOUT.total_seconds()) is (fault == "timeout")
        assert of_use(page, failing) == of_use(truth, failing)
        assert value_of(page, "chat_usage_report_up") == 1.0


@pytest.mark.parametrize(
    ("hanging", "most"),
    [
        pytest.param(CHANNELS, 2 * TIMEOUT, id="all"),
        pytest.param(CHANNELS[1:], INTERVAL / 2, id="all-but-the-first"),
        pytest.param(CHANNELS[::2], INTERVAL / 2, id="every-second-one"),
    ],
)
def test_a_poll_ends_before_the_next_one_whichever_channels_hang(hanging: Sequence[str], most: timedelta) -> None:
    """With twelve channels; those that respond are served."""
    for page in anyio.run(polled, hanging, 12):
        served = {dict(s.labels)["channel_id"] for s in page if s.name == "chatcaptain_channel_conversations_last_day"}
        assert seconds(page) <= most.total_seconds()
        assert served == {*CHANNELS} - {*hanging}
        assert value_of(page, "chatcaptain_conversations_last_day") is not None
