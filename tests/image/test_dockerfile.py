"""The Dockerfile and what it may see, without building it."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEEDED = {"LICENSE", "README.md", "pyproject.toml", "requirements/run.lock", "requirements/build.lock"}


def test_hadolint_finds_nothing() -> None:
    """Not even in style; and no line tells it to look away."""
    hadolint = Path(sys.executable).with_name("hadolint")
    command: list[str | Path] = [hadolint, "--failure-threshold=style", ROOT / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert "hadolint" not in (ROOT / "Dockerfile").read_text()


def test_it_sees_what_the_package_is_made_of_and_nothing_else() -> None:
    """The list of what is let in is that of the wheel, so a file that the wheel gets is not forgotten here."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]

    assert lines[0] == "*"
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == {*wheel, *NEEDED}
    assert all((ROOT / path).exists() for path in (*wheel, *NEEDED))


def test_it_starts_from_what_it_is_told_to() -> None:
    """What builds and what runs, or the environment would look for another interpreter than its own."""
    stages = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("FROM ")]
    assert stages == [
        "FROM ${BASE} AS build",
        "FROM build AS production",
        "FROM ${BASE} AS runtime",
        "FROM runtime AS demo",
        "FROM runtime",
    ]
