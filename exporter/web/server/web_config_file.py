"""Reads the web configuration file: users, TLS, rate limit and response headers.

The format is that of the Prometheus exporter-toolkit (docs/web-configuration.md there), so that one file serves all
exporters. Unsupported options are refused by name.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError, ValidationInfo, model_validator

from exporter.domain.errors import ConfigError
from exporter.domain.threads import in_time

CIPHERS: Mapping[str, str] = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
}
"""TLS 1.2 suites that Go considers secure: their names in Go and in OpenSSL."""
CIPHERS_OF_TLS13 = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})
"""Always offered; they cannot be chosen in Go or Python."""
CIPHERS_OF_HTTP2 = frozenset({"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"})
"""exporter-toolkit requires one of them in a list for TLS 1.2, unless `http2` is off (RFC 9113, 9.2.2)."""
HEADERS: Mapping[str, re.Pattern[str]] = {
    "Content-Security-Policy": re.compile(r"[ -~]+"),
    "Strict-Transport-Security": re.compile(r"[ -~]+"),
    "X-Content-Type-Options": re.compile("nosniff"),
    "X-Frame-Options": re.compile("deny|sameorigin", re.IGNORECASE),
    "X-XSS-Protection": re.compile(r"[ -~]+"),
}
"""The headers that exporter-toolkit permits, and their values."""
SECONDS: Mapping[str, float] = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(h|m(?!s)|s|ms|us|µs|ns)")
DURATION = re.compile(rf"0|(?:{PART.pattern})+")
BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|1\d|2\d|3[01])\$[./A-Za-z0-9]{53}")
UNSUPPORTED: Mapping[str, str] = {
    **dict.fromkeys(
        ("RequestClientCert", "RequireAnyClientCert"),
        "asks for certificates without verifying them, which Python cannot do;"
        " write VerifyClientCertIfGiven or RequireAndVerifyClientCert",
    ),
    **dict.fromkeys(("TLS10", "TLS11"), "is insecure and not supported; write TLS12 or TLS13"),
}
"""Values that exporter-toolkit knows, and why they are refused here."""


def _line(value: object) -> object:
    """Refuses control characters, which would spoil messages."""
    if isinstance(value, str) and not value.isprintable():
        raise ValueError("contains a control character or half of a character; remove it")
    return value


def _absolute(path: str, info: ValidationInfo) -> str | None:
    """Resolves a path relative to the folder of the file; an empty one counts as absent."""
    return str((info.context or Path()) / path) if path else None


def _suite(suite: str) -> str:
    if suite not in CIPHERS and suite not in CIPHERS_OF_TLS13:
        raise ValueError(f'"{suite[:60]}" is insecure or unknown; known for TLS 1.2: {", ".join(CIPHERS)}')
    return suite


def _supported(value: object) -> object:
    if isinstance(value, str) and value in UNSUPPORTED:
        raise ValueError(f"{value} {UNSUPPORTED[value]}")
    return value


def _seconds(value: object) -> float:
    """Reads a Go duration such as `1m30s`; a number is nanoseconds, as in exporter-toolkit."""
    written = f"{value}ns" if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(written, str) and DURATION.fullmatch(written):
        return sum(float(number) * SECONDS.get(unit, 0) for number, unit in PART.findall(written))
    raise ValueError("is not a duration; write one such as 1s or 500ms")


def _headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in headers.items():
        if name not in HEADERS:
            raise ValueError(f'"{name[:60]}" cannot be set; known: {", ".join(HEADERS)}')
        if value and not HEADERS[name].fullmatch(value):
            raise ValueError(f"{name} cannot have that value; see docs/security.md")
    return {name: value for name, value in headers.items() if value}


def _users(users: Mapping[str, str]) -> Mapping[str, str]:
    for number, (name, hashed) in enumerate(users.items(), 1):
        if not name or ":" in name:
            raise ValueError(f"user {number}: the name must not be empty or contain a colon")
        if not BCRYPT.fullmatch(hashed):
            raise ValueError(f"user {number} has no bcrypt hash; make one with: htpasswd -nBC 10 '' | tr -d ':\\n'")
    return users


Text = Annotated[str, BeforeValidator(_line)]
File = Annotated[Text, AfterValidator(_absolute)]
ClientAuth = Annotated[
    Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"], BeforeValidator(_supported)
]
Version = Annotated[Literal["TLS12", "TLS13"], BeforeValidator(_supported)]


class _Section(BaseModel):
    model_config = {"extra": "forbid", "frozen": True, "hide_input_in_errors": True}


class Tls(_Section):
    cert_file: File | None = None
    key_file: File | None = None
    cert: str | None = Field(default=None, repr=False)
    key: str | None = Field(default=None, repr=False)
    client_ca_file: File | None = None
    client_ca: str | None = Field(default=None, repr=False)
    client_auth_type: ClientAuth = "NoClientCert"
    client_allowed_sans: tuple[Text, ...] = ()
    min_version: Version = "TLS12"
    max_version: Version = "TLS13"
    cipher_suites: tuple[Annotated[Text, AfterValidator(_suite)], ...] = ()
    prefer_server_cipher_suites: bool = True
    curve_preferences: Annotated[tuple[Text, ...], Field(max_length=0)] = ()

    @model_validator(mode="after")
    def _fits(self) -> "Tls":
        for what in ("cert", "key", "client_ca"):
            if getattr(self, what) and getattr(self, f"{what}_file"):
                raise ValueError(f"{what} and {what}_file are both set; keep one of the two")
        if not (self.cert or self.cert_file) or not (self.key or self.key_file):
            raise ValueError("needs a certificate and its key; set cert_file and key_file")
        if (self.client_ca or self.client_ca_file) and self.client_auth_type == "NoClientCert":
            raise ValueError("client_ca_file needs a client_auth_type that verifies, or leave it out")
        if self.client_allowed_sans and self.client_auth_type != "RequireAndVerifyClientCert":
            raise ValueError("client_allowed_sans needs client_auth_type: RequireAndVerifyClientCert")
        if self.min_version > self.max_version:
            raise ValueError(f"min_version {self.min_version} is above max_version {self.max_version}")
        if self.cipher_suites and self.max_version == "TLS12" and CIPHERS_OF_TLS13.issuperset(self.cipher_suites):
            raise ValueError("cipher_suites has none of TLS 1.2, and max_version is TLS12; add one of 1.2")
        return self


class Http(_Section):
    http2: bool = True
    """Only affects the check of `cipher_suites`, as in exporter-toolkit: this server speaks HTTP/1.1."""
    headers: Annotated[Mapping[Text, Annotated[str, Field(coerce_numbers_to_str=True)]], AfterValidator(_headers)] = {}


class RateLimit(_Section):
    """`interval` is in seconds per request; `burst` is the number of requests at once."""

    interval: Annotated[float, BeforeValidator(_seconds)] = 0.0
    burst: Annotated[int, Field(strict=True, ge=0)] = 0


class WebConfig(_Section):
    """The whole file; without one, anybody may connect over plain HTTP."""

    tls_server_config: Tls | None = None
    http_server_config: Http = Http()
    basic_auth_users: Annotated[Mapping[Text, Text], AfterValidator(_users)] = Field(default={}, repr=False)
    """Password hashes by user name; without users, no password is required."""
    rate_limit: RateLimit = RateLimit()

    @model_validator(mode="after")
    def _could_speak_http2(self) -> "WebConfig":
        tls = self.tls_server_config
        listed = tls and self.http_server_config.http2 and tls.min_version == "TLS12" and tls.cipher_suites
        if listed and CIPHERS_OF_HTTP2.isdisjoint(listed):
            raise ValueError(
                "tls_server_config.cipher_suites has none of those that HTTP/2 needs, which other exporters speak;"
                f" add {' or '.join(sorted(CIPHERS_OF_HTTP2))}, or write http_server_config: {{http2: false}}"
            )
        return self

    @property
    def files(self) -> tuple[Path, ...]:
        tls = self.tls_server_config
        named = (tls.cert_file, tls.key_file, tls.client_ca_file) if tls else ()
        return tuple(Path(name) for name in named if name)


OPEN = WebConfig()
SECTIONS: Mapping[str, type[_Section]] = {"tls_server_config": Tls, "http_server_config": Http, "rate_limit": RateLimit}
MESSAGES = {
    "string_type": "expected text; quote it",  # YAML takes a user named `no` for false
    "too_long": "is not supported: Python's ssl has no list of curves before 3.15; leave it out",  # curve_preferences
}
SHOWN = re.compile(r"[A-Za-z0-9_. -]{1,80}")


def read(path: Path) -> WebConfig:
    """Reads and validates the file; ConfigError has a line per problem, without values."""
    try:
        given = yaml.safe_load(in_time(path.read_bytes, path).decode())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); see --web.config.file") from None
    # PyYAML's constructors raise all of these for a wrong tag such as `!!int x`.
    except (yaml.YAMLError, ValueError, OverflowError, LookupError, AttributeError, TypeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{line}: is not YAML in UTF-8; see docs/security.md") from None
    try:
        return WebConfig.model_validate({} if given is None else given, context=path.parent)
    except ValidationError as error:
        raise ConfigError("\n".join(_lines(path, error))) from None


def _lines(path: Path, error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_url=False, include_input=False):
        # For users, only the section is named: a hash in the place of a name must not appear in a log.
        loc = [str(part) for part in detail["loc"] if not isinstance(part, int) and part != "[key]"]
        where = ".".join(loc[:1] if loc[:1] == ["basic_auth_users"] else loc) or "the file"
        if detail["type"] == "extra_forbidden":
            reason = f"unknown key; known: {', '.join((SECTIONS[loc[0]] if len(loc) > 1 else WebConfig).model_fields)}"
        else:
            reason = MESSAGES.get(detail["type"], detail["msg"].removeprefix("Value error, "))
        yield f"{path}: {where if SHOWN.fullmatch(where) else '…'}: {reason}"
