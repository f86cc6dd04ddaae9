"""The stack of compose.yml: a valid file, pinned, confined, and mounting files that each program finds good.

No container runs here; the programs that read the files do.
"""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from exporter.cli.demo import receiver
from tests import loopback
from tests.e2e import programs
from tests.e2e.commands import COMMAND, simulating
from tests.oncall.amtool import program
from tests.oncall.shipped import Config, mapping, texts, words
from tools import compose

ROOT = Path(__file__).parents[2]
FILE = ROOT / "compose.yml"
STACK = mapping(yaml.safe_load(FILE.read_text()))
SERVICES = {name: mapping(service) for name, service in mapping(STACK["services"]).items()}
SUITE = "sid"
"""The suite of Debian with the releases nearest to those of the stack."""


def volumes(service: Config) -> list[list[str]]:
    """Returns what is mounted in a service: where from, where to, and how."""
    return [each.split(":") for each in words(service.get("volumes", []))]


def mounts(service: Config) -> dict[str, Path]:
    """Returns what a service has from this repository, by its place in the container."""
    return {way[1]: ROOT / way[0] for way in volumes(service) if way[0].startswith("./")}


def ran(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end."""
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def outside(name: str, folder: Path, path: str) -> Path:
    """Returns a file of a service with the places of the container in it turned into those of this machine."""
    found = mounts(SERVICES[name])
    text = found[path].read_text()
    for inside in sorted(found.keys() - {path}, key=len, reverse=True):
        text = text.replace(inside, str(found[inside]))
    copy = folder / Path(path).name
    copy.write_text(text)
    return copy


def test_it_is_a_compose_file() -> None:
    """By the published schema."""
    program = Path(sys.executable).with_name("check-jsonschema")
    done = ran(program, "--builtin-schema", "vendor.compose-spec", FILE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_images_are_ours_or_pinned() -> None:
    """Ours is the one with the simulated platforms."""
    assert mapping(SERVICES["simulator"]["build"]) == {"context": ".", "target": "demo"}
    images = {str(service["image"]) for service in SERVICES.values()}
    others = images - {"chat-usage-exporter:compose"}
    assert {re.sub(r".*/([\w-]+):(\$\{\w+:-)?v?\d+\.\d+\.\d+\}?$", r"\1", image) for image in others} == {
        "prometheus",
        "alertmanager",
        "grafana",
    }


def test_whatever_is_mounted_is_there_and_is_only_read() -> None:
    """Docker makes a folder where there is nothing, and the program finds that instead of its file."""
    missing = {path for service in SERVICES.values() for path in mounts(service).values() if not path.exists()}
    assert missing == set()
    ways = [way for service in SERVICES.values() for way in volumes(service)]
    assert [way for way in ways if way[0].startswith("./") and way[2:] != ["ro"]] == []


def test_every_volume_is_used_and_every_service_exists() -> None:
    named = {way[0] for service in SERVICES.values() for way in volumes(service) if not way[0].startswith("./")}
    waits = [service.get("depends_on", []) for service in SERVICES.values()]
    waited_for = {name for each in waits for name in (each if isinstance(each, dict) else words(each))}
    assert named == mapping(STACK["volumes"]).keys()
    assert waited_for <= SERVICES.keys()


def test_nobody_else_may_come_in_and_nothing_may_rise() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in words(service.get("ports", [])))
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_all_share_one_network_in_which_the_shipped_addresses_hold() -> None:
    assert {service.get("network_mode") for name, service in SERVICES.items() if name != "simulator"} == {
        "service:simulator"
    }


@pytest.mark.parametrize("name", compose.FILES)
def test_its_own_files_are_made_of_what_is_shipped(name: str) -> None:
    """And of what the simulated platforms say of themselves: make compose."""
    assert (compose.FOLDER / name).read_text() == compose.text(name)


@pytest.mark.e2e
@pytest.mark.once
def test_prometheus_takes_its_files(tmp_path: Path) -> None:
    """The rules too."""
    config = outside("prometheus", tmp_path, "/etc/prometheus/prometheus.yml")
    done = ran(program("promtool", SUITE), "check", "config", config)
    assert done.returncode == 0, done.stderr
    assert f"{len(list((ROOT / 'alert_rules').glob('*.yml')))} rule files found" in done.stdout
    assert "--config.file=/etc/prometheus/prometheus.yml" in words(SERVICES["prometheus"]["command"])


@pytest.mark.e2e
@pytest.mark.once
def test_alertmanager_takes_its_files(tmp_path: Path) -> None:
    """The texts of the messages too."""
    config = outside("alertmanager", tmp_path, "/etc/alertmanager/alertmanager.yml")
    done = ran(program("amtool", SUITE), "check-config", config)
    assert done.returncode == 0, done.stderr
    (pattern,) = words(mapping(yaml.safe_load(config.read_text()))["templates"])
    assert list(Path("/").glob(pattern.removeprefix("/"))) != []


@pytest.mark.e2e
@pytest.mark.once
def test_the_exporters_keys_open_both_platforms(tmp_path: Path) -> None:
    """Each report is asked once, of the simulated platforms as the stack starts them."""
    assert words(SERVICES["simulator"]["command"])[0] == "simulate"
    config = outside("exporter", tmp_path, "/etc/chat-usage-exporter/exporter.yml")
    with simulating(tmp_path) as platform:
        config.write_text(config.read_text().replace(compose.PLATFORM, platform))
        done = ran(COMMAND, "check", "--probe", f"--config.file={config}")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.e2e
@pytest.mark.once
def test_the_receiver_prints_what_people_would_get(tmp_path: Path) -> None:
    address = f"127.0.0.1:{programs.free_port()}"
    entry = words(SERVICES["receiver"]["entrypoint"])
    assert entry[1:] == ["-m", "exporter.cli.demo.receiver", compose.RECEIVER.removeprefix("http://")]
    log = tmp_path / "receiver.log"
    message = {"attachments": [{"title": "A company fell", "text": "A company fell\nby half"}]}

    def listens() -> bool:
        with socket.socket() as peer:
            return peer.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) == 0

    with programs.running([sys.executable, "-u", *entry[1:-1], address], log, listens) as running:
        answer = loopback.post(f"http://{address}/slack_configs/chat-usage-pager", json=message)
        programs.end(running, grace_s=5)
    assert (answer.status_code, running.returncode) == (200, 0)
    assert log.read_text() == "--- to chat-usage-pager: A company fell\n    by half\n\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param([], 'HOST:PORT: "" is not an address', id="nowhere"),
        pytest.param(["127.0.0.1:0", "x"], 'HOST:PORT: "127.0.0.1:0 x" is not an address', id="more"),
        pytest.param(["here"], 'HOST:PORT: "here" is not an address', id="no address"),
    ],
)
def test_a_receiver_that_cannot_listen_says_why(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert receiver.run(arguments) == 2
    assert said in capsys.readouterr().err


def test_grafana_starts_at_a_dashboard_that_is_mounted() -> None:
    home = texts(mapping(SERVICES["grafana"]["environment"]))["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert str(Path(home).parent) in mounts(SERVICES["grafana"])
