"""Downloads a file from a link in an answer: without the key, never from private networks, within limits."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from exporter.domain.errors import ConnectionLostError, HttpStatusError, ReportError, TimedOutError, TooLargeError
from exporter.http.connection import USER_AGENT, Proxy, http_client, proxy_of
from exporter.http.endpoint import Endpoint
from exporter.http.errors import HTTPX_ERRORS
from exporter.http.link import CheckedLink, Resolve, check, resolve
from exporter.http.response import pieces

MOST_REDIRECTS = 3
TIMEOUT_SECONDS = 60.0
"""To connect, and between two chunks."""
HEADERS = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"}
_REFUSED = (401, 403, 404, 410)


class LinkRefusedError(HttpStatusError):
    """The link is no longer valid; a new one may be."""


@dataclass(frozen=True, slots=True)
class DownloadRules:
    """What a download may do.

    It uses the proxy and authorities of the source's `endpoint`, not its key. `at_home`: the source is on this
    machine in plain http, so files may be too. `max_bytes` counts after decompression; `progress` gets the bytes
    so far.
    """

    endpoint: Endpoint
    max_bytes: int
    at_home: bool = False
    progress: Callable[[int], None] = lambda _bytes: None
    resolve: Resolve = field(default=resolve)
    transport: httpx.AsyncBaseTransport | None = None


async def save(link: str, target: Path, rules: DownloadRules) -> int:
    """Saves the file behind a link, readable by this user alone, and returns its size; `target` appears when complete.

    Raises LinkRefusedError (401, 403, 404, 410), HttpStatusError (any other status, too many redirects, a
    forbidden address), TooLargeError, ConnectionLostError (also if cut short), TimedOutError, ConfigError (proxy
    or CA file), OSError (cannot be written).
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
    for _ in range(MOST_REDIRECTS + 1):
        checked = await check(link, rules.resolve, at_home=rules.at_home)
        proxy = proxy_of(rules.endpoint, checked.url)
        addresses = (checked.url,) if proxy else checked.addresses
        async with http_client(rules.endpoint, proxy, rules.transport, HEADERS) as http:
            try:
                response = await _answer(http, checked, addresses)
                if not response.is_redirect:
                    _check_status(response, checked.host)
                    return await _write(response, write, rules)
            except HTTPX_ERRORS as error:
                raise _lost(error, checked.host, proxy) from error
        link = checked.redirect(response.extensions["target"])
    raise HttpStatusError(f"the download from {checked.host} is redirected more than {MOST_REDIRECTS} times")


async def _answer(http: httpx.AsyncClient, checked: CheckedLink, addresses: Sequence[httpx.URL]) -> httpx.Response:
    """Returns the response of the first address that can be connected to."""
    host = {"Host": checked.url.netloc.decode()}
    extensions = {"sni_hostname": checked.host, "timeout": httpx.Timeout(TIMEOUT_SECONDS).as_dict()}
    *others, last = (http.build_request("GET", each, headers=host, extensions=extensions) for each in addresses)
    for request in others:
        with contextlib.suppress(httpx.ConnectError, httpx.ConnectTimeout):
            return await http.send(request, stream=True)
    return await http.send(last, stream=True)


def _check_status(response: httpx.Response, host: str) -> None:
    if response.status_code in _REFUSED:
        raise LinkRefusedError(f"{host} answered {response.status_code} to the download link")
    if response.status_code != httpx.codes.OK:
        raise HttpStatusError(f"{host} answered {response.status_code} to the download")


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
    through = f" (through the proxy {proxy})" if proxy else ""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return TimedOutError(f"{host} did not send the file in time{through}")
    return ConnectionLostError(f"the download from {host} broke off ({type(error).__name__}){through}")
