"""Prints tables and progress: with Rich on a terminal, as plain lines elsewhere; nothing is cut off."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

GAP = "  "


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column; `number` is aligned right, `long` texts are folded first; a heading may be hyphenated."""

    heading: str
    number: bool = False
    long: bool = False


def show(console: Console, title: str, columns: Sequence[TableColumn], rows: Sequence[Sequence[str]]) -> None:
    console.print()
    if console.is_terminal:
        console.print(Text(title, style="bold"))
        console.print(_table(columns, rows))
        return
    headings = [column.heading.replace("-\n", "") for column in columns]
    for line in (title, *_lines(columns, [headings, *rows])):
        say(console, line)


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


def _table(columns: Sequence[TableColumn], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="underline")
    for column in columns:
        table.add_column(
            Text(column.heading),
            justify="right" if column.number else "left",
            no_wrap=not column.long,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _lines(columns: Sequence[TableColumn], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(columns))]
    for row in rows:
        cells = zip(columns, row, widths, strict=True)
        padded = (cell.rjust(width) if column.number else cell.ljust(width) for column, cell, width in cells)
        yield GAP.join(padded).rstrip()
