"""What is read of an answer of each report that docs/platform-apis.md knows a trap in, as a folder.

A case holds `body.json`, the bytes of the answer asked on Tuesday 2026-03-03 for 2026-02-28 to 2026-03-03, and
`reading.txt`: how decoding ends, what was odd (fields of drift by path, rows of violations), and each figure.
"""

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from exporter.domain.errors import ReportError
from exporter.domain.model import Days, Reading
from exporter.domain.scope import Scope
from exporter.platforms.api import Context
from exporter.platforms.paradigm.platform import REPORTS

CASES = Path(__file__).parent / "cases"
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "platform-apis.md"
TODAY = date(2026, 3, 3)
DAYS = Days(date(2026, 2, 28), TODAY)


def read(case: Path) -> str:
    """Returns the text of what is read of the case's answer."""
    report = REPORTS[case.parent.name]
    (request,) = report.plan(DAYS, Scope())
    try:
        reading = report.decode((case / "body.json").read_bytes(), request, Context("s", TODAY, ZoneInfo("UTC")))
    except ReportError as error:
        return f"# {error.outcome}: {error}\n"
    return "\n".join(["# ok", *oddities(reading), *sorted(figures(reading))]) + "\n"


def oddities(reading: Reading) -> Iterator[str]:
    """Yields a line for each odd field, and for each invariant with the number of rows that break it."""
    for kind, paths in sorted(reading.drift.items()):
        yield from (f"# {kind} {path}" for path in sorted(paths))
    for invariant, rows in sorted(reading.violations.items()):
        yield f"# {invariant} {rows}"
    if reading.outside_range:
        yield f"# outside_range {reading.outside_range}"


def figures(reading: Reading) -> Iterator[str]:
    """Yields a line for each figure, and one for a row without any."""
    for row in reading.rows:
        head = f"{row.day} {row.company_id} {json.dumps(reading.names[row.company_id])} {row.part}"
        for column, value in row.figures.items():
            label = f"{{{json.dumps(column.label_values[0])}}}" if column.label_values else ""
            yield f"{head} {column.family}{label} {value}"
        if not row.figures:
            yield f"{head} nothing"


@pytest.mark.parametrize(
    "case",
    sorted(path.parent for path in CASES.glob("*/*/reading.txt")),
    ids=lambda case: f"{case.parent.name}-{case.name}",
)
def test_an_answer_is_read_exactly_so(case: Path) -> None:
    """The whole reading is compared, so nothing else is read."""
    assert (case / "reading.txt").read_text(encoding="utf-8") == read(case)


def test_every_case_is_explained_and_every_explanation_has_a_case() -> None:
    """The ids in the tables of docs/platform-apis.md are the folders; one id means the same in all reports."""
    explained = re.findall(r"^\| `([a-z0-9-]+)` \|", DOCUMENTATION.read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(explained) == sorted({case.parent.name for case in CASES.glob("*/*/body.json")})
