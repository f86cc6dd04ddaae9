"""The image works in a restricted container with an arbitrary user."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from subprocess import CalledProcessError

import pytest

from exporter.cli.demo.command import demonstration
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.paradigm.world import World
from tests.e2e.commands import SEED, simulating
from tests.e2e.programs import wait_for
from tests.image.containers import SOMEBODY, Container, logs, podman, running

pytestmark = [pytest.mark.e2e, pytest.mark.once]

TIMEOUT_S = 30
LARGEST_MB = 60
"""Allowed size of program and libraries, in addition to the base image."""


@pytest.fixture(scope="module")
def platforms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Runs simulated platforms outside; yields the environment variables of an exporter."""
    with simulating(tmp_path_factory.mktemp("platforms")) as url:
        yield demonstration(World.from_seed(SEED), Bots.from_seed(SEED), url)


@pytest.fixture(scope="module")
def exporter(image: str, platforms: Mapping[str, str]) -> Iterator[Container]:
    with running(image, platforms, "serve") as container:
        yield container


def serves_both(container: Container) -> None:
    """Waits for figures of both platforms."""
    wait_for(lambda: "paradigm_user_queries_last_day{" in container.page(), "Paradigm's figures", TIMEOUT_S)
    wait_for(lambda: "chatcaptain_conversations_last_day{" in container.page(), "ChatCaptain's", TIMEOUT_S)
    companies = re.findall(r'^paradigm_user_queries_last_day\{.*?company="([^"]+)"', container.page(), re.MULTILINE)
    assert len(set(companies)) > 10


def inspected(image: str) -> dict[str, object]:
    """Returns the configuration of an image."""
    (found,) = json.loads(podman("image", "inspect", image))
    return {**found["Config"], "Size": found["Size"], "Healthcheck": found.get("Healthcheck")}


def label(image: str, name: str) -> str:
    """Returns a standard label of an image."""
    labels = inspected(image)["Labels"]
    assert isinstance(labels, dict)
    return str(labels[f"org.opencontainers.image.{name}"])


def test_it_serves_the_figures_of_both_platforms(exporter: Container) -> None:
    serves_both(exporter)


def test_the_demo_image_serves_the_platforms_too(demo_image: str) -> None:
    with running(demo_image, {}, "demo") as container:
        serves_both(container)


def test_the_production_image_has_no_simulated_platforms(image: str) -> None:
    """Nor the demo's stack and receiver; the commands say where to find them."""
    for command in ("demo", "simulate"):
        with pytest.raises(CalledProcessError) as ended:
            podman("run", "--rm", image, command, "--seed=2")
        assert ended.value.returncode == 2
        assert [line for line in ended.value.stderr.splitlines() if line.startswith("chat-usage")] == [
            "chat-usage-exporter: this image has no simulated platforms; build the Dockerfile's target `demo`, "
            "or run `make demo`"
        ]
    assert "demo" not in podman("run", "--rm", image, "--help")
    listing = podman("run", "--rm", "--entrypoint=find", image, "/app", "-path", "*/exporter/*").splitlines()
    ours = {path.split("/site-packages/exporter/")[1].split("/")[0] for path in listing if "/site-packages/" in path}
    assert {"cli", "polling", "web"} <= ours
    assert ours.isdisjoint({"simulator", "shipped"})
    assert [path for path in listing if "demo" in path or "simulat" in path or "receiver" in path] == []


def test_it_is_restricted(exporter: Container) -> None:
    """The container above has no capabilities and no writable file system."""
    status = dict(re.findall(r"^(\w+):\s+(\S+)", exporter.says("/proc/1/status"), re.MULTILINE))
    assert (status["Uid"], status["Gid"], status["NoNewPrivs"]) == ("12345", "54321", "1")
    assert {int(status[kind], 16) for kind in ("CapEff", "CapPrm", "CapBnd")} == {0}
    with pytest.raises(CalledProcessError) as refused:
        podman("exec", exporter.name, "python3", "-c", "open('/app/x', 'w')")
    assert "Read-only file system" in refused.value.stderr


