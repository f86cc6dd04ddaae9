"""Finds, starts and stops real programs."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from tests import loopback

Found = TypeVar("Found")

PAUSE_S = 0.05


def parts() -> Path:
    """Returns the folder of programs from `make tools`."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache, "chat-usage-exporter", "parts", "trixie", "bin")


def find(name: str) -> Path:
    """Finds a program on PATH or from `make tools`; skips the test if it is missing."""
    found = shutil.which(name) or shutil.which(name, path=parts())
    if found is None:
        pytest.skip(f"{name} not found: make tools")
    return Path(found)


def go_tool(name: str) -> Path:
    """Finds a program on PATH or from tools/go-tools; skips the test if it is missing."""
    folders = sorted((parts().parents[2] / "go-tools").glob(f"{name}-v*"))
    found = shutil.which(name) or next((path / name for path in reversed(folders) if (path / name).exists()), None)
    if found is None:
        pytest.skip(f"{name} not found: tools/go-tools {name}")
    return Path(found)


def free_port() -> int:
    """Returns a free loopback TCP port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def answers(url: str) -> bool:
    """Tells whether a GET of `url` gives 200, without proxies of the environment."""
    try:
        return loopback.get(url).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def wait_for(condition: Callable[[], Found], what: str, timeout_s: float) -> Found:
    """Calls `condition` until its result is true, and returns it.

    Raises:
        TimeoutError: it did not become true within `timeout_s` seconds; the message names `what` was waited for.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s:g} s in vain for {what}")
        time.sleep(PAUSE_S)


@contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    is_ready: Callable[[], bool],
    timeout_s: float = 20,
    grace_s: float = 5,
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a program; the block starts when it is ready.

    Args:
        command: the program and its arguments; it gets no standard input.
        log: the file for what it prints, copied to stderr at the end, which pytest shows when the test failed.
        is_ready: asked until true, or until the program ends.
        timeout_s: seconds until it must be ready.
        grace_s: seconds between SIGTERM and SIGKILL at the end.

    Raises:
        TimeoutError: it was not ready in time.
        ChildProcessError: it ended before it was ready.
    """
    name = Path(command[0]).name
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)

    def is_ready_or_ended() -> bool:
        if process.poll() is not None:
            raise ChildProcessError(f"{name} ended with {process.returncode} before it was ready")
        return is_ready()

    try:
        wait_for(is_ready_or_ended, f"{name} to get ready", timeout_s)
        yield process
    finally:
        end(process, grace_s)
        sys.stderr.write(f"--- log of {name}\n{log.read_text(errors='replace')}")


def end(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """Stops a process with SIGTERM, and with SIGKILL after `grace_s` seconds."""
    process.terminate()
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
