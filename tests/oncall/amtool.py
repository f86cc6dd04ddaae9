"""The real amtool of each suite, and what it says."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e import programs


def program(name: str, suite: str) -> Path:
    """Returns a program of a suite of Debian; skips the test where it was not fetched."""
    found = programs.parts().parents[1] / suite / "bin" / name
    if not found.exists():
        pytest.skip(f"{name} of {suite} not found: make tools SUITE={suite}")
    return found


class Said(NamedTuple):
    """The exit status of amtool and what it printed."""

    status: int
    out: str
    err: str

    @property
    def all(self) -> str:
        """Both streams."""
        return self.out + self.err


def said(amtool: Path, *arguments: str | Path) -> Said:
    """Runs amtool to its end."""
    done = subprocess.run([amtool, *arguments], capture_output=True, text=True, check=False)
    return Said(done.returncode, done.stdout, done.stderr)


def receivers(amtool: Path, config: Path, labels: Mapping[str, str]) -> list[str]:
    """Returns who hears of an alert, in order; amtool knows no time intervals."""
    given = [f"{name}={value}" for name, value in labels.items() if value]
    told = said(amtool, "config", "routes", "test", f"--config.file={config}", *given)
    assert told.status == 0, told
    return told.out.strip().split(",")


def rendered(amtool: Path, templates: Path, text: str, data: Path, kind: str = "text") -> str:
    """Returns what a text with templates makes of the data of a notification.

    Raises:
        ValueError: it cannot be rendered; the message is amtool's.
    """
    options = [f"--template.glob={templates}/*.tmpl", f"--template.data={data}", f"--template.type={kind}"]
    told = said(amtool, "template", "render", *options, f"--template.text={text}")
    if told.status:
        raise ValueError(told.all)
    return told.out