def test_the_first_process_is_the_exporter(exporter: Container) -> None:
    """No shell keeps signals from it."""
    assert exporter.says("/proc/1/cmdline").split("\0")[1:3] == ["/app/.venv/bin/chat-usage-exporter", "serve"]


def test_sigterm_stops_it_with_status_0(image: str, platforms: Mapping[str, str]) -> None:
    """Ignoring the signal would give 137."""
    with running(image, platforms, "serve") as container:
        wait_for(container.page, "the exporter", TIMEOUT_S)
        podman("kill", "--signal", "TERM", container.name)
        assert podman("wait", container.name).strip() == "0", logs(container.name)


def test_the_health_check_requests_the_exporter(image: str, platforms: Mapping[str, str]) -> None:
    """Without the proxy for platforms, at another port than the default; it fails if there is no response."""
    health = inspected(image)["Healthcheck"]
    assert isinstance(health, dict)
    kind, *command = health["Test"]
    assert kind == "CMD"
    with running(image, platforms, "serve") as container:
        wait_for(container.page, "the exporter", TIMEOUT_S)
        port = container.url.rpartition(":")[2]
        proxy = "--env=http_proxy=http://127.0.0.1:1"
        podman("exec", proxy, container.name, *(part.replace("9854", port) for part in command))
        with pytest.raises(CalledProcessError):
            podman("exec", container.name, *(part.replace("9854", "1") for part in command))


def test_without_a_key_it_names_what_is_missing(image: str) -> None:
    """With exit status 2; `serve` is the default command."""
    with pytest.raises(CalledProcessError) as ended:
        podman("run", "--rm", "--user", SOMEBODY, image)
    assert ended.value.returncode == 2
    assert "PARADIGM_API_KEY" in ended.value.stderr


def test_it_has_standard_labels(image: str) -> None:
    for name in ("description", "revision", "created", "source", "url", "documentation", "licenses", "vendor"):
        assert label(image, name), name
    assert podman("run", "--rm", image, "--version").split() == [label(image, "title"), label(image, "version")]
    assert inspected(image)["ExposedPorts"] == {"9854/tcp": {}}


def test_its_user_is_a_number(image: str) -> None:
    """Kubernetes cannot check whether a user name is root."""
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", str(inspected(image)["User"]))


def test_it_has_only_what_it_needs(image: str) -> None:
    """No build tools, no tests, no files that only root can read, no missing bytecode."""
    walk = (
        "import os\n"
        "for folder, _, files in os.walk('/app'):\n"
        "    for name in files:\n"
        "        path = os.path.join(folder, name)\n"
        "        print(oct(os.stat(path).st_mode)[-3:], path)\n"
    )
    listing = podman("run", "--rm", "--entrypoint", "python3", image, "-c", walk).splitlines()
    files = {path: mode for mode, path in (line.split(" ", 1) for line in listing)}
    assert {path for path, mode in files.items() if not int(mode[2]) & os.R_OK} == set()
    packages = {path.split("/site-packages/")[1].split("/")[0] for path in files if "/site-packages/" in path}
    assert packages.isdisjoint({"pip", "setuptools", "hatchling", "pytest", "tests", "mypy"})
    modules = {path for path in files if path.endswith(".py") and "/exporter/" in path}
    compiled = {
        re.sub(r"__pycache__/(\w+)\.cpython-\d+\.pyc", r"\1.py", path) for path in files if path.endswith(".pyc")
    }
    assert modules
    assert modules - compiled == set()


def test_it_is_small(image: str) -> None:
    base = inspected(label(image, "base.name"))
    sizes = (inspected(image)["Size"], base["Size"])
    whole, before = (size for size in sizes if isinstance(size, int))
    assert (whole - before) / 1e6 < LARGEST_MB
