"""Downloads a file from a link in an answer: without the key, never from private networks, within limits.

A link could point into the operator's own network. The host name is resolved once, and the connection uses a checked
address, so DNS rebinding changes nothing; if a proxy resolves it again, TLS rejects a host without the certificate.
"""

import asyncio
import contextlib
import ipaddress
import os
import re
import socket
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory

import httpx
from msgspec import Struct, field

from exporter.domain.errors import ConnectionLostError, HttpStatusError, ReportError, TimedOutError, TooLargeError
from exporter.http.endpoint import Endpoint, Proxy, is_loopback, through
from exporter.http.errors import HTTPX_ERRORS
from exporter.http.response import pieces
from exporter.http.transport import USER_AGENT, proxy_for, transport_to, web_url

MOST_REDIRECTS = 3
TIMEOUT_SECONDS = 60.0  # to connect, and between two chunks
HEADERS = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "gzip"}
_REFUSED = (401, 403, 404, 410)
_LONGEST = 8192
_HOST = re.compile(rb"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|[0-9a-f:.]+")
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291, 2.4
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052, 2.1

Resolve = Callable[[str, int], Awaitable[list[str]]]


class LinkRefusedError(HttpStatusError):
    """The link is no longer valid; a new one may be."""


async def resolve(host: str, port: int) -> list[str]:
    """Returns the addresses of a host by the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class DownloadRules(Struct, frozen=True):
    """What a download may do: it uses proxy and authorities of the `endpoint`, not its key.

    `max_bytes` counts after decompression; `progress` gets the bytes so far.
    """

    endpoint: Endpoint
    max_bytes: int
    progress: Callable[[int], None] = lambda _bytes: None
    resolve: Resolve = field(default=resolve)
    transport: httpx.AsyncBaseTransport | None = None


async def save(link: str, target: Path, rules: DownloadRules) -> int:
    """Saves the file behind a link, readable by this user alone, and returns its size; `target` appears when complete.

    Raises LinkRefusedError (401, 403, 404, 410), HttpStatusError (any other status, too many redirects, a
    forbidden address), TooLargeError, ConnectionLostError (also if cut short), TimedOutError, ConfigError (proxy
    or CA file), OSError (cannot be written).
    """
    near = TemporaryDirectory(suffix=".part", prefix=f".{target.name}.", dir=target.parent, ignore_cleanup_errors=True)
    with near as folder, NamedTemporaryFile(dir=folder, delete=False) as file:  # mode 0600
        size = await _into(link, file.write, rules)
        file.flush()
        os.fsync(file.fileno())
        os.replace(file.name, target)
    return size


async def _into(link: str, write: Callable[[bytes], object], rules: DownloadRules) -> int:
    source = httpx.URL(rules.endpoint.base_url)
    at_home = source.scheme == "http" and is_loopback(source.host)  # so files may be, too
    page = None
    for _ in range(MOST_REDIRECTS + 1):
        url, addresses = await check(link, rules.resolve, page, at_home=at_home)
        host, proxy = url.raw_host.decode(), proxy_for(url, rules.endpoint.proxy_url)
        async with transport_to(url, rules.endpoint, proxy, rules.transport) as transport:
            try:
                response = await _answer(transport, url, (url,) if proxy else addresses)
                if not response.is_redirect:
                    if response.status_code in _REFUSED:
                        raise LinkRefusedError(f"{host} answered {response.status_code} to the download link")
                    if response.status_code != httpx.codes.OK:
                        raise HttpStatusError(f"{host} answered {response.status_code} to the download")
                    return await _write(response, write, rules)
            except HTTPX_ERRORS as error:
                raise _lost(error, host, proxy) from error
        link, page = response.headers.get("Location", ""), url
    raise HttpStatusError(f"the download from {host} is redirected more than {MOST_REDIRECTS} times")


async def _answer(
    transport: httpx.AsyncBaseTransport, url: httpx.URL, addresses: Sequence[httpx.URL]
) -> httpx.Response:
    """Returns the response of the first address that can be connected to."""
    headers = {"Host": url.netloc.decode(), **HEADERS}
    if url.username or url.password:
        headers["Authorization"] = f"Basic {b64encode(f'{url.username}:{url.password}'.encode()).decode()}"
    extensions = {"sni_hostname": url.raw_host.decode(), "timeout": httpx.Timeout(TIMEOUT_SECONDS).as_dict()}
    *others, last = (httpx.Request("GET", each, headers=headers, extensions=extensions) for each in addresses)
    for request in others:
        with contextlib.suppress(httpx.ConnectError, httpx.ConnectTimeout):
            return await transport.handle_async_request(request)
    return await transport.handle_async_request(last)


async def _write(response: httpx.Response, write: Callable[[bytes], object], rules: DownloadRules) -> int:
    size = 0
    async for piece in pieces(response):
        size += len(piece)
        if size > rules.max_bytes:
            raise TooLargeError(f"the file is longer than {rules.max_bytes} bytes; see --max-size")
        write(piece)
        rules.progress(size)
    return size


def _lost(error: Exception, host: str, proxy: Proxy | None) -> ReportError:
    """Translates the error, without the link."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return TimedOutError(f"{host} did not send the file in time{through(proxy)}")
    return ConnectionLostError(f"the download from {host} broke off ({type(error).__name__}){through(proxy)}")


async def check(
    link: str, resolved: Resolve, page: httpx.URL | None = None, *, at_home: bool
) -> tuple[httpx.URL, Sequence[httpx.URL]]:
    """Returns a link (on a `page`) that may be followed, and the same with each address of its host, to connect to.

    `at_home` also permits this machine in plain http. Raises HttpStatusError (no link, not https, or a forbidden
    address; the message does not show it) and ConnectionLostError (host not found).
    """
    url = web_url(link, page) if len(link) <= _LONGEST else None
    if url is None or not (url.scheme == "https" or at_home) or not _HOST.fullmatch(url.raw_host):
        raise HttpStatusError("the download link is not a valid https link; it is not followed")
    host = url.raw_host.decode()
    try:
        addresses = await resolved(host, url.port or 443)
    except (OSError, ValueError) as error:  # ValueError: a label that is too long
        raise ConnectionLostError(f"the host {host} of the download link is not found") from error
    for address in addresses:
        if not is_allowed(address, at_home=at_home):
            where = f"{host}, whose address is in a private network or not that of one host"
            raise HttpStatusError(f"the download link points to {where}; it is not followed")
    if not addresses:
        raise ConnectionLostError(f"the host {host} of the download link has no address")
    return url, [url.copy_with(host=address) for address in addresses]


def is_allowed(address: str, *, at_home: bool = False) -> bool:
    """Returns whether an address is that of a host on the internet or, `at_home`, of this machine."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):  # it may hold an IPv4 address: NAT64, mapped or 6to4
        inner = IPv4Address(int(found) & 0xFFFFFFFF) if found in _NAT64 else found.ipv4_mapped or found.sixtofour
        found = inner or found
    if at_home and found.is_loopback:
        return True
    if isinstance(found, IPv6Address) and found not in _GLOBAL_UNICAST:
        return False
    return found.is_global and not found.is_multicast
