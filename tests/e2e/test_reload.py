"""The real process reloads by SIGHUP and `POST /-/reload` while it is scraped."""

import html
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest

from exporter.simulator.paradigm.world import World
from tests import loopback
from tests.e2e import programs
from tests.e2e.commands import SEED

pytestmark = pytest.mark.e2e

COMMAND = [sys.executable, "-m", "exporter.cli"]
FIGURE = 'paradigm_sessions_last_day{source="stays"'
KEY = World.from_seed(SEED).keys.admin
TIMEOUT_S = 30


@dataclass(frozen=True)
class Served:
    """An exporter as a process, with its configuration file and its log."""

    process: subprocess.Popen[bytes]
    url: str
    config: Path
    log: Path

    def get(self, path: str) -> httpx.Response:
        return loopback.get(f"{self.url}{path}")

    def shows(self, *lines: str) -> bool:
        page = self.get("/metrics").text
        return all(line in page for line in lines)

    def hang_up(self, config: str, *lines: str) -> None:
        """Writes a configuration, sends SIGHUP, and waits for these lines in the exposition."""
        self.config.write_text(config)
        self.process.send_signal(signal.SIGHUP)
        programs.wait_for(lambda: self.shows(*lines), f"{lines} after SIGHUP", TIMEOUT_S)


@contextmanager
def simulating(folder: Path) -> Iterator[str]:
    address = f"127.0.0.1:{programs.free_port()}"
    command = [*COMMAND, "simulate", f"--listen-address={address}", f"--seed={SEED}", "--companies=5"]
    url = f"http://{address}"
    with programs.running(command, folder / "simulate.log", lambda: programs.answers(f"{url}/control")):
        yield url


@contextmanager
def serving(folder: Path, config: str, *options: str) -> Iterator[Served]:
    """Runs `serve`; the block starts when figures are served."""
    file, log, address = folder / "exporter.yml", folder / "serve.log", f"127.0.0.1:{programs.free_port()}"
    file.write_text(config)
    command = [*COMMAND, "serve", f"--config.file={file}", f"--web.listen-address={address}", *options]
    url = f"http://{address}"
    with programs.running(command, log, lambda: programs.answers(f"{url}/-/ready")) as process:
        yield Served(process, url, file, log)


@contextmanager
def scraping(served: Served) -> Iterator[list[int]]:
    """Scrapes continuously; yields the statuses."""
    statuses: list[int] = []
    ended = Event()

    def scrape() -> None:
        with httpx.Client(trust_env=False) as http:
            while not ended.wait(0.01):
                answer = http.get(f"{served.url}/metrics")
                statuses.append(answer.status_code if FIGURE in answer.text else 0)

    thread = Thread(target=scrape)
    thread.start()
    try:
        yield statuses
    finally:
        ended.set()
        thread.join()


def sources(platform: str, **options: str) -> str:
    lines = (
        f"  {name}: {{platform: paradigm, base_url: '{platform}', api_key: {KEY}, {each}}}\n"
        for name, each in options.items()
    )
    return f"sources:\n{''.join(lines)}"


GOOD, BAD = "chat_usage_config_last_reload_successful 1.0", "chat_usage_config_last_reload_successful 0.0"


def test_a_process_reloads_on_sighup_and_no_scrape_fails(tmp_path: Path) -> None:
    """Figures of an unchanged source are always served, despite an invalid file, a new source and a removed one."""
    with simulating(tmp_path) as platform, serving(tmp_path, sources(platform, stays="", goes="")) as served:
        programs.wait_for(
            lambda: served.shows(FIGURE, 'paradigm_sessions_last_day{source="goes"'), "figures", TIMEOUT_S
        )
        with scraping(served) as statuses:
            served.hang_up("sources: [", BAD, 'source="goes"')
            served.hang_up(
                sources(platform, stays="settle: 7h", comes=""),
                GOOD,
                'chat_usage_settle_seconds{source="stays"} 25200',
                'chat_usage_polls_total{outcome="ok",report="chat-sessions",source="comes"} 1.0',
            )
            assert not served.shows('source="goes"')
        served.process.send_signal(signal.SIGTERM)
        status = served.process.wait(TIMEOUT_S)

    log = served.log.read_text().splitlines()
    assert (status, set(statuses)) == (0, {200})
    refused, reloaded = [line.split(" level=")[1] for line in log if "configuration" in line]
    assert refused.startswith('error msg="configuration not reloaded; the previous one stays in effect" reason="')
    assert f"{served.config}:1:" in refused
    assert reloaded == 'info msg="configuration reloaded" added=comes changed=stays removed=goes'
    assert not [line for line in log if "Traceback" in line]


def test_a_process_reloads_over_http_if_enabled(tmp_path: Path) -> None:
    with (
        simulating(tmp_path) as platform,
        serving(tmp_path, sources(platform, a=""), "--web.enable-lifecycle") as served,
    ):
        assert served.get("/-/reload").status_code == 405
        served.config.write_text("sources: {a: {platform: no}}")
        refused = loopback.post(f"{served.url}/-/reload")
        seen = served.get("/").text
        served.config.write_text(sources(platform, a="settle: 7h"))
        reloaded = loopback.post(f"{served.url}/-/reload")
        assert served.shows(GOOD, 'chat_usage_settle_seconds{source="a"} 25200')

    assert refused.status_code == 500
    assert "exporter.yml:1: sources.a.platform: " in refused.text
    assert refused.text.count("\n") == 1
    assert refused.text.strip() in html.unescape(seen)
    assert (reloaded.status_code, reloaded.text) == (200, "reloaded\n")


def test_a_process_does_not_reload_over_http_otherwise(tmp_path: Path) -> None:
    with simulating(tmp_path) as platform, serving(tmp_path, sources(platform, a="")) as served:
        answer = loopback.post(f"{served.url}/-/reload")

        assert answer.status_code == 403
        assert "--web.enable-lifecycle" in answer.text
