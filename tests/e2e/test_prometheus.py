"""Tests of the Prometheus helper: scraping, queries and formats."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.e2e.programs import free_port
from tests.e2e.prometheus import Point, scraping

pytestmark = pytest.mark.e2e

TEXT = "text/plain; version=0.0.4"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class StaticPage(ThreadingHTTPServer):
    """Serves one page and records the Accept header of each request."""

    def __init__(self, content_type: str, page: bytes) -> None:
        super().__init__(("127.0.0.1", 0), AnswerWithPage)
        self.content_type = content_type
        self.page = page
        self.accepts: list[str] = []


class AnswerWithPage(BaseHTTPRequestHandler):
    """Responds to every GET with the server's page."""

    server: StaticPage

    def do_GET(self) -> None:
        """Sends the page; the base class sets the name."""
        self.server.accepts.append(self.headers["Accept"])
        self.send_response(200)
        self.send_header("Content-Type", self.server.content_type)
        self.end_headers()
        self.wfile.write(self.server.page)

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing; the base class sets the name of the argument."""


@contextmanager
def serving(content_type: str, page: bytes) -> Iterator[StaticPage]:
    with StaticPage(content_type, page) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("protocol", "content_type", "page"),
    [
        pytest.param("PrometheusText0.0.4", TEXT, b'pages{kind="static"} 42\n', id="text"),
        pytest.param("OpenMetricsText1.0.0", OPENMETRICS, b'pages{kind="static"} 42.0\n# EOF\n', id="openmetrics"),
    ],
)
def test_a_served_sample_can_be_queried(
    prometheus: Path, tmp_path: Path, protocol: str, content_type: str, page: bytes
) -> None:
    """In each exposition format."""
    with serving(content_type, page) as server:
        target = f"127.0.0.1:{server.server_port}"
        with scraping(prometheus, tmp_path, target, [protocol]) as running:
            points = running.wait_until("pages")

    labels = {"__name__": "pages", "instance": target, "job": "exporter", "kind": "static"}
    assert points == [Point(labels, 42.0)]
    assert {accept.partition(";")[0] for accept in server.accepts} == {content_type.partition(";")[0]}


def test_an_invalid_expression_raises_prometheus_message(prometheus: Path, tmp_path: Path) -> None:
    """The test fails at once with the parser's message."""
    nobody = f"127.0.0.1:{free_port()}"
    with scraping(prometheus, tmp_path, nobody) as running, pytest.raises(ValueError, match="parse error"):
        running.wait_until("sum(")


def test_a_timeout_names_query_and_target_state(prometheus: Path, tmp_path: Path) -> None:
    """The message has both."""
    nobody = f"127.0.0.1:{free_port()}"
    told = r"in vain for a result of pages; targets: .*activeTargets"
    with scraping(prometheus, tmp_path, nobody) as running, pytest.raises(TimeoutError, match=told):
        running.wait_until("pages", timeout_s=0.1)
