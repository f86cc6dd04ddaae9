"""The workflows of a public copy of this repository, which nothing here can run: written without mistakes that show."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.programs import go_tool

WORKFLOWS = sorted((Path(__file__).parents[2] / ".github" / "workflows").glob("*.yml"))


def ran(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end."""
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def beside(name: str) -> Path:
    """Returns a program of this environment."""
    return Path(sys.executable).with_name(name)


@pytest.mark.e2e
@pytest.mark.once
def test_actionlint_finds_nothing() -> None:
    """Expressions, contexts, needs, and the shell of each step."""
    done = ran(go_tool("actionlint"), f"-shellcheck={beside('shellcheck')}", *WORKFLOWS)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"])
def test_they_are_workflows(schema: str) -> None:
    """By the published schema; and none hangs for six hours."""
    done = ran(beside("check-jsonschema"), "--builtin-schema", schema, *WORKFLOWS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_what_it_must(file: Path) -> None:
    """It starts with reading alone, keeps every secret out of command lines, and pins what it uses."""
    text = file.read_text()
    assert "\npermissions:\n  contents: read\n" in text
    assert [line for line in text.splitlines() if "secrets." in line and not re.match(r" +\w+: \$\{\{", line)] == []
    assert re.findall(r"uses: (?!\S+@v\d)", text) == []
