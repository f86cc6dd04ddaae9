"""Mutations of each rule, of up to eight kinds. Its laws notice five."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.alert_rules.laws import LAWS, STEP, Law
from tests.alert_rules.promtool import alerts, complaints, document, files_of
from tests.alert_rules.test_laws import cases
from tests.oncall.amtool import program

pytestmark = [pytest.mark.e2e, pytest.mark.once]

ENOUGH = 5
SIGNS = {"<": ">", ">": "<", "==": "!=", ">=": "<", "<=": ">"}
EDGES = {"<": "<=", ">": ">=", "==": "<", ">=": ">", "<=": "<"}
SIGN = r"(?<=\s)(<=|>=|==|<|>)(?=\s)"
SPOTS = {
    "sign": re.compile(SIGN),
    "edge": re.compile(SIGN),
    "bound": re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)(?![\w.\]])"),
    "label": re.compile(r'(\w+=~?)"([^"]+)"'),
    "window": re.compile(r"\[(\d+\w)\]"),
    "grouping": re.compile(r"(by|on) \((\w+)(, )?"),
    "join": re.compile(r"\n *(and|unless|or)\b.*", re.DOTALL),
}
Rule = Mapping[str, object]


class Mutant(NamedTuple):
    """A rule with a change of one kind in one spot."""

    kind: str
    rule: Rule


def mutants(rule: Rule) -> Iterator[Mutant]:
    """Yields a rule's mutants, one of each kind before the second of any."""
    expression = str(rule["expr"])
    kinds = [
        [Mutant(kind, {**rule, "expr": changed(expression, kind, spot)}) for spot in pattern.finditer(expression)]
        for kind, pattern in SPOTS.items()
    ]
    waits = [Mutant("wait", {**rule, "for": "400d"})] if "for" in rule else []
    return (each for each in chain.from_iterable(zip_longest(*kinds, waits)) if each)


def changed(expression: str, kind: str, spot: "re.Match[str]") -> str:
    """Returns the expression with this spot changed; a window is moved to where nothing is."""
    match kind:
        case "sign":
            new = SIGNS[spot[1]]
        case "edge":
            new = EDGES[spot[1]]
        case "bound":
            new = f"{float(spot[1]) * 3 + 1}"
        case "label":
            new = f'{spot[1]}"x-{spot[2]}"'
        case "window":
            new = f"[{spot[1]}] offset 400d"
        case "grouping":
            new = f"{spot[1]} (" if spot[3] else f"{spot[1]} (nothing_such"
        case _:
            new = "\n"
    return expression[: spot.start()] + new + expression[spot.end() :]


def survives(laws: list[Law], original: Rule, mutant: Rule, promtool: str, folder: Path) -> bool:
    """Tells whether the laws hold for a changed rule too; the other alerts are left out of its files."""
    files = []
    for file in files_of(laws[0].alert):
        groups = yaml.safe_load(file.read_text())["groups"]
        for group in groups:
            kept = [rule for rule in group["rules"] if "record" in rule or rule == original]
            group["rules"] = [mutant if rule == original else rule for rule in kept]
        files.append(folder / f"{file.parent.name}-{file.name}")
        files[-1].write_text(yaml.safe_dump({"groups": groups}, sort_keys=False))
    checks = [case for law in laws for case in cases(law)]
    return complaints(promtool, folder, document(checks, STEP, files)) == ""


def rule_of(law: Law) -> Rule:
    """Returns the rule that a law is about; where two have one name, by the severity."""
    rules = alerts()[law.alert]
    return next(rule for rule in rules if len(rules) == 1 or law.fires["severity"] in str(rule["labels"]))


@pytest.fixture(scope="module")
def noticed() -> dict[str, int]:
    """How many mutants were noticed, by rule."""
    return {}


@pytest.mark.parametrize("name", dict.fromkeys(law.name for law in LAWS))
def test_five_mutants_are_noticed(name: str, tmp_path: Path, noticed: dict[str, int]) -> None:
    """Some mutants mean the same as the rule; of each rule five are found that do not."""
    laws = [law for law in LAWS if law.name == name]
    original = rule_of(laws[0])
    promtool = str(program("promtool", "trixie"))
    tried = list[str]()

    def is_noticed(mutant: Mutant) -> bool:
        tried.append(mutant.kind)
        return not survives(laws, original, mutant.rule, promtool, tmp_path)

    noticed[name] = len(list(islice(filter(is_noticed, mutants(original)), ENOUGH)))

    assert noticed[name] == ENOUGH, f"tried: {tried}"


def test_the_count(noticed: dict[str, int], tell: Callable[[str], None]) -> None:
    """Of the rules that were asked above."""
    assert set(noticed.values()) <= {ENOUGH}
    tell(f"{sum(noticed.values())} mutants of {len(noticed)} alert rules noticed, {ENOUGH} of each")
