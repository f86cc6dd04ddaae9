"""The HTTP client of a store, with the credentials, TLS and headers of promtool's `--http.config.file`."""

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

from exporter.domain.errors import ConfigError, StoreError
from exporter.domain.threads import in_time
from exporter.http.endpoint import through
from exporter.http.errors import causes
from exporter.http.key_mask import KeyMask
from exporter.http.transport import USER_AGENT, proxy_for, tls_context, web_url

TIMEOUT_SECONDS = 60.0  # merging out-of-order samples may take a store a while
REFUSAL_SECONDS = 0.25  # how long a new connection listens before it sends; a nearby store rejects a certificate faster

PUBLIC_HEADERS = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type"),
        *("host", "user-agent", "x-prometheus-remote-write-version"),
    }
)
CUT_OFF = (httpx.TransportError, OSError)
"""What httpx raises without an answer; an ssl.SSLError inside one passes httpx unchanged."""


class BasicAuthUser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    username: str
    password: str | None = None
    password_file: Path | None = None


class Authorization(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str = "Bearer"
    credentials: str | None = None
    credentials_file: Path | None = None


class TlsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    insecure_skip_verify: bool = False


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    values: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


class HttpConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is supported of the file; anything else is refused by name."""

    basic_auth: BasicAuthUser | None = None
    authorization: Authorization | None = None
    tls_config: TlsConfig = TlsConfig()
    http_headers: Mapping[str, Header] = {}


def http_config(path: Path | None) -> HttpConfig:
    """Reads the file, whose paths are relative to its folder; ConfigError if it is unreadable or unsupported."""
    if path is None:
        return HttpConfig()

    def beside(_path: type, written: object) -> Path:
        if not isinstance(written, str):
            raise TypeError("Expected the path of a file")
        return path.parent / written

    try:
        given = yaml.safe_load(in_time(path.read_bytes, path).decode())
        config = msgspec.convert(given or {}, HttpConfig, dec_hook=beside)
    except OSError as error:
        raise ConfigError(f"--http.config.file: {path}: {error.strerror}; name a readable file") from error
    except msgspec.ValidationError as error:  # names types and places, no values
        raise ConfigError(f"--http.config.file: {path}: {error}; see docs/backfill.md for what it may hold") from error
    # PyYAML's constructors raise all of these for a wrong tag such as `!!int x`; their messages may quote a secret.
    except (yaml.YAMLError, ValueError, OverflowError, LookupError, AttributeError, TypeError, RecursionError):
        raise ConfigError(f"--http.config.file: {path} is not YAML; see promtool's HTTP client configuration") from None
    if config.basic_auth and config.authorization:
        raise ConfigError(f"--http.config.file: {path}: basic_auth and authorization are both set; keep one of the two")
    return config


def shown_url(url: str) -> str:
    """Returns the URL of a store fit for messages and the manifest: its query may hold a token."""
    place, _, query = url.partition("?")
    return f"{place}?…" if query else url


def reached(url: str) -> str:
    """Returns the URL of a store for an error, with the proxy in use."""
    return shown_url(url) + through(proxy_for(httpx.URL(url)))


def sent_secrets(request: httpx.Request) -> KeyMask:
    """Makes a mask of the secrets in a request, which the store may echo."""
    sent = [value for name, value in request.headers.items() if name not in PUBLIC_HEADERS]
    sent += request.url.params.values()
    _, _, encoded = request.headers.get("Authorization", "").partition("Basic ")
    with suppress(binascii.Error, UnicodeDecodeError):
        sent.append(base64.b64decode(encoded).decode().partition(":")[2])
    return KeyMask((), {"Authorization": " ".join(sent)})


def client(url: str, config: HttpConfig, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Makes the client of a store; ConfigError if URL or file is unusable, without the URL: it may hold a password."""
    parsed, basic = web_url(url), config.basic_auth
    if parsed is None or parsed.userinfo:
        must = "must start with http:// or https:// and a valid host and port, without user and password"
        raise ConfigError(f"the URL of the store {must}; give those by --http.config.file")
    proxy = proxy_for(parsed)
    try:
        password = _secret("basic_auth.password", basic.password, basic.password_file) if basic else ""
        return httpx.AsyncClient(
            headers={"User-Agent": USER_AGENT, **_headers(config)},
            auth=(basic.username, password) if basic else None,
            verify=_trust(config.tls_config),
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
    """Returns why there was no answer; StoreError if TLS trust is missing, which a retry would not change."""
    for cause in causes(error):
        why = str(getattr(cause, "reason", None) or cause)
        if isinstance(cause, ssl.SSLCertVerificationError) or (isinstance(cause, ssl.SSLError) and "ALERT" in why):
            raise StoreError(f"{reached(url)}: no TLS ({why}); see tls_config in --http.config.file") from error
    return f"cannot be reached ({type(error).__name__})"


async def _listen_first(request: httpx.Request) -> None:
    """Makes a new connection wait before it sends anything: the store may reject our certificate.

    In TLS 1.3 the rejection arrives after our side of the handshake. If the store closes the connection with a
    request unread, the connection is reset and the reason is lost: a missing certificate would look like a store
    that is down.
    """
    request.extensions["trace"] = _raise_tls_refusal


async def _raise_tls_refusal(event: str, info: Mapping[str, Any]) -> None:
    """Handles trace events (https://www.python-httpx.org/advanced/extensions/#trace)."""
    if not event.endswith(".start_tls.complete"):
        return
    stream = info["return_value"]
    try:
        async with asyncio.timeout(REFUSAL_SECONDS):
            await stream.read(1)
    except TimeoutError:  # a store that accepts us sends nothing
        return
    except BaseException:
        await stream.aclose()
        raise


def _headers(config: HttpConfig) -> Mapping[str, str]:
    found = {
        name: ", ".join((*header.values, *header.secrets, *map(_read, header.files)))
        for name, header in config.http_headers.items()
    }
    if given := config.authorization:
        secret = _secret("authorization.credentials", given.credentials, given.credentials_file)
        found["Authorization"] = f"{given.type} {secret}"
    return found


def _secret(name: str, value: str | None, file: Path | None) -> str:
    if value is not None and file is None:
        return value
    if value is None and file is not None:
        return _read(file)
    raise ConfigError(f"--http.config.file: give exactly one of {name} and {name}_file")


def _read(path: Path) -> str:
    return in_time(path.read_bytes, path).decode().strip()


def _trust(given: TlsConfig) -> ssl.SSLContext:
    context = tls_context(given.ca_file)
    if given.cert_file is not None:
        in_time(partial(context.load_cert_chain, given.cert_file, given.key_file), given.cert_file)
    if given.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
