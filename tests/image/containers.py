"""The image, really built and run, by tools/image; knows nothing of what it should do."""

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
"""What a cluster that trusts nobody gives a container: nothing to write, no capability, and none to come by."""
BASE = "localhost/debian-python:trixie"
"""The base image that tools/image makes."""
BUILD_PATIENCE_S = 300
SOMEBODY = "12345:54321"
"""A user and group that no system knows."""


def built(*stage: str) -> str:
    """Builds the image, or up to a stage of it, and returns its name; skips the test where that cannot be done."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} not found: apt-get install {' '.join(TOOLS)}")
    if getuid() != 0:
        pytest.skip("images are built and run by root alone here: tools/image says why")
    done = subprocess.run(
        [SCRIPT, "build", *stage], capture_output=True, text=True, check=False, timeout=BUILD_PATIENCE_S
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def podman(*arguments: str | Path) -> str:
    """Runs podman to its end and returns what it printed.

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
    """Returns what a container printed, errors last."""
    done = subprocess.run([SCRIPT, "podman", "logs", name], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


@dataclass(frozen=True, slots=True)
class Container:
    """A running container, on the network of the machine itself, whose exporter is at `url`."""

    name: str
    url: str

    def page(self) -> str:
        """Returns /metrics, or nothing while nobody answers."""
        try:
            return loopback.get(f"{self.url}/metrics").text
        except httpx.TransportError:
            return ""

    def says(self, path: str) -> str:
        """Returns a file as the exporter's own process sees it."""
        return podman("exec", self.name, "python3", "-c", f"print(open({path!r}).read(), end='')")


@contextmanager
def running(image: str, environment: Mapping[str, str], *arguments: str) -> Iterator[Container]:
    """Runs the exporter as somebody, with arguments and environment of its own, confined, while the block lasts."""
    address = f"127.0.0.1:{programs.free_port()}"
    name = f"chat-usage-{address.rpartition(':')[2]}"
    options = ["run", "--detach", "--name", name, "--user", SOMEBODY, *CONFINED]
    options += [f"--env={key}={value}" for key, value in environment.items()]
    podman(*options, image, *arguments, f"--web.listen-address={address}")
    try:
        yield Container(name, f"http://{address}")
    finally:
        podman("rm", "--force", "--time", "0", name)
