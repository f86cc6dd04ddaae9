"""What sends requests to a host: base URL, proxy, trusted certificates."""

import ipaddress
import os
import re
import ssl
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import httpx

from exporter import __version__
from exporter.domain.errors import ConfigError
from exporter.domain.threads import in_time
from exporter.http.endpoint import Endpoint, Proxy, is_loopback

USER_AGENT = f"chat-usage-exporter/{__version__}"
HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "Connection": "close",  # else bytes after an answer would be read as the answer to the next request
    "User-Agent": USER_AGENT,
}
_ENTRY = re.compile(r"(?:(?P<scheme>[a-z]+)://)?(?:\[(?P<ip>[^\]]*)\]|(?P<host>[^:]*))(?::(?P<port>[0-9]+))?")
_PORTS = {"http": 80, "https": 443}


def web_url(text: str, base: httpx.URL | None = None) -> httpx.URL | None:
    """Reads the URL of a web server, or a link on the page `base`; None if scheme, host or port is not usable."""
    try:
        url = base.join(text) if base else httpx.URL(text)
        usable = url.scheme in _PORTS and url.host and (url.port is None or 0 < url.port < 2**16)
    except (httpx.InvalidURL, ValueError):  # a message may quote a password
        return None
    return url if usable else None


def transport_to(
    url: httpx.URL, endpoint: Endpoint, proxy: Proxy | None, given: httpx.AsyncBaseTransport | None
) -> httpx.AsyncBaseTransport:
    """Returns what sends requests to the host of `url`: `given`, or a pool of connections without a time-out.

    Unlike an httpx.AsyncClient it keeps no cookies, of which a login page's session would outrank the key, and reads
    no redirects, of which one with an invalid target would hide its status. ConfigError if the CA file cannot be used.
    For plain HTTP without a CA file no authorities are loaded (1 MiB), and so no certificate is accepted.
    """
    try:
        plain = url.scheme == "http" and endpoint.ca_file is None
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else tls_context(endpoint.ca_file)
    except OSError as error:  # ssl.SSLError is one
        where = f"ca_file {endpoint.ca_file}" if endpoint.ca_file else "SSL_CERT_FILE of the environment"
        raise ConfigError(f"{endpoint.source}: {where} is not a readable PEM file of certificates: {error}") from error
    return given or httpx.AsyncHTTPTransport(verify=trust, proxy=proxy.url if proxy else None)


def proxy_for(url: httpx.URL, configured: str | None = None, environ: Mapping[str, str] = os.environ) -> Proxy | None:
    """Returns the proxy for `url`, if any; this machine is asked directly, unless one is configured.

    NO_PROXY is read as in Go, and so in Prometheus: https://pkg.go.dev/golang.org/x/net/http/httpproxy. ConfigError
    if the environment's cannot be used; the message names the variable.
    """
    if configured is not None:
        return Proxy(configured, "proxy_url")
    if is_loopback(url.raw_host.decode()):
        return None
    for name in (f"{url.scheme}_proxy", "all_proxy"):
        place = name if name in environ else name.upper()
        if written := environ.get(place):
            no_proxy = environ.get("no_proxy", environ.get("NO_PROXY", ""))
            if any(_covers(entry, url) for entry in re.split(r"[,\s]+", no_proxy)):
                return None
            proxy = Proxy(written if "://" in written else f"http://{written}", place)
            if web_url(proxy.url) is None:
                raise ConfigError(f"{place} must be an http:// or https:// URL with the host of a proxy")
            return proxy
    return None


def tls_context(ca_file: str | Path | None) -> ssl.SSLContext:
    """Returns a client context that trusts `ca_file`, else SSL_CERT_FILE, else the system's authorities.

    Strict RFC 5280 checks, on by default since Python 3.13, stay off: many companies' own authorities and TLS-
    inspecting proxies fail them. OSError if a file is missing or holds no certificate.
    """
    create = httpx.create_ssl_context if ca_file is None else partial(ssl.create_default_context, cafile=ca_file)
    context = in_time(create, ca_file or "SSL_CERT_FILE")
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


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
