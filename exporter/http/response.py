"""Reads an answer: its body, unpacked within a limit, or an error from status and first bytes; decodes no JSON.

httpx (0.28) decompresses a whole network chunk at once (64 KiB of a gzip bomb become 64 MiB) and accepts a truncated
gzip, so the raw bytes are unpacked here.
"""

import asyncio
import io
import re
import zlib
from collections.abc import AsyncIterator
from http import HTTPStatus

import httpx

from exporter.domain.errors import (
    AuthError,
    HttpStatusError,
    NotFoundError,
    NotJsonError,
    RateLimitedError,
    ReportError,
    TooLargeError,
    UnavailableError,
)
from exporter.http.endpoint import KEY_PLACE, HttpRequest
from exporter.http.errors import HTTPX_ERRORS, RetryableError

EXCERPT = 4096  # bytes that are enough of an answer that is only quoted
EMPTY_OR_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<|\Z)")  # the first bytes are the byte order mark
ERRORS = {404: NotFoundError, 429: RateLimitedError} | dict.fromkeys((502, 503, 504), UnavailableError)  # by status
PIECE = 256 * 1024  # bytes unpacked at a time: blocks the event loop for about a millisecond
ENCODINGS: tuple[list[str], ...] = ([], ["gzip"], ["x-gzip"], ["deflate"])
_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS


async def report_body(response: httpx.Response, sent: HttpRequest) -> bytes:
    """Returns the body of an answer that may be a report.

    Raises RetryableError (429 or 5xx), AuthError, HttpStatusError, NotJsonError, TooLargeError, or
    httpx.HTTPError if the body cannot be read.
    """
    method, max_body = sent.request.method, sent.endpoint.max_body
    if response.status_code != HTTPStatus.OK and (response.status_code, method) != (HTTPStatus.ACCEPTED, "POST"):
        raise await _status_error(response, sent)
    if "html" in response.headers.get("Content-Type", "").lower():
        raise _not_json(response, sent, await _excerpt(response))
    body = io.BytesIO()  # hands its buffer out without a copy
    async for piece in pieces(response):
        body.write(piece)
        if body.tell() > max_body:
            raise TooLargeError(sent.message(f"the unpacked answer is larger than {max_body} bytes; see poll.max_body"))
    whole = body.getvalue()
    if EMPTY_OR_PAGE.match(whole, 0, EXCERPT):
        raise _not_json(response, sent, whole[:EXCERPT])
    return whole


async def _excerpt(response: httpx.Response) -> bytes:
    """Returns the beginning of the unpacked body; raises as `pieces` does."""
    start = b""
    async for piece in pieces(response):
        start += piece
        if len(start) > EXCERPT:
            break
    return start


async def pieces(response: httpx.Response) -> AsyncIterator[bytes]:
    """Yields the unpacked body in pieces of at most `PIECE` bytes.

    Raises httpx.DecodingError (an encoding that is wrong or was not asked for), httpx.RemoteProtocolError (no end).
    """
    announced = response.headers.get("Content-Encoding", "")
    names = [name for name in announced.lower().replace(" ", "").split(",") if name not in ("", "identity")]
    if names not in ENCODINGS:
        raise httpx.DecodingError(f"the content encoding {announced} was not asked for, only gzip was")
    raw = response.aiter_raw()
    async for piece in _unpacked(raw, names[0]) if names else raw:
        yield piece
        await asyncio.sleep(0)  # lets other tasks and the time-out run during a gzip bomb


async def _unpacked(raw: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """Unpacks gzip with any number of members (RFC 1952, 2.2), or deflate, which some send without its zlib frame."""
    member: zlib._Decompress | None = None
    async for chunk in raw:
        left, piece = chunk, b""
        while left or len(piece) == PIECE:  # after a full piece there may be more output, although nothing is left
            if member is None or member.eof:
                left = left.lstrip(b"\0") if member else left  # zeros between members are padding
                if not left:
                    break
                framed = _ZLIB if left[0] & 0x0F == zlib.DEFLATED else _RAW
                member = zlib.decompressobj(framed if encoding == "deflate" else _GZIP)
            try:
                piece = member.decompress(left, PIECE)
            except zlib.error as error:
                raise httpx.DecodingError(f"the body is announced as {encoding} but is not: {error}") from error
            left = member.unconsumed_tail or member.unused_data
            yield piece
    if member is not None and not member.eof:
        raise httpx.RemoteProtocolError(f"the {encoding} body has no end")


def _not_json(response: httpx.Response, sent: HttpRequest, start: bytes) -> NotJsonError:
    content_type = sent.quote(response.headers.get("Content-Type", "")) or "no content type"
    text = sent.quote(start.decode(errors="replace"))
    what = f'"{text}"' if text else "nothing"
    said = f"{sent.url} answered {response.status_code} ({content_type}) with {what} instead of JSON"
    return NotJsonError(sent.message(f"{said}: a login, proxy or maintenance page? see base_url and proxy_url"))


async def _status_error(response: httpx.Response, sent: HttpRequest) -> ReportError | RetryableError:
    status = response.status_code
    if status == HTTPStatus.NO_CONTENT:
        return _not_json(response, sent, b"")
    if response.is_redirect:
        return HttpStatusError(sent.message(f"{sent.url} {_redirect(response, sent)}"))
    quoted = await _quoted_body(response, sent)
    message = sent.message(f"{sent.url} answered {status}{_remedy(status, sent)}{quoted}")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return AuthError(message, status)
    error = ERRORS.get(status, HttpStatusError)(message)
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return RetryableError(error, str(status), response.headers.get_list("Retry-After"))
    return error


def _redirect(response: httpx.Response, sent: HttpRequest) -> str:
    """Names a redirect's target without path and query, which may hold secrets."""
    target = sent.mask.in_text(response.headers.get("Location", ""))  # before its host is written in small letters
    try:
        url = httpx.URL(sent.url).join(target)
    except httpx.InvalidURL:
        target = ""
    if not target:
        return f"answered {response.status_code} without a readable target: a cache in between? see base_url"
    where = sent.quote(f"{url.scheme}://{url.netloc.decode()}")
    return f"redirects to {where} ({response.status_code}), which is not followed with the key; see base_url"


def _remedy(status: int, sent: HttpRequest) -> str:
    endpoint, report = sent.endpoint, sent.request.report
    if status == HTTPStatus.FORBIDDEN and "company_id" in sent.request.params:
        return ": the key may not filter by company; its owner must be admin, or ask without companies.include"
    texts = {
        HTTPStatus.UNAUTHORIZED: "the key is wrong, expired or withdrawn; put a new one into " + KEY_PLACE,
        HTTPStatus.FORBIDDEN: f"the key in {KEY_PLACE} may not read this report",
        HTTPStatus.NOT_FOUND: "this release of the platform may lack the report or have it elsewhere "
        f"(sources.{endpoint.source}.overrides.{report}.path), or base_url is wrong",
        HTTPStatus.TOO_MANY_REQUESTS: "too many requests; see poll.requests_per_minute",
    }
    if status not in texts:
        return ""
    return f": {texts[HTTPStatus(status)]}" + (f"; {endpoint.remedies[status]}" if status in endpoint.remedies else "")


async def _quoted_body(response: httpx.Response, sent: HttpRequest) -> str:
    """Returns what an error's body says, ready to be appended; nothing if it is a page or cannot be read."""
    try:
        text = await _excerpt(response)
    except HTTPX_ERRORS:
        return ""
    if EMPTY_OR_PAGE.match(text, 0, EXCERPT):
        return ""
    return f"; it says: {sent.quote(text[:EXCERPT].decode(errors='replace'))}"
