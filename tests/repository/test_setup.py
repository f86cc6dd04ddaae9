"""What the set-up of an environment says when it cannot be; a set-up that works runs before every test."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "venv"


@pytest.mark.parametrize(
    ("arguments", "python", "told"),
    [
        pytest.param(["env", "everything"], "", "no such lock file: requirements/everything.lock", id="an unknown set"),
        pytest.param(["env"], "", "usage: tools/venv FOLDER run|dev|NAME", id="a missing argument"),
        pytest.param(
            ["env", "run"],
            "no-such-python",
            "PYTHON=no-such-python is not a working Python 3.11 or later: set another one",
            id="a Python that is not there",
        ),
        pytest.param(
            ["env", "run"],
            "false",
            "PYTHON=false is not a working Python 3.11 or later: set another one",
            id="a Python that is too old",
        ),
    ],
)
def test_a_failure_is_one_line_and_leaves_nothing(tmp_path: Path, arguments: list[str], python: str, told: str) -> None:
    """What is wrong is said in one line with its remedy, before anything is made."""
    folder = tmp_path / arguments[0]
    environment = {**os.environ, "PYTHON": python}

    done = subprocess.run(
        [SCRIPT, folder, *arguments[1:]], env=environment, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (1, f"tools/venv: {told}\n")
    assert not folder.exists()


def test_a_machine_without_python_is_told_what_to_install(tmp_path: Path) -> None:
    """No Python on PATH is the first thing that a newcomer may meet."""
    for tool in ("cat", "cksum", "dirname", "tr"):
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    environment = {"PATH": str(tmp_path)}

    done = subprocess.run(
        ["/bin/sh", SCRIPT, tmp_path / "env", "run"], env=environment, capture_output=True, text=True, check=False
    )

    told = "no Python 3.11 or later on PATH: install one, or give its path: make PYTHON=/path/to/python3.12 ..."
    assert (done.returncode, done.stderr) == (1, f"tools/venv: {told}\n")
