"""Fetches a file from an address that an answer named: without any key, to places that are not ours, within limits."""

import contextlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from exporter.domain.errors import ConnectionLostError, HttpStatusError, ReportError, TimedOutError, TooLargeError
from exporter.http.errors import HTTPX_ERRORS
from exporter.http.link import Resolve, check, resolve
from exporter.http.request import USER_AGENT
from exporter.http.response import hide_target, pieces

MOST_REDIRECTS = 3
HEADERS = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"}
_REFUSED = (401, 403, 404, 410)


class LinkRefusedError(HttpStatusError):
    """The link is not good any more; a fresh one may be."""


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
    async with httpx.AsyncClient(
        headers=HEADERS,
        transport=rules.transport,
        follow_redirects=False,
        event_hooks={"response": [hide_target]},
        trust_env=not rules.at_home,
        timeout=60,
    ) as http:
        for _ in range(MOST_REDIRECTS + 1):
            checked = await check(link, rules.resolve, at_home=rules.at_home)
            host = {"Host": checked.url.netloc.decode().rpartition("@")[2]}
            sni = {"sni_hostname": checked.host}
            try:
                async with http.stream("GET", checked.address, headers=host, extensions=sni) as response:
                    if response.is_redirect:
                        link = checked.redirect(response.extensions["target"])
                        continue
                    _check_status(response, checked.host)
                    return await _write(response, write, rules)
            except HTTPX_ERRORS as error:
                raise _lost(error, checked.host) from error
    raise HttpStatusError(f"the download from {checked.host} is redirected more than {MOST_REDIRECTS} times")


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


def _lost(error: Exception, host: str) -> ReportError:
    """Makes one of our errors, without the link."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return TimedOutError(f"{host} did not send the file in time")
    return ConnectionLostError(f"the download from {host} broke off ({type(error).__name__})")
