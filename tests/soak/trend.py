"""Decides whether a curve is flat, by the Theil-Sen slope of its second half.

This median of slopes ignores temporary peaks, such as garbage of a poll; a leak raises all later samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Trend:
    """First value, median of the second half, maximum, growth over the second half, and allowed growth."""

    first: float
    middle: float
    maximum: float
    growth: float
    allowed: float

    @property
    def is_flat(self) -> bool:
        """Whether it grew no more than allowed; it may fall."""
        return self.growth <= self.allowed


def slope(moments: Sequence[float], values: Sequence[float]) -> float:
    """Returns the change per second; 0 for fewer than two moments."""
    points = list(zip(moments, values, strict=True))
    slopes = [(v2 - v1) / (t2 - t1) for (t1, v1), (t2, v2) in combinations(points, 2) if t2 > t1]
    return median(slopes) if slopes else 0.0


def trend(moments: Sequence[float], values: Sequence[float], allowed: float) -> Trend:
    """Computes the trend of a curve that may grow by `allowed` over its second half."""
    half = len(moments) // 2
    late_moments, late_values = moments[half:], values[half:]
    growth = slope(late_moments, late_values) * (late_moments[-1] - late_moments[0])
    return Trend(values[0], median(late_values), max(values), growth, allowed)
