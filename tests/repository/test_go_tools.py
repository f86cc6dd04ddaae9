"""tools/go-tools without a network: what it refuses, and that what was built is not built again."""

import re
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "tools" / "go-tools"
PINS = re.findall(r"^    ([\w-]+) (\S+) (v\d+\.\d+\.\d+)$", SCRIPT.read_text(), re.MULTILINE)
WITHOUT_GO = "/usr/bin:/bin"


def run(cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs it where no Go is on PATH, with a cache of its own."""
    environ = {"PATH": WITHOUT_GO, "HOME": str(cache), "XDG_CACHE_HOME": str(cache)}
    return subprocess.run([SCRIPT, *arguments], env=environ, capture_output=True, text=True, check=False)


def test_a_name_that_it_does_not_know_is_refused_with_those_that_it_knows(tmp_path: Path) -> None:
    done = run(tmp_path, "kubeconfrom")

    names = " ".join(name for name, _, _ in PINS)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f'tools/go-tools: no such tool: "kubeconfrom"; known: {names}\n'


def test_what_was_built_is_used_as_it_is(tmp_path: Path) -> None:
    """Neither Go nor a network is asked for; another version has another folder."""
    for name, _, version in PINS:
        folder = tmp_path / "chat-usage-exporter" / "go-tools" / f"{name}-{version}"
        folder.mkdir(parents=True)
        (folder / name).touch(mode=0o755)

        done = run(tmp_path, name)

        assert (done.returncode, done.stdout, done.stderr) == (0, f"{folder}\n", "")
