"""Measures promised times on the running program, best of three, and fails if one is exceeded.

usage: VENV/bin/python .ci/bounds.py
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
from playwright.sync_api import Browser, sync_playwright

from exporter.cli.demo.command import demonstration
from exporter.platforms.paradigm.platform import REPORTS
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.paradigm.world import World

COMMAND = Path(sys.executable).with_name("chat-usage-exporter")
PATIENCE_S = 20.0


class Bound(NamedTuple):
    """A promise: its description, the seconds allowed, a function that measures one try, and the number of tries."""

    promise: str
    seconds: float
    measure: Callable[[], float]
    tries: int = 3


@contextmanager
def polling_in_vain() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Runs an exporter in the middle of a poll of a platform that accepts the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as platform, tempfile.TemporaryFile() as log:
        platform.settimeout(PATIENCE_S)
        address = vacant()
        environment = {
            "PARADIGM_API_KEY": "a-key-that-opens-nothing",
            "PARADIGM_BASE_URL": f"http://127.0.0.1:{platform.getsockname()[1]}",
        }
        command: list[str | Path] = [COMMAND, "serve", f"--web.listen-address={address}"]
        exporter = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603 our own program
        try:
            connection, _ = platform.accept()
            with connection:
                yield exporter, f"http://{address}"
        finally:
            exporter.kill()
            exporter.wait()


def end_in_a_poll() -> float:
    """Measures from SIGTERM to the end of the process, which must succeed."""
    with polling_in_vain() as (exporter, _):
        began = time.monotonic()
        exporter.send_signal(signal.SIGTERM)
        status = exporter.wait(PATIENCE_S)
        took = time.monotonic() - began
    if status:
        raise SystemExit(f"serve ended with {status} after SIGTERM")
    return took


def scrape_in_a_poll() -> float:
    """Measures one scrape while the platform does not answer."""
    with polling_in_vain() as (_, url):
        began = time.monotonic()
        httpx.get(f"{url}/metrics", trust_env=False).raise_for_status()
        return time.monotonic() - began


def set_up_again() -> float:
    """Measures the set-up of an existing environment."""
    began = time.monotonic()
    subprocess.run(["tools/venv", sys.prefix, "dev"], check=True)  # noqa: S603, S607 our own script
    return time.monotonic() - began


def demonstrate(clone: Path) -> float:
    """Measures from `make demo` in a clone to figures of more than 10 companies on /metrics; set-up included."""
    address = vacant()
    command = ["make", "demo", f"DEMO_ARGS=--web.listen-address={address}"]
    with tempfile.TemporaryFile() as log:
        began = time.monotonic()
        demo = subprocess.Popen(  # noqa: S603 our own Makefile
            command, cwd=clone, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            while companies(address) <= COMPANIES:
                if demo.poll() is not None or time.monotonic() - began > DEMO_PATIENCE_S:
                    log.seek(0)
                    raise SystemExit(f"make demo serves no figures: {log.read().decode()}")
                time.sleep(0.05)
            return time.monotonic() - began
        finally:
            os.killpg(demo.pid, signal.SIGINT)  # like Ctrl-C
            if demo.wait(PATIENCE_S) not in QUIET:
                raise SystemExit(f"make demo ended with {demo.returncode} after Ctrl-C")


def companies(address: str) -> int:
    """Returns how many companies have a figure of the last day; 0 until both platforms are served."""
    try:
        page = httpx.get(f"http://{address}/metrics", trust_env=False).text
    except httpx.TransportError:
        return 0
    if not re.search("^chatcaptain_conversations_last_day{", page, re.MULTILINE):
        return 0
    return len(set(re.findall(r'^paradigm_user_queries_last_day{.*?company_id="([^"]+)"', page, re.MULTILINE)))


def end_container() -> float:
    """Measures from SIGTERM to the end of an exporter's container, restricted as in a cluster."""
    address = vacant()
    with simulating("--seed=1") as platform:
        environment = demonstration(World.from_seed(1), Bots.from_seed(1), platform)
        options = ["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--user=12345:54321"]
        options += [f"--env={name}={value}" for name, value in environment.items()]
        name = _podman("run", "--detach", *options, _built(), "serve", f"--web.listen-address={address}")
        try:
            return end(name, address)
        finally:
            _podman("rm", "--force", "--time", "0", name)


def end(container: str, address: str) -> float:
    """Waits until a container serves figures, then measures from SIGTERM to its end."""
    began = time.monotonic()
    while companies(address) <= COMPANIES:
        if time.monotonic() - began > PATIENCE_S:
            raise SystemExit(f"the image serves no figures: {_podman('logs', container)}")
        time.sleep(0.05)
    began = time.monotonic()
    _podman("kill", "--signal", "TERM", container)
    status = _podman("wait", "--interval", "20ms", container)
    took = time.monotonic() - began
    if status != "0":
        raise SystemExit(f"the image ended with {status} after SIGTERM")
    return took


