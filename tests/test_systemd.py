"""The systemd unit, by systemd's own judgement."""

import configparser
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.cli.serve import serve
from tests.e2e.programs import find

UNIT = Path(__file__).parents[1] / "config" / "systemd" / "chat-usage-exporter.service"
MOST_EXPOSED = 2.0
"""Of 10, by systemd-analyze; a unit that confines nothing has 9.6."""


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs systemd-analyze, which needs no running systemd for what it is asked here."""
    command = [find("systemd-analyze"), "--no-pager", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit with a program that is there: that of this environment."""
    copy = tmp_path / UNIT.name
    program = Path(sys.executable).with_name("chat-usage-exporter")
    copy.write_text(UNIT.read_text().replace("/opt/chat-usage-exporter/bin/chat-usage-exporter", str(program)))
    return copy


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


def test_it_starts_what_there_is() -> None:
    """The command and its options, with the paths that docs/install.md tells to fill."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]  # names of systemd have capitals; documented so
    unit.read(UNIT)
    program, command, *options = shlex.split(unit["Service"]["ExecStart"])
    assert (program, command) == ("/opt/chat-usage-exporter/bin/chat-usage-exporter", serve.__name__)
    assert options == ["--config.file=/etc/chat-usage-exporter/exporter.yml"]
    told = (UNIT.parents[2] / "docs" / "install.md").read_text()
    assert all(
        path in told for path in (program, "/etc/chat-usage-exporter/exporter.yml", "/etc/chat-usage-exporter/keys")
    )
