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
"""Between two lines, where there is no terminal."""


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
    """Gives a function to call after each piece; days count once for each report."""
    began = monotonic()
    if not console.is_terminal:
        yield _lines(console, began, monotonic)
        return
    with tables.progress(console, BarColumn(), MofNCompleteColumn()) as show:
        yield lambda step: show(
            f"{step.piece.source}: {step.piece.report}, {speed(step, monotonic() - began)}",
            done=step.done,
            total=step.total,
        )


def _lines(console: Console, began: float, monotonic: Callable[[], float]) -> Callable[[Step], None]:
    """Prints the first and the last piece, and one in a while between them."""
    printed_at = float("-inf")

    def show(step: Step) -> None:
        nonlocal printed_at
        now = monotonic()
        if step.done < step.total and now - printed_at < SILENCE_SECONDS:
            return
        printed_at = now
        source, report, days = step.piece
        so_far = f"{step.done} of {step.total} days, {speed(step, now - began)}"
        tables.say(console, f"{source}: {report} until {days.last}; {so_far}")

    return show
