"""A receiver on loopback that keeps what Alertmanager posts to it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(frozen=True, slots=True)
class Message:
    """One notification: to whom, whether something still fires, of which group, and the labels of its alerts."""

    receiver: str
    status: str
    group: Mapping[str, str]
    firing: tuple[Mapping[str, str], ...]
    resolved: tuple[Mapping[str, str], ...]


class Collector(ThreadingHTTPServer):
    """Keeps each message in the order in which they came; the last word of a path is the receiver."""

    daemon_threads = True
    request_queue_size = 128  # all receivers may connect at once; a refused message would come again seconds later

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Posted)
        self.messages: list[Message] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class _Posted(BaseHTTPRequestHandler):
    """Takes every POST for a notification in the form of Alertmanager's webhook."""

    server: Collector

    def do_POST(self) -> None:
        """Keeps it; the name is the base class's."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        alerts = {
            status: tuple(each["labels"] for each in body["alerts"] if each["status"] == status)
            for status in ("firing", "resolved")
        }
        receiver = self.path.rsplit("/", 1)[-1]
        self.server.messages.append(Message(receiver, body["status"], body["groupLabels"], **alerts))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the test's output quiet; the name of the argument is the base class's."""


@contextmanager
def collecting() -> Iterator[Collector]:
    """Runs a collector for the length of a block."""
    with Collector() as collector:
        thread = Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            thread.join()
