"""The routes. A scrape picks finished bytes and adds the live self-metrics; only /-/reload changes anything."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from exporter.exposition.board import Board
from exporter.exposition.text import Format
from exporter.polling.threads import Worker
from exporter.web.api.days import DaysApi
from exporter.web.api.find import DailyFiguresFinder
from exporter.web.negotiation import exposition, takes_gzip
from exporter.web.status.assets import HARDENED, Assets
from exporter.web.status.page import DOCS, StatusPage
from exporter.web.status.problems import FailedReload
from exporter.web.status.query import CompanyQuery

HEARTBEAT_SECONDS = 60.0
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class WebContext:
    """What the web may see: the board, the live metrics, the scheduler's heartbeat, and the sources by name.

    `sources` may change between two requests. `worker` makes what is read by people and by BI tools: neither a scrape
    nor a poll waits for it. `next_poll` says when the source of a name is polled next. `reload` reads the
    configuration again and returns in one line why that failed, nothing if it did not; None is not permitted. `docs` is
    the address of the folder with the runbooks, without a slash at its end. `refusal` is why the last reload failed.
    """

    board: Board
    tail: Callable[[Format], bytes]
    alive: Callable[[float], bool]
    sources: Collection[str]
    worker: Worker
    now: Callable[[], datetime]
    next_poll: Callable[[str], datetime | None]
    reload: Callable[[], Awaitable[str]] | None = None
    docs: str = DOCS
    refusal: Callable[[], FailedReload | None] = lambda: None


def create_app(outlook: WebContext) -> Starlette:
    """Makes the application, which may start before the first poll."""
    assets, finder = Assets(), DailyFiguresFinder()

    async def metrics(request: Request) -> Response:
        # Header lines may be repeated; together they are one list (RFC 9110, 5.3).
        format_ = exposition(",".join(request.headers.getlist("accept")))
        body, tail = outlook.board.shown.page[format_], outlook.tail(format_)
        headers = {"Content-Type": format_.value, "Vary": "Accept, Accept-Encoding"}
        if takes_gzip(",".join(request.headers.getlist("accept-encoding"))):
            return Response(body.with_tail_gzipped(tail), headers={**headers, "Content-Encoding": "gzip"})
        return StreamingResponse(
            _each(body.runs(tail)), headers={**headers, "Content-Length": f"{body.size + len(tail)}"}
        )

    async def healthy(_request: Request) -> Response:
        if outlook.alive(HEARTBEAT_SECONDS):
            return PlainTextResponse("healthy\n")
        return PlainTextResponse("the scheduler has not moved for a minute\n", status_code=503)

    async def ready(_request: Request) -> Response:
        if outlook.board.shown.served:
            return PlainTextResponse("ready\n")
        names = ", ".join(outlook.sources)
        return PlainTextResponse(
            f"no report has been served yet; sources: {names}. chat_usage_polls_total on /metrics shows why\n", 503
        )

    return Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/", _status(outlook, StatusPage(finder, assets.addresses, outlook.docs))),
            *assets.routes(),
            *DaysApi(outlook.board, outlook.worker, finder).routes(),
            Route("/-/healthy", healthy),
            Route("/-/ready", ready),
            Route("/-/reload", _reloading(outlook.reload), methods=["POST"]),
        ]
    )


async def _each(runs: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Gives a page out as it is taken; Starlette would have a thread for each step of an iterator that is not async."""
    for run in runs:
        yield run


def _status(outlook: WebContext, status_page: StatusPage) -> Callable[[Request], Awaitable[Response]]:
    """Makes the route of the status page."""

    async def status(request: Request) -> Response:
        choice = CompanyQuery.of(request.query_params)
        next_polls = {source: outlook.next_poll(source) for source in outlook.sources}
        made = partial(status_page.page, outlook.board.shown, choice, next_polls, outlook.now(), outlook.refusal())
        printed = await outlook.worker.run(made)
        headers = {"Content-Type": HTML, "Vary": "Accept-Encoding", "Cache-Control": "no-cache", **HARDENED}
        if takes_gzip(",".join(request.headers.getlist("accept-encoding"))):
            return Response(printed.gzipped, headers={**headers, "Content-Encoding": "gzip"})
        return Response(printed.plain, headers=headers)

    return status


def _reloading(reload: Callable[[], Awaitable[str]] | None) -> Callable[[Request], Awaitable[Response]]:
    """Makes the route of a reload, as Prometheus has it."""

    async def reloaded(_request: Request) -> Response:
        if reload is None:
            hint = "reloading over HTTP is off; start with --web.enable-lifecycle, or send SIGHUP\n"
            return PlainTextResponse(hint, 403)
        reason = await reload()
        return PlainTextResponse(f"{reason}\n", 500) if reason else PlainTextResponse("reloaded\n")

    return reloaded
