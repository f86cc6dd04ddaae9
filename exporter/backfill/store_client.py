"""How a store of time series is reached: its URL, and credentials, TLS and headers from a file that Prometheus knows.

The file is promtool's own (`--http.config.file`): basic_auth, authorization, tls_config, http_headers. What cannot be
done here is refused by name.
"""

import asyncio
import base64
import binascii
import ssl
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import yaml

from exporter import __version__
from exporter.domain.blocking import in_time
from exporter.domain.errors import ConfigError, StoreError
from exporter.http import tls_context
from exporter.http.key_mask import KeyMask
from exporter.http.proxy import proxy_for

MAX_PORT = 65535
TIMEOUT_SECONDS = 60.0
"""A store that merges what is out of order may take its time."""
REFUSAL_SECONDS = 0.25
"""How long a new connection listens before it speaks: longer than a store beside us takes to refuse a certificate."""

PUBLIC_HEADERS = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type"),
        *("host", "user-agent", "x-prometheus-remote-write-version"),
    }
)
CUT_OFF = (httpx.TransportError, OSError)
"""What httpx raises without an answer; an ssl.SSLError in the middle of one passes httpx unchanged."""


class BasicAuth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user, whose password is here or in a file."""

    username: str
    password: str | None = None
    password_file: str | None = None


class Authorization(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The header of that name: credentials of a type, here or in a file."""

    type: str = "Bearer"
    credentials: str | None = None
    credentials_file: str | None = None


class TlsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The authority that is trusted, and the certificate that is shown."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    insecure_skip_verify: bool = False


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a header holds, here or in files."""

    values: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class HttpConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    tls_config: TlsConfig = TlsConfig()
    http_headers: Mapping[str, Header] = {}


def http_config(path: Path | None) -> HttpConfig:
    """Reads the file; paths in it are relative to its folder.

    Raises:
        ConfigError: it cannot be read, or holds what cannot be done.
    """
    if path is None:
        return HttpConfig()
    try:
        given = yaml.safe_load(in_time(path.read_bytes, path).decode())
        config = msgspec.convert(given or {}, HttpConfig)
    except OSError as error:
        raise ConfigError(f"--http.config.file: {path}: {error.strerror}; name a readable file") from error
    except (yaml.YAMLError, UnicodeError, RecursionError):  # its message may quote a secret
        raise ConfigError(f"--http.config.file: {path} is no YAML; see promtool's HTTP client configuration") from None
    except msgspec.ValidationError as error:  # names types and places, no values
        raise ConfigError(f"--http.config.file: {path}: {error}; see docs/backfill.md for what it may hold") from error
    if config.basic_auth and config.authorization:
        raise ConfigError(f"--http.config.file: {path}: basic_auth and authorization exclude each other; keep one")
    return config


def check_url(url: str) -> None:
    """Checks the URL of a store, before anything is asked or written.

    Raises:
        ConfigError: it cannot be used; the message does not show it, since it may hold a password.
    """
    try:
        parsed = httpx.URL(url)
        host, port = parsed.host, parsed.port
    except (httpx.InvalidURL, ValueError):
        raise ConfigError("the URL of the store is none; see its host and port") from None
    if parsed.scheme not in {"http", "https"} or not host:
        raise ConfigError("the URL of the store must start with http:// or https:// and a host")
    if port is not None and not 0 < port <= MAX_PORT:
        raise ConfigError("the URL of the store is none; see its host and port")
    if parsed.userinfo:
        raise ConfigError("the URL of the store must hold no user or password; give them by --http.config.file")


def shown_url(url: str) -> str:
    """Returns the URL of a store as it may be printed and kept: its query may hold a token."""
    place, _, query = url.partition("?")
    return f"{place}?…" if query else url


def reached(url: str) -> str:
    """Returns the URL of a store for an error, with the proxy that it is reached through."""
    proxy = proxy_for(httpx.URL(url))
    return shown_url(url) + (f" (through the proxy {proxy})" if proxy else "")


def sent_secrets(request: httpx.Request) -> KeyMask:
    """Makes a mask of what a request tells a store in confidence, which the store may echo."""
    sent = [value for name, value in request.headers.items() if name not in PUBLIC_HEADERS]
    sent += request.url.params.values()
    _, _, encoded = request.headers.get("Authorization", "").partition("Basic ")
    with suppress(binascii.Error, UnicodeDecodeError):
        sent.append(base64.b64decode(encoded).decode().partition(":")[2])
    return KeyMask((), {"Authorization": " ".join(sent)})


def client(
    url: str, config: HttpConfig, folder: Path, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """Makes the client of one store; files of the configuration are relative to `folder`, and read now.

    Raises:
        ConfigError: the URL or a file cannot be used.
    """
    check_url(url)
    proxy = proxy_for(httpx.URL(url))
    try:
        return httpx.AsyncClient(
            headers={"User-Agent": f"chat-usage-exporter/{__version__}", **_headers(config, folder)},
            auth=_basic(config.basic_auth, folder),
            verify=_trust(config.tls_config, folder),
            timeout=TIMEOUT_SECONDS,
            follow_redirects=False,
            proxy=proxy.url if proxy else None,
            trust_env=False,  # httpx refuses networks of IPv6 in NO_PROXY
            transport=transport,
            event_hooks={"request": [_listen_first]},
        )
    except OSError as error:  # ssl.SSLError is one
        place = error.filename or "tls_config"
        raise ConfigError(f"--http.config.file: {place}: {error.strerror or error}; name a readable file") from error


def cut_off(url: str, error: Exception) -> str:
    """Returns why there was no answer, for asking again.

    Raises:
        StoreError: the two do not trust each other; asking again would not help.
    """
    cause: BaseException | None = error
    while cause is not None:
        why = str(getattr(cause, "reason", None) or cause)
        if isinstance(cause, ssl.SSLCertVerificationError) or (isinstance(cause, ssl.SSLError) and "ALERT" in why):
            raise StoreError(f"{reached(url)}: no TLS ({why}); see tls_config in --http.config.file") from error
        cause = cause.__cause__ or cause.__context__
    return f"cannot be reached ({type(error).__name__})"


async def _listen_first(request: httpx.Request) -> None:
    """Has a new connection wait for what the store says of our certificate before anything is sent.

    By TLS 1.3 it says so after our side of the handshake is done. If it then leaves with a request unread, its system
    resets the connection, and why is lost: a certificate that is missing would look like a store that is away.
    """
    request.extensions["trace"] = _raise_tls_refusal


async def _raise_tls_refusal(event: str, info: Mapping[str, Any]) -> None:
    """Hears of a request's events (https://www.python-httpx.org/advanced/extensions/#trace); raises what is heard."""
    if not event.endswith(".start_tls.complete"):
        return
    stream = info["return_value"]
    try:
        async with asyncio.timeout(REFUSAL_SECONDS):
            await stream.read(1)
    except TimeoutError:  # who agrees says nothing
        return
    except BaseException:
        await stream.aclose()
        raise


def _basic(given: BasicAuth | None, folder: Path) -> tuple[str, str] | None:
    if given is None:
        return None
    return given.username, _secret(given.password, given.password_file, "basic_auth.password", folder)


def _headers(config: HttpConfig, folder: Path) -> Mapping[str, str]:
    found = {
        name: ", ".join((*header.values, *header.secrets, *(_read(folder / file) for file in header.files)))
        for name, header in config.http_headers.items()
    }
    given = config.authorization
    if given is not None:
        secret = _secret(given.credentials, given.credentials_file, "authorization.credentials", folder)
        found["Authorization"] = f"{given.type} {secret}"
    return found


def _secret(value: str | None, file: str | None, name: str, folder: Path) -> str:
    if (value is None) == (file is None):
        raise ConfigError(f"--http.config.file: give exactly one of {name} and {name}_file")
    return value if value is not None else _read(folder / str(file))


def _read(path: Path) -> str:
    return in_time(path.read_bytes, path).decode().strip()


def _trust(given: TlsConfig, folder: Path) -> ssl.SSLContext:
    context = tls_context(folder / given.ca_file if given.ca_file else None)
    if given.cert_file is not None:
        cert, key = folder / given.cert_file, folder / given.key_file if given.key_file else None
        in_time(partial(context.load_cert_chain, cert, key), cert)
    if given.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
