"""Results of measurements: figures with their promised bounds, as a table and as JSON."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table


class Figure(NamedTuple):
    """One measured value: `what`, for how many `companies`, in `unit`, with the bounds `at_most` or `at_least`."""

    what: str
    companies: int
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def holds(self) -> bool:
        """Returns whether the value is within its bound; true without one."""
        return (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )

    @property
    def bound(self) -> str:
        """The bound as text; empty without one."""
        if self.at_most is not None:
            return f"at most {_short(self.at_most)}"
        return f"at least {_short(self.at_least)}" if self.at_least is not None else ""


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 three significant digits


def show(figures: Sequence[Figure], console: Console) -> None:
    """Prints a table: a line per figure, a column per number of companies."""
    sizes = sorted({figure.companies for figure in figures})
    table = Table("", *(f"{size:,} companies" for size in sizes), "", "promised", box=None, pad_edge=False)
    for column in table.columns[1 : len(sizes) + 1]:
        column.justify = "right"
    for what in dict.fromkeys(figure.what for figure in figures):
        found = {figure.companies: figure for figure in figures if figure.what == what}
        cells = (_cell(found[size]) if size in found else "" for size in sizes)
        promised = "; ".join(
            f"{figure.bound} ({size:,}): {'holds' if figure.holds else 'MISSED'}"
            for size, figure in sorted(found.items())
            if figure.bound
        )
        table.add_row(what, *cells, next(iter(found.values())).unit, promised)
    console.print(table)


def _cell(figure: Figure) -> str:
    return _short(figure.value)


def write(figures: Iterable[Figure], path: Path) -> None:
    """Writes figures as JSON: a list of objects."""
    rows = [{**figure._asdict(), "holds": figure.holds} for figure in figures]
    path.write_bytes(msgspec.json.format(msgspec.json.encode(rows)) + b"\n")
