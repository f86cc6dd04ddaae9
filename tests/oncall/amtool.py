"""Runs amtool and other programs of each Debian suite."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e import programs


def program(name: str, suite: str) -> Path:
    """Returns the path of a program of a Debian suite; skips the test if it was not fetched."""
    found = programs.parts().parents[1] / suite / "bin" / name
    if not found.exists():
        pytest.skip(f"{name} of {suite} not found: make tools SUITE={suite}")
    return found


class ProgramResult(NamedTuple):
    """Exit status and output of a program."""

    status: int
    out: str
    err: str

    @property
    def all(self) -> str:
        """Both streams."""
        return self.out + self.err


def run_program(amtool: Path, *arguments: str | Path) -> ProgramResult:
    """Runs a program."""
    done = subprocess.run([amtool, *arguments], capture_output=True, text=True, check=False)
    return ProgramResult(done.returncode, done.stdout, done.stderr)


def receivers(amtool: Path, config: Path, labels: Mapping[str, str]) -> list[str]:
    """Returns the receivers of an alert in order; amtool ignores time intervals."""
    given = [f"{name}={value}" for name, value in labels.items() if value]
    result = run_program(amtool, "config", "routes", "test", f"--config.file={config}", *given)
    assert result.status == 0, result
    return result.out.strip().split(",")


def rendered(amtool: Path, templates: Path, text: str, data: Path, kind: str = "text") -> str:
    """Renders a template with the data of a notification.

    Raises:
        ValueError: it cannot be rendered; the message is from amtool.
    """
    options = [f"--template.glob={templates}/*.tmpl", f"--template.data={data}", f"--template.type={kind}"]
    result = run_program(amtool, "template", "render", *options, f"--template.text={text}")
    if result.status:
        raise ValueError(result.all)
    return result.out
