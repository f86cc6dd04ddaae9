"""What is read of an answer of each report, in each way in which it may differ; cases/ has a table of each."""

import json
from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from exporter.domain.errors import ReportError
from exporter.domain.model import Days, Reading
from exporter.domain.scope import Scope
from exporter.platforms.api import Context
from exporter.platforms.paradigm.platform import REPORTS
from tests.platforms.answer_cases import CASES, Case

TODAY = date(2026, 3, 3)
DAYS = Days(date(2026, 2, 28), TODAY)


def read(case: Case) -> str:
    """Returns the text of what is read of the case's answer."""
    report = REPORTS[case.report]
    (request,) = report.plan(DAYS, Scope())
    try:
        reading = report.decode(case.body, request, Context("s", TODAY, ZoneInfo("UTC")))
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
    "case", [case for case in CASES if case.reading is not None], ids=lambda case: f"{case.report}-{case.id}"
)
def test_an_answer_is_read_exactly_so(case: Case) -> None:
    """The whole reading is compared, so nothing else is read."""
    assert case.reading == read(case)


def test_every_case_is_explained_and_one_id_means_the_same_in_all_reports() -> None:
    """The explanation stands with the case: `about`, in one sentence at least."""
    assert len({case.id for case in CASES}) == len({(case.id, case.about) for case in CASES})
    assert all(case.about.endswith(".") for case in CASES)
    assert len(CASES) == len({(case.report, case.id) for case in CASES})
    assert all(case.reading is not None or case.served is not None for case in CASES)
