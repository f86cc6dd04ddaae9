"""What an answer says by its status and its first bytes: the body of a good one, else an error; decodes nothing."""

import codecs
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
)
from exporter.http import body
from exporter.http.errors import FOREIGN, Again
from exporter.http.request import Asked

EXCERPT = 4096
"""Bytes read of an answer that is only quoted."""


async def hide_target(response: httpx.Response) -> None:
    """Moves a redirect's target out of httpx's sight.

    Without a target nothing can be followed, and a broken one cannot fail before its status is seen.
    """
    response.extensions["target"] = response.headers.pop("Location", "")


async def read(response: httpx.Response, asked: Asked, max_body: int) -> bytes:
    """Returns the body of an answer that may be a report.

    Raises:
        Again: 429 or 5xx.
        AuthError, HttpStatusError, NotJsonError, TooLargeError: as their names say.
        httpx.HTTPError: the body could not be read.
    """
    if response.status_code != HTTPStatus.OK and (response.status_code, asked.method) != (HTTPStatus.ACCEPTED, "POST"):
        raise await _refusal(response, asked)
    if "html" in response.headers.get("Content-Type", "").lower():
        raise _not_json(response, asked, await body.read(response, EXCERPT))
    whole = await body.read(response, max_body)
    if len(whole) > max_body:
        raise TooLargeError(asked.message(f"the answer has more than {max_body} bytes unpacked; see poll.max_body"))
    if _start(whole) in (b"", b"<"):
        raise _not_json(response, asked, whole[:EXCERPT])
    return whole


def _start(text: bytes) -> bytes:
    return text[:EXCERPT].removeprefix(codecs.BOM_UTF8).lstrip()[:1]


def _not_json(response: httpx.Response, asked: Asked, start: bytes) -> NotJsonError:
    content_type = asked.quote(response.headers.get("Content-Type", "")) or "no content type"
    text = asked.quote(start.decode(errors="replace"))
    what = f'"{text}"' if _start(start) else "nothing"
    return NotJsonError(
        asked.message(
            f"{asked.url} answered {response.status_code} ({content_type}) with {what} instead of JSON: "
            "a login, proxy or maintenance page? see base_url and proxy_url"
        )
    )


async def _refusal(response: httpx.Response, asked: Asked) -> ReportError | Again:
    status = response.status_code
    if status == HTTPStatus.NO_CONTENT:
        return _not_json(response, asked, b"")
    if 300 <= status < 400:  # noqa: PLR2004 -- the class of redirects
        return HttpStatusError(asked.message(f"{asked.url} {_redirect(response, asked)}"))
    said = await _said(response, asked)
    message = asked.message(f"{asked.url} answered {status}{_remedy(status, asked)}{said}")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return AuthError(message, status)
    told = response.headers.get("Retry-After")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Again(RateLimitedError, message, str(status), told)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Again(HttpStatusError, message, str(status), told)
    return NotFoundError(message) if status == HTTPStatus.NOT_FOUND else HttpStatusError(message)


def _redirect(response: httpx.Response, asked: Asked) -> str:
    """Names where a redirect points to, without path and query: those may hold what is secret."""
    target = response.extensions["target"]
    try:
        url = response.request.url.join(target)
    except httpx.InvalidURL:
        target = ""
    if not target:
        return f"answered {response.status_code} without a readable target; see base_url"
    where = asked.quote(f"{url.scheme}://{url.netloc.decode()}")
    return f"redirects to {where} ({response.status_code}), which is not followed with the key; see base_url"


def _remedy(status: int, asked: Asked) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return f": the key is wrong, expired or withdrawn; put a new one into {asked.key_place}{_also(status, asked)}"
    if status == HTTPStatus.FORBIDDEN and "company_id" in asked.params:
        return ": the key may not filter by company; its owner must be admin, or ask without companies.include"
    if status == HTTPStatus.FORBIDDEN:
        return f": the key in {asked.key_place} may not read this report{_also(status, asked)}"
    if status == HTTPStatus.NOT_FOUND:
        option = f"sources.{asked.source}.overrides.{asked.report}.path"
        return (
            f": this release of the platform may lack the report or have it elsewhere ({option}), "
            f"or base_url is wrong{_also(status, asked)}"
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return ": too many requests; see poll.requests_per_minute"
    return ""


def _also(status: int, asked: Asked) -> str:
    """Returns what the platform's documentation adds to a remedy."""
    return f"; {asked.remedies[status]}" if status in asked.remedies else ""


async def _said(response: httpx.Response, asked: Asked) -> str:
    """Returns what an error's body says, ready to be appended; nothing when it is a page or cannot be read."""
    try:
        text = await body.read(response, EXCERPT)
    except FOREIGN:
        return ""
    if _start(text) in (b"", b"<"):
        return ""
    return f"; it says: {asked.quote(text[:EXCERPT].decode(errors='replace'))}"
