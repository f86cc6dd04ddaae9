"""Chooses the random faults of a soak test; each occurs once before any is repeated."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from exporter.simulator.scenarios import NORMAL, SCENARIOS

FROZEN, STOPPED = "frozen", "stopped"
"""Faults that the simulator has no scenario for: its process is suspended, or stopped and started again."""
FAULTS = (*(name for name in SCENARIOS if name != NORMAL and not name.startswith("export-")), FROZEN, STOPPED)
"""Without those of exports, which the exporter requests only on command."""


@dataclass(frozen=True, slots=True)
class Period:
    """A time with these faults, possibly none: its length in polls, and whether it starts with a reload."""

    faults: tuple[str, ...]
    polls: float
    reload: bool


def random_periods(random: Random) -> Iterator[Period]:
    """Yields periods without end: one or two faults at once, always followed by none."""
    while True:
        remaining = list(FAULTS)
        random.shuffle(remaining)
        while remaining:
            faults = tuple(remaining.pop() for _ in range(min(len(remaining), random.choice((1, 1, 2)))))
            yield Period(faults, random.uniform(1, 4), reload=random.random() < 1 / 4)
            yield Period((), random.uniform(1, 3), reload=random.random() < 1 / 4)
