"""Every command of the runbooks runs, as each installation defines it; what it starts only says how it was started."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.oncall import shipped
from tests.repository.test_runbooks import ALERTS, FOLDER, INDEX, blocks, page

INSTALLATIONS = dict(zip(("systemd", "container", "chart"), blocks(INDEX.read_text(), "sh")[:3], strict=True))
OURS = re.compile(r"^exporter(_\w+)?\b")
"""A command that an installation defines."""
FOREIGN = {"docker", "kubectl", "helm", "journalctl", "systemctl", "install"}
STARTED = "chat-usage-exporter {} --config.file=/etc/chat-usage-exporter/exporter.yml"
STUB = """#!/bin/sh
case " $* " in
*" logs "* | *" --since=-1d "*) cat "$LOG" ;;
*)
    cat >/dev/null
    echo "$(basename "$0") $*"
    ;;
esac
"""
SOURCES = "\n".join(path.read_text() for path in sorted((shipped.ROOT / "exporter").rglob("*.py")))


def commands() -> Iterator[str]:
    """Yields each command of the runbooks, and of their README, that an installation defines."""
    texts = [*map(page, ALERTS), INDEX.read_text().partition("## The exporter's log")[2]]
    for text in texts:
        for line in "".join(blocks(text, "sh")).splitlines():
            if OURS.match(line):
                yield line


COMMANDS = sorted(set(commands()))
CALLS = [line for line in COMMANDS if line.startswith("exporter ")]
GREPS = [line for line in COMMANDS if line.startswith("exporter_log | ")]


@pytest.fixture
def stubs(tmp_path: Path) -> Path:
    """Returns a folder of programs that print how they were called, or a log of all that is looked for."""
    for name in (*FOREIGN, "chat-usage-exporter"):
        file = tmp_path / name
        file.write_text(STUB)
        file.chmod(0o755)
    found = [pattern for line in GREPS for pattern in words_of(line)]
    (tmp_path / "log").write_text("".join(f"time=2026-11-27T06:35:00Z {each}\n" for each in found))
    return tmp_path


def words_of(line: str) -> list[str]:
    """Returns what a command looks for in the log."""
    (pattern,) = re.findall(r"grep (?:-E )?'([^']+)'$", line)
    return str(pattern).split("|")


def told(installation: str, command: str, stubs: Path) -> str:
    """Returns what a command prints in an installation."""
    text = INSTALLATIONS[installation].replace("/opt/chat-usage-exporter/bin", str(stubs))
    environ = {**os.environ, "PATH": f"{stubs}:{os.environ['PATH']}", "LOG": str(stubs / "log")}
    script = ["bash", "-euo", "pipefail", "-c", f"{text}\n{command}"]
    done = subprocess.run(
        script, env=environ, cwd=stubs, input="key\n", capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_runbooks_use_no_other_command_of_one_installation() -> None:
    """A page that says journalctl is of no use in a cluster; the jobs of the history have commands for each of both."""
    for alert in ALERTS:
        for line in "".join(blocks(page(alert), "sh")).splitlines():
            foreign = line.split()[0] in FOREIGN | {"chat-usage-exporter"}
            assert not foreign or "HistoryJob" in alert or "prometheus" in line, (alert, line)


@pytest.mark.parametrize("installation", INSTALLATIONS)
def test_every_command_asks_the_same_program_the_same(installation: str, stubs: Path) -> None:
    """By one shell: calls of the exporter come with its file, and each search of the log finds its line."""
    defined = set(re.findall(r"(?m)^(exporter\w*)\(\)", INSTALLATIONS[installation]))
    assert defined == {"exporter", "exporter_log", "exporter_reload", "exporter_restart", "exporter_new_key"}
    assert [OURS.match(line)[0] for line in COMMANDS if OURS.match(line)[0] not in defined] == []  # type: ignore[index]  # each matches
    for line, printed in zip(CALLS, told(installation, "\n".join(CALLS), stubs).splitlines(), strict=True):
        assert printed.endswith(STARTED.format(line.removeprefix("exporter ")))
    for line in GREPS:
        assert told(installation, line, stubs).count("\n") >= len(words_of(line))


@pytest.mark.parametrize(
    ("installation", "reload", "restart", "key"),
    [
        ("systemd", "systemctl reload chat-usage-exporter", "systemctl restart chat-usage-exporter", "install -m 0600"),
        ("container", "docker kill --signal=HUP chat-usage-exporter", "docker restart chat-usage-exporter", ""),
        ("chart", "helm upgrade", "rollout restart deployment/chat-usage-chat-usage-exporter", "kubectl apply"),
    ],
)
def test_reload_restart_and_a_new_key(installation: str, reload: str, restart: str, key: str, stubs: Path) -> None:
    """A new key wants a restart below systemd, and only there."""
    (stubs / "keys").mkdir()
    assert reload in told(installation, "exporter_reload", stubs)
    assert restart in told(installation, "exporter_restart", stubs)
    printed = told(installation, "exporter_new_key", stubs)
    assert key in printed
    assert ("systemctl restart" in printed) is (installation == "systemd")
    assert installation != "container" or (stubs / "keys" / "paradigm").read_text() == "key\n"


def test_the_log_says_what_is_looked_for() -> None:
    """Each message, and each field, is one of the exporter's."""
    for line in GREPS:
        for word in words_of(line):
            name, _, _value = word.partition("=")
            assert f'"{name}' in SOURCES or name in {"level", "outcome"}, word


def test_the_exporter_takes_every_call(tmp_path: Path) -> None:
    """The program itself, with a file; tests/e2e/test_check.py has the probe."""
    key, file = tmp_path / "key", tmp_path / "exporter.yml"
    key.write_text("a-key-in-a-test")
    file.write_text(f"sources:\n  production:\n    platform: paradigm\n    api_key_file: {key}\n")
    for line in CALLS:
        if "--probe" in line:
            continue
        program = [sys.executable, "-m", "exporter.cli", *line.split()[1:], f"--config.file={file}"]
        done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, (line, done.stdout, done.stderr)


def test_the_chart_names_what_the_commands_name() -> None:
    """The release and the Secret of install.md."""
    installed = (shipped.ROOT / "docs" / "install.md").read_text()
    assert (
        "helm install chat-usage helm/chat-usage-exporter --namespace monitoring --set existingSecret.name=paradigm"
        in installed
    )
    assert "--from-file=api-key=" in installed
    assert (FOLDER / "README.md").read_text().count("deployment/chat-usage-chat-usage-exporter") == 4
