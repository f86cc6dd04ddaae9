"""The traps that have no folder: docs/development/traps.md names the test of each, and each test is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "development" / "traps.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


@pytest.mark.parametrize(("file", "test"), NAMED, ids=[test for _, test in NAMED])
def test_the_test_of_a_trap_is_there(file: str, test: str) -> None:
    """A renamed test would leave its trap without a witness."""
    assert re.search(rf"def {test}\(", (ROOT / file).read_text(encoding="utf-8"))


def test_every_trap_names_a_test() -> None:
    """A line without one is a wish."""
    traps = [line for line in PAGE.splitlines() if line.startswith("* ")]

    assert len(traps) > 30
    assert all("`tests/" in row for row in traps)
