"""The limit of a scrape: the same web server sends as many prepared bytes, and does nothing else.

usage: python -m benchmarks.ready BYTES PORT

Serves them at every path until it is stopped.
"""

import os
import sys

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send


def application(page: bytes) -> ASGIApp:
    """Responds to every request with these bytes."""
    headers = [(b"content-length", str(len(page)).encode())]

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": page})

    return answer


def main() -> None:
    """Serves."""
    size, port = sys.argv[1:]
    uvicorn.run(
        application(os.urandom(int(size))),
        host="127.0.0.1",
        port=int(port),
        log_config=None,
        access_log=False,
        loop="asyncio",
        http="h11",
    )


if __name__ == "__main__":
    main()
