"""Builds the image with tools/image and runs it with podman."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from os import getuid
from pathlib import Path

import httpx
import pytest

from tests import loopback
from tests.e2e import programs

SCRIPT = Path(__file__).parents[2] / "tools" / "image"
TOOLS = ("buildah", "podman", "runc", "mmdebstrap")
CONFINED = ("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--pids-limit=64")
"""Options of a restricted cluster: read-only, no capabilities, no new privileges."""
BASE = "localhost/debian-python:trixie"
"""The base image of tools/image."""
BUILD_TIMEOUT_S = 300
SOMEBODY = "12345:54321"
"""A user and group without an account."""


def built(*stage: str) -> str:
    """Builds the image, or a stage of it, and returns its name; skips the test if that is impossible."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} not found: apt-get install {' '.join(TOOLS)}")
    if getuid() != 0:
        pytest.skip("images are built and run by root alone here: tools/image says why")
    done = subprocess.run(
        [SCRIPT, "build", *stage], capture_output=True, text=True, check=False, timeout=BUILD_TIMEOUT_S
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def podman(*arguments: str | Path) -> str:
    """Runs podman and returns its output.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    done = subprocess.run([SCRIPT, "podman", *arguments], capture_output=True, text=True, check=False, timeout=60)
    try:
        done.check_returncode()
    except subprocess.CalledProcessError as error:
        error.add_note(done.stderr)
        raise
    return done.stdout


def logs(name: str) -> str:
    """Returns the output of a container, stderr last."""
    done = subprocess.run([SCRIPT, "podman", "logs", name], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


@dataclass(frozen=True, slots=True)
class Container:
    """A running container on the host network, whose exporter is at `url`."""

    name: str
    url: str

    def page(self) -> str:
        """Returns /metrics, or an empty string if there is no response."""
        try:
            return loopback.get(f"{self.url}/metrics").text
        except httpx.TransportError:
            return ""

    def says(self, path: str) -> str:
        """Returns a file from the container's root."""
        return podman("exec", self.name, "python3", "-c", f"print(open({path!r}).read(), end='')")


@contextmanager
def running(image: str, environment: Mapping[str, str], *arguments: str) -> Iterator[Container]:
    """Runs the exporter in a restricted container, with these arguments and environment."""
    address = f"127.0.0.1:{programs.free_port()}"
    name = f"chat-usage-{address.rpartition(':')[2]}"
    options = ["run", "--detach", "--name", name, "--user", SOMEBODY, *CONFINED]
    options += [f"--env={key}={value}" for key, value in environment.items()]
    podman(*options, image, *arguments, f"--web.listen-address={address}")
    try:
        yield Container(name, f"http://{address}")
    finally:
        podman("rm", "--force", "--time", "0", name)
