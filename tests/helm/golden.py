"""`make chart-golden`: writes what the chart renders, file by file; a test compares.

usage: VENV/bin/python -m tests.helm.golden
"""

import re
import sys
from pathlib import Path

from tests.helm.charts import CASES, rendered, values

FOLDER = Path(__file__).parent / "golden"


def wanted(case: str) -> str:
    """Returns what a value file comes to, with the names of dashboards in the place of their text.

    Helm 4 ends each manifest with an empty line, Helm 3 does not; that is all they differ in.
    """
    text = re.sub(r"\n+(?=---\n|\Z)", "\n", rendered("--values", values(case)))
    return re.sub(r"^(  \S+-dashboard-\S+\.json): .*$", r"\1: (the file)", text, flags=re.MULTILINE)


def main() -> int:
    """Writes them all anew; returns the exit status."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for case in CASES:
        (FOLDER / f"{case}.yaml").write_text(wanted(case))
    return 0


if __name__ == "__main__":
    sys.exit(main())
