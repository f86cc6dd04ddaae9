"""One request as a sequence of attempts: key, rate limit, time-out, and waits by `Retry-After` and retry budget."""

import asyncio
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import NamedTuple

import httpx
from msgspec import Struct

from exporter.domain.clock import Clock
from exporter.domain.errors import AuthError, ConfigError, SchemaError
from exporter.http.endpoint import KEY_PLACE, Endpoint, HttpRequest, Observer, site
from exporter.http.errors import HTTPX_ERRORS, RetryableError, translate
from exporter.http.key_mask import KeyMask
from exporter.http.response import report_body
from exporter.http.transport import HEADERS, proxy_for, transport_to, web_url
from exporter.platforms.api import Request

log = logging.getLogger(__name__)

ATTEMPTS = 3  # of one request that may be repeated, the first included
BACKOFF_BASE = 2.0
BACKOFF_CAP = 60.0
LONGEST_PAUSE_SECONDS = 86400.0  # the longest pause that one answer can cause: a faulty platform may ask for years
TRIED_AGAIN_SECONDS = 86400.0  # after a 403: the key's permissions may have changed


class RetryBudget(Struct):
    """Seconds `left` that one poll may still wait between attempts, shared by its requests."""

    left: float

    def spend(self, seconds: float) -> bool:
        """Takes `seconds` if that much is left, and returns whether it was."""
        if seconds > self.left:
            return False
        self.left -= seconds
        return True


class Pause(NamedTuple):
    """When requests may go out again, by the monotonic and the wall clock, and the answer that asked for it."""

    ends: float
    until: datetime
    failure: RetryableError


class Bucket:
    """At most `per_minute` requests a minute after a burst of the same size; first come, first served."""

    def __init__(self, per_minute: float, clock: Clock) -> None:
        self._burst = max(1.0, per_minute)
        self._per_second = per_minute / 60
        self._clock = clock
        self._tokens = self._burst
        self._filled = clock.monotonic()

    async def take(self) -> None:
        """Returns when one more request may go out.

        Tokens are taken before the wait, by going into debt; that keeps the order without a lock. A caller
        that is cancelled while it waits leaves its token unused.
        """
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._per_second) - 1
        self._filled = now
        if self._tokens < 0:
            await self._clock.sleep(-self._tokens / self._per_second)


