"""Mutated responses, configurations and state files are read, or raise one of the exporter's own errors."""

from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.domain.errors import ReportError, SchemaError
from tests.examples import examples
from tests.fuzz.check import ALLOWANCE, MULTIPLE, check, check_memory, make_input
from tests.fuzz.formats import JSON
from tests.fuzz.targets import Read, Seed, Target, targets

pytestmark = pytest.mark.anyio

EACH = examples(700)
"""Inputs of each kind; at least 10,000 together in a full run."""
MEMORY_INTERVAL = 50
"""Memory is measured for every nth input, as that is ten times slower."""


async def test_only_the_exporters_own_errors_are_raised(tmp_path: Path, tell: Callable[[str], None]) -> None:
    """For mutated inputs of all kinds; `python -m tests.fuzz KIND NUMBER` repeats one."""
    kinds = await targets(tmp_path)
    found, read = [], 0
    for target in kinds:
        for number in range(EACH):
            error = check(target, make_input(target, number))
            read += 1
            if error:
                found.append(f"{target.name} {number} {error}")
    tell(f"fuzzing: {read} mutated inputs of {len(kinds)} kinds, {len(found)} failures")
    assert not found, "\n".join(found)
    assert read >= examples(10_000)


async def test_the_seeds_are_valid(tmp_path: Path) -> None:
    """Otherwise their mutations would fail at the first check."""
    for target in await targets(tmp_path):
        assert {bool(seed.read(seed.content)) for seed in target.seeds} == {True}, target.name


async def test_memory_stays_below_a_multiple_of_the_input(tmp_path: Path, tell: Callable[[str], None]) -> None:
    """Peak memory, for a sample of the inputs."""
    found, most = [], 0.0
    for target in await targets(tmp_path):
        for number in range(0, EACH, MEMORY_INTERVAL):
            part, error = check_memory(target, make_input(target, number))
            most = max(most, part)
            if error:
                found.append(f"{target.name} {number} {error}")
    tell(f"fuzzing: memory at most {most:.0%} of {MULTIPLE} times the input and {ALLOWANCE / 2**20:g} MiB")
    assert not found, "\n".join(found)


def _raise_foreign_error(body: bytes) -> None:
    raise KeyError(body)


def _raise_escape_sequence(_body: bytes) -> None:
    raise SchemaError("\x1b[2J")


def _raise_empty_message(_body: bytes) -> None:
    raise SchemaError("")


def _use_too_much_memory(body: bytes) -> None:
    bytearray(MULTIPLE * len(body) + ALLOWANCE + 1)


def _raise_own_error(body: bytes) -> None:
    raise SchemaError(f"expected something else than {len(body)} bytes")


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        pytest.param(_raise_foreign_error, "raises KeyError", id="foreign-error"),
        pytest.param(_raise_escape_sequence, "has an unprintable message", id="escape-sequence"),
        pytest.param(_raise_empty_message, "has an unprintable message", id="empty-message"),
        pytest.param(_use_too_much_memory, "bytes of memory for", id="too-much-memory"),
        pytest.param(_raise_own_error, None, id="own-error"),
    ],
)
def test_checks_find_each_violation(read: Read, expected: str | None) -> None:
    """And accept an own error."""
    target = Target("x", JSON, (ReportError,), (Seed(b'{"a": [1, 2, {"b": "c"}]}', read),))
    mutated = make_input(target, 1)

    error = check(target, mutated) or check_memory(target, mutated)[1]

    assert (error is None) if expected is None else (expected in (error or ""))


def test_inputs_are_reproducible_by_number() -> None:
    """Each number is another input."""
    target = Target("x", JSON, (), (Seed(b'{"a": [1, 2, {"b": "c"}], "d": {"e": 1.5}}', len),))

    assert [make_input(target, n).content for n in range(50)] == [make_input(target, n).content for n in range(50)]
    assert len({make_input(target, n).content for n in range(50)}) > 40
