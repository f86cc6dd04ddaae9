"""End to end with real programs: simulated platform, exporter, promtool and Prometheus."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from tests.e2e import programs
from tests.e2e.commands import Served, serving, simulating
from tests.e2e.prometheus import scraping
from tests.platforms.answer_cases import case_of

pytestmark = pytest.mark.e2e

QUERIES = "paradigm_user_queries_last_day"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Runs an exporter that has polled the simulated platform once."""
    folder = tmp_path_factory.mktemp("served")
    with simulating(folder) as platform, serving(folder, platform) as exporter:
        programs.wait_for(lambda: exporter.get("/-/ready").is_success, "the first poll", 20)
        yield exporter


def complain(promtool: Path, page: bytes) -> tuple[int, bytes]:
    """Returns the output of `promtool check metrics`."""
    checked = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, check=False)
    return checked.returncode, checked.stdout + checked.stderr


def test_promtool_finds_no_problem(served: Served, promtool: Path) -> None:
    """Neither with names nor with HELP lines, including live metrics."""
    page = served.get("/metrics", accept="text/plain")

    assert page.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert QUERIES in page.text
    assert complain(promtool, page.content) == (0, b"")


def test_the_openmetrics_exposition_can_be_parsed(served: Served) -> None:
    """By prometheus-client's strict parser."""
    page = served.get("/metrics", accept="application/openmetrics-text; version=1.0.0")

    assert page.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    families = list(parse_openmetrics(page.text))  # type: ignore[no-untyped-call]  # the library ships no types for it
    assert {QUERIES, "chat_usage_polls", "process_cpu_seconds"} <= {family.name for family in families}


@pytest.mark.parametrize(
    "protocol", ["PrometheusText0.0.4", "OpenMetricsText1.0.0"], ids=["asking-for-text", "asking-for-openmetrics"]
)
def test_figures_in_prometheus_equal_the_simulators(
    served: Served, prometheus: Path, tmp_path: Path, protocol: str
) -> None:
    """For every company with a series."""
    with scraping(prometheus, tmp_path, served.target, [protocol]) as server:
        points = server.wait_until(f'{QUERIES}{{mode="chat"}}')
        (start,) = server.query('chat_usage_report_day_timestamp_seconds{report="chat-sessions"}')
        assert [point.value for point in server.query("up")] == [1]

    day = datetime.fromtimestamp(start.value, UTC).date().isoformat()
    assert len(points) > 10
    for point in points:
        truth = served.truth(company_id=point.labels["company_id"], day=day, report="chat-sessions")
        chat = truth["chat"]
        assert point.value == (chat["user_queries"] if isinstance(chat, dict) else 0)


class Paradigm(BaseHTTPRequestHandler):
    """A platform with one response: the case about names, for yesterday."""

    def do_GET(self) -> None:
        """Sends the same response to every request; the base class sets the name."""
        yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
        body = case_of("chat-sessions", "name-escapes").body.replace(b"2026-03-02", yesterday.encode())
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing; the base class sets the name of the argument."""


def test_names_are_unchanged_in_prometheus(prometheus: Path, promtool: Path, tmp_path: Path) -> None:
    """With quotes, backslashes, newlines, emoji and markup."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Paradigm) as platform:
        thread = Thread(target=platform.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            with (
                serving(tmp_path, f"http://127.0.0.1:{platform.server_port}") as exporter,
                scraping(prometheus, tmp_path, exporter.target) as server,
            ):
                points = server.wait_until("paradigm_last_model_response_timestamp_seconds")
                assert complain(promtool, exporter.get("/metrics").content) == (0, b"")
        finally:
            platform.shutdown()
            thread.join()

    body = json.loads(case_of("chat-sessions", "name-escapes").body)
    assert sorted(point.labels["company"] for point in points) == sorted(
        entry["company"]["name"] for entry in body["reporting"]
    )


def test_an_unreachable_platform_affects_only_readiness_and_metrics(tmp_path: Path) -> None:
    """/metrics responds, the health check passes, the readiness check fails."""
    with serving(tmp_path, f"http://127.0.0.1:{programs.free_port()}") as exporter:
        failed = 'chat_usage_polls_total{outcome="connection",report="chat-sessions",source="production"} 1.0'
        programs.wait_for(lambda: failed in exporter.get("/metrics").text, "the poll to fail", 30)

        assert exporter.get("/-/healthy").status_code == 200
        assert exporter.get("/-/ready").status_code == 503
        assert "production" in exporter.get("/-/ready").text
