"""Writes what promtool tests, and runs it: rules of the repository, series, and what must come of them."""

import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_plus

import yaml

ROOT = Path(__file__).parents[2]
FILES = tuple(sorted((ROOT / "alert_rules").glob("**/*.yml")))
GROUPS = tuple(group for file in FILES for group in yaml.safe_load(file.read_text())["groups"])
ORDER = ("chat-usage-activity", "chat-usage-quality")
"""The groups whose recordings others read; promtool must be told what comes first."""
Rule = Mapping[str, object]
Labels = Mapping[str, str]


def alerts() -> Mapping[str, Sequence[Mapping[str, object]]]:
    """Returns the alerting rules by name, in order; two of one name differ in severity."""
    found: dict[str, list[Mapping[str, object]]] = {}
    for group in GROUPS:
        for rule in group["rules"]:
            if "alert" in rule:
                found.setdefault(rule["alert"], []).append(rule)
    return found


def files_of(alert: str) -> tuple[Path, ...]:
    """Returns the files that an alert needs: its own, and the one with the recordings."""
    return tuple(
        file
        for file in FILES
        if (file.name == "usage.yml" and file.parent.name == "alert_rules") or f"alert: {alert}\n" in file.read_text()
    )


class Series(NamedTuple):
    """One input series: a name, its labels, and its values in promtool's notation."""

    name: str
    labels: Labels
    values: str

    def document(self) -> Mapping[str, str]:
        """Returns it as promtool reads it."""
        text = ",".join(f"{label}={yaml_text(value)}" for label, value in self.labels.items())
        return {"series": f"{self.name}{{{text}}}", "values": self.values}


def yaml_text(value: str) -> str:
    """Quotes a label value as PromQL does."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def expanded(text: str, labels: Labels, value: str) -> str:
    """Fills in the few forms of templates that the annotations use; `value` is the rendered value."""
    text = re.sub(r"\{\{ \$labels\.(\w+) \| urlquery \}\}", lambda m: quote_plus(labels.get(m[1], "")), text)
    text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda m: labels.get(m[1], ""), text)
    text = re.sub(r"\{\{ if .*\{\{ else \}\}(.*?)\{\{ end \}\}", r"\1", text)
    return re.sub(r"\{\{ \$value[^}]*\}\}", value, text)


def fired(alert: str, labels: Labels, value: str) -> Mapping[str, object]:
    """Returns the alert that must fire, with all its labels and annotations."""
    candidates = alerts()[alert]
    own = [each for each in candidates if _severity(each) == labels.get("severity")]
    rule = (own or list(candidates))[0]
    full = {**labels, "service": "chat-usage"}
    if "{{" not in _severity(rule):
        full["severity"] = _severity(rule)
    annotations = rule["annotations"]
    assert isinstance(annotations, Mapping)
    return {
        "exp_labels": full,
        "exp_annotations": {key: expanded(str(text), full, value) for key, text in annotations.items()},
    }


def _severity(rule: Mapping[str, object]) -> str:
    labels = rule["labels"]
    assert isinstance(labels, Mapping)
    return str(labels["severity"])


def document(tests: Iterable[Mapping[str, object]], interval: str, files: Sequence[Path] = FILES) -> str:
    """Returns a test file for these rules."""
    names = [group["name"] for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    order = [*(name for name in ORDER if name in names), *(name for name in names if name not in ORDER)]
    return yaml.safe_dump(
        {
            "rule_files": [str(file) for file in files],
            "evaluation_interval": interval,
            "group_eval_order": order,
            "tests": list(tests),
        },
        sort_keys=False,
        width=10**9,
        allow_unicode=True,
    )


def complaints(promtool: str, folder: Path, text: str) -> str:
    """Runs promtool's tests; returns what it complains of, nothing when all hold."""
    (folder / "tests.yml").write_text(text, "utf-8")
    done = subprocess.run(
        [promtool, "test", "rules", "tests.yml"], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    return "" if done.returncode == 0 else f"{done.stdout}\n{done.stderr}"
