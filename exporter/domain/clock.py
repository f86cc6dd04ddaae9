"""The clock, which is an argument everywhere, so that tests can replace it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from random import Random, SystemRandom

from msgspec import Struct, field


def utcnow() -> datetime:
    return datetime.now(UTC)


class Clock(Struct, frozen=True):
    """Time and randomness, by default the machine's.

    `now` is aware, `monotonic` counts seconds and never jumps, `random` gives the jitter of waits.
    """

    now: Callable[[], datetime] = utcnow
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Random = field(default_factory=SystemRandom)
