"""Prints tables and progress: with Rich on a terminal, as plain lines elsewhere; nothing is cut off."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, TextColumn
from rich.table import Column, Table
from rich.text import Text

LongColumn = partial(Column, overflow="fold")
"""A column whose texts are folded first; the heading of any column may be hyphenated."""
ShortColumn = partial(LongColumn, no_wrap=True)
NumberColumn = partial(ShortColumn, justify="right")


def show(console: Console, title: str, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    console.print()
    if console.is_terminal:
        fresh = (column.copy() for column in columns)
        table = Table(*fresh, box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="underline")
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(Text(title, style="bold"))
        console.print(table)
        return
    say(console, title)
    lines = [[str(column.header).replace("-\n", "") for column in columns], *rows]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        padded = (
            f"{cell:>{width}}" if column.justify == "right" else f"{cell:{width}}"
            for column, cell, width in zip(columns, line, widths, strict=True)
        )
        say(console, "  ".join(padded).rstrip())


def say(console: Console, text: str) -> None:
    """Prints text; lines are wrapped only on a terminal."""
    console.print(Text(text), soft_wrap=not console.is_terminal)


@contextmanager
def progress(console: Console, *columns: ProgressColumn, transient: bool = True) -> Iterator[Callable[..., None]]:
    """Gives a function that shows a text and `done` of `total`: a bar on a terminal, lines elsewhere."""
    shown = SpinnerColumn(), TextColumn("{task.description}", markup=False), *columns
    with Progress(*shown, console=console, transient=transient, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def show(words: str | None = None, *, done: int | None = None, total: int | None = None) -> None:
            bar.update(task, description=words, completed=done, total=total)
            if words and not console.is_terminal:
                say(console, words)

        yield show