class Client:
    """Asks one source, each request on a connection of its own; ConfigError if CA file or proxy cannot be used."""

    def __init__(
        self,
        endpoint: Endpoint,
        observer: Observer,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._observer = observer
        self._clock = clock or Clock()
        self._bucket = Bucket(endpoint.requests_per_minute, self._clock)
        base = httpx.URL(endpoint.base_url)
        self._base, self._site = str(base).rstrip("/"), site(base)
        self._proxy = proxy_for(base, endpoint.proxy_url)
        self._transport = transport_to(base, endpoint, self._proxy, transport)
        self._mask = KeyMask((), {})
        self._refused_until = float("-inf")
        self._pause: Pause | None = None

    def take_over(self, other: "Client") -> None:
        """Keeps the pause that the platform asked the previous client of the source for."""
        self._pause = other._pause

    async def get(self, request: Request, retry_budget: RetryBudget) -> bytes:
        """Returns the whole answer, decompressed, with the key masked; neither empty nor HTML, otherwise unchecked.

        Repeats the request as far as the platform and `retry_budget` allow. After a 403 it sends `request.instead`
        once. If that succeeds it is sent first for a day, so that a forbidden filter is not tried with each request.

        Raises AuthError (also without a usable key), RateLimitedError or HttpStatusError (also in a pause after such
        an answer), TimedOutError, ConnectionLostError, TooLargeError, NotJsonError, SchemaError (a link elsewhere).
        """
        if request.instead and self._clock.monotonic() < self._refused_until:
            request = request.instead
        try:
            return await self._with_newest_key(request, retry_budget)
        except AuthError as error:
            if error.status != HTTPStatus.FORBIDDEN or request.instead is None:
                raise
        body = await self._with_newest_key(request.instead, retry_budget)
        self._refused_until = self._clock.monotonic() + TRIED_AGAIN_SECONDS
        return body

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _with_newest_key(self, request: Request, retry_budget: RetryBudget) -> bytes:
        """Asks with the key; after a 401 a key that was replaced in its file meanwhile is tried once."""
        given = self._endpoint.key
        key = given if isinstance(given, str) else await self._read_key(given, request.report)
        try:
            attempts = ATTEMPTS if request.method == "GET" else 1
            return await self._with_retries(request, key, retry_budget, attempts)
        except AuthError as error:
            if error.status != HTTPStatus.UNAUTHORIZED or isinstance(given, str):
                raise
            newer = await self._read_key(given, request.report)
            if newer == key:
                raise
        return await self._with_retries(request, newer, retry_budget, 1)

    async def _read_key(self, read: Callable[[], str], report: str) -> str:
        try:
            return await asyncio.to_thread(read)  # its file system may not respond
        except ConfigError as error:
            message = f"{self._endpoint.source}: {report}: the key in {KEY_PLACE} cannot be read: {error}"
            raise AuthError(message, HTTPStatus.UNAUTHORIZED) from error

    async def _with_retries(self, request: Request, key: str, retry_budget: RetryBudget, attempts: int) -> bytes:
        """Asks at most so many times, as long as the budget allows to wait; raises as `get` does."""
        sent = self._with_key(request, key)
        if self._pause:
            await self._obey_pause(self._pause, sent, retry_budget)
        attempt = 1
        while True:
            try:
                return await self._attempt(sent)
            except RetryableError as failure:
                self._note_pause(failure)
                seconds = wait_seconds(attempt, failure.retry_after, self._clock)
                if attempt >= attempts:
                    raise failure.given_up(f"attempt {attempt} of {attempts}") from failure.__cause__
                if not retry_budget.spend(seconds):
                    why = f"the next attempt is in {seconds:.0f} s, but this poll can wait {retry_budget.left:.0f} s"
                    if failure.retry_after and self._pause:
                        why += f"; requests to the source are paused until {self._pause.until:%Y-%m-%dT%H:%M:%SZ}"
                    raise failure.given_up(why) from failure.__cause__
                words = (self._endpoint.source, request.report, attempt, failure.reason, seconds)
                log.debug("%s: %s: attempt %d failed (%s), next in %.1f s", *words)
            await self._wait(request, seconds)
            attempt += 1

    def _with_key(self, request: Request, key: str) -> HttpRequest:
        """Returns the request as it is sent, masking all keys in use; SchemaError if its link leads elsewhere."""
        url = f"{self._base}/{request.path.lstrip('/')}"
        url, params = self._linked(request, url) if request.link else (url, httpx.QueryParams(dict(request.params)))
        headers = self._endpoint.headers(key)
        self._endpoint.keys_in_use[self._endpoint.source] = key
        secrets = tuple(self._endpoint.keys_in_use.values()), headers
        if self._mask.secrets != secrets:  # a platform's headers may hold the time
            self._mask = KeyMask(*secrets)
        return HttpRequest(self._endpoint, request, self._site, url, headers, self._mask, self._proxy, params)

    def _note_pause(self, failure: RetryableError) -> None:
        now = self._clock.now()
        if seconds := min(retry_after(failure.retry_after, now), LONGEST_PAUSE_SECONDS):
            until = now + timedelta(seconds=seconds)
            self._pause = Pause(self._clock.monotonic() + seconds, until, failure)
            self._observer.paused(self._endpoint.source, until)

    async def _obey_pause(self, pause: Pause, sent: HttpRequest, retry_budget: RetryBudget) -> None:
        """Waits until the platform may be asked again; fails as the last answer did if the budget is too small."""
        seconds = pause.ends - self._clock.monotonic()
        if seconds <= 0:
            self._pause = None
        elif retry_budget.spend(seconds):
            await self._wait(sent.request, seconds)
        else:
            paused = f"requests to {self._site} are paused until {pause.until:%Y-%m-%dT%H:%M:%SZ}"
            raise pause.failure.kind(sent.message(f"{paused}: it answered {pause.failure.reason} with Retry-After"))

    async def _wait(self, request: Request, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._observer.waited(self._endpoint.source, request.report, seconds)

    def _linked(self, request: Request, url: str) -> tuple[str, httpx.QueryParams]:
        """Returns the URL and query of the next page; SchemaError if its link leads to a host the key is not for."""
        link = web_url(request.link, httpx.URL(url))
        if link is None or site(link) != self._site or link.userinfo:
            where = f"{self._endpoint.source}: {request.report}: the link to the next page"
            raise SchemaError(f"{where} does not begin with {self._site}; the answer is incomplete")
        return str(link.copy_with(query=None, fragment=None)), link.params

    async def _attempt(self, sent: HttpRequest) -> bytes:
        """Sends the request once; raises RetryableError or, if another attempt is of no use, ReportError."""
        await self._bucket.take()
        began = self._clock.monotonic()
        code, request = "error", sent.request
        try:
            headers = httpx.Headers(HEADERS)
            headers.update(sent.headers)
            outgoing = httpx.Request(request.method, sent.url, params=sent.params, headers=headers)
            async with (
                asyncio.timeout(self._endpoint.timeout),
                aclosing(await self._transport.handle_async_request(outgoing)) as response,
            ):
                code = str(response.status_code)
                if dated := http_date(response.headers.get("Date", "")):
                    half = (self._clock.monotonic() - began) / 2  # the answer was made halfway through the wait
                    skew = (dated - self._clock.now()).total_seconds() + half
                    self._observer.dated(self._endpoint.source, skew)
                return sent.mask.in_body(await report_body(response, sent))
        except asyncio.CancelledError:
            code = "cancelled"  # by a reload or shutdown, not by the platform
            raise
        except HTTPX_ERRORS as error:
            raise translate(error, sent) from error
        finally:
            seconds = self._clock.monotonic() - began
            self._observer.request(self._endpoint.source, request.report, code, seconds)


def wait_seconds(attempt: int, headers: Sequence[str], clock: Clock) -> float:
    """Returns the seconds to wait after `attempt` (from 1): full jitter, but never less than the platform asks for.

    Jitter also applies to `Retry-After: 0` and past dates: they say that the platform is ready, not that all
    clients may retry at once. https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    backoff = clock.random.uniform(0, min(BACKOFF_CAP, BACKOFF_BASE * 2 ** (attempt - 1)))
    return max(backoff, retry_after(headers, clock.now()))


def retry_after(headers: Iterable[str], now: datetime) -> float:
    """Returns the seconds that `Retry-After` asks for (RFC 9110, 10.2.3); 0 if it is absent, past or unreadable.

    The longest counts: a proxy may add its own, or join them by commas.
    """
    parts = (part.strip() for header in headers for part in (header, *header.split(",")))
    return max((_seconds(part, now) for part in parts), default=0.0)


def _seconds(written: str, now: datetime) -> float:
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", written):
        return float(written)
    moment = http_date(written)
    return 0.0 if moment is None else max(0.0, (moment - now).total_seconds())


def http_date(written: str) -> datetime | None:
    """Reads the date of a header (RFC 9110, 5.6.7); None if it cannot be read."""
    try:
        moment = parsedate_to_datetime(written)
    except (ValueError, OverflowError):
        return None
    # "-0000": the sender does not say its zone; HTTP dates are in UTC
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
