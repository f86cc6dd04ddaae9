"""The recipe in docs/http-api.md works as documented."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.app.process import serving
from exporter.domain.model import Column, Days, Reading, Row
from exporter.domain.threads import Worker
from exporter.metrics.daily import DailyFigure, DayState, Evidence
from exporter.platforms.paradigm.platform import QUERIES
from exporter.simulator.paradigm.world import MODES
from exporter.web.api.query import PARAMETERS
from exporter.web.api.write import COLUMNS
from exporter.web.app import create_app
from exporter.web.server.server import listen, url
from tests.pipeline.pipeline import utc
from tests.web.api_client import board_with
from tests.web.web_context import web_context

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[2] / "docs" / "http-api.md"
NOON = utc(2026, 11, 20, 12)


def first_cells() -> set[str]:
    """Returns every word in code that begins a line of a table."""
    cells = re.findall(r"^\| (`.*?) \|", PAGE.read_text(), re.MULTILINE)
    return {word for cell in cells for word in re.findall("`(.*?)`", cell)}


def test_each_parameter_field_and_state_is_explained() -> None:
    words = {*PARAMETERS, *COLUMNS, *DailyFigure.__struct_fields__, *DayState}
    assert words <= first_cells()
    assert all(f"`{each}`" in PAGE.read_text() for each in Evidence)


async def ran(number: int, python: str | Path) -> str:
    """Returns the output of a documented recipe for two complete days of 600 companies and today."""
    names = {str(number): f"Company {number}" for number in range(1, 600)} | {"600": "Two\nlines, Inc."}
    held = Days(NOON.date().replace(day=18), NOON.date())
    rows = tuple(
        Row(mode, day, each, {Column(QUERIES.family, (mode,)): 10.0 + len(mode)})
        for mode in MODES
        for day in held
        for each in names
    )
    board, worker = board_with(Reading(names, frozenset(MODES), rows), held, NOON), Worker("readers")
    app = create_app(web_context(board, worker))
    recipe = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)[number]
    with listen("127.0.0.1:0", "test") as listening:
        code = recipe.replace("http://exporter:9854", url(listening))
        assert code != recipe
        async with serving(app, listening):
            done = await asyncio.to_thread(
                lambda: subprocess.run([python, "-c", code], capture_output=True, timeout=60, check=False)
            )
    worker.close()
    assert done.stderr == b""
    return done.stdout.decode()


async def test_the_recipe_adds_up_modes_on_complete_days() -> None:
    """It reads all pages; line ends and commas in names do not break a line."""
    lines = await ran(1, sys.executable)
    assert lines.count("\t19.0\n" if len(MODES) == 1 else "\t29.0\n") == 2 * 600
    assert "2026-11-18\tTwo\nlines, Inc.\t29.0\n" in lines
    assert "2026-11-20" not in lines


@pytest.mark.e2e
async def test_the_recipe_of_pandas_has_a_row_for_each_complete_day() -> None:
    """With the release that requirements/pandas.lock names, which .ci/run installs."""
    python = PAGE.parents[1] / ".tools" / "pandas" / "bin" / "python"
    if not python.exists():
        pytest.skip("pandas not found: tools/venv .tools/pandas pandas")
    lines = (await ran(0, python)).splitlines()
    assert [line.split()[0] for line in lines if line.startswith("2026")] == ["2026-11-18", "2026-11-19"]
    assert {float(line.split()[1]) for line in lines if line.startswith("2026")} == {29.0}
