"""What goes wrong during a soak, and for how long: dealt like cards, so that nothing is left out for long."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from exporter.simulator.scenarios import NORMAL, SCENARIOS

FROZEN, GONE = "frozen", "gone"
"""Troubles that no scenario makes: the platform's process stops for a while, or ends and starts anew."""
TROUBLES = (*(name for name in SCENARIOS if name != NORMAL and not name.startswith("export-")), FROZEN, GONE)
"""The exporter asks for exports by a command alone, so nothing can come of theirs."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which something is wrong, or nothing: its length in polls, and whether it begins with a reload."""

    troubles: tuple[str, ...]
    polls: float
    reload: bool


def spells(chance: Random) -> Iterator[Spell]:
    """Yields spells for ever: one or two troubles at once, each followed by a calm."""
    while True:
        deck = list(TROUBLES)
        chance.shuffle(deck)
        while deck:
            troubles = tuple(deck.pop() for _ in range(min(len(deck), chance.choice((1, 1, 2)))))
            yield Spell(troubles, chance.uniform(1, 4), reload=chance.random() < 1 / 4)
            yield Spell((), chance.uniform(1, 3), reload=chance.random() < 1 / 4)
