"""The image as the chart runs it: its arguments, its mounts, its user; both must mean the same places."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.simulate.world import World
from tests.e2e.commands import simulating
from tests.e2e.programs import free_port, wait_for
from tests.helm.charts import at, objects, the
from tests.image.containers import CONFINED, Container, logs, podman
from tests.oncall.shipped import Config, mapping, mappings, words

pytestmark = [pytest.mark.e2e, pytest.mark.once]

PATIENCE_S = 30


def mounted(found: list[Config], folder: Path, key: str) -> list[str]:
    """Returns podman's options for what Kubernetes would mount, out of files made in `folder`."""
    pod = mapping(at(the(found, "Deployment"), "spec", "template", "spec"))
    sources = {"config": folder / "config", "keys": folder / "keys"}
    sources["config"].mkdir()
    sources["keys"].mkdir()
    (sources["config"] / "exporter.yml").write_text(str(at(the(found, "ConfigMap"), "data", "exporter.yml")))
    (volume,) = [each for each in mappings(pod["volumes"]) if each["name"] == "keys"]
    path = at(volume, "projected", "sources", 0, "secret", "items", 0, "path")
    (sources["keys"] / str(path)).write_text(key)
    options = []
    for mount in mappings(at(pod, "containers", 0, "volumeMounts")):
        if source := sources.get(str(mount["name"])):
            options.append(f"--volume={source / str(mount.get('subPath', ''))}:{mount['mountPath']}:ro")
        else:  # emptyDir, which everybody may write
            options.append(f"--tmpfs={mount['mountPath']}:mode=1777")
    return options


@pytest.fixture
def pod(image: str, tmp_path: Path) -> Iterator[tuple[Container, list[Config]]]:
    """The container of the chart's pod, and the chart's objects."""
    port = free_port()
    with simulating(tmp_path) as platform:
        found = objects(
            "--set", "sources.production.platform=paradigm", "--set", f"sources.production.base_url={platform}",
            "--set", f"containerPort={port}", "--set", f"service.port={port}",
        )  # fmt: skip
        container = mapping(at(the(found, "Deployment"), "spec", "template", "spec", "containers", 0))
        user = f"{at(the(found, 'Deployment'), 'spec', 'template', 'spec', 'securityContext', 'runAsUser')}:65532"
        mounts = mounted(found, tmp_path, World.from_seed(1).keys.admin)
        name = f"chat-usage-chart-{port}"
        podman("run", "--detach", "--name", name, "--user", user, *CONFINED, *mounts, image, *words(container["args"]))
        try:
            yield Container(name, f"http://127.0.0.1:{port}"), found
        finally:
            print(logs(name))  # noqa: T201 pytest shows it when a test fails
            podman("rm", "--force", "--time=0", name)


def test_it_serves_and_the_charts_own_test_is_content(pod: tuple[Container, list[Config]]) -> None:
    """With the key out of a file, the state in a folder of its own, and nothing else to write."""
    container, found = pod
    wait_for(lambda: "paradigm_user_queries_last_day{" in container.page(), "figures", PATIENCE_S)
    wait_for(
        lambda: "state" in podman("exec", container.name, "ls", "/var/lib/chat-usage-exporter"), "state", PATIENCE_S
    )
    (only,) = mappings(at(the(found, "Pod"), "spec", "containers"))
    service = str(at(the(found, "Service"), "metadata", "name"))
    command = [part.replace(f"http://{service}:", "http://127.0.0.1:") for part in words(only["command"])]
    podman("exec", container.name, *command)
