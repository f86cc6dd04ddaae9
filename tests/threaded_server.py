"""Servers in a thread, for commands that occupy the main thread."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from starlette.applications import Starlette

from exporter.web.server.server import Server, listen, url


@contextmanager
def serve_in_thread(app: Starlette) -> Iterator[str]:
    """Serves an application; yields its URL."""
    with listen("127.0.0.1:0", "test") as listening:
        running = Server(app)
        thread = Thread(target=lambda: asyncio.run(running.serve(sockets=[listening])))
        thread.start()
        try:
            yield url(listening)
        finally:
            running.should_exit = True
            thread.join()


class Echo(BaseHTTPRequestHandler):
    """Responds with the status in the path, and repeats the key in status line, header and body."""

    def do_GET(self) -> None:
        """Handles GET; the base class sets the name."""
        key = self.headers["Authorization"] or self.headers["x-chatcaptain-key"]
        body = json.dumps({"detail": f"{key} is no key", "error": key, "asked": str(self.headers)}).encode()
        self.send_response(int(self.path.split("/")[1]), f"Refused {key}")
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Key", key)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the base class sets the name

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing; the base class sets the name of the argument."""


@contextmanager
def echo_server(status: int) -> Iterator[str]:
    """Serves `Echo`; yields the base URL that responds with this status."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as running:
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}/{status}"
        finally:
            running.shutdown()
            thread.join()
