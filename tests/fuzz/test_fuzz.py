"""Whatever arrives, be it an answer, a configuration or a state file, is read or is one of our own errors."""

from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.domain.errors import ReportError, SchemaError
from tests.examples import examples
from tests.fuzz.formats import JSON
from tests.fuzz.law import ALLOWANCE, MULTIPLE, broken, greedy, made
from tests.fuzz.targets import Read, Seed, Target, targets

pytestmark = pytest.mark.anyio

EACH = examples(700)
"""Inputs of each kind: all together, at least 10,000 where nothing is left out."""
SAMPLED = 50
"""Each so many-th input has its memory measured, which takes ten times as long."""


async def test_nothing_but_our_own_errors_comes_out(tmp_path: Path, tell: Callable[[str], None]) -> None:
    """Of bad inputs of all kinds; `python -m tests.fuzz KIND NUMBER` shows one again."""
    kinds = await targets(tmp_path)
    found, read = [], 0
    for target in kinds:
        for number in range(EACH):
            complaint = broken(target, made(target, number))
            read += 1
            if complaint:
                found.append(f"{target.name} {number} {complaint}")
    tell(f"fuzzing: {read} bad inputs of {len(kinds)} kinds, {len(found)} broke the law")
    assert not found, "\n".join(found)
    assert read >= examples(10_000)


async def test_the_good_inputs_are_good(tmp_path: Path) -> None:
    """Or the bad ones made of them would get no further than the first check."""
    for target in await targets(tmp_path):
        assert {bool(seed.read(seed.content)) for seed in target.seeds} == {True}, target.name


async def test_memory_stays_below_a_multiple_of_the_input(tmp_path: Path, tell: Callable[[str], None]) -> None:
    """At its worst moment, on a sample of the same inputs."""
    found, most = [], 0.0
    for target in await targets(tmp_path):
        for number in range(0, EACH, SAMPLED):
            part, complaint = greedy(target, made(target, number))
            most = max(most, part)
            if complaint:
                found.append(f"{target.name} {number} {complaint}")
    tell(f"fuzzing: memory at most {most:.0%} of {MULTIPLE} times the input and {ALLOWANCE / 2**20:g} MiB")
    assert not found, "\n".join(found)


def _slip(body: bytes) -> None:
    raise KeyError(body)


def _steering(_body: bytes) -> None:
    raise SchemaError("\x1b[2J")


def _speechless(_body: bytes) -> None:
    raise SchemaError("")


def _hungry(body: bytes) -> None:
    bytearray(MULTIPLE * len(body) + ALLOWANCE + 1)


def _strict(body: bytes) -> None:
    raise SchemaError(f"expected something else than {len(body)} bytes")


@pytest.mark.parametrize(
    ("read", "says"),
    [
        pytest.param(_slip, "raises KeyError", id="an-error-that-is-not-ours"),
        pytest.param(_steering, "says what cannot be printed", id="a-message-that-steers-a-terminal"),
        pytest.param(_speechless, "says what cannot be printed", id="a-message-without-words"),
        pytest.param(_hungry, "bytes of memory for", id="more-memory-than-allowed"),
        pytest.param(_strict, None, id="an-error-of-ours"),
    ],
)
def test_the_law_finds_what_breaks_it(read: Read, says: str | None) -> None:
    """And nothing else."""
    target = Target("x", JSON, (ReportError,), (Seed(b'{"a": [1, 2, {"b": "c"}]}', read),))
    bad = made(target, 1)

    complaint = broken(target, bad) or greedy(target, bad)[1]

    assert (complaint is None) if says is None else (says in (complaint or ""))


def test_an_input_comes_back_by_its_number() -> None:
    """A failure can be looked at again, and each number is another input."""
    target = Target("x", JSON, (), (Seed(b'{"a": [1, 2, {"b": "c"}], "d": {"e": 1.5}}', len),))

    assert [made(target, n).content for n in range(50)] == [made(target, n).content for n in range(50)]
    assert len({made(target, n).content for n in range(50)}) > 40
