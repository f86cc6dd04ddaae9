"""Soaks the exporter and says whether it stayed flat and right.

usage: python -m tests.soak [--minutes N] [--interval SECONDS] [--companies N] [--seed N]
                            [--tolerance FACTOR] [--folder FOLDER]

Prints a table; leaves soak.json and the curves as soak-light.svg and soak-dark.svg in FOLDER. Exit status 1 if a curve
was not flat, a figure wrong or an answer incomplete.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.soak.report import Report
from tests.soak.soak import Plan, soak


def main() -> int:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between two polls")
    parser.add_argument("--companies", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tolerance", type=float, default=1.0, help="a short soak has not warmed up: allow more")
    parser.add_argument("--folder", type=Path, default=Path("soaked"))
    given = parser.parse_args()
    plan = Plan(given.minutes * 60, given.interval, given.companies, given.seed)
    with tempfile.TemporaryDirectory() as folder:
        report = Report.of(asyncio.run(soak(plan, Path(folder))), given.tolerance)
    report.save(given.folder)
    print(report.table())
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
