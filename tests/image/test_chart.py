"""The image with the chart's arguments, mounts and user."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exporter.simulator.paradigm.world import World
from tests import loopback
from tests.e2e.commands import simulating
from tests.e2e.programs import free_port, wait_for
from tests.e2e.test_remote_write import victoria
from tests.helm.charts import at, objects, the
from tests.image.containers import CONFINED, Container, logs, podman
from tests.oncall.shipped import Config, mapping, mappings, words

pytestmark = [pytest.mark.e2e, pytest.mark.once]

TIMEOUT_S = 30


DEPLOYMENT = ("spec", "template", "spec")
CRON_JOB = ("spec", "jobTemplate", *DEPLOYMENT)


def mounted(found: list[Config], pod: Config, folder: Path, key: str) -> list[str]:
    """Returns podman's options for what Kubernetes would mount, out of files made in `folder`.

    A claim is a folder of that name there, which outlives the container; an emptyDir is not.
    """
    sources = {"config": folder / "config", "keys": folder / "keys"}
    for each in sources.values():
        each.mkdir(exist_ok=True)
    (sources["config"] / "exporter.yml").write_text(str(at(the(found, "ConfigMap"), "data", "exporter.yml")))
    (volume,) = [each for each in mappings(pod["volumes"]) if each["name"] == "keys"]
    path = at(volume, "projected", "sources", 0, "secret", "items", 0, "path")
    (sources["keys"] / str(path)).write_text(key)
    options = []
    for mount in mappings(at(pod, "containers", 0, "volumeMounts")):
        if source := sources.get(str(mount["name"])):
            options.append(f"--volume={source / str(mount.get('subPath', ''))}:{mount['mountPath']}:ro")
        elif mount["name"] == "history":
            (folder / "history").mkdir(exist_ok=True)
            (folder / "history").chmod(0o777)
            options.append(f"--volume={folder / 'history'}:{mount['mountPath']}")
        else:  # emptyDir, which everybody may write
            options.append(f"--tmpfs={mount['mountPath']}:mode=1777")
    return options


@pytest.fixture
def pod(image: str, tmp_path: Path) -> Iterator[tuple[Container, list[Config]]]:
    """Runs the container of the chart's pod; yields it with the chart's objects."""
    port = free_port()
    with simulating(tmp_path) as platform:
        found = objects(
            "--set", "sources.production.platform=paradigm", "--set", f"sources.production.base_url={platform}",
            "--set", f"containerPort={port}", "--set", f"service.port={port}",
        )  # fmt: skip
        container = mapping(at(the(found, "Deployment"), "spec", "template", "spec", "containers", 0))
        user = f"{at(the(found, 'Deployment'), 'spec', 'template', 'spec', 'securityContext', 'runAsUser')}:65532"
        pod = mapping(at(the(found, "Deployment"), *DEPLOYMENT))
        mounts = mounted(found, pod, tmp_path, World.from_seed(1).keys.admin)
        name = f"chat-usage-chart-{port}"
        podman("run", "--detach", "--name", name, "--user", user, *CONFINED, *mounts, image, *words(container["args"]))
        try:
            yield Container(name, f"http://127.0.0.1:{port}"), found
        finally:
            print(logs(name))  # noqa: T201 pytest shows it when a test fails
            podman("rm", "--force", "--time=0", name)


def test_it_serves_and_the_charts_test_passes(pod: tuple[Container, list[Config]]) -> None:
    """With the key from a file, and only the state folder writable."""
    container, found = pod
    wait_for(lambda: "paradigm_user_queries_last_day{" in container.page(), "figures", TIMEOUT_S)
    wait_for(
        lambda: "state" in podman("exec", container.name, "ls", "/var/lib/chat-usage-exporter"), "state", TIMEOUT_S
    )
    (only,) = mappings(at(the(found, "Pod"), "spec", "containers"))
    service = str(at(the(found, "Service"), "metadata", "name"))
    command = [part.replace(f"http://{service}:", "http://127.0.0.1:") for part in words(only["command"])]
    podman("exec", container.name, *command)


def test_the_cron_job_keeps_a_store_up_to_date(image: str, tmp_path: Path) -> None:
    """The first run sends every final day, later ones none again: progress outlives the container."""
    first = datetime.now(UTC).date() - timedelta(days=10)
    with simulating(tmp_path, "--companies=3") as platform, victoria(tmp_path) as store:
        found = objects(
            "--set", "sources.production.platform=paradigm", "--set", f"sources.production.base_url={platform}",
            "--set", "history.enabled=true", "--set-string", f"history.from={first}",
            "--set", f"history.remoteWriteUrl={store.url}/api/v1/write",
        )  # fmt: skip
        pod = mapping(at(the(found, "CronJob"), *CRON_JOB))
        (container,) = mappings(pod["containers"])
        mounts = mounted(found, pod, tmp_path, World.from_seed(1).keys.admin)
        for _ in range(2):
            podman("run", "--rm", "--user=65532:65532", *CONFINED, *mounts, image, *words(container["args"]))
            loopback.get(f"{store.url}/internal/force_flush")
            days = store.query('sum(count_over_time(paradigm_user_queries_daily{company_id="3",mode="chat"}[30d]))')
            assert [each.value for each in days] == [7.0]  # of ten days three may still change
