"""The asynchronous exports of the simulated ChatCaptain, and the host that serves their files.

`exportId`, `status`, `downloadUrl` and `error` are documented; status words and file format are invented.
"""

from collections.abc import Iterable, Mapping
from itertools import repeat
from typing import Literal

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from exporter.simulator.chance import token
from exporter.simulator.paradigm.reports import Document

Fate = Literal["never-ends", "fails", "link-refused", "redirected", "huge", "truncated"]
WAITING = ("queued", "IN_BEARBEITUNG")  # status of the first polls; an export that never ends repeats the last
_PIECE = b"2026-03-02;Website;12;61\n" * 4096


class Job(Struct):
    chatbot_id: str
    content: bytes
    asked: int = 0
    signatures: list[str] = []


class Exports(Struct):
    """All exports of a platform, shared by its API and the host of the files.

    `base` is the URL (without a trailing slash) that files are served below, by default the platform's own;
    `huge` is the size (bytes) of a huge file; `seen` holds the headers of every request for a file, oldest first.
    """

    seed: int
    base: str | None = None
    huge: int = 2**30
    seen: list[Mapping[str, str]] = []
    fate: Fate | None = None
    _jobs: dict[str, Job] = {}

    def start(self, chatbot_id: str, content: bytes) -> Document:
        export_id = f"exp_{token(10, self.seed, 'export', len(self._jobs))}"
        self._jobs[export_id] = Job(chatbot_id, content)
        return {"exportId": export_id}

    def status(self, chatbot_id: str, export_id: str, platform: str) -> Document | None:
        """Returns the export's status, one step further at each call; None if the chatbot has no such export."""
        job = self._jobs.get(export_id)
        if job is None or job.chatbot_id != chatbot_id:
            return None
        job.asked += 1
        if job.asked <= len(WAITING) or self.fate == "never-ends":
            return {"status": WAITING[min(job.asked, len(WAITING)) - 1]}
        if self.fate == "fails":
            return {"status": "FEHLGESCHLAGEN", "error": "Export konnte nicht erstellt werden"}
        signature = token(24, self.seed, export_id, len(job.signatures) + 1)
        job.signatures.append(signature)
        link = f"{self.base or platform}/files/{export_id}?signature={signature}"
        return {"status": "completed", "downloadUrl": link}

    async def serve(self, request: Request) -> Response:
        self.seen.append(dict(request.headers))
        export_id, signature = request.path_params["export_id"], request.query_params.get("signature", "")
        job = self._jobs.get(export_id)
        links = job.signatures if job else []
        if job is None or signature not in links or (self.fate == "link-refused" and signature == links[0]):
            return PlainTextResponse("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
        if self.fate == "redirected" and "moved" not in request.query_params:
            return RedirectResponse(f"{request.url.path}?signature={signature}&moved=1", 302)
        headers = {"Content-Disposition": 'attachment; filename="../../statistics.csv"'}  # a hostile name
        if self.fate == "huge":
            content: Iterable[bytes] = repeat(_PIECE, -(-self.huge // len(_PIECE)))
        else:
            headers["Content-Length"] = str(len(job.content))
            content = [job.content[: len(job.content) // 2] if self.fate == "truncated" else job.content]
        return StreamingResponse(content, media_type="text/csv", headers=headers)

    def routes(self) -> list[Route]:
        return [Route("/files/{export_id}", self.serve), Route("/seen", lambda _request: JSONResponse(self.seen))]
