"""The routes, of which only /-/reload changes anything, and the files of the status page."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from datetime import datetime
from functools import partial
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from exporter.domain.threads import Worker
from exporter.exposition.board import Board
from exporter.exposition.text import END, Body, Format, GzipPiece
from exporter.web.api.days import DaysApi
from exporter.web.negotiation import exposition, header, is_known, takes_gzip
from exporter.web.status.company_page import CompanyQuery
from exporter.web.status.page import Links, PageState, StatusPage
from exporter.web.status.problems import FailedReload

HEARTBEAT_SECONDS = 60.0
HTML = "text/html; charset=utf-8"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Nothing but our own files; no inline script or style, so that a name with markup in it could run nothing."""
HARDENED = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
A_YEAR = "public, max-age=31536000, immutable"
FAMILY = re.compile(rb"^# HELP (\S+)(?: .*)?\n(?:[^#].*\n|# (?!HELP |EOF).*\n)*", re.MULTILINE)
"""One family of an exposition."""
SUFFIXES = ("_total", "_bucket", "_sum", "_count", "_created", "_info", "_gsum", "_gcount")


class WebContext(Struct, frozen=True):
    """What the routes read; `sources` may change between two requests.

    `worker` renders the status page, the API and selected families; whole scrapes and polls do not wait for it.
    `reload` rereads the configuration and returns the reason if that fails, else an empty text; None forbids it.
    `links` have no trailing slash.
    """

    board: Board
    tail: Callable[[Format], bytes]
    alive: Callable[[float], bool]
    sources: Collection[str]
    worker: Worker
    now: Callable[[], datetime]
    next_poll: Callable[[str], datetime | None]
    reload: Callable[[], Awaitable[str]] | None
    links: Links
    failed_reload: Callable[[], FailedReload | None]


def create_app(context: WebContext) -> Starlette:
    """Makes the application, which may start before the first poll."""
    assets = Assets()
    status_page = StatusPage(assets.addresses, context.links)
    return Starlette(
        routes=[
            Route("/metrics", partial(_metrics, context)),
            Route("/", partial(_status, context, status_page)),
            Route("/static/{name}", assets.answer),
            *DaysApi(context.board, context.worker).routes,
            Route("/-/healthy", partial(_healthy, context)),
            Route("/-/ready", partial(_ready, context)),
            Route("/-/reload", partial(_reload, context), methods=["POST"]),
        ]
    )


async def _metrics(context: WebContext, request: Request) -> Response:
    format_ = exposition(header(request, "accept"))
    body, tail = context.board.shown.exposition[format_], context.tail(format_)
    if names := request.query_params.getlist("name[]"):
        selected = await context.worker.run(lambda: _selected(body.plain, names) + _selected(tail, names))
        body, tail = Body([GzipPiece(selected)]), b""
    headers = {"Content-Type": format_.value, "Vary": "Accept, Accept-Encoding"}
    if takes_gzip(header(request, "accept-encoding")):
        return Response(body.with_tail_gzipped(tail), headers={**headers, "Content-Encoding": "gzip"})
    return StreamingResponse(_each(body.runs(tail)), headers={**headers, "Content-Length": f"{body.size + len(tail)}"})


def _selected(exposition: bytes, names: Collection[str]) -> bytes:
    """Returns the families that have one of the names, or samples of that name, as Prometheus client libraries do."""
    wanted = {each.encode() for name in names for each in (name, *map(name.removesuffix, SUFFIXES))}
    found = (each for each in FAMILY.finditer(exposition) if {each[1], each[1].removesuffix(b"_total")} & wanted)
    return b"".join(family[0] for family in found) + (END if exposition.endswith(END) else b"")


async def _each(runs: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Makes the iterator asynchronous; for others, Starlette would use a thread per step."""
    for run in runs:
        yield run


async def _status(context: WebContext, status_page: StatusPage, request: Request) -> Response:
    next_polls = {source: context.next_poll(source) for source in context.sources}
    state = PageState(context.board.shown, context.now(), next_polls, context.failed_reload())
    query = CompanyQuery.of(request.query_params)
    plain, gzipped = await context.worker.run(partial(status_page.page, state, query))
    headers = {"Content-Type": HTML, "Vary": "Accept-Encoding", "Cache-Control": "no-cache", **HARDENED}
    if takes_gzip(header(request, "accept-encoding")):
        return Response(gzipped, headers={**headers, "Content-Encoding": "gzip"})
    return Response(plain, headers=headers)


async def _healthy(context: WebContext, _request: Request) -> Response:
    if context.alive(HEARTBEAT_SECONDS):
        return PlainTextResponse("healthy\n")
    return PlainTextResponse("the scheduler has not run for a minute\n", 503)


async def _ready(context: WebContext, _request: Request) -> Response:
    shown = context.board.shown
    if shown.served:
        return PlainTextResponse("ready\n")
    supported = {key: view.health.outcome == "ok" for key, view in shown.views.items() if view.health.supported}
    is_read = {source for source, _ in supported} >= set(context.sources) and all(supported.values())
    if is_read and not any(info.names for info in shown.source_infos.values()):
        return PlainTextResponse("ready; no company matches: see companies.include and companies.exclude\n")
    names = ", ".join(context.sources)
    hint = "chat_usage_polls_total on /metrics shows why"
    return PlainTextResponse(f"no report has been served yet; sources: {names}. {hint}\n", 503)


async def _reload(context: WebContext, _request: Request) -> Response:
    if context.reload is None:
        hint = "reloading over HTTP is off; start with --web.enable-lifecycle, or send SIGHUP\n"
        return PlainTextResponse(hint, 403)
    reason = await context.reload()
    return PlainTextResponse(f"{reason}\n", 500) if reason else PlainTextResponse("reloaded\n")


class Assets:
    """The status page's style, script and icon, read once; `addresses` are relative to it, with their versions.

    Not by Starlette's StaticFiles: its ETag is made of time and size, which builds with a fixed time share, its media
    types are the host's, it has no Cache-Control, and it reads the disk in a thread for each request.
    """

    def __init__(self) -> None:
        folder = Path(__file__).parent / "status" / "static"
        self._files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        self._versions = {name: blake2b(content, digest_size=8).hexdigest() for name, content in self._files.items()}
        self.addresses = {name: f"static/{name}?v={version}" for name, version in self._versions.items()}

    async def answer(self, request: Request) -> Response:
        """Answers with a file, 304 if the client has it."""
        name = request.path_params["name"]
        if name not in self._files:
            return PlainTextResponse("there is no such file\n", 404)
        etag, is_versioned = f'"{self._versions[name]}"', request.query_params.get("v") == self._versions[name]
        headers = {"ETag": etag, "Cache-Control": A_YEAR if is_versioned else "no-cache", **HARDENED}
        if is_known(etag, header(request, "if-none-match")):
            return Response(status_code=304, headers=headers)
        return Response(self._files[name], headers={**headers, "Content-Type": TYPES[Path(name).suffix]})
