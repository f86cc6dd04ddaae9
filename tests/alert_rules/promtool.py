"""Writes promtool test files for the shipped rules, and runs them."""

import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_plus

import yaml

ROOT = Path(__file__).parents[2]
FILES = tuple(sorted((ROOT / "alert_rules").glob("**/*.yml")))
GROUPS = tuple(group for file in FILES for group in yaml.load(file.read_text(), yaml.CSafeLoader)["groups"])
ORDER = ("chat-usage-activity", "chat-usage-quality")
"""Groups that others depend on; promtool must evaluate them first."""
Rule = Mapping[str, object]
Labels = Mapping[str, str]


def alerts() -> Mapping[str, Sequence[Mapping[str, object]]]:
    """Returns the alerting rules by name; rules of the same name differ in severity."""
    found: dict[str, list[Mapping[str, object]]] = {}
    for group in GROUPS:
        for rule in group["rules"]:
            if "alert" in rule:
                found.setdefault(rule["alert"], []).append(rule)
    return found


class Series(NamedTuple):
    """An input series, with values in promtool's notation."""

    name: str
    labels: Labels
    values: str

    def document(self) -> Mapping[str, str]:
        """Returns the series for a test file."""
        text = ",".join(f"{label}={yaml_text(value)}" for label, value in self.labels.items())
        return {"series": f"{self.name}{{{text}}}", "values": self.values}


def yaml_text(value: str) -> str:
    """Quotes a label value as PromQL does."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


QUERY_TEMPLATE = re.compile(r"\{\{ with printf `([^`]*)`[^{]*\| query \}\}(.*?)\{\{(.*?)\}\}(.*?)\{\{ end \}\}")
SHARE_TEMPLATE = re.compile(r'\{\{ if match "_share\$" \$labels\.activity \}\}(.*?)\{\{ else \}\}(.*?)\{\{ end \}\}')
RANGE_TEMPLATE = re.compile(r"\{\{ range query \(printf `([^`]*)`[^)]*\) \}\}(.*?)\{\{(.*?)\}\}(.*?)\{\{ end \}\}")
KINDS = {
    "selector_info": "selector",
    "company_info": "company",
    "activity_limit": "limit",
    "day_timestamp_seconds": "day",
    "share_28d": "share",
    "_28d": "sum",
    "count by": "count",
}
"""What a query in an annotation looks up, by a part of the query."""


def expand_template(text: str, labels: Labels, value: str, texts: Labels) -> str:
    """Expands the kinds of templates that annotations use; `value` is the rendered value."""

    def query_result(found: re.Match[str]) -> str:
        kind = next(kind for part, kind in KINDS.items() if part in found[1])
        if kind not in texts:
            return ""
        return found[2] + (quote_plus(texts[kind]) if "urlquery" in found[3] else texts[kind]) + found[4]

    is_share = labels.get("activity", "").endswith("_share")
    text = SHARE_TEMPLATE.sub(r"\1" if is_share else r"\2", text)
    text = RANGE_TEMPLATE.sub(query_result, QUERY_TEMPLATE.sub(query_result, text))
    text = re.sub(r"\{\{ \$labels\.(\w+) \| urlquery \}\}", lambda m: quote_plus(labels.get(m[1], "")), text)
    text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda m: labels.get(m[1], ""), text)
    text = re.sub(r"\{\{ if .*\{\{ else \}\}(.*?)\{\{ end \}\}", r"\1", text)
    return re.sub(r"\{\{ \$value[^}]*\}\}", value, text)


def expected_alert(alert: str, labels: Labels, value: str, texts: Labels | None = None) -> Mapping[str, Labels]:
    """Returns the labels and annotations of an expected alert; a company's name is used only in annotations."""
    candidates = alerts()[alert]
    own = [each for each in candidates if _severity(each) == labels.get("severity")]
    rule = (own or list(candidates))[0]
    full = {name: text for name, text in labels.items() if name != "company"} | {"service": "chat-usage"}
    known = {**{name: text for name, text in labels.items() if name == "company"}, **(texts or {})}
    if "{{" not in _severity(rule):
        full["severity"] = _severity(rule)
    annotations = rule["annotations"]
    assert isinstance(annotations, Mapping)
    return {
        "exp_labels": full,
        "exp_annotations": {key: expand_template(str(text), full, value, known) for key, text in annotations.items()},
    }


