"""Reads the web configuration file: who may connect, by which TLS, and which headers answers carry.

The format is that of the Prometheus exporter-toolkit (docs/web-configuration.md in its repository), so that one file
serves all exporters. What cannot be done here is refused by name instead of being ignored.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from exporter.domain.errors import ConfigError

VERSIONS = ("TLS12", "TLS13")
CIPHERS: Mapping[str, str] = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
"""The suites of TLS 1.2 that are still safe, by their names in Go and in OpenSSL."""
HEADERS: Mapping[str, re.Pattern[str]] = {
    "Content-Security-Policy": re.compile(r"[ -~]+"),
    "Strict-Transport-Security": re.compile(r"[ -~]+"),
    "X-Content-Type-Options": re.compile("nosniff"),
    "X-Frame-Options": re.compile("deny|sameorigin", re.IGNORECASE),
    "X-XSS-Protection": re.compile(r"[ -~]+"),
}
"""The headers that the toolkit lets be set, and what they may hold."""
BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|1\d|2\d|3[01])\$[./A-Za-z0-9]{53}")

ClientAuth = Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"]
_UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert")


def _text(value: object) -> object:
    """Refuses YAML's own guesses: a user named `no` must be quoted to be one."""
    if value is not None and not isinstance(value, str):
        raise ValueError("expected a text; quote it")
    return value


def _line(value: object) -> object:
    """Refuses also what can be neither a path nor a name, and would spoil the messages about it."""
    if isinstance(value, str) and not value.isprintable():
        raise ValueError("holds a control character or half of a character; take it out")
    return _text(value)


Lines = Annotated[str, BeforeValidator(_text)]
Text = Annotated[str, BeforeValidator(_line)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Tls(_Section):
    """The section `tls_server_config`: files are absolute once the file is read."""

    cert_file: Text | None = None
    key_file: Text | None = None
    cert: Lines | None = Field(default=None, repr=False)
    key: Lines | None = Field(default=None, repr=False)
    client_ca_file: Text | None = None
    client_ca: Lines | None = Field(default=None, repr=False)
    client_auth_type: ClientAuth = "NoClientCert"
    client_allowed_sans: tuple[Text, ...] = ()
    min_version: Literal["TLS12", "TLS13"] = "TLS12"
    max_version: Literal["TLS12", "TLS13"] = "TLS13"
    cipher_suites: tuple[Text, ...] = ()
    prefer_server_cipher_suites: bool = True
    curve_preferences: tuple[Text, ...] = ()

    @field_validator("client_auth_type", mode="before")
    @classmethod
    def _can_be_verified(cls, value: object) -> object:
        if value in _UNVERIFIED:
            raise ValueError(
                f"{value} asks for certificates without verifying them, which Python cannot;"
                " write VerifyClientCertIfGiven or RequireAndVerifyClientCert"
            )
        return value

    @field_validator("min_version", "max_version", mode="before")
    @classmethod
    def _is_safe(cls, value: object) -> object:
        if value in ("TLS10", "TLS11"):
            raise ValueError(f"{value} is broken and not spoken here; write TLS12 or TLS13")
        return value

    @field_validator("cipher_suites")
    @classmethod
    def _are_known(cls, suites: tuple[str, ...]) -> tuple[str, ...]:
        for suite in suites:
            if suite not in CIPHERS:
                raise ValueError(
                    f'"{suite[:60]}" cannot be chosen; those of TLS 1.3 are always offered, of TLS 1.2 there are: '
                    + ", ".join(CIPHERS)
                )
        return suites

    @field_validator("curve_preferences")
    @classmethod
    def _no_curves(cls, curves: tuple[str, ...]) -> tuple[str, ...]:
        if curves:
            raise ValueError("cannot be set: Python's ssl takes no list of curves before 3.15; leave it out")
        return curves

    @model_validator(mode="after")
    def _fits(self) -> "Tls":
        for what in ("cert", "key", "client_ca"):
            if getattr(self, what) and getattr(self, f"{what}_file"):
                raise ValueError(f"{what} and {what}_file are both set; keep one of the two")
        if not (self.cert or self.cert_file) or not (self.key or self.key_file):
            raise ValueError("needs a certificate and its key; set cert_file and key_file")
        verifies = self.client_auth_type != "NoClientCert"
        if verifies != bool(self.client_ca or self.client_ca_file):
            raise ValueError(
                "client_ca_file and a client_auth_type that verifies belong together; set both, or neither"
            )
        if self.client_allowed_sans and self.client_auth_type != "RequireAndVerifyClientCert":
            raise ValueError("client_allowed_sans needs client_auth_type: RequireAndVerifyClientCert")
        if self.min_version > self.max_version:
            raise ValueError(f"min_version {self.min_version} is above max_version {self.max_version}")
        return self


class Http(_Section):
    """The section `http_server_config`."""

    http2: bool | None = None
    headers: Mapping[Text, Lines] = {}

    @field_validator("http2")
    @classmethod
    def _is_not_spoken(cls, http2: bool | None) -> bool | None:
        if http2:
            raise ValueError("is not spoken here, HTTP/1.1 is; leave it out, or write false")
        return http2

    @field_validator("headers")
    @classmethod
    def _may_be_set(cls, headers: Mapping[str, str]) -> Mapping[str, str]:
        for name, value in headers.items():
            if name not in HEADERS:
                raise ValueError(f'"{name[:60]}" cannot be set; known: {", ".join(HEADERS)}')
            if value and not HEADERS[name].fullmatch(value):
                raise ValueError(f"{name} cannot have that value; see docs/web-config.md")
        return {name: value for name, value in headers.items() if value}


class WebConfig(_Section):
    """The whole file; without one everybody may connect, in plain HTTP."""

    tls_server_config: Tls | None = None
    http_server_config: Http = Http()
    basic_auth_users: Mapping[Text, Text] = Field(default={}, repr=False)
    rate_limit: None = None

    @field_validator("basic_auth_users")
    @classmethod
    def _are_hashes(cls, users: Mapping[str, str]) -> Mapping[str, str]:
        for number, (name, hashed) in enumerate(users.items(), 1):
            if not name or ":" in name:
                raise ValueError(f"user {number}: a name has no colon and is not empty")
            if not BCRYPT.fullmatch(hashed or ""):
                raise ValueError(f"user {number} has no bcrypt hash; make one with: htpasswd -nBC 10 '' | tr -d ':\\n'")
        return users

    @field_validator("rate_limit", mode="before")
    @classmethod
    def _is_left_out(cls, given: object) -> None:
        if given is not None:
            raise ValueError("is not done here: a scrape costs next to nothing; put a proxy in front to limit requests")

    @property
    def users(self) -> Mapping[str, bytes]:
        """The hashes of the users' passwords, by name; nobody: everybody may ask."""
        return {name: hashed.encode() for name, hashed in self.basic_auth_users.items()}


OPEN = WebConfig()


@dataclass(frozen=True, slots=True)
class ReadConfig:
    """A configuration and the files that it was made from, to be checked for changes."""

    config: WebConfig
    files: tuple[Path, ...] = field(default=())


def read(path: Path) -> ReadConfig:
    """Reads and validates the file.

    Raises:
        ConfigError: it cannot be read, or says something that cannot be done; a line for each problem, without values.
    """
    try:
        given = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); see --web.config.file") from None
    # With a tag (!!int x) PyYAML's constructors stumble over what is written, each in its own way.
    except (yaml.YAMLError, ValueError, OverflowError, LookupError, AttributeError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path}{_place(error)}: is no YAML in UTF-8; see docs/web-config.md") from None
    try:
        config = WebConfig.model_validate({} if given is None else given)
    except ValidationError as error:
        raise ConfigError("\n".join(_lines(path, error))) from None
    return _absolute(path, config)


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f":{mark.line + 1}" if mark else ""


