"""The stack of compose.yml, run as it is written, but for Grafana: its containers, commands, mounts and one network.

There is no Docker here, and the images of Prometheus and Alertmanager are not to be had: Debian's programs of the same
releases stand for them, in the base image.
"""

import json
import os
from collections.abc import Iterator
from subprocess import CalledProcessError

import pytest

from tests.e2e.programs import wait_for
from tests.image.containers import BASE, CONFINED, logs, podman
from tests.oncall.amtool import program
from tests.oncall.shipped import Config, mapping, mappings, words
from tests.repository.test_compose import ROOT, SERVICES, SUITE, volumes

pytestmark = [pytest.mark.e2e, pytest.mark.once]

TIMEOUT_S = 30
PREFIX = f"chat-usage-stack-{os.getpid()}"
ORDER = ("simulator", "exporter", "receiver", "alertmanager", "prometheus")
PROGRAMS = {"prometheus": "prometheus", "alertmanager": "prometheus-alertmanager"}
"""Services whose images are unavailable, and their program in Debian."""
ASK = (
    "import sys, urllib.request as r\n"
    "url, body = sys.argv[1], sys.argv[2].encode() or None\n"
    "print(r.urlopen(r.Request(url, body, {'Content-Type': 'application/json'}), timeout=5).read().decode())"
)


def options(name: str) -> list[str]:
    """Returns podman's options for a service: network, mounts, entry point and restrictions."""
    service = SERVICES[name]
    network = "none" if "network_mode" not in service else f"container:{PREFIX}-simulator"
    found = ["--detach", "--no-healthcheck", f"--name={PREFIX}-{name}", f"--network={network}", *CONFINED]
    for where, to, *how in volumes(service):
        if where.startswith("./"):
            found.append(f"--volume={ROOT / where}:{to}:{','.join(how)}")
        else:  # the image of the program has this folder, its user's own
            found.append(f"--tmpfs={to}:mode=1777")
    if name in PROGRAMS:
        share = program("prometheus", SUITE).parents[1] / "share" / "prometheus"
        found += [
            "--user=nobody",
            f"--volume={program(PROGRAMS[name], SUITE)}:/bin/program:ro",
            "--entrypoint=/bin/program",
        ]
        found += [f"--volume={share}:/usr/share/prometheus:ro"]
    elif "entrypoint" in service:
        found.append(f"--entrypoint={json.dumps(words(service['entrypoint']))}")
    return found


@pytest.fixture(scope="module")
def stack(demo_image: str) -> Iterator[None]:
    try:
        for name in ORDER:
            command = words(SERVICES[name].get("command", []))
            podman("run", *options(name), BASE if name in PROGRAMS else demo_image, *command)
        yield
    finally:
        for name in ORDER:
            print(f"--- {name}\n{logs(f'{PREFIX}-{name}')}")  # noqa: T201 pytest shows it when a test fails
        clear()


def clear() -> None:
    """Removes the containers; last the one whose network the others share."""
    for name in reversed(ORDER):
        podman("rm", "--force", "--ignore", "--time=0", f"{PREFIX}-{name}")


def asked(url: str, body: str = "") -> str:
    """Sends a request from within the services' network; empty if there is no response."""
    try:
        return podman("exec", f"{PREFIX}-simulator", "python3", "-c", ASK, url, body)
    except CalledProcessError:
        return ""


def targets() -> list[Config]:
    """Returns the targets of Prometheus; none if there is no response."""
    told = asked("http://localhost:9090/api/v1/targets")
    return mappings(mapping(json.loads(told)["data"])["activeTargets"]) if told else []


def alertmanagers() -> list[Config]:
    """Returns the Alertmanagers of Prometheus; none if there is no response."""
    told = asked("http://localhost:9090/api/v1/alertmanagers")
    return mappings(mapping(json.loads(told)["data"])["activeAlertmanagers"]) if told else []


def test_prometheus_scrapes_figures_of_both_platforms(stack: None) -> None:
    """With the shipped configuration, whose addresses are on localhost."""
    (target,) = wait_for(targets, "Prometheus to have a target", TIMEOUT_S)
    assert mapping(target["labels"])["job"] == "chat-usage-exporter"
    assert target["scrapeUrl"] == "http://localhost:9854/metrics"

    def served() -> bool:
        page = asked(str(target["scrapeUrl"]))
        return "paradigm_user_queries_last_day{" in page and "chatcaptain_conversations_last_day{" in page

    assert wait_for(served, "the figures", TIMEOUT_S)


def test_prometheus_has_the_rules_and_finds_alertmanager(stack: None) -> None:
    (found,) = wait_for(alertmanagers, "Alertmanager to be found", TIMEOUT_S)
    assert found["url"] == "http://localhost:9093/api/v2/alerts"
    assert "ChatUsageBelowThreshold" in asked("http://localhost:9090/api/v1/rules")


def test_notifications_are_printed(stack: None) -> None:
    """The dead man's switch is sent at once."""
    alert = {"labels": {"alertname": "ChatUsageWatchdog", "service": "chat-usage", "severity": "info"}}
    wait_for(lambda: asked("http://localhost:9093/-/ready"), "Alertmanager", TIMEOUT_S)
    asked("http://localhost:9093/api/v2/alerts", json.dumps([alert]))
    told = wait_for(lambda: logs(f"{PREFIX}-receiver"), "a message", TIMEOUT_S)
    assert told.startswith("--- to chat-usage-dead-mans-switch: ")
