"""Files of the status page out of the package: style, script, icon; each with an ETag that its address carries too.

Not by Starlette's StaticFiles: its ETag is made of time and size, which builds with a fixed time share, its media types
are the host's, it has no Cache-Control, and it reads the disk in a thread for each request.
"""

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from exporter.web.negotiation import header, is_known

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


class Assets:
    """The files, read once: `addresses` are relative to the status page, each with the version of its content."""

    def __init__(self) -> None:
        folder = Path(__file__).parent / "static"
        self._files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        self._versions = {name: blake2b(content, digest_size=8).hexdigest() for name, content in self._files.items()}
        self.addresses: Mapping[str, str] = {
            name: f"static/{name}?v={version}" for name, version in self._versions.items()
        }

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