def _lines(path: Path, error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_url=False, include_input=False, include_context=True):
        # Of the users only the section is named: who writes a hash as a name must not read it in a log.
        loc = [str(part) for part in detail["loc"] if not isinstance(part, int) and part != "[key]"]
        where = ".".join(loc[:1] if loc[:1] == ["basic_auth_users"] else loc) or "the file"
        reason = detail.get("ctx", {}).get("error")
        if detail["type"] == "extra_forbidden":
            yield f"{path}: {_shown(where)}: unknown key; known: {', '.join(_known(loc))}"
        else:
            yield f"{path}: {_shown(where)}: {reason if isinstance(reason, ValueError) else detail['msg']}"


def _shown(where: str) -> str:
    return where if re.fullmatch(r"[A-Za-z0-9_. -]{1,80}", where) else "…"


def _known(loc: list[str]) -> tuple[str, ...]:
    sections: Mapping[str, type[_Section]] = {"tls_server_config": Tls, "http_server_config": Http}
    section = sections[loc[0]] if len(loc) > 1 else WebConfig
    return tuple(section.model_fields)


def _absolute(path: Path, config: WebConfig) -> ReadConfig:
    """Returns the configuration with paths from the folder of the file."""
    tls = config.tls_server_config
    if tls is None:
        return ReadConfig(config, (path,))
    named = {name: getattr(tls, name) for name in ("cert_file", "key_file", "client_ca_file") if getattr(tls, name)}
    absolute = {name: str(path.parent / written) for name, written in named.items()}
    moved = config.model_copy(update={"tls_server_config": tls.model_copy(update=absolute)})
    return ReadConfig(moved, (path, *map(Path, absolute.values())))
