"""The clocks, passed as an argument: only the edges of the program read one directly."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random, SystemRandom


def utcnow() -> datetime:
    """Returns the wall clock's moment, aware."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance, the machine's own where nothing is said.

    `now` is aware, `monotonic` counts seconds and never jumps, `sleep` waits; `random` gives the jitter of waits.
    """

    now: Callable[[], datetime] = utcnow
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Random = field(default_factory=SystemRandom)
