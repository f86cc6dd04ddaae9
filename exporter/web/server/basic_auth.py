"""Asks users for their password and puts the configured headers on every answer."""

import base64
import binascii
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping

import bcrypt
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.polling.threads import Worker
from exporter.web.server.web_config_file import WebConfig

FREE = frozenset({"/-/healthy", "/-/ready"})
"""Probes of a cluster have no password."""
MOST_REMEMBERED = 100
LONGEST_PASSWORD = 72
"""In bytes: bcrypt looks at no more, and refuses to."""


class PasswordVerifier:
    """Compares passwords with their hashes, in a thread of its own, and keeps the newest results.

    A scrape every few seconds would else cost a hash each. It keeps keyed digests, not passwords.
    """

    def __init__(self) -> None:
        self._worker = Worker("passwords")
        self._secret = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, bool] = OrderedDict()

    async def verify(self, users: Mapping[str, bytes], name: str, password: bytes) -> bool:
        """Returns whether this is a user's password; takes as long for an unknown user as for a known one."""
        hashed = users.get(name)
        digest = hashlib.blake2b(
            b"\0".join((name.encode(), hashed or b"", password)), key=self._secret, digest_size=32
        ).digest()
        if digest not in self._known:
            # Of an unknown user the hash of somebody else is compared, which costs as much.
            compared = hashed or max(users.values(), key=lambda each: each[4:6])
            good = await self._worker.run(lambda: _matches(password, compared))
            self._known[digest] = good and hashed is not None
        self._known.move_to_end(digest)
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        return self._known[digest]

    def close(self) -> None:
        """Ends the thread."""
        self._worker.close()


def _matches(password: bytes, hashed: bytes) -> bool:
    good = bcrypt.checkpw(password[:LONGEST_PASSWORD], hashed)
    return good and len(password) <= LONGEST_PASSWORD


class BasicAuth:
    """The gate before an application; `config` returns what is in effect now."""

    def __init__(self, app: ASGIApp, config: Callable[[], WebConfig], passwords: PasswordVerifier) -> None:
        self._app = app
        self._config = config
        self._passwords = passwords

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through, or answers 401."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        config = self._config()
        headers = config.http_server_config.headers

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        if config.users and scope["path"] not in FREE:
            name, password = credentials(Headers(scope=scope).get("authorization", ""))
            if not await self._passwords.verify(config.users, name, password):
                unauthorized = PlainTextResponse("Unauthorized\n", 401, {"WWW-Authenticate": "Basic"})
                await unauthorized(scope, receive, send_with_headers)
                return
        await self._app(scope, receive, send_with_headers)


def credentials(header: str) -> tuple[str, bytes]:
    """Reads `Authorization: Basic ...` (RFC 7617); what is none is nobody with an empty password."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", b""
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else ("", b"")
    except (binascii.Error, UnicodeDecodeError):
        return "", b""
