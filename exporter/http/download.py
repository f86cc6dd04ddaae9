"""Fetches a file from an address that an answer named: without any key, to places that are not ours, within limits.

A link is outside data, so it could point into the operator's own network. Each name is resolved here, every address
is checked, and the connection goes to a checked address, under the name that TLS checks: a name that resolves
differently a moment later (DNS rebinding) changes nothing.
"""

import asyncio
import contextlib
import ipaddress
import os
import socket
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from exporter.domain.errors import ConnectionLostError, HttpStatusError, ReportError, TimedOutError, TooLargeError
from exporter.http.errors import HTTPX_ERRORS
from exporter.http.request import USER_AGENT
from exporter.http.response import pieces

MOST_REDIRECTS = 3
HEADERS = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"}
_REFUSED = (401, 403, 404, 410)

Resolve = Callable[[str, int], Awaitable[list[str]]]


class LinkRefusedError(HttpStatusError):
    """The link is not good any more; a fresh one may be."""


async def resolve(host: str, port: int) -> list[str]:
    """Returns the addresses of a host, by the machine's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True)
class DownloadRules:
    """What a download may do.

    `at_home` says that the source itself is on this machine in plain http: then files may be there, too. `max_bytes`
    counts after decompression. `progress` is called with the bytes so far.
    """

    max_bytes: int
    at_home: bool = False
    progress: Callable[[int], None] = lambda _bytes: None
    resolve: Resolve = field(default=resolve)
    transport: httpx.AsyncBaseTransport | None = None


async def save(link: str, target: Path, rules: DownloadRules) -> int:
    """Saves what is behind a link, readable by this user alone; the target appears when it is complete.

    Returns the number of bytes.

    Raises:
        LinkRefusedError: 401, 403, 404 or 410.
        HttpStatusError: any other status, a redirect too many, or an address that may not be asked.
        TooLargeError: it is longer than `max_bytes`.
        ConnectionLostError, TimedOutError: as their names say; also for a file that is cut short.
        OSError: it cannot be written.
    """
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            size = await _into(link, file.write, rules)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    return size


async def _into(link: str, write: Callable[[bytes], object], rules: DownloadRules) -> int:
    url = httpx.URL(link)
    async with httpx.AsyncClient(
        headers=HEADERS, transport=rules.transport, follow_redirects=False, trust_env=not rules.at_home, timeout=60
    ) as http:
        for _ in range(MOST_REDIRECTS + 1):
            address = await _checked(url, rules)
            host = {"Host": url.netloc.decode().rpartition("@")[2]}
            try:
                async with http.stream("GET", address, headers=host, extensions={"sni_hostname": url.host}) as response:
                    if response.is_redirect:
                        url = url.join(response.headers.get("Location", ""))
                        continue
                    _check_status(response, url)
                    return await _write(response, write, rules)
            except HTTPX_ERRORS as error:
                raise _lost(error, url) from error
    raise HttpStatusError(f"the download from {url.host} is redirected more than {MOST_REDIRECTS} times")


async def _checked(url: httpx.URL, rules: DownloadRules) -> httpx.URL:
    """Returns the URL with a checked address in place of its host."""
    if url.scheme != "https" and not (url.scheme == "http" and rules.at_home):
        raise HttpStatusError(f"the download link of {url.host or 'nowhere'} is not https, and not followed")
    try:
        addresses = await rules.resolve(url.host, url.port or 443)
    except OSError as error:
        raise ConnectionLostError(f"the host {url.host} of the download link is not found") from error
    for address in addresses:
        found = ipaddress.ip_address(address.partition("%")[0])
        if not found.is_global and not (rules.at_home and found.is_loopback):
            raise HttpStatusError(
                f"the download link points to {url.host}, which is in a private network; it is not followed"
            )
    if not addresses:
        raise ConnectionLostError(f"the host {url.host} of the download link has no address")
    return url.copy_with(host=addresses[0])


def _check_status(response: httpx.Response, url: httpx.URL) -> None:
    if response.status_code in _REFUSED:
        raise LinkRefusedError(f"{url.host} answered {response.status_code} to the download link")
    if response.status_code != httpx.codes.OK:
        raise HttpStatusError(f"{url.host} answered {response.status_code} to the download")


async def _write(response: httpx.Response, write: Callable[[bytes], object], rules: DownloadRules) -> int:
    size = 0
    async for piece in pieces(response):
        size += len(piece)
        if size > rules.max_bytes:
            raise TooLargeError(f"the file is longer than {rules.max_bytes} bytes; see --max-size")
        write(piece)
        rules.progress(size)
    return size


def _lost(error: Exception, url: httpx.URL) -> ReportError:
    """Makes one of our errors, without the link."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return TimedOutError(f"{url.host} did not send the file in time")
    return ConnectionLostError(f"the download from {url.host} broke off ({type(error).__name__})")
