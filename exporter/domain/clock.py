"""Where moments come from, as an argument: nothing but the edges of the program reads a clock by itself."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Time:
    """Where moments come from: `now` is aware, `monotonic` counts seconds and never jumps."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