def _built() -> str:
    command = ["tools/image", "build"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 our own script


def _podman(*arguments: str) -> str:
    command = ["tools/image", "podman", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 our own script


@contextmanager
def running(answers: Callable[[], bool], environment: Mapping[str, str], *arguments: str) -> Iterator[None]:
    """Runs our program until the end of the block, which starts once it responds."""
    with tempfile.TemporaryFile() as log:
        program = subprocess.Popen([COMMAND, *arguments], env=environment, stdout=log, stderr=log)  # noqa: S603 our own
        try:
            began = time.monotonic()
            while not answers():
                if program.poll() is not None or time.monotonic() - began > DEMO_PATIENCE_S:
                    log.seek(0)
                    raise SystemExit(f"{arguments[0]} does not answer: {log.read().decode()}")
                time.sleep(0.2)
            yield
        finally:
            program.kill()
            program.wait()


def vacant() -> str:
    """Returns an address with a free port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def simulating(*options: str) -> Iterator[str]:
    """Runs the simulated platforms; yields their URL."""
    address = vacant()
    url = f"http://{address}"
    with running(lambda: bool(page_of(f"{url}/control")), {}, "simulate", f"--listen-address={address}", *options):
        yield url


@contextmanager
def thousand() -> Iterator[str]:
    """Yields the URL of an exporter of 1,000 companies that has read their history; its next poll is in an hour."""
    with simulating("--companies=1000", "--seed=1") as platform:
        environment = {"PARADIGM_API_KEY": World.from_seed(1, 1).keys.admin, "PARADIGM_BASE_URL": platform}
        address = vacant()
        with running(lambda: has_past(address), environment, "serve", f"--web.listen-address={address}"):
            yield f"http://{address}/"


def page_of(url: str) -> str:
    """Returns the body of the response; empty if nothing listens there."""
    try:
        return httpx.get(url, trust_env=False, timeout=PATIENCE_S).text
    except httpx.TransportError:
        return ""


def has_past(address: str) -> bool:
    """Returns whether the history of the report that is polled last was read."""
    covered = f'report_window_coverage_ratio{{source="paradigm",report="{[*REPORTS][-1]}",window="28d"}} 1.0'
    return covered in page_of(f"http://{address}/metrics")


def load(browser: Browser, url: str) -> float:
    """Measures a page load in a new window, from navigation to the load event."""
    with browser.new_context() as window:
        page = window.new_page()
        page.goto(url)
        if page.locator("#company-rows tr").count() < COMPANIES:
            raise SystemExit(f"{url} shows no companies: {page.inner_text('body')}")
        return float(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")) / 1000


@contextmanager
def chromium() -> Iterator[Browser]:
    """Runs Debian's Chromium, without its sandbox if run as root."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield browser
        browser.close()


def clone_to(folder: Path) -> Path:
    """Clones this repository."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", ".", clone], check=True)  # noqa: S603, S607 our own repository
    return clone


COMPANIES = 10
DEMO_PATIENCE_S = 120.0
QUIET = (0, -signal.SIGINT, 2)  # make exits with 2 after Ctrl-C

BOUNDS = (
    Bound("serve stops after SIGTERM during a poll", 2.0, end_in_a_poll),
    Bound("/metrics responds while the platform does not", 0.5, scrape_in_a_poll),
    Bound("second set-up", 2.0, set_up_again),
    Bound("the container stops after SIGTERM", 2.0, end_container),
)


def main() -> int:
    """Measures all promises; returns the exit status: 1 if one is broken."""
    with tempfile.TemporaryDirectory() as folder:
        clone = clone_to(Path(folder))
        newcomer = (
            Bound("first make demo in a fresh clone", 60.0, lambda: demonstrate(clone), tries=1),
            Bound("second make demo", 5.0, lambda: demonstrate(clone)),
        )
        broken = judge((*BOUNDS, *newcomer))
    with thousand() as url, chromium() as browser:
        page = Bound("the status page of 1,000 companies loads in Chromium", 0.5, lambda: load(browser, url))
        return broken | judge((page,))


def judge(bounds: Sequence[Bound]) -> int:
    """Measures each promise, prints it, and returns 1 if one is broken."""
    broken = 0
    for bound in bounds:
        best = min(bound.measure() for _ in range(bound.tries))
        broken |= best > bound.seconds
        verdict = "MISSED" if best > bound.seconds else "holds"
        print(f"{bound.promise}: {best:.2f} s, at most {bound.seconds:g} s: {verdict}")  # noqa: T201 this is its output
    return broken


if __name__ == "__main__":
    sys.exit(main())
