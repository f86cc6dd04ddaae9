"""The Dockerfile and its build context, without building it."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEEDED = {"LICENSE", "README.md", "pyproject.toml", "requirements/run.lock", "requirements/build.lock"}


def test_hadolint_finds_nothing() -> None:
    """Without ignored rules."""
    hadolint = Path(sys.executable).with_name("hadolint")
    command: list[str | Path] = [hadolint, "--failure-threshold=style", ROOT / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert "hadolint" not in (ROOT / "Dockerfile").read_text()


def test_the_build_context_has_only_the_package() -> None:
    """The list of allowed files is that of the wheel."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]

    assert lines[0] == "*"
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == {*wheel, *NEEDED}
    assert all((ROOT / path).exists() for path in (*wheel, *NEEDED))


def test_both_stages_use_the_given_base_image() -> None:
    """Otherwise the environment would look for another interpreter."""
    stages = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("FROM ")]
    assert stages == [
        "FROM ${BASE} AS build",
        "FROM build AS production",
        "FROM ${BASE} AS runtime",
        "FROM runtime AS demo",
        "FROM runtime",
    ]
