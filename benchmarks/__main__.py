"""Measures, prints a table, writes JSON; exit status 1 if a bound is missed.

The bounds are the promised ones. With --short, which CI runs on machines of any speed, they are the ratios of
expected.json, memory, and no failed scrape.

usage: python -m benchmarks [--short] [--companies N,N] [--json FILE] [--record]
       python -m benchmarks --history DAYS [--companies N] [--json FILE]
"""

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from benchmarks import imports, live, past, polls, stages
from benchmarks.figure import Figure, show, write

EXPECTED = Path(__file__).with_name("expected.json")
SLACK = 0.7
"""Least allowed share of an expected ratio: two runs on a busy machine differ by so much."""
RATIO = "ratio: "
STEADY = (live.PEAK, live.PEAK_AFTER, live.FAILED, live.USUAL)
GROWTH_FROM, GROWTH = 100, "growth: exponent of a poll's cost by companies"
TIMES = f"growth: a poll's cost against that of {live.MANY:,} companies"
SIZES, SHORT_SIZES = (20, 100, 1000, 10_000), (100, 1000)


def measured(sizes: Sequence[int], *, short: bool) -> Iterator[Figure]:
    """Yields all figures as soon as they are measured."""
    totals: dict[int, float] = {}
    yield from imports.measure()
    for companies in sizes:
        found = stages.measure(companies)
        totals[companies] = found.total
        yield from stages.figures(companies, found)
        for figure in polls.measure(companies):
            yield figure
            if figure.what == polls.STEADY:
                yield Figure(
                    RATIO + "json.loads / steady poll", companies, found.others["json"] * 1000 / figure.value, "x"
                )
    if GROWTH_FROM in totals and (largest := max(totals)) > GROWTH_FROM:
        exponent = math.log(totals[largest] / totals[GROWTH_FROM]) / math.log(largest / GROWTH_FROM)
        yield Figure(GROWTH, largest, exponent, "", at_most=1.1)
    if live.MANY in totals and live.MOST in totals:
        yield Figure(TIMES, live.MOST, totals[live.MOST] / totals[live.MANY], "x")
    for companies in sizes:
        yield from past.month(companies)
        if companies != GROWTH_FROM:
            many = companies == live.MANY
            yield from live.measure(companies, 0.0 if short else 20.0, (5.0 if short else 60.0) if many else 0.0)


def against(expected: dict[str, float], figures: Sequence[Figure]) -> list[Figure]:
    """Returns the figures that the machine's speed does not affect: ratios with expected bounds, memory, failures."""
    judged = [
        figure._replace(at_least=expected[key] * SLACK, at_most=None)
        for figure in figures
        if (key := f"{figure.what} ({figure.companies})") in expected
    ]
    if len(judged) < len(expected):
        raise SystemExit(f"{EXPECTED.name} has ratios that were not measured: update it with --record")
    return [*judged, *(each for each in figures if each.bound and each.what.endswith(STEADY))]


def record(figures: Sequence[Figure]) -> None:
    """Writes the measured ratios as the expected ones."""
    ratios = (each for each in figures if each.what.startswith(RATIO) and each.companies == live.MANY)
    found = {f"{each.what} ({each.companies})": round(each.value, 2) for each in ratios}
    EXPECTED.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")


def main() -> int:
    """Runs the benchmarks that the options select; returns the exit status."""
    options = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    options.add_argument("--short", action="store_true", help="check only ratios, memory and failures")
    options.add_argument("--record", action="store_true", help="write expected.json")
    options.add_argument("--companies", help="sizes, as in 20,1000")
    options.add_argument("--history", type=int, metavar="DAYS", help="measure only a backfill of this many days")
    options.add_argument("--json", type=Path, default=Path("benchmark.json"), help="file to write the figures to")
    given = options.parse_args()
    sizes = [int(size) for size in given.companies.split(",")] if given.companies else ()
    figures: list[Figure] = []
    console = Console(width=140)
    wanted = (
        past.measure(sizes[0] if sizes else live.MANY, given.history)
        if given.history
        else measured(sizes or (SHORT_SIZES if given.short else SIZES), short=given.short)
    )
    for figure in wanted:
        figures.append(figure)
        print(f"{figure.what} ({figure.companies}): {figure.value:.3f} {figure.unit}", file=sys.stderr)
    if given.record:
        record(figures)
    judged = against(msgspec.json.decode(EXPECTED.read_bytes()), figures) if given.short else figures
    show(judged if given.short else figures, console)
    write(figures, given.json)
    missed = [figure for figure in judged if not figure.holds]
    for figure in missed:
        console.print(f"MISSED: {figure.what} ({figure.companies}): {figure.value:.3g} {figure.unit}, {figure.bound}")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
