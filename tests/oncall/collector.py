"""A webhook receiver on loopback that records notifications."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(frozen=True, slots=True)
class Message:
    """A notification: receiver, status, group labels, and labels of its alerts."""

    receiver: str
    status: str
    group: Mapping[str, str]
    firing: tuple[Mapping[str, str], ...]
    resolved: tuple[Mapping[str, str], ...]


class Collector(ThreadingHTTPServer):
    """Records messages in order of arrival; the last segment of a path is the receiver."""

    daemon_threads = True
    request_queue_size = 128  # all receivers may connect at once; a refused message would be repeated seconds later

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Posted)
        self.messages: list[Message] = []

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.server_port}"


class _Posted(BaseHTTPRequestHandler):
    """Handles Alertmanager webhook requests."""

    server: Collector

    def do_POST(self) -> None:
        """Records the message; the base class sets the name."""
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
        """Logs nothing; the base class sets the name of the argument."""


@contextmanager
def collecting() -> Iterator[Collector]:
    """Runs a collector."""
    with Collector() as collector:
        thread = Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            thread.join()
