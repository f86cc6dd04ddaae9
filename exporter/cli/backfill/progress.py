"""Shows a backfill's progress, rate and time left: a bar on a terminal, lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn

from exporter.backfill.backfill import Step
from exporter.cli import tables
from exporter.settings.readers import spoken

SILENCE_SECONDS = 10.0
"""Between two lines without a terminal; the first and the last piece always get one."""


def speed(step: Step, seconds: float) -> str:
    """Returns the rate of this run, which began `seconds` ago, and the time left: `0.9 requests/s, 7m50s left`."""
    if seconds <= 0:
        return ""
    rate = step.asked / seconds
    return f"{rate:.1f} requests/s, {spoken(timedelta(seconds=seconds_left(step, rate)))} left"


def seconds_left(step: Step, rate: float) -> float:
    """Returns how long the rest takes at this rate, or by the rate limit if that takes longer (it allows a burst)."""
    return max(step.left / rate, step.seconds_left)


@contextmanager
def progress(console: Console, monotonic: Callable[[], float]) -> Iterator[Callable[[Step], None]]:
    """Gives a function to call after each piece; days count once per report."""
    began, printed_at = monotonic(), float("-inf")
    with tables.progress(console, BarColumn(), MofNCompleteColumn()) as show:

        def report(step: Step) -> None:
            nonlocal printed_at
            now = monotonic()
            what, pace = f"{step.piece.source}: {step.piece.report}", speed(step, now - began)
            if console.is_terminal:
                show(f"{what}, {pace}", done=step.done, total=step.total)
            elif step.done >= step.total or now - printed_at >= SILENCE_SECONDS:
                printed_at = now
                show(f"{what} until {step.piece.days.last}; {step.done} of {step.total} days, {pace}")

        yield report
