"""Mutations of each rule, of up to eight kinds, of which its laws find five."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.alert_rules.laws import LAWS, Law
from tests.alert_rules.promtool import Rule, run_tests, write_alert_test
from tests.alert_rules.test_laws import cases, rule_of
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


class Mutant(NamedTuple):
    """A rule with one mutation."""

    kind: str
    rule: Rule


def mutants(rule: Rule) -> Iterator[Mutant]:
    """Yields mutants of a rule, one of each kind before the second of any."""
    expression = str(rule["expr"])
    kinds = [
        [Mutant(kind, {**rule, "expr": changed(expression, kind, spot)}) for spot in pattern.finditer(expression)]
        for kind, pattern in SPOTS.items()
    ]
    waits = [Mutant("wait", {**rule, "for": "400d"})] if "for" in rule else []
    return (each for each in chain.from_iterable(zip_longest(*kinds, waits)) if each)


def changed(expression: str, kind: str, spot: "re.Match[str]") -> str:
    """Returns the mutated expression; a window is moved to a time without samples."""
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


def noticed_by(laws: list[Law], mutants: Sequence[Mutant], promtool: str, folder: Path) -> int:
    """Returns how many mutants the laws find, up to the required number; the slowest case is last."""
    *first, last = zip(*map(cases, laws), strict=True)
    seen = complained_of(laws, mutants, [case for each in first for case in each], promtool, folder)
    if sum(seen) >= ENOUGH:
        return sum(seen)
    unseen = [mutant for mutant, is_seen in zip(mutants, seen, strict=True) if not is_seen]
    return sum(seen) + sum(complained_of(laws, unseen, last, promtool, folder))


def complained_of(
    laws: list[Law], mutants: Sequence[Mutant], checks: Sequence[Mapping[str, object]], promtool: str, folder: Path
) -> list[bool]:
    """Returns for each mutant whether a check fails, in one run of promtool."""
    files = [
        write_alert_test(folder, f"{n}", checks, f"{laws[0].step}m", mutant.rule) for n, mutant in enumerate(mutants)
    ]
    found = run_tests(promtool, files) if files else {}
    return [found[file.name] != "" for file in files]


@pytest.fixture(scope="module")
def noticed() -> dict[str, int]:
    """Number of mutants found by rule."""
    return {}


@pytest.mark.parametrize("name", dict.fromkeys(law.name for law in LAWS))
def test_five_mutants_are_found(name: str, tmp_path: Path, noticed: dict[str, int]) -> None:
    """Some mutants are equivalent to the rule; five of each rule are not."""
    laws = [law for law in LAWS if law.name == name]
    original = rule_of(laws[0])
    promtool = str(program("promtool", "trixie"))
    tried = list[Mutant]()
    found = 0
    for some in batched(mutants(original), ENOUGH + 1):
        tried += some
        found += noticed_by(laws, some, promtool, tmp_path)
        if found >= ENOUGH:
            break
    noticed[name] = min(found, ENOUGH)

    assert noticed[name] == ENOUGH, f"tried: {[mutant.kind for mutant in tried]}"


def batched(found: Iterator[Mutant], count: int) -> Iterator[Sequence[Mutant]]:
    """Yields batches."""
    while some := list(islice(found, count)):
        yield some


def test_the_count(noticed: dict[str, int], tell: Callable[[str], None]) -> None:
    """Of the rules above."""
    assert set(noticed.values()) <= {ENOUGH}
    tell(f"{sum(noticed.values())} mutants of {len(noticed)} alert rules noticed, {ENOUGH} of each")
