"""The routes: /metrics, /, /-/healthy, /-/ready. A scrape picks finished bytes and adds the live self-metrics."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from exporter import __version__
from exporter.page import Board, Format
from exporter.web.negotiation import exposition, takes_gzip

HEARTBEAT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the web may see: the board, the live metrics, the scheduler's heartbeat, and the sources by name."""

    board: Board
    tail: Callable[[Format], bytes]
    alive: Callable[[float], bool]
    sources: tuple[str, ...]


def create_app(outlook: Outlook) -> Starlette:
    """Makes the application; it only reads, so it may start before the first poll."""
    templates = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)
    start_page = templates.get_template("start.html.jinja").render(version=__version__, sources=outlook.sources)

    async def metrics(request: Request) -> Response:
        # Header lines may be repeated; together they are one list (RFC 9110, 5.3).
        format_ = exposition(",".join(request.headers.getlist("accept")))
        body, tail = outlook.board.shown.page[format_], outlook.tail(format_)
        headers = {"Content-Type": format_.value, "Vary": "Accept, Accept-Encoding"}
        if takes_gzip(",".join(request.headers.getlist("accept-encoding"))):
            return Response(body.with_tail_gzipped(tail), headers={**headers, "Content-Encoding": "gzip"})
        return Response(body.with_tail(tail), headers=headers)

    async def start(_request: Request) -> Response:
        return HTMLResponse(start_page)

    async def healthy(_request: Request) -> Response:
        if outlook.alive(HEARTBEAT_SECONDS):
            return PlainTextResponse("healthy\n")
        return PlainTextResponse("the scheduler has not moved for a minute\n", status_code=503)

    async def ready(_request: Request) -> Response:
        if outlook.board.shown.served:
            return PlainTextResponse("ready\n")
        names = ", ".join(outlook.sources)
        return PlainTextResponse(
            f"no report has been served yet; sources: {names}. chat_usage_polls_total on /metrics tells why\n", 503
        )

    return Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/", start),
            Route("/-/healthy", healthy),
            Route("/-/ready", ready),
        ]
    )
