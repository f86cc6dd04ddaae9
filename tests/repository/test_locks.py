"""Exactly the lock is installed, whatever is newer: tools/venv, really run on an index that holds newer releases."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
PIPS = {"pip-23-0": (3, 11), "pip-23-2": (3, 13), "pip-newest": (3, 99)}
"""The pips to try, with the newest Python that each one runs on."""
RUNNING = [
    pytest.param(lock, marks=[] if lock == "pip-newest" else pytest.mark.e2e)
    for lock, newest in PIPS.items()
    if sys.version_info[:2] <= newest
]
"""Those that run here; the older ones are foreign programs."""
INSTALLING = [
    "Dockerfile",
    "Makefile",
    "docs/install.md",
    "tools/venv",
    "tools/go-tools",
    "tools/kube",
    ".github/workflows/release.yml",
]
"""The files that say how something is installed."""
BACKEND = """
from zipfile import ZipFile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    with ZipFile(f"{wheel_directory}/ours-1-py3-none-any.whl", "w") as wheel:
        head = "Metadata-Version: 2.1\\nName: ours\\nVersion: 1\\nRequires-Dist: asks>=1\\n"
        wheel.writestr("ours-1.dist-info/METADATA", head)
        wheel.writestr("ours-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("ours-1.dist-info/RECORD", "")
    return "ours-1-py3-none-any.whl"
"""
"""Builds the project of the test, which needs `asks`."""


@dataclass(frozen=True, slots=True)
class Release:
    """A release in the index, with the lines of its METADATA that say what it needs."""

    name: str
    version: str
    needs: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        return f"{self.name}-{self.version}-py3-none-any.whl"


LOCKED = (
    Release("asks", "1", ("Requires-Dist: offers[more]>=1",)),
    Release("offers", "1", ("Provides-Extra: more", 'Requires-Dist: wanted>=1; extra == "more"')),
    Release("wanted", "1"),
)
NEWER = (
    Release("asks", "2", ("Requires-Dist: offers[more]>=1", "Requires-Dist: unheard-of")),
    Release("offers", "2", ("Provides-Extra: more", 'Requires-Dist: unheard-of; extra == "more"')),
    Release("wanted", "2"),
    Release("unheard_of", "1"),
)


class Index:
    """A package index on disk, as PEP 503 wants it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def url(self) -> str:
        """Returns where pip finds it."""
        return self.folder.as_uri()

    def page(self, name: str) -> Path:
        """Returns the folder of one project, which holds its page and its files."""
        folder = self.folder / name.replace("_", "-")
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def add(self, release: Release) -> None:
        """Makes the wheel of a release."""
        info = f"{release.name}-{release.version}.dist-info"
        head = ("Metadata-Version: 2.1", f"Name: {release.name}", f"Version: {release.version}", *release.needs)
        with ZipFile(self.page(release.name) / release.file, "w") as wheel:
            wheel.writestr(f"{info}/METADATA", "\n".join(head) + "\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")

    def publish(self) -> None:
        """Writes the page of each project, with the hashes of its files."""
        for folder in self.folder.iterdir():
            files = (f'<a href="{file.name}#sha256={sha256(file)}">{file.name}</a>' for file in folder.glob("*.whl"))
            (folder / "index.html").write_text("<!DOCTYPE html>\n" + "\n".join(files))

    def lock(self, releases: Iterable[Release]) -> str:
        """Returns a lock as `make lock` writes it."""
        return "".join(
            f"{each.name}=={each.version} \\\n    --hash=sha256:{sha256(self.page(each.name) / each.file)}\n"
            for each in releases
        )


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """Returns an index in which everything has a newer release than the locked one."""
    index = Index(tmp_path / "index")
    for release in (*LOCKED, *NEWER):
        index.add(release)
    index.publish()
    return index


@pytest.fixture
def project(tmp_path: Path, index: Index) -> Path:
    """Returns a project that is laid out as ours, with our own tools/venv."""
    folder = tmp_path / "project"
    (folder / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "venv", folder / "tools")
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (folder / "backend.py").write_text(BACKEND)
    (folder / "requirements" / "run.lock").write_text(index.lock(LOCKED[:1]))
    (folder / "requirements" / "build.lock").write_text(index.lock(LOCKED[1:]))
    return folder


def ran(*command: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end, with no option of pip but those that are given."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environment = {**plain, **environ}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)


def set_up(project: Path, index: Index, pip: str) -> subprocess.CompletedProcess[str]:
    """Runs the project's tools/venv, which sees nothing but the index."""
    only = {"PIP_INDEX_URL": index.url, "PIP_CONFIG_FILE": os.devnull}
    command = (project / "tools" / "venv", project / "env", "run")
    return ran(*command, **only, PYTHON=sys.executable, VENV_PIP=pip.removeprefix("pip-"))


def fetch(lock: str, folder: Path) -> None:
    """Downloads what a lock holds, from the index of this machine; skips the test where there is none."""
    command = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--dest", folder)
    done = subprocess.run(
        [*command, "-r", ROOT / "requirements" / f"{lock}.lock"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no package index that has what requirements/{lock}.lock holds")


@pytest.mark.parametrize("pip", RUNNING)
def test_the_lock_is_installed_and_nothing_newer_is_looked_at(project: Path, index: Index, pip: str) -> None:
    """Also what another package asks for with an extra, of which the newest release needs what is not locked."""
    fetch(pip, index.page("pip"))
    index.publish()

    done = set_up(project, index, pip)

    assert done.returncode == 0, done.stderr
    listed = ran(project / "env" / "bin" / "python", "-m", "pip", "list", "--format=freeze").stdout.split()
    (of_pip,) = re.findall(r"^pip==[\d.]+", (ROOT / "requirements" / f"{pip}.lock").read_text())
    ours = {f"{each.name}=={each.version}" for each in LOCKED}
    assert {each for each in listed if not each.startswith("setuptools==")} == {*ours, "ours==1", of_pip}


def test_a_lock_that_lacks_something_is_refused(project: Path, index: Index) -> None:
    """Since nothing follows what packages need, this is what notices; the folder is not taken for a finished one."""
    (project / "requirements" / "build.lock").write_text(index.lock(LOCKED[2:]))

    done = set_up(project, index, "")

    assert done.returncode == 1
    assert "asks 1 requires offers, which is not installed" in done.stderr
    assert done.stderr.endswith("tools/venv: lock files contradict each other or pyproject.toml: run make lock\n")
    assert (project / "env" / ".unfinished").exists()


@pytest.mark.parametrize(
    "file", ["Dockerfile", "Makefile", "docs/install.md", "tools/venv", ".github/workflows/release.yml"]
)
def test_whatever_installs_says_what(file: str) -> None:
    """Each file of hashes is taken as it is, the rest is our own copy, and nothing that is fetched is "the newest"."""
    said = (ROOT / file).read_text().replace("\\\n", " ")
    from_locks = [line for line in re.split(r"\n|&&", said) if re.search(r"\bpip\b.* install .*-r ", line)]

    assert [line for line in from_locks if not re.search(r"--no-deps --require-hashes -r ", line)] == []
    assert re.findall(r"@latest|:latest|pipx|\bnpx\b|npm install|pip install [a-z]", said) == []
