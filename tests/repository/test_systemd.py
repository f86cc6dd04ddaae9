"""The systemd units, by systemd's own judgement."""

import configparser
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.cli.serve import serve
from tests.e2e.programs import find

UNIT = Path(__file__).parents[2] / "config" / "systemd" / "chat-usage-exporter.service"
HISTORY = UNIT.with_name("chat-usage-history.service")
MOST_EXPOSED = 2.0
"""Of 10, by systemd-analyze; a unit that confines nothing has 9.6."""


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs systemd-analyze, which needs no running systemd for what it is asked here."""
    command = [find("systemd-analyze"), "--no-pager", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(params=[UNIT, HISTORY], ids=["exporter", "history"])
def installed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit with a program that is there: that of this environment."""
    unit: Path = request.param
    copy = tmp_path / unit.name
    program = Path(sys.executable).with_name("chat-usage-exporter")
    copy.write_text(unit.read_text().replace("/opt/chat-usage-exporter/bin/chat-usage-exporter", str(program)))
    return copy


@pytest.mark.e2e
@pytest.mark.once
def test_systemd_understands_the_timer(tmp_path: Path) -> None:
    """It starts the service of its name, daily, and catches up."""
    timer = HISTORY.with_suffix(".timer")
    (tmp_path / timer.name).write_text(timer.read_text())
    program = str(Path(sys.executable).with_name("chat-usage-exporter"))
    text = HISTORY.read_text().replace("/opt/chat-usage-exporter/bin/chat-usage-exporter", program)
    (tmp_path / HISTORY.name).write_text(text)
    done = analyze("--man=no", "verify", tmp_path / timer.name, tmp_path / HISTORY.name)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Persistent=true" in timer.read_text()


@pytest.mark.e2e
@pytest.mark.once
def test_systemd_understands_every_line(installed: Path) -> None:
    """Of an unknown one it would only warn."""
    done = analyze("--man=no", "verify", installed)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.e2e
@pytest.mark.once
def test_it_is_confined(installed: Path) -> None:
    done = analyze("security", "--offline=yes", installed)
    (level,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert float(level) < MOST_EXPOSED


@pytest.mark.e2e
@pytest.mark.once
def test_a_line_that_is_wrong_is_found(installed: Path) -> None:
    installed.write_text(installed.read_text().replace("DynamicUser=yes", "DynamicUsers=yes"))
    assert "DynamicUsers" in analyze("--man=no", "verify", installed).stderr


def started(unit: Path) -> list[str]:
    """Returns what a unit starts."""
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment, method-assign]  # names of systemd have capitals; documented so
    read.read(unit)
    return shlex.split(read["Service"]["ExecStart"])


def test_the_history_starts_what_there_is(tmp_path: Path) -> None:
    """The command takes its options; what it says is wrong is what the operator has to fill in."""
    program, *arguments = started(HISTORY)
    config = tmp_path / "exporter.yml"
    config.write_text("sources: {production: {platform: paradigm, api_key: k}}")
    given = [
        word.replace("${FIRST_DAY}", "2026-11-01").replace("/etc/chat-usage-exporter/exporter.yml", str(config))
        for word in arguments
    ]
    done = subprocess.run(
        [sys.executable, "-m", "exporter.cli", *given], capture_output=True, text=True, check=False, timeout=60
    )
    assert program == "/opt/chat-usage-exporter/bin/chat-usage-exporter"
    assert done.stderr.splitlines() == [
        "chat-usage-exporter: the folder of /var/lib/chat-usage-history/manifest does not exist; create it"
    ]


def test_it_starts_what_there_is() -> None:
    """The command and its options, with the paths that docs/install.md tells to fill."""
    program, command, *options = started(UNIT)
    assert (program, command) == ("/opt/chat-usage-exporter/bin/chat-usage-exporter", serve.__name__)
    assert options == ["--config.file=/etc/chat-usage-exporter/exporter.yml"]
    told = (UNIT.parents[2] / "docs" / "install.md").read_text()
    assert all(
        path in told for path in (program, "/etc/chat-usage-exporter/exporter.yml", "/etc/chat-usage-exporter/keys")
    )
