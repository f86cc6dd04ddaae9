"""What files of the repository promise each other."""

import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.metadata import requires
from itertools import pairwise
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ["run", "build", "dev"]
APART = ["audit", "fuzz", "pandas", "pip-23-0", "pip-23-2", "pip-newest", "resolver", "sbom"]
"""Of single tasks, each with an environment of its own."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(lock: str) -> set[str]:
    """Returns the lines of a lock that name a release, as name==version."""
    return set(re.findall(r"^[\w.-]+==[^ ;]+", text(lock), re.MULTILINE))


def text(lock: str) -> str:
    """Returns a file of requirements/, named without its ending."""
    return (ROOT / "requirements" / f"{lock}.lock").read_text()


def declared() -> Iterator[str]:
    """Yields the name of each dependency in pyproject.toml."""
    groups = [PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"].values()]
    for requirement in (entry for group in groups for entry in group if isinstance(entry, str)):
        yield re.split(r"[^\w-]", requirement)[0]


@pytest.mark.parametrize("lock", [*LOCKS, *APART])
def test_a_lock_holds_hashes_and_no_host(lock: str) -> None:
    """Each release is pinned by hashes; where it comes from is the business of the machine."""
    assert len(pins(lock)) == len(re.findall(r"^[^ ].* \\\n    --hash=sha256:", text(lock), re.MULTILINE)) > 0
    assert "://" not in text(lock)


def test_locks_agree() -> None:
    """One environment can be made from all of them: the development lock holds every pin of the others."""
    assert pins("run") | pins("build") <= pins("dev")


def needed(roots: Iterable[str]) -> set[str]:
    """Returns the names of all that these requirements need on this machine, by what is installed here."""
    found, todo = set[str](), [Requirement(root) for root in roots]
    while todo:
        wanted = todo.pop()
        for extra in ("", *wanted.extras):
            name = f"{canonicalize_name(wanted.name)}[{extra}]"
            if name not in found:
                found.add(name)
                more = [Requirement(text) for text in requires(wanted.name) or ()]
                todo += [each for each in more if each.marker is None or each.marker.evaluate({"extra": extra})]
    return {name.partition("[")[0] for name in found}


@pytest.mark.parametrize(
    ("lock", "roots"),
    [
        ("run", PROJECT["project"]["dependencies"]),
        ("build", PROJECT["dependency-groups"]["build"]),
        ("dev", [each for each in PROJECT["dependency-groups"]["dev"] if isinstance(each, str)]),
    ],
)
def test_a_lock_is_complete(lock: str, roots: list[str]) -> None:
    """Nothing that is installed from it comes without a hash, also not what a library of a library needs."""
    assert needed(roots) <= {canonicalize_name(pin.partition("==")[0]) for pin in pins(lock)}


def test_every_lock_is_held_here() -> None:
    """And each file of them is one that these tests know."""
    assert sorted(path.stem for path in (ROOT / "requirements").iterdir()) == sorted([*LOCKS, *APART])


def test_each_library_is_judged() -> None:
    """The page about libraries has a line for each dependency, and none for others."""
    page = (ROOT / "docs" / "development" / "decisions" / "0002-libraries.md").read_text()
    judged = re.findall(r"^\* ([\w-]+) [\d.]+ \(.+\): .", page, re.MULTILINE)

    assert sorted(judged) == sorted(set(declared()))


def test_the_judged_releases_are_the_locked_ones() -> None:
    """An upgrade looks at the page again."""
    page = (ROOT / "docs" / "development" / "decisions" / "0002-libraries.md").read_text()
    rows = re.findall(r"^\* ([\w-]+) ([\d.]+) \(", page, re.MULTILINE)

    locked = set[str]().union(*(pins(lock) for lock in (LOCKS[-1], *APART)))
    assert {f"{name}=={release}" for name, release in rows} <= locked


def test_readme_names_every_task_that_it_should() -> None:
    """What README tells a newcomer to type are tasks of the Makefile."""
    tasks = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = re.findall(r"^make ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE)

    assert told
    assert set(told) <= tasks


def test_the_wheel_carries_what_is_read_beside_the_code(tmp_path: Path) -> None:
    """The status page's files, and the demo's stack: who installed the package has no copy of the repository."""
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        "wheel",
        "--directory",
        tmp_path,
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(ZipFile(wheel).namelist())
    names = {name for name in packed if name.startswith("exporter/shipped/")}
    page = [*ROOT.glob("exporter/web/status/static/*"), *ROOT.glob("exporter/web/status/templates/*")]
    assert packed >= {str(file.relative_to(ROOT)) for file in page}
    assert len(page) == 4

    files = [*ROOT.glob("config/alertmanager/*.tmpl"), *ROOT.glob("alert_rules/**/*.yml"),
             ROOT / "config" / "alertmanager.example.yml", ROOT / "config" / "prometheus.example.yml"]  # fmt: skip
    assert names == {f"exporter/shipped/{file.relative_to(ROOT)}" for file in files}


def test_every_example_names_the_source_of_a_company() -> None:
    """Ids are those of one source: a route, a silence or a query without it hits the company 17 of each."""
    folders = ("docs", "config", "helm/chat-usage-exporter")
    for path in (path for folder in folders for path in sorted((ROOT / folder).rglob("*"))):
        if path.suffix in {".md", ".yml", ".yaml", ".gotmpl"}:
            lines = path.read_text().splitlines()
            for before, line in pairwise(["", *lines]):
                if re.search(r'company_id(=~?|: ?)"?\d|name: company_id', line) and "/truth?" not in line:
                    assert "source" in before + line, f"{path}: {line}"


LONGEST_MODULE = 300
SHARED = {"__init__", "app", "backfill", "errors", "http", "options", "platform", "text"}
"""Names that several packages give to what each has of its own kind; every other one is that of a single module."""


def test_a_module_is_found_by_its_name_and_read_at_once() -> None:
    modules = list((ROOT / "exporter").rglob("*.py"))
    counts = Counter(each.stem for each in modules)
    assert {name for name, count in counts.items() if count > 1} == SHARED
    lengths = {str(each.relative_to(ROOT)): len(each.read_text().splitlines()) for each in modules}
    too_long = {module: lines for module, lines in lengths.items() if lines > LONGEST_MODULE}
    assert not too_long, f"above {LONGEST_MODULE} lines; move what belongs together into a module of its own"
