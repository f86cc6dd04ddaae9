"""Chooses the proxy of a request: the configured one, else that of the usual environment variables.

NO_PROXY is read as in Go, and so in Prometheus: https://pkg.go.dev/golang.org/x/net/http/httpproxy
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from exporter.domain.errors import ConfigError
from exporter.http.endpoint import is_loopback

_ENTRY = re.compile(r"(?:(?P<scheme>[a-z]+)://)?(?:\[(?P<ip>[^\]]*)\]|(?P<host>[^:]*))(?::(?P<port>[0-9]+))?")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy's `url` and the `place` where it is configured; as text without its password."""

    url: str = field(repr=False)
    place: str

    def __str__(self) -> str:
        return f"{site(httpx.URL(self.url))} of {self.place}"


def site(url: httpx.URL) -> str:
    """Returns scheme, host and port."""
    return f"{url.scheme}://{url.netloc.decode()}"


def proxy_for(url: httpx.URL, configured: str | None = None, environ: Mapping[str, str] = os.environ) -> Proxy | None:
    """Returns the proxy for `url`, if any; this machine is asked directly, unless one is configured.

    ConfigError if it cannot be used; the message says where it is set.
    """
    if configured is not None:
        return _checked(configured, "proxy_url")
    if is_loopback(url.raw_host.decode()):
        return None
    for name in (f"{url.scheme}_proxy", "all_proxy"):
        place = name if name in environ else name.upper()
        if written := environ.get(place):
            no_proxy = environ.get("no_proxy", environ.get("NO_PROXY", ""))
            if any(_covers(entry, url) for entry in re.split(r"[,\s]+", no_proxy)):
                return None
            return _checked(written if "://" in written else f"http://{written}", place)
    return None


def _checked(url: str, place: str) -> Proxy:
    try:
        parsed = httpx.URL(url)
        usable = parsed.scheme in _PORTS and parsed.host
    except httpx.InvalidURL:  # its message may quote a password
        usable = False
    if not usable:
        raise ConfigError(f"{place} must be an http:// or https:// URL with the host of a proxy")
    return Proxy(url, place)


def _covers(entry: str, url: httpx.URL) -> bool:
    """Returns whether an entry of NO_PROXY covers the host: a name, its parent domain, an address, or its network."""
    if entry == "*":
        return True
    host = url.raw_host.decode().rstrip(".")
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:  # one of the two is a name, or has a port
        match = _ENTRY.fullmatch(entry.lower())
    if match is None or (match["scheme"] or url.scheme) != url.scheme:
        return False
    if match["port"] and int(match["port"]) != (url.port or _PORTS[url.scheme]):
        return False
    if match["ip"] is not None or not match["host"]:
        return match["ip"] is not None and _covers(match["ip"], url)
    name = match["host"].removeprefix("*").rstrip(".")
    below = host.endswith(f".{name.removeprefix('.')}") and not host[-1:].isdigit()  # an address has no parent domain
    return below or host == name
