"""Every command block of README and docs runs as it stands, in the order of its page and with its placeholders filled.

`check` and `calendar` are the program itself, with a simulated platform; `plan` and `metrics` too, in this process. Of
commands that run on (`serve`, `demo`, `backfill`) the options are read and nothing is started. Programs of others are
stubs that note how they were called; curl asks the simulated platform and a real exporter. The runbooks, the plugin
and the way to Slack have tests of their own: test_runbook_commands.py, tests/platforms, tests/oncall.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import typer.main
import yaml
from typer.core import TyperGroup

from exporter.cli.main import program, run
from exporter.platforms.registry import platforms
from exporter.settings import load
from exporter.simulator.paradigm.world import World
from tests import loopback
from tests.e2e import commands

ROOT = Path(__file__).parents[2]
KEY = World.from_seed(commands.SEED).keys.admin
ELSEWHERE = {"runbooks", "plugins.md"}
FOREIGN = ("alertmanager", "amtool", "docker", "git", "helm", "kubectl", "make", "pip", "prometheus", "promtool",
           "python3", "systemctl")  # fmt: skip
FOLDERS = ("alert_rules", "config", "grafana_dashboards", "helm", "requirements")
STUB = """#!/bin/bash
name=$(basename "$0")
echo "$name $*" >> "$CALLS"
case $name in
git) mkdir -p "${!#}" ;;
python3) mkdir -p "$3/bin" && cp "$(dirname "$0")"/{pip,chat-usage-exporter} "$3/bin/" ;;
esac
"""
OURS = f"""#!/bin/bash
case $1 in check | calendar) exec {sys.executable} -m exporter.cli "$@" ;; esac
for each; do printf '%s\\0' "$each"; done >> "$OURS"
printf '\\n' >> "$OURS"
"""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if not ELSEWHERE & set(page.parts) and blocks(page, "sh")
]


class Place(NamedTuple):
    """A folder to work in, the stubs' folder, and where the simulated platform and the exporter are."""

    folder: Path
    stubs: Path
    platform: str
    exporter: str

    def filled(self, block: str) -> str:
        """Returns a block with what a reader has to fill in, and with paths of this place."""
        places = {
            "YOUR-KEY": KEY,
            "localhost:9854": self.exporter.removeprefix("http://"),
            "127.0.0.1:9855": self.platform.removeprefix("http://"),
            "/opt/chat-usage-exporter": f"{self.folder}/opt",
            "/etc/chat-usage-exporter": f"{self.folder}/etc",
            "/etc/systemd/system": f"{self.folder}/system",
            "/var/lib/chat-usage-exporter": f"{self.folder}/var",
        }
        for written, here in places.items():
            block = block.replace(written, here)
        return block

    def run(self, block: str) -> subprocess.CompletedProcess[str]:
        environ = {
            **os.environ,
            "PATH": f"{self.stubs}:{os.environ['PATH']}",
            "REPO": str(ROOT),
            "CALLS": str(self.folder / "calls"),
            "OURS": str(self.folder / "ours"),
            "PARADIGM_BASE_URL": self.platform,
            "NO_PROXY": "*",
        }
        if "CHAT_USAGE_SOURCES" in block:
            environ["CHAT_USAGE_SOURCES__PRODUCTION__BASE_URL"] = self.platform
        script = ["bash", "-euo", "pipefail", "-c", self.filled(block)]
        return subprocess.run(
            script, cwd=self.folder, env=environ, input=KEY, capture_output=True, text=True, timeout=120, check=False
        )

    def ours(self) -> list[Sequence[str]]:
        """Returns the calls of our own program that were noted."""
        noted = self.folder / "ours"
        lines = noted.read_text().splitlines() if noted.exists() else []
        return [line.rstrip("\0").split("\0") for line in lines]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[commands.Served]:
    folder = tmp_path_factory.mktemp("served")
    with commands.simulating(folder, "--companies=2") as platform, commands.serving(folder, platform) as exporter:
        yield exporter


@pytest.fixture
def place(served: commands.Served, tmp_path: Path) -> Iterator[Place]:
    """Afterwards the platform is as it was, whatever a page had it do."""
    stubs, folder = tmp_path / "stubs", tmp_path / "here"
    for each in (stubs, folder, folder / "system", folder / "var"):
        each.mkdir()
    for name in (*FOREIGN, *(() if shutil.which("curl") else ("curl",))):
        (stubs / name).write_text(STUB)
    (stubs / "chat-usage-exporter").write_text(OURS)
    for stub in stubs.iterdir():
        stub.chmod(0o755)
    (folder / "key").write_text(KEY)
    source = {"platform": "paradigm", "base_url": served.platform, "api_key_file": "key"}
    (folder / "exporter.yml").write_text(yaml.safe_dump({"sources": {"production": source}}))
    yield Place(folder, stubs, served.platform, served.url)
    loopback.post(f"{served.platform}/control", json={"now": None, "scenarios": ["normal"]}).raise_for_status()


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_block_of_a_page_runs(page: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    if "$REPO" not in page.read_text():  # else in a folder of the reader's own, beside the copy
        for name in FOLDERS:
            (place.folder / name).symlink_to(ROOT / name)
    for block in blocks(page, "sh"):
        done = place.run(block)
        assert done.returncode == 0, (block, done.stdout, done.stderr)
    monkeypatch.chdir(place.folder)
    for command, *options in place.ours():
        if command in ("plan", "metrics"):
            assert run([command, *options]) == 0
        else:
            group = typer.main.get_command(program())
            assert isinstance(group, TyperGroup)
            group.commands[command].make_context(command, list(options))


def test_each_task_that_a_page_names_is_there() -> None:
    tasks = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")]
    named = {task for page in pages for task in re.findall(r"(?m)(?:`|^)make ([a-z-]+)", page.read_text())}

    assert {"demo", "test", "lint"} <= named <= tasks


def test_the_configuration_of_the_manual_loads(tmp_path: Path) -> None:
    """And those of pages that show a part of one."""
    key = tmp_path / "key"
    key.write_text(KEY)
    for name in ("configuration.md", "development/platform-apis.md"):
        for number, block in enumerate(blocks(ROOT / "docs" / name, "yaml")):
            text = re.sub(r"/run/secrets/\w+", str(key), block)
            wanted = yaml.safe_load(text)
            for source in wanted["sources"].values():
                bot = {"platform": "chatcaptain", "chatbot_id": "abc"}
                given = bot if "overview" in source.get("overrides", {}) else {"platform": "paradigm"}
                source.update({**given, "api_key_file": str(key), **source})
            file = tmp_path / f"{number}.yml"
            file.write_text(json.dumps(wanted, default=str))
            assert load(file, {}, platforms()).sources.keys() == wanted["sources"].keys()
