"""Checks a reader of untrusted input: only the exporter's own errors, in plain lines, and bounded memory."""

import tracemalloc
from random import Random
from typing import NamedTuple

from tests.fuzz.mutation import mutate_bytes, mutate_value
from tests.fuzz.targets import Seed, Target

MULTIPLE = 60
"""Allowed peak bytes of memory per byte of input; a list of empty lists takes 40."""
ALLOWANCE = 3 * 2**20
"""Allowed bytes in addition, for any input."""
STRUCTURED = 0.6
"""Share of the inputs whose structure is mutated before their bytes."""


class Input(NamedTuple):
    """A mutated input and its reader."""

    seed: Seed
    content: bytes


def make_input(target: Target, number: int) -> Input:
    """Returns the input with this number; always the same one, as long as the seeds stay."""
    random = Random(f"{target.name}:{number}")
    seed = random.choice(target.seeds)
    return Input(seed, mutate(target, seed.content, random))


def mutate(target: Target, content: bytes, random: Random) -> bytes:
    """Mutates an input; one that can no longer be parsed is mutated only in its bytes."""
    structured = random.random() < STRUCTURED
    if structured:
        try:
            content = target.form.encode(mutate_value(target.form.decode(content), random, target.form.alphabet))
        except Exception:  # whatever the other side's reader says of it
            structured = False
    if not structured or random.random() < 0.1:
        content = target.form.damaged(content, lambda whole: mutate_bytes(whole, random, target.form.alphabet))
    return content


def check(target: Target, bad: Input) -> str | None:
    """Reads an input; returns what is wrong in one line, or None."""
    try:
        bad.seed.read(bad.content)
    except target.errors as error:
        return _unfit_message(str(error))
    except Exception as error:
        return f"raises {type(error).__name__}: {str(error)[:200]!r}"
    return None


def _unfit_message(message: str) -> str | None:
    """Returns why a message is unfit for terminal and log: empty, or with control characters."""
    for line in message.split("\n"):
        if not line.strip() or not line.isprintable():
            return f"has an unprintable message: {line[:200]!r}"
    return None


def check_memory(target: Target, bad: Input) -> tuple[float, str | None]:
    """Reads an input; returns the used share of the allowed memory, and what is wrong, if anything."""
    tracemalloc.start()
    try:
        check(target, bad)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    weight = target.form.weight(bad.content)
    part = peak / (MULTIPLE * weight + ALLOWANCE)
    return part, f"takes {peak} bytes of memory for {weight} bytes of input" if part > 1 else None
