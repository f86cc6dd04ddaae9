"""The one law of all that is read: nothing but our own errors comes out, in plain lines, and memory stays bounded."""

import tracemalloc
from random import Random
from typing import NamedTuple

from tests.fuzz.mutation import changed, corrupted
from tests.fuzz.targets import Seed, Target

MULTIPLE = 60
"""So many bytes of memory a byte of input may cost at its worst moment; a list of empty lists costs 40 by itself."""
ALLOWANCE = 3 * 2**20
"""Bytes that reading may cost whatever the input is: the page of an empty answer, what aliases may repeat."""
STRUCTURED = 0.6
"""How many of the inputs are changed by their structure before bytes are."""


class Input(NamedTuple):
    """A bad input, and what reads it."""

    seed: Seed
    content: bytes


def made(target: Target, number: int) -> Input:
    """Returns the input of this number; the same one for ever, as long as the good answers stay."""
    chance = Random(f"{target.name}:{number}")
    seed = chance.choice(target.seeds)
    return Input(seed, varied(target, seed.content, chance))


def varied(target: Target, content: bytes, chance: Random) -> bytes:
    """Returns an input made worse; one that has no structure any more is changed by its bytes alone."""
    structured = chance.random() < STRUCTURED
    if structured:
        try:
            content = target.form.closed(changed(target.form.opened(content), chance, target.form.alphabet))
        except Exception:  # whatever the other side's reader says of it
            structured = False
    if not structured or chance.random() < 0.1:
        content = target.form.damaged(content, lambda whole: corrupted(whole, chance, target.form.alphabet))
    return content


def broken(target: Target, bad: Input) -> str | None:
    """Says in one line how the reading of an input breaks the law; None if it does not."""
    try:
        bad.seed.read(bad.content)
    except target.ours as error:
        return _unfit(str(error))
    except Exception as error:
        return f"raises {type(error).__name__}: {str(error)[:200]!r}"
    return None


def _unfit(message: str) -> str | None:
    """Says what makes a message unfit for a terminal and a log: no words, or letters that steer it."""
    for line in message.split("\n"):
        if not line.strip() or not line.isprintable():
            return f"says what cannot be printed: {line[:200]!r}"
    return None


def greedy(target: Target, bad: Input) -> tuple[float, str | None]:
    """Reads an input; returns which part of the allowed memory that took, and how it breaks the law, if it does."""
    tracemalloc.start()
    try:
        broken(target, bad)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    weight = target.form.weight(bad.content)
    part = peak / (MULTIPLE * weight + ALLOWANCE)
    return part, f"takes {peak} bytes of memory for {weight} bytes of input" if part > 1 else None
