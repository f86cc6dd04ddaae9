"""Receives notifications on loopback: JSON over HTTP, and mail over SMTP."""

import email
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer, StreamRequestHandler, ThreadingTCPServer
from threading import Thread

from tests.oncall.shipped import Config


class Patient(ThreadingTCPServer):
    """A server to which all channels may connect at once."""

    daemon_threads = True
    request_queue_size = 128


@dataclass
class Inbox:
    """Received bodies by the first segment of the path, and mails."""

    posted: dict[str, list[Config]] = field(default_factory=dict)
    mails: list[Message] = field(default_factory=list)
    url: str = ""
    smarthost: str = ""


@contextmanager
def receiving() -> Iterator[Inbox]:
    """Runs an inbox."""
    inbox = Inbox()

    class Posted(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            inbox.posted.setdefault(self.path.split("/")[1], []).append(body)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")  # what Slack says

        def log_message(self, format: str, *args: object) -> None:
            """Keeps the test's output quiet; the name of the argument is the base class's."""

    class Mailed(StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 inbox\r\n")
            while line := self.rfile.readline():
                word = line[:4].upper()
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = iter(self.rfile.readline, b".\r\n")
                    text = b"".join(
                        line.removeprefix(b".") for line in lines
                    )  # a dot at the start of a line is doubled
                    inbox.mails.append(email.message_from_bytes(text))
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 inbox\r\n")
                if word == b"QUIT":
                    return

    with ExitStack() as stack:
        http = stack.enter_context(Patient(("127.0.0.1", 0), Posted))
        smtp = stack.enter_context(Patient(("127.0.0.1", 0), Mailed))
        inbox.url = f"http://127.0.0.1:{http.server_address[1]}"
        inbox.smarthost = f"127.0.0.1:{smtp.server_address[1]}"
        for server in (http, smtp):
            stack.enter_context(_served(server))
        yield inbox


@contextmanager
def _served(server: BaseServer) -> Iterator[None]:
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
