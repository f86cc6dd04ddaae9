"""`make docs`: prints docs/runbooks/README.md with its list of alerts updated from the rules; a test checks it.

usage: VENV/bin/python -m tools.runbooks
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
INDEX = ROOT / "docs" / "runbooks" / "README.md"
HEADING = "## All alerts\n\nNames begin with `ChatUsage`; those in `optional/` are off until loaded.\n"


def index() -> str:
    """Returns the page with a list per rule file of its alerts, each once."""
    head, _, _ = INDEX.read_text().partition("## All alerts\n")
    return head + HEADING + "".join(_list(path) for path in rule_files())


def rule_files() -> Iterator[Path]:
    """Yields the rule files, those on by default first."""
    folder = ROOT / "alert_rules"
    yield from sorted(folder.glob("*.yml"))
    yield from sorted((folder / "optional").glob("*.yml"))


def _list(path: Path) -> str:
    groups = yaml.safe_load(path.read_text())["groups"]
    alerts = dict.fromkeys(rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule)
    linked = ", ".join(f"[{alert.removeprefix('ChatUsage')}]({alert}.md)" for alert in alerts)
    return f"\n{path.relative_to(ROOT / 'alert_rules')}: {linked}\n"


if __name__ == "__main__":
    sys.stdout.write(index())
