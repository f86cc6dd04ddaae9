"""Connections of a client: base URL, proxy, trusted certificates."""

import ssl
from collections.abc import Mapping
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx

from exporter.domain.blocking import in_time
from exporter.domain.errors import ConfigError
from exporter.http.endpoint import Endpoint
from exporter.http.proxy import Proxy, proxy_for
from exporter.http.request import USER_AGENT
from exporter.http.response import hide_target

HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "Connection": "close",  # else bytes after an answer would be read as the answer to the next request
    "User-Agent": USER_AGENT,
}


def base_url(endpoint: Endpoint) -> httpx.URL:
    """Returns the URL that request paths are appended to; ConfigError if it cannot be used."""
    where = f"{endpoint.source}: base_url"
    try:
        base = httpx.URL(endpoint.base_url)
    except httpx.InvalidURL:  # its message may quote a password
        raise ConfigError(f"{where} is not a URL; check its host and port") from None
    if base.scheme not in ("http", "https") or not base.host:
        raise ConfigError(f"{where} must start with https:// and a host")
    if base.userinfo or base.query or base.fragment:
        # a user would replace the key
        raise ConfigError(f"{where} must not contain a user, password, query or fragment")
    return base


def http_client(
    endpoint: Endpoint, proxy: Proxy | None, transport: httpx.AsyncBaseTransport | None, headers: Mapping[str, str]
) -> httpx.AsyncClient:
    """Returns a client without cookies, redirects and time-out; ConfigError if the CA file cannot be used."""
    return httpx.AsyncClient(
        headers=headers,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # a login page's session would outrank the key
        verify=_trust(endpoint),
        proxy=proxy.url if proxy else None,
        timeout=None,  # noqa: S113 -- the whole attempt has one
        follow_redirects=False,
        event_hooks={"response": [hide_target]},
        trust_env=False,  # httpx refuses networks of IPv6 in NO_PROXY
        transport=transport,
    )


def proxy_of(endpoint: Endpoint, url: httpx.URL) -> Proxy | None:
    """Returns the proxy for `url`, if any; ConfigError if it cannot be used."""
    try:
        return proxy_for(url, endpoint.proxy_url)
    except ConfigError as error:
        raise ConfigError(f"{endpoint.source}: {error}") from None


def _trust(endpoint: Endpoint) -> ssl.SSLContext:
    try:
        return tls_context(endpoint.ca_file)
    except OSError as error:  # ssl.SSLError is one
        where = f"ca_file {endpoint.ca_file}" if endpoint.ca_file else "SSL_CERT_FILE of the environment"
        raise ConfigError(f"{endpoint.source}: {where} is not a readable PEM file of certificates: {error}") from error


def tls_context(ca_file: str | Path | None) -> ssl.SSLContext:
    """Returns a client context that trusts `ca_file`, else SSL_CERT_FILE, else the system's authorities.

    Strict RFC 5280 checks, on by default since Python 3.13, stay off: many companies' own authorities and TLS-
    inspecting proxies fail them. OSError if a file is missing or holds no certificate.
    """
    create = httpx.create_ssl_context if ca_file is None else partial(ssl.create_default_context, cafile=ca_file)
    context = in_time(create, ca_file or "SSL_CERT_FILE")
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
