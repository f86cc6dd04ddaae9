"""Files of the status page out of the package: style, script, icon; each with an ETag that its address carries too.

Not by Starlette's StaticFiles: its ETag is made of time and size, which builds with a fixed time share, its media types
are the host's, it has no Cache-Control, and it reads the disk in a thread for each request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exporter.web.negotiation import is_known

TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Nothing but our own files; no inline script or style, so that a name with markup in it could run nothing."""
HARDENED = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
A_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file: its bytes, what it is, and the version that its content has."""

    content: bytes
    type: str
    version: str


class Assets:
    """The files, read once."""

    def __init__(self) -> None:
        self._files = {each.name: _asset(each) for each in sorted((Path(__file__).parent / "static").iterdir())}

    @property
    def addresses(self) -> Mapping[str, str]:
        """Where each file is, relative to the status page."""
        return {name: f"static/{name}?v={asset.version}" for name, asset in self._files.items()}

    def routes(self) -> tuple[Route, ...]:
        """Returns the route of all files."""
        return (Route("/static/{name}", self.answer),)

    async def answer(self, request: Request) -> Response:
        """Answers with a file, 304 if the client has it."""
        asset = self._files.get(request.path_params["name"])
        if asset is None:
            return PlainTextResponse("there is no such file\n", 404)
        etag = f'"{asset.version}"'
        is_versioned = request.query_params.get("v") == asset.version
        headers = {"ETag": etag, "Cache-Control": A_YEAR if is_versioned else "no-cache", **HARDENED}
        if is_known(etag, ",".join(request.headers.getlist("if-none-match"))):
            return Response(status_code=304, headers=headers)
        return Response(asset.content, headers={**headers, "Content-Type": asset.type})


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    return Asset(content, TYPES[path.suffix], blake2b(content, digest_size=8).hexdigest())
