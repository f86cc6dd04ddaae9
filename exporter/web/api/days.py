"""/api/v1/days: published figures with their dates; no platform is asked."""

import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from exporter.domain.errors import QueryError
from exporter.domain.threads import Worker
from exporter.exposition.board import Board
from exporter.exposition.text import Key
from exporter.metrics.daily import DailyFigures
from exporter.metrics.report_view import ReportView
from exporter.web.api.openapi import description
from exporter.web.api.query import DaysFormat, DaysPage, DaysQuery, available, read
from exporter.web.api.write import csv_pieces, json_pieces
from exporter.web.negotiation import header, is_known, preferred, takes_gzip

GZIP = zlib.MAX_WBITS | 16
GZIP_LEVEL = 1  # figures compress well at any level; this is the cheapest
FORMATS: Mapping[str, DaysFormat] = {"application/json": "json", "text/csv": "csv"}
PIECES = {"json": json_pieces, "csv": csv_pieces}
CONTENT_TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8; header=present"}
VARY = {"Vary": "Accept, Accept-Encoding", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}


class DaysApi:
    """The routes below /api/v1; they compute in `worker`, so that no scrape or poll waits."""

    def __init__(self, board: Board, worker: Worker) -> None:
        self._board = board
        self._worker = worker
        self._daily: Mapping[Key, DailyFigures] = {}
        self.routes = Route("/api/v1/days", self.days), Route("/api/v1/openapi.json", self.openapi)

    async def openapi(self, _request: Request) -> Response:
        return JSONResponse(description(available(self._board.shown.views)), headers=VARY)

    async def days(self, request: Request) -> Response:
        """Answers with a page of days, with 304 if the client has it, or 400 if the query is wrong."""
        views = self._board.shown.views
        try:
            query = read(request.query_params, views)
        except QueryError as error:
            return JSONResponse({"error": str(error)}, 400, VARY)
        format_ = query.format or FORMATS[preferred(header(request, "accept"), tuple(FORMATS))]
        answer = await self._worker.run(partial(self._answer, views, query))
        headers = {"Content-Type": CONTENT_TYPES[format_], **VARY, **_links(answer, request)}
        headers["ETag"] = etag = f'W/"{answer.version}-{format_}"'
        if format_ == "csv":
            headers["Content-Disposition"] = 'attachment; filename="days.csv"'
        if is_known(etag, header(request, "if-none-match")):
            return Response(status_code=304, headers=headers)
        pieces = iter(()) if request.method == "HEAD" else PIECES[format_](answer)
        if takes_gzip(header(request, "accept-encoding")):
            headers["Content-Encoding"] = "gzip"
            pieces = _gzipped(pieces)
        return StreamingResponse(self._sent(pieces), headers=headers)

    def _answer(self, views: Mapping[Key, ReportView], query: DaysQuery) -> DaysPage:
        """Finds the answer; daily figures are kept while the view of their report stays the same."""
        kept = {key: daily for key, daily in self._daily.items() if views.get(key) is daily.view}
        self._daily = {key: kept.get(key) or DailyFigures(views[key]) for key in sorted(views)}
        return DaysPage(self._daily, query)

    async def _sent(self, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        """Makes each piece after the last one was sent, so that memory use does not grow with the response."""
        while (piece := await self._worker.run(partial(next, pieces, None))) is not None:
            if piece:
                yield piece


def _gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def _links(answer: DaysPage, request: Request) -> Mapping[str, str]:
    """Returns a link to the next page, relative so that it works behind any proxy."""
    if answer.next is None:
        return {}
    pairs = [pair for pair in request.query_params.multi_items() if pair[0] != "cursor"]
    return {"Link": f'<?{urlencode([*pairs, ("cursor", answer.next)])}>; rel="next"'}
