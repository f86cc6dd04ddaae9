"""How fast and how patiently one client asks: rate limit, waits between attempts; knows no HTTP client."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from exporter.domain.clock import Clock

BACKOFF_BASE = 2.0
BACKOFF_CAP = 60.0


@dataclass(slots=True)
class RetryBudget:
    """What one poll may still spend waiting between attempts: seconds `left`, shared by the poll's requests."""

    left: float

    def spend(self, seconds: float) -> bool:
        """Takes `seconds` if that much is left, and returns whether it was."""
        if seconds > self.left:
            return False
        self.left -= seconds
        return True


class Bucket:
    """At most `per_minute` requests a minute after a burst of the same size; callers are served in their order."""

    def __init__(self, per_minute: float, clock: Clock) -> None:
        self._burst = max(1.0, per_minute)
        self._per_second = per_minute / 60
        self._clock = clock
        self._tokens = self._burst
        self._filled = clock.monotonic()

    async def take(self) -> None:
        """Returns when one more request may go out.

        The place in the queue is taken before the wait, by going into debt; that keeps the order without a lock. A
        caller that is cancelled while it waits leaves its place unused: the platform is asked less, never more.
        """
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._per_second) - 1
        self._filled = now
        if self._tokens < 0:
            await self._clock.sleep(-self._tokens / self._per_second)


def wait(attempt: int, header: str | None, clock: Clock) -> float:
    """Returns the seconds to wait after `attempt` (from 1): full jitter, but never less than the platform asks for.

    Jitter holds also for `Retry-After: 0` and dates of the past: they say that the platform is ready, not that
    all clients may retry at once. https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    backoff = clock.random.uniform(0, min(BACKOFF_CAP, BACKOFF_BASE * 2 ** (attempt - 1)))
    return max(backoff, retry_after(header, clock.now()))


def retry_after(header: str | None, now: datetime) -> float:
    """Returns the seconds that a `Retry-After` asks for (RFC 9110, 10.2.3); 0 when it is absent, past or unreadable."""
    header = (header or "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", header):
        return float(header)
    moment = http_date(header)
    return 0.0 if moment is None else max(0.0, (moment - now).total_seconds())


def http_date(written: str) -> datetime | None:
    """Reads the date of a header (RFC 9110, 5.6.7); None if it is none."""
    try:
        moment = parsedate_to_datetime(written)
    except (ValueError, OverflowError):
        return None
    # "-0000": the sender does not say its zone; HTTP dates are in UTC
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
