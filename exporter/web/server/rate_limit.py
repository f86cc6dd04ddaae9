"""A token bucket, as the option `rate_limit` of exporter-toolkit has it: for all requests together."""

import time
from collections.abc import Callable

from exporter.web.server.web_config_file import RateLimit


class TokenBucket:
    """Holds up to `burst` tokens, full at first, and gains one each `interval`; a request takes one.

    As in the toolkit an interval of 0 is no limit, and a burst of 0 lets nothing through.
    """

    def __init__(self, limit: RateLimit, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._tokens = float(limit.burst)
        self._seen = clock()

    def take(self) -> bool:
        """Returns whether there was a token."""
        if not self.limit.interval:
            return True
        now = self._clock()
        self._tokens = min(self.limit.burst, self._tokens + (now - self._seen) / self.limit.interval)
        self._seen = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
