"""Soak-tests the exporter: does memory stay flat, and are all figures correct?

usage: python -m tests.soak [--minutes N] [--interval SECONDS] [--companies N] [--seed N]
                            [--tolerance FACTOR] [--folder FOLDER]

Prints a table and writes soak.json, soak-light.svg and soak-dark.svg to FOLDER. Exit status 1 if a curve grew, a figure
was wrong or a response incomplete.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.soak.result import SoakResult
from tests.soak.soak import Plan, run_soak


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between two polls")
    parser.add_argument("--companies", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--tolerance",
        type=float,
        default=1.0,
        help="allowed growth times this factor, for short runs that have not warmed up",
    )
    parser.add_argument("--folder", type=Path, default=Path("soaked"))
    arguments = parser.parse_args()
    plan = Plan(arguments.minutes * 60, arguments.interval, arguments.companies, arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        result = SoakResult.of(asyncio.run(run_soak(plan, Path(folder))), arguments.tolerance)
    result.save(arguments.folder)
    print(result.table())
    return 0 if result.passed else 1


if __name__ == "__main__":
    sys.exit(main())