def _severity(rule: Mapping[str, object]) -> str:
    labels = rule["labels"]
    assert isinstance(labels, Mapping)
    return str(labels["severity"])


def document(tests: Iterable[Mapping[str, object]], interval: str, files: Sequence[Path] = FILES) -> str:
    """Returns a test file for these rules."""
    names = [str(group["name"]) for file in files for group in _groups(file)]
    return _dumped(_document(tests, interval, [str(file) for file in files], names))


def write_alert_test(folder: Path, name: str, tests: Iterable[Mapping[str, object]], interval: str, rule: Rule) -> Path:
    """Writes a test file and a rule file for one alert and the rules that it reads; returns the test file."""
    words = " ".join(query for query, *_ in QUERY_TEMPLATE.findall(str(rule.get("annotations"))))
    read = _read_by(f"{rule['expr']} {words}")
    groups = [
        {**group, "rules": kept}
        for group in GROUPS
        if (kept := [each for each in group["rules"] if _name(each) in read])
    ]
    groups.append({"name": "alert", "interval": "1m", "rules": [rule]})
    (folder / f"{name}.rules.yml").write_text(_dumped({"groups": groups}), "utf-8")
    text = _dumped(_document(tests, interval, [f"{name}.rules.yml"], [str(group["name"]) for group in groups]))
    file = folder / f"{name}.yml"
    file.write_text(text, "utf-8")
    return file


def _read_by(expression: str) -> frozenset[str]:
    """Returns the recordings and alerts that an expression reads, directly or indirectly."""
    found = [rule for group in GROUPS for rule in group["rules"] if _name(rule) in expression]
    return frozenset(map(_name, found)).union(*(_read_by(rule["expr"]) for rule in found))


def is_nested(rule: Rule) -> bool:
    """Tells whether a rule reads a rule that reads another one."""
    read = [each for group in GROUPS for each in group["rules"] if _name(each) in str(rule["expr"])]
    return any(_read_by(each["expr"]) for each in read)


def _name(rule: Rule) -> str:
    return str(rule.get("record") or rule["alert"])


def _document(
    tests: Iterable[Mapping[str, object]], interval: str, files: Sequence[str], names: Sequence[str]
) -> Mapping[str, object]:
    order = [*(name for name in ORDER if name in names), *(name for name in names if name not in ORDER)]
    return {
        "rule_files": list(files),
        "evaluation_interval": interval,
        "group_eval_order": order,
        "tests": list(tests),
    }


def _groups(file: Path) -> list[Mapping[str, object]]:
    found: list[Mapping[str, object]] = yaml.load(file.read_text(), yaml.CSafeLoader)["groups"]
    return found


def _dumped(document: Mapping[str, object]) -> str:
    return yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False, width=10**9, allow_unicode=True)


def run_tests(promtool: str, files: Sequence[Path]) -> Mapping[str, str]:
    """Runs test files in one process, which is faster; returns promtool's failures by file, empty if there are none."""
    done = subprocess.run(
        [promtool, "test", "rules", *(file.name for file in files)],
        cwd=files[0].parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    # in the order of the files, which Prometheus 3.x no longer names
    _, *parts = re.split(r"^  (SUCCESS|FAILED:)$", done.stdout, flags=re.MULTILINE)
    results = list(zip(parts[::2], parts[1::2], strict=True))
    assert len(results) == len(files), done.stdout
    return {
        file.name: "" if word == "SUCCESS" else text or word for file, (word, text) in zip(files, results, strict=True)
    }


def failures(promtool: str, folder: Path, text: str) -> str:
    """Runs a test file; returns promtool's failures, empty if there are none."""
    file = folder / "tests.yml"
    file.write_text(text, "utf-8")
    return run_tests(promtool, [file])[file.name]
