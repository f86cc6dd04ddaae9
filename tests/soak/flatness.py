"""Whether a curve is flat: its slope over the second half, by the median of all slopes (Theil and Sen).

The median ignores what comes and goes, such as the garbage of a poll and the connections of a fault; a leak raises all
later samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a curve was like, in its own unit: at the beginning, in the middle of the second half, at most.

    `grew` and `allowed` are over the second half.
    """

    first: float
    middle: float
    most: float
    grew: float
    allowed: float

    @property
    def flat(self) -> bool:
        """Whether it grew by no more than allowed; to fall is no fault."""
        return self.grew <= self.allowed


def slope(moments: Sequence[float], values: Sequence[float]) -> float:
    """Returns the change per second; 0 for fewer than two moments."""
    points = list(zip(moments, values, strict=True))
    slopes = [(v2 - v1) / (t2 - t1) for (t1, v1), (t2, v2) in combinations(points, 2) if t2 > t1]
    return median(slopes) if slopes else 0.0


def judged(moments: Sequence[float], values: Sequence[float], allowed: float) -> Verdict:
    """Judges one curve; `allowed` is how much it may grow over the second half."""
    half = len(moments) // 2
    late, later_values = moments[half:], values[half:]
    grew = slope(late, later_values) * (late[-1] - late[0])
    return Verdict(values[0], median(later_values), max(values), grew, allowed)
