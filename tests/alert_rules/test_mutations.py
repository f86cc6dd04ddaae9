"""Mutations of each alert: bound, label, sign, window, missing join. Its law must notice five of them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.alert_rules.laws import LAWS, STEP, Law
from tests.alert_rules.promtool import complaints, document, files_of
from tests.alert_rules.test_laws import cases
from tests.oncall.amtool import program

pytestmark = [pytest.mark.e2e, pytest.mark.once]

ENOUGH = 5
_SIGNS = {"<": ">", ">": "<", "==": "!=", ">=": "<", "<=": ">"}
_SIGN = re.compile(r"(?<=\s)(<=|>=|==|<|>)(?=\s)")
_NUMBER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)(?![\w.\]])")
_LABEL = re.compile(r'(\w+=~?)"([^"]+)"')
_WINDOW = re.compile(r"\[(\d+\w)\]")
_GROUPING = re.compile(r"(by|on) \((\w+)(, )?")
_JOIN = re.compile(r"\n +(and|unless|or)\b.*", re.DOTALL)

PATTERNS = {"sign": _SIGN, "bound": _NUMBER, "label": _LABEL, "join": _JOIN, "grouping": _GROUPING}


class Mutant(NamedTuple):
    """One change of an expression."""

    kind: str
    expression: str


def mutants(expression: str) -> Iterator[Mutant]:
    """Yields every change of one spot, kind by kind."""
    for kind, pattern in (
        ("sign", _SIGN),
        ("bound", _NUMBER),
        ("label", _LABEL),
        ("join", _JOIN),
        ("grouping", _GROUPING),
    ):
        for match in pattern.finditer(expression):
            yield Mutant(kind, expression[: match.start()] + _changed(kind, match) + expression[match.end() :])
    for match in _WINDOW.finditer(expression):
        moved = f"[{match[1]}] offset 400d"  # a window in which nothing is
        yield Mutant("window", expression[: match.start()] + moved + expression[match.end() :])


def _changed(kind: str, match: "re.Match[str]") -> str:
    match kind:
        case "sign":
            return _SIGNS[match[1]]
        case "bound":
            return str(float(match[1]) * 3 + 1)
        case "label":
            return f'{match[1]}"{match[2]}-x"'
        case "grouping":
            return f"{match[1]} (" if match[3] else f"{match[1]} (nothing_such"
    return "\n"


def chosen(expression: str) -> list[Mutant]:
    """Returns up to eight mutants, of as many kinds as there are."""
    by_kind: dict[str, list[Mutant]] = {}
    for mutant in dict.fromkeys(mutants(expression)):
        by_kind.setdefault(mutant.kind, []).append(mutant)
    found: list[Mutant] = []
    while len(found) < 8 and any(by_kind.values()):
        found += [each.pop(0) for each in by_kind.values() if each]
    return found[:8]


def survives(law: Law, mutant: Mutant, place: int, folder: Path) -> bool:
    """Tells whether a law holds for a changed rule too."""
    files = []
    for file in files_of(law.alert):
        rules = yaml.safe_load(file.read_text())
        own = [rule for group in rules["groups"] for rule in group["rules"] if rule.get("alert") == law.alert]
        if own:
            own[place]["expr"] = mutant.expression
        changed = folder / f"{file.parent.name}-{file.name}"
        changed.write_text(yaml.safe_dump(rules, sort_keys=False))
        files.append(changed)
    promtool = str(program("promtool", "trixie"))
    return complaints(promtool, folder, document(cases(law), STEP, files)) == ""


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_mutations_are_noticed(law: Law, tmp_path: Path) -> None:
    """Those that survive change nothing that the law could see; five that do not are found."""
    rules = [
        rule
        for file in files_of(law.alert)
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if rule.get("alert") == law.alert
    ]
    severities = [str(rule["labels"]["severity"]) for rule in rules]
    place = severities.index(law.fires["severity"]) if len(rules) > 1 else 0
    found, killed = chosen(rules[place]["expr"]), list[str]()
    for mutant in found:
        if len(killed) < ENOUGH and not survives(law, mutant, place, tmp_path):
            killed.append(mutant.kind)
    assert len(killed) >= min(ENOUGH, len(found)), f"{len(killed)} of {len(found)}: {killed}"
