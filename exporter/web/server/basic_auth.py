"""Checks passwords, limits the request rate, and adds the configured headers to every response."""

import asyncio
import base64
import binascii
import hashlib
import ipaddress
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct, field
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.web.server.web_config_file import OPEN, RateLimit, WebConfig

FREE = frozenset({"/-/healthy", "/-/ready"})  # Kubernetes probes send no password; a rate limit must not restart a pod
MOST_WRONG = 100
"""Number of wrong passwords to remember, so that a scrape with an old password does not cost a hash every time."""
LONGEST_PASSWORD = 72  # bytes; bcrypt rejects longer ones
MOST_RUNNING, MOST_PENDING, MOST_PENDING_PER_CLIENT = 2, 16, 4
"""Number of checks at once, and of passwords that may wait for one in total and per client address."""
UNKNOWN_USER = b"$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
"""Hash to compare for unknown users, as in exporter-toolkit, so that timing does not reveal which users exist."""


class TooManyChecksError(Exception):
    """Too many passwords are waiting to be checked."""


class _Check(Struct, frozen=True):
    """A check of a password; those of one client take turns."""

    client: str
    turn: asyncio.Lock
    result: "asyncio.Task[bool]"


class TokenBucket:
    """Starts with `burst` tokens and gains one per `interval` (seconds) up to that number, as in exporter-toolkit.

    An interval of 0 means no limit; a burst of 0 lets nothing through.
    """

    def __init__(self, limit: RateLimit, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._tokens = float(limit.burst)
        self._seen = clock()

    def take(self) -> bool:
        if not self.limit.interval:
            return True
        now = self._clock()
        self._tokens = min(self.limit.burst, self._tokens + (now - self._seen) / self.limit.interval)
        self._seen = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class PasswordVerifier:
    """Compares passwords with hashes in threads, and remembers the results as keyed digests.

    Guesses must not delay scrapes: correct passwords are remembered separately from wrong ones, few checks may wait,
    and one client address has one check at a time.
    """

    def __init__(self) -> None:
        self._running = asyncio.Semaphore(MOST_RUNNING)
        self._secret = secrets.token_bytes(32)
        self._right: dict[str, bytes] = {}
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self._pending: dict[bytes, _Check] = {}

    async def verify(self, users: Mapping[str, str], name: str, password: bytes, client: str) -> bool:
        """Returns whether this is the user's password; TooManyChecksError if a check is needed and too many wait."""
        hashed = users.get(name, "").encode()
        text = b"\0".join((name.encode(), hashed, password))
        digest = hashlib.blake2b(text, key=self._secret, digest_size=32).digest()
        if self._right.get(name) == digest:
            return True
        if digest in self._wrong:
            self._wrong.move_to_end(digest)
            return False
        if digest not in self._pending:
            self._begin(digest, password, hashed or UNKNOWN_USER, client)
        # Other requests may wait for the same check, so it continues when this one is cancelled.
        good = await asyncio.shield(self._pending[digest].result) and name in users
        if good:
            self._right = {each: known for each, known in self._right.items() if each in users} | {name: digest}
        else:
            self._wrong[digest] = None
            while len(self._wrong) > MOST_WRONG:
                self._wrong.popitem(last=False)
        return good

    def _begin(self, digest: bytes, password: bytes, hashed: bytes, client: str) -> None:
        own = [each for each in self._pending.values() if each.client == client]
        if len(self._pending) >= MOST_PENDING or len(own) >= MOST_PENDING_PER_CLIENT:
            raise TooManyChecksError
        turn = own[0].turn if own else asyncio.Lock()
        result = asyncio.get_running_loop().create_task(self._compared(password, hashed, turn))
        self._pending[digest] = _Check(client, turn, result)
        result.add_done_callback(lambda _: self._pending.pop(digest))

    async def _compared(self, password: bytes, hashed: bytes, turn: asyncio.Lock) -> bool:
        import bcrypt  # noqa: PLC0415 - most servers have no users

        async with turn, self._running:
            good = await asyncio.to_thread(bcrypt.checkpw, password[:LONGEST_PASSWORD], hashed)
            return good and len(password) <= LONGEST_PASSWORD


class BasicAuth(Struct):
    """Middleware; `refused` is called with `credentials` or `too_many` when a request with a password is rejected."""

    app: ASGIApp
    config: Callable[[], Awaitable[WebConfig]]
    refused: Callable[[str], None] = lambda _reason: None
    _passwords: PasswordVerifier = field(default_factory=PasswordVerifier)
    _bucket: TokenBucket = field(default_factory=lambda: TokenBucket(OPEN.rate_limit))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        config = await self.config()
        headers = config.http_server_config.headers

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        app = self.app if scope["path"] in FREE else await self._let_in(config, scope)
        await app(scope, receive, send_with_headers)

    async def _let_in(self, config: WebConfig, scope: Scope) -> ASGIApp:
        """Returns the application, or the response that refuses the request."""
        if self._bucket.limit != config.rate_limit:
            self._bucket = TokenBucket(config.rate_limit)
        if not self._bucket.take():
            return PlainTextResponse("Too Many Requests\n", 429, {"Retry-After": "1"})
        users = config.basic_auth_users
        if not users:
            return self.app
        if given := credentials(Headers(scope=scope).get("authorization", "")):
            try:
                if await self._passwords.verify(users, *given, client_network(scope)):
                    return self.app
            except TooManyChecksError:
                self.refused("too_many")
                return _refusal("Too many passwords are being checked", 429, {"Retry-After": "1"})
            self.refused("credentials")
        return _refusal("Unauthorized", 401, {"WWW-Authenticate": "Basic"})


def _refusal(text: str, status: int, headers: Mapping[str, str]) -> ASGIApp:
    """Closes the connection after the response, so that another guess needs a new connection."""
    return PlainTextResponse(f"{text}\n", status, {**headers, "Connection": "close"})


def client_network(scope: Scope) -> str:
    """Returns the client's address; for IPv6 its /64 network, since one client may own all of it."""
    host = (scope.get("client") or ("", 0))[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return str(host)
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address)


def credentials(header: str) -> tuple[str, bytes] | None:
    """Parses `Authorization: Basic ...` (RFC 7617); None for anything else."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None
