"""Channels that fail cost a poll little time on its clock, and nothing else; it ends before the next one is due."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import anyio
import httpx
import pytest

from exporter.platforms.chatcaptain.platform import PLATFORM
from tests.road.road import Road
from tests.road.test_chatcaptain import NOON, UTC_ZONE, MovingClock, Platform
from tests.road.test_partial_answers import TROUBLES, Page, Troubled, of_use, target_of, value_of

TIMEOUT, INTERVAL = timedelta(seconds=60), timedelta(hours=1)
STRIKES = 2
"""So many time-outs of one channel a poll waits for."""
CHANNELS = [channel.id for channel in Platform.of(UTC_ZONE, NOON, channels=12).bots.chatbots[0].channels]


async def polled(failing: Sequence[str], channels: int = 5, trouble: str = "time-out") -> Sequence[Page]:
    """Returns the pages after a first poll, and after one two days later; a time-out takes its time."""
    platform, clock = Platform.of(UTC_ZONE, NOON, channels=channels), MovingClock(NOON)

    def fail(request: httpx.Request) -> httpx.Response | None:
        if request.url.params.get("channelId") not in failing:
            return None
        clock.moment += TIMEOUT if trouble == "time-out" else timedelta()
        return TROUBLES[trouble](request)

    target, key = target_of(platform, ("overview", "channel")), platform.bots.chatbots[0].key
    target = replace(target, rules=replace(target.rules, keep_days=4))
    pages = []
    async with Road(Troubled(platform.transport, instead=fail), clock, key, target, platform=PLATFORM) as road:
        for days in (0, 2):
            platform.clock.moment = clock.moment = NOON + timedelta(days=days)
            await road.poller.poll()
            pages.append(road.page())
    return pages


def seconds(page: Page) -> float:
    """Returns how long a poll of both reports took."""
    return sum(value for series, value in page.items() if series.name == "chat_usage_poll_duration_seconds")


@pytest.fixture(scope="module")
def untroubled() -> Sequence[Page]:
    """Returns the pages without trouble."""
    return anyio.run(polled, [])


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("failing", CHANNELS[:5])
def test_a_channel_that_fails_costs_two_time_outs_at_most(
    failing: str, trouble: str, untroubled: Sequence[Page]
) -> None:
    """At a first start, whose past is read without it, and later; all else is there when the poll ends."""
    for page, truth in zip(anyio.run(polled, [failing], 5, trouble), untroubled, strict=True):
        assert seconds(page) <= STRIKES * TIMEOUT.total_seconds()
        assert (seconds(page) == STRIKES * TIMEOUT.total_seconds()) is (trouble == "time-out")
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
def test_a_poll_ends_before_the_next_one_whoever_hangs(hanging: Sequence[str], most: timedelta) -> None:
    """Of twelve channels; who answers is served."""
    for page in anyio.run(polled, hanging, 12):
        served = {dict(s.labels)["channel_id"] for s in page if s.name == "chatcaptain_channel_conversations_last_day"}
        assert seconds(page) <= most.total_seconds()
        assert served == {*CHANNELS} - {*hanging}
        assert value_of(page, "chatcaptain_conversations_last_day") is not None
