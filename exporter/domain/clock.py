"""The clocks, passed as an argument: only the edges of the program read one directly."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Time:
    """The clocks: `now` is aware, `monotonic` counts seconds and never jumps."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
