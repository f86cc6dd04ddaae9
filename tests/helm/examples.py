"""The examples that stand in values.yaml, one with each value: read, and laid together."""

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from functools import cache

import yaml

from tests.helm.charts import CHART
from tests.oncall.shipped import Config, mapping

COMMENT = re.compile(r"^ *# (?:-- )?(.*)$")
KEY = re.compile(r"^( *)([A-Za-z]+):( .*)?$")
EXAMPLE = re.compile(r"E\.g\. `(.+)`$")

Way = tuple[str, ...]


@cache
def described() -> Mapping[Way, object]:
    """Returns each value of values.yaml that has a meaning, by its place, with its example.

    Raises:
        ValueError: a meaning ends with no example.
    """
    found: dict[Way, object] = {}
    way: list[str] = []
    told: list[str] = []
    for line in (CHART / "values.yaml").read_text().splitlines():
        if comment := COMMENT.match(line):
            told = [comment[1]] if "# -- " in line else [*told, comment[1]] if told else []
        elif key := KEY.match(line):
            way = [*way[: len(key[1]) // 2], key[2]]
            if told:
                found[tuple(way)] = _example(" ".join(told), way)
            told = []
    return found


def _example(meaning: str, way: Sequence[str]) -> object:
    example = EXAMPLE.search(meaning)
    if example is None:
        message = f"values.yaml: {'.'.join(way)}: its meaning ends with no example: E.g. `...`"
        raise ValueError(message)
    return yaml.safe_load(example[1])


def laid(ways: Iterable[Way]) -> Config:
    """Returns values with the examples of some places."""
    examples = described()
    found: Config = {}
    for way in ways:
        part: Config = found
        for step in way[:-1]:
            part = mapping(part.setdefault(step, {}))
        part[way[-1]] = deepcopy(examples[way])
    return found
