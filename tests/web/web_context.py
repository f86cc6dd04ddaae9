"""Makes a `WebContext` with defaults."""

from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime

from exporter.domain.threads import Worker
from exporter.exposition.board import Board
from exporter.exposition.text import Format
from exporter.web.app import WebContext
from exporter.web.status.page import Links
from exporter.web.status.problems import FailedReload

WIKI = "https://wiki.example.com/usage/docs"
"""Base URL of the runbooks."""
LINKS = Links(WIKI)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def no_tail(_format: Format) -> bytes:
    """Returns no live metrics."""
    return b""


def alive(_within: float) -> bool:
    """Reports a running scheduler."""
    return True


def web_context(
    board: Board,
    worker: Worker,
    *,
    tail: Callable[[Format], bytes] = no_tail,
    alive: Callable[[float], bool] = alive,
    sources: Collection[str] = ("s",),
    now: Callable[[], datetime] = lambda: NOON,
    next_poll: Callable[[str], datetime | None] = lambda _source: None,
    reload: Callable[[], Awaitable[str]] | None = None,
    links: Links = LINKS,
    failed_reload: Callable[[], FailedReload | None] = lambda: None,
) -> WebContext:
    """Returns a context at noon without scheduled polls."""
    return WebContext(board, tail, alive, sources, worker, now, next_poll, reload, links, failed_reload)
