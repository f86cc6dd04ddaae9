"""One request as a sequence of attempts: key, rate limit, time-out, retries; knows no report's shape."""

import asyncio
import logging
import ssl
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx

from exporter.domain.clock import Clock
from exporter.domain.errors import AuthError, ConfigError
from exporter.http import rate_limit
from exporter.http.endpoint import ClientLimits, Endpoint, Observer, is_loopback
from exporter.http.errors import HTTPX_ERRORS, RetryableError, translate
from exporter.http.request import USER_AGENT, HttpRequest
from exporter.http.response import hide_target, report_body
from exporter.platforms.api import Request

log = logging.getLogger(__name__)

HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "Connection": "close",  # or what is sent beyond an answer would be taken for the answer to the next question
    "User-Agent": USER_AGENT,
}


class Client:
    """Asks one source, each question on a connection of its own; keeps no cookies, follows no redirect.

    Lives on one event loop.

    Raises:
        ConfigError: `base_url`, `ca_file` or `proxy_url` cannot be used.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        limits: ClientLimits,
        observer: Observer,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._observer = observer
        self._clock = clock or Clock()
        self._bucket = rate_limit.Bucket(limits.requests_per_minute, self._clock)
        base = _base(endpoint)
        self._base, self._site = str(base).rstrip("/"), _site(base)
        self._http = _http(endpoint, transport)
        self._proxy = _site(httpx.URL(endpoint.proxy_url)) if endpoint.proxy_url else None

    async def get(self, request: Request, retry_budget: rate_limit.RetryBudget) -> bytes:
        """Returns the whole answer, decompressed: not empty, not a page, else unchecked.

        Asks again as the platform and `retry_budget` allow; asks `request.instead`, once, after a 403.

        Raises:
            AuthError: 401 or 403, or there is no usable key (status 401).
            RateLimitedError, HttpStatusError: 429; any other status than 200.
            TimedOutError, ConnectionLostError, TooLargeError, NotJsonError: as their names say.
        """
        try:
            return await self._with_newest_key(request, retry_budget)
        except AuthError as error:
            if error.status != HTTPStatus.FORBIDDEN or request.instead is None:
                raise
        return await self._with_newest_key(request.instead, retry_budget)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def _with_newest_key(self, request: Request, retry_budget: rate_limit.RetryBudget) -> bytes:
        """Asks with the key; a key that was replaced meanwhile is tried once after a 401."""
        key = await self._key(request.report)
        try:
            attempts = self._limits.attempts if request.method == "GET" else 1
            return await self._with_retries(request, key, retry_budget, attempts)
        except AuthError as error:
            if error.status != HTTPStatus.UNAUTHORIZED:
                raise
            newer = await self._key(request.report)
            if newer == key:
                raise
        return await self._with_retries(request, newer, retry_budget, 1)

    async def _key(self, report: str) -> str:
        endpoint = self._endpoint
        where = f"{endpoint.source}: {report}: the key in {endpoint.key_place}"
        try:
            key = await asyncio.to_thread(endpoint.key)  # may read a file, and that file system may not respond
        except (OSError, ConfigError) as error:
            raise AuthError(f"{where} cannot be read: {error}", HTTPStatus.UNAUTHORIZED) from error
        if not key or not key.isascii() or not key.isprintable() or key != key.strip():
            # no header can carry it, and the library's message would show it
            raise AuthError(f"{where} is empty or holds line ends or other unfit characters", HTTPStatus.UNAUTHORIZED)
        return key

    async def _with_retries(
        self, request: Request, key: str, retry_budget: rate_limit.RetryBudget, attempts: int
    ) -> bytes:
        url = f"{self._base}/{request.path.lstrip('/')}"
        sent = HttpRequest(self._endpoint, request, self._site, url, key, self._proxy)
        attempt = 1
        while True:
            try:
                return await self._attempt(sent)
            except RetryableError as failure:
                wait = rate_limit.wait(attempt, failure.retry_after, self._clock)
                if attempt >= attempts:
                    raise failure.given_up(f"attempt {attempt} of {attempts}") from failure.__cause__
                if not retry_budget.spend(wait):
                    why = f"the next attempt would be in {wait:.0f} s, this poll can wait {retry_budget.left:.0f} s"
                    raise failure.given_up(why) from failure.__cause__
                reason = failure.reason
            where = (self._endpoint.source, request.report)
            log.debug("%s: %s: attempt %d failed (%s), next in %.1f s", *where, attempt, reason, wait)
            await self._clock.sleep(wait)
            self._observer.waited(request.report, wait)
            attempt += 1

    async def _attempt(self, sent: HttpRequest) -> bytes:
        await self._bucket.take()
        began = self._clock.monotonic()
        code, request, headers = "error", sent.request, self._endpoint.headers(sent.key)
        try:
            async with (
                asyncio.timeout(self._limits.timeout),
                self._http.stream(request.method, sent.url, params=request.params, headers=headers) as response,
            ):
                code = str(response.status_code)
                if dated := rate_limit.http_date(response.headers.get("Date", "")):
                    half = (self._clock.monotonic() - began) / 2  # it is taken to be made in the middle of the wait
                    self._observer.dated((dated - self._clock.now()).total_seconds() + half)
                return await report_body(response, sent, self._limits.max_body)
        except HTTPX_ERRORS as error:
            raise translate(error, sent, self._limits.timeout) from error
        finally:
            self._observer.request(request.report, code, self._clock.monotonic() - began)


def _site(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode()}"


def _base(endpoint: Endpoint) -> httpx.URL:
    where = f"{endpoint.source}: base_url"
    try:
        base = httpx.URL(endpoint.base_url)
    except httpx.InvalidURL:  # its message may quote a password
        raise ConfigError(f"{where} is no URL, see its host and port") from None
    if base.scheme not in ("http", "https") or not base.host:
        raise ConfigError(f"{where} must start with https:// and a host")
    if base.userinfo or base.query or base.fragment:
        raise ConfigError(f"{where} must hold no user, password, query or fragment")  # a user would replace the key
    return base


def _http(endpoint: Endpoint, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    try:
        return httpx.AsyncClient(
            headers=HEADERS,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # a login page's session would outrank the key
            verify=_trust(endpoint),
            proxy=endpoint.proxy_url,
            timeout=None,  # noqa: S113 -- the whole attempt has one
            follow_redirects=False,
            event_hooks={"response": [hide_target]},
            trust_env=not is_loopback(httpx.URL(endpoint.base_url).host),  # a proxy cannot reach this machine's own
            transport=transport,
        )
    except (ValueError, ImportError, httpx.InvalidURL):  # a scheme that httpx does not speak, such as socks5
        raise ConfigError(
            f"{endpoint.source}: proxy_url (or HTTPS_PROXY, HTTP_PROXY, ALL_PROXY) must be an http:// or https:// URL"
        ) from None  # the message of httpx may quote a password


def _trust(endpoint: Endpoint) -> ssl.SSLContext:
    try:
        return tls_context(endpoint.ca_file)
    except OSError as error:  # ssl.SSLError is one
        where = f"ca_file {endpoint.ca_file}" if endpoint.ca_file else "SSL_CERT_FILE of the environment"
        raise ConfigError(f"{endpoint.source}: {where} is no readable PEM file of certificates: {error}") from error


def tls_context(ca_file: str | Path | None) -> ssl.SSLContext:
    """Returns a client's side of TLS that trusts the authorities of a file, else SSL_CERT_FILE's, else the well-known.

    The same certificates on every Python: 3.13 began to refuse what RFC 5280 wants otherwise, such as an authority's
    signature without a key identifier. Companies' own authorities, and proxies that look into TLS, make many of these,
    and every other program there takes them.

    Raises:
        OSError: a file is not there or holds no certificate.
    """
    context = httpx.create_ssl_context() if ca_file is None else ssl.create_default_context(cafile=ca_file)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
