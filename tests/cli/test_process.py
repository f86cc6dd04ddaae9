"""The command as a process of its own: exit status, streams and signals as a shell or an init system sees them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import exporter
from tests import loopback
from tests.cli.conftest import CANARY
from tests.e2e.programs import answers, free_port, running, wait_for
from tests.threaded_server import echo_server

COMMAND = [sys.executable, "-m", "exporter.cli"]
GRACE_S = 20
SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        pytest.param(["serve", "--bogus"], "No such option: --bogus; see chat-usage-exporter serve --help",
                     id="a wrong option"),
        pytest.param(["poll"], "No such command 'poll'; see chat-usage-exporter --help", id="a wrong command"),
        pytest.param(["check", "--config.file", "/no/such.yml"], "/no/such.yml: cannot be read (No such file or "
                     "directory); give --config.file the path of a file", id="a missing file"),
        pytest.param(["serve"], "no sources to poll; name a file that has some with --config.file, or start with "
                     "PARADIGM_API_KEY=... chat-usage-exporter serve", id="no key"),
    ],
)  # fmt: skip
def test_wrong_use_ends_with_2(arguments: list[str], line: str) -> None:
    """One line on stderr, nothing on stdout."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)

    assert (2, "", f"chat-usage-exporter: {line}\n") == (done.returncode, done.stdout, done.stderr)


def test_what_is_asked_for_ends_with_0() -> None:
    """On stdout, and nothing on stderr."""
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=False)

    assert (0, "chat-usage-exporter 0.2.0\n", "") == (done.returncode, done.stdout, done.stderr)


def test_without_the_simulated_platforms_it_says_where_they_are(tmp_path: Path) -> None:
    """As the image for production is, which holds neither them nor what a demo needs."""
    shutil.copytree(
        Path(exporter.__file__).parent,
        tmp_path / "exporter",
        ignore=shutil.ignore_patterns("demo", "simulator", "__pycache__"),
    )
    command = [*COMMAND, "demo", "--companies", "5"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "chat-usage-exporter: this image has no simulated platforms; build the Dockerfile's target `demo`, "
        "or run `make demo`"
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_ends_with_1() -> None:
    """Also what is nobody's mistake is one line."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*COMMAND, "metrics"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    told = "chat-usage-exporter: No space left on device; free space, or change where it writes\n"
    assert (1, told) == (done.returncode, done.stderr)


def ended(process: subprocess.Popen[bytes], number: signal.Signals) -> int:
    """Sends a signal and returns the exit status, negative if the signal ended the process by itself."""
    process.send_signal(number)
    return process.wait(GRACE_S)


def assert_calm(log: Path) -> None:
    """Nothing went wrong on the way out, and nothing shows the key."""
    told = log.read_text()
    assert "Traceback" not in told
    assert "level=error" not in told
    assert CANARY not in told


@SIGNALS
def test_serve_ends_in_the_middle_of_a_poll(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against a platform that takes the question and never answers."""
    log, address = tmp_path / "log", f"127.0.0.1:{free_port()}"
    with socket.create_server(("127.0.0.1", 0)) as platform:
        monkeypatch.setenv("PARADIGM_API_KEY", CANARY)
        monkeypatch.setenv("PARADIGM_BASE_URL", f"http://127.0.0.1:{platform.getsockname()[1]}")
        command = [*COMMAND, "serve", "--web.listen-address", address]
        with running(command, log, lambda: answers(f"http://{address}/-/healthy")) as process:
            asked, _ = platform.accept()
            with asked:
                head = asked.recv(65536).decode()

                assert ended(process, number) == 0

    assert f"Authorization: Bearer {CANARY}\r\n" in head
    assert_calm(log)


@SIGNALS
def test_demo_ends_in_the_middle_of_a_poll(number: signal.Signals, tmp_path: Path) -> None:
    """Exporter and platform are one process: the slow answer ends with it."""
    log, address, platform = tmp_path / "log", f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    command = [*COMMAND, "demo", "--web.listen-address", address, "--simulate.listen-address", platform]

    def is_asked() -> bool:
        return answers(f"http://{platform}/control") and "chat-sessions" in control(platform)

    with running([*command, "--scenario", "slow", "--companies", "2"], log, is_asked) as process:
        assert ended(process, number) == 0

    assert_calm(log)


@SIGNALS
def test_simulate_ends_in_the_middle_of_an_answer(number: signal.Signals, tmp_path: Path) -> None:
    """Whoever asked is left without one."""
    log, address = tmp_path / "log", f"127.0.0.1:{free_port()}"
    command = [*COMMAND, "simulate", "--listen-address", address, "--scenario", "slow", "--companies", "2"]
    with running(command, log, lambda: answers(f"http://{address}/control")) as process:
        host, port = address.split(":")
        with socket.create_connection((host, int(port))) as asking:
            asking.sendall(b"GET /api/v2/reporting/chat-sessions/ HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_for(lambda: "chat-sessions" in control(address), "the question to arrive", GRACE_S)

            assert ended(process, number) == 0

    assert_calm(log)


def test_serve_takes_all_descriptors_that_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a shell, or systemd, gives few at first; the metric that tells of it agrees."""
    monkeypatch.setenv("PARADIGM_API_KEY", CANARY)
    monkeypatch.setenv("PARADIGM_BASE_URL", f"http://127.0.0.1:{free_port()}")
    base = f"http://127.0.0.1:{free_port()}"
    command = ["sh", "-c", 'ulimit -S -n 256 && ulimit -H -n 2048 && exec "$@"', "sh", *COMMAND, "serve"]
    options = ["--web.listen-address", base.removeprefix("http://")]
    with running([*command, *options], tmp_path / "log", lambda: answers(f"{base}/-/healthy")):
        page = loopback.get(f"{base}/metrics").text

    assert "\nprocess_max_fds 2048.0\n" in page


def control(platform: str) -> str:
    return loopback.get(f"http://{platform}/control").text


@pytest.mark.parametrize("status", [200, 401, 403, 418])
def test_no_key_is_ever_shown(status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the log at its most talkative, each line of which is JSON; not on any page; whatever the platform says."""
    log, base = tmp_path / "log", f"http://127.0.0.1:{free_port()}"
    with echo_server(status) as platform:
        monkeypatch.setenv("PARADIGM_API_KEY", CANARY)
        monkeypatch.setenv("PARADIGM_BASE_URL", platform)
        command = [*COMMAND, "serve", "--web.listen-address", base.removeprefix("http://")]
        with running(
            [*command, "--log.level", "debug", "--log.format", "json"], log, lambda: "poll failed" in log.read_text()
        ) as process:
            pages = [loopback.get(f"{base}{path}").text for path in ("/", "/metrics", "/-/ready")]
            assert ended(process, signal.SIGTERM) == 0

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert "poll failed" in [line["msg"] for line in lines]
    assert CANARY not in "".join([*pages, log.read_text()])


def test_an_exporter_that_is_killed_leaves_its_port(tmp_path: Path) -> None:
    """The next start listens at once, as after a crash."""
    log, address = tmp_path / "log", f"127.0.0.1:{free_port()}"
    command = [*COMMAND, "simulate", "--listen-address", address, "--companies", "1"]
    for _ in range(2):
        with running(command, log, lambda: answers(f"http://{address}/control")) as process:
            assert ended(process, signal.SIGKILL) == -signal.SIGKILL
    assert os.path.getsize(log) > 0
