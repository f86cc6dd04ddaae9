"""Shows how far a back-fill is, how fast it goes and how long it will take: a bar on a terminal, lines elsewhere."""

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


class BackfillSpeed:
    """How fast this run is, by `monotonic` seconds since it was made; what earlier runs did does not count."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._began = monotonic()

    def words(self, step: Step) -> str:
        """Says the rate and the time left: `0.9 requests/s, 7m50s left`."""
        seconds = self._monotonic() - self._began
        if seconds <= 0:
            return ""
        rate = step.asked / seconds
        return f"{rate:.1f} requests/s, {spoken(timedelta(seconds=seconds_left(step, rate)))} left"


def seconds_left(step: Step, rate: float) -> float:
    """Returns how long the rest takes at this rate, but no faster than sources may be asked: that begins by a burst."""
    return max(step.left / rate, step.seconds_left)


@contextmanager
def progress(console: Console, monotonic: Callable[[], float]) -> Iterator[Callable[[Step], None]]:
    """Gives what is called after each piece; days count once for each report."""
    speed = BackfillSpeed(monotonic)
    if not console.is_terminal:
        yield _lines(speed, console, monotonic)
        return
    with tables.progress(console, BarColumn(), MofNCompleteColumn()) as show:
        yield lambda step: show(
            f"{step.piece.source}: {step.piece.report}, {speed.words(step)}", done=step.done, total=step.total
        )


def _lines(speed: BackfillSpeed, console: Console, monotonic: Callable[[], float]) -> Callable[[Step], None]:
    """Makes what prints the first and the last piece, and between them one in a while."""
    printed_at = float("-inf")

    def show(step: Step) -> None:
        nonlocal printed_at
        words = speed.words(step)
        if step.done < step.total and monotonic() - printed_at < SILENCE_SECONDS:
            return
        printed_at = monotonic()
        source, report, days = step.piece
        tables.say(console, f"{source}: {report} until {days.last}; {step.done} of {step.total} days, {words}")

    return show
