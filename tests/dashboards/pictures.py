"""`make pictures`: takes screenshots of dashboards with a simulated installation in a real Prometheus.

usage: python -m tests.dashboards.pictures TOOLS SCRIPT FOLDER OTHERS    the pictures of docs, and those to look at
"""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import anyio

from tests.dashboards.prometheus import Tools, prometheus_with
from tests.dashboards.scenario import FORTY_DAYS, NOW, OUTAGE, STEP, Scenario

TIDY = {
    'order \\"status\\"': "Lieferstatus",
    '"2024"': '"Garantie"',
    "价格": "Preise",
    "back\\\\slash {curly}": "Reklamation",
    "two\\nlines": "Ersatzteile",
}
"""Names that test escaping, as in the exposition, and their replacement in screenshots."""
DAY = timedelta(days=1)
BEGIN = (NOW - FORTY_DAYS).replace(hour=0)
MOMENTS: Mapping[str, datetime] = {
    "day-1": BEGIN + timedelta(hours=20),
    "day-30": BEGIN + 30 * DAY + timedelta(hours=12),
    "outage": OUTAGE[1] - 2 * STEP,
    "weekend": (NOW - 5 * DAY).replace(hour=12),
}
"""Further moments of the same forty days."""
ON_A_PHONE = "day-30"
SIZES = (1, 400)
"""Number of companies of further installations with five days."""


def tidy(labels: str) -> str:
    for hard, easy in TIDY.items():
        labels = labels.replace(hard, easy)
    return labels


def take(tools: Tools, scenario: Scenario, moments: Mapping[Path, datetime], script: Path, *names: str) -> int:
    """Simulates a scenario and runs the script for each moment and its folder; returns the number of failed runs.

    Each has a Prometheus that holds nothing later: what a day's figure will be is not to be seen on that day.
    """
    anyio.run(scenario.run)
    simulation = {series._replace(labels=tidy(series.labels)): each for series, each in scenario.samples.items()}
    failed = 0
    for into, moment in moments.items():
        into.mkdir(parents=True, exist_ok=True)
        end = int(moment.timestamp())
        scenario.samples = {series: {at: each[at] for at in each if at <= end} for series, each in simulation.items()}
        scenario.clock.moment = moment + STEP
        with (
            tempfile.TemporaryDirectory(prefix="chat-usage-pictures-") as folder,
            prometheus_with(scenario, tools, Path(folder)) as prometheus,
        ):
            narrow = ("--narrow",) if into.name == ON_A_PHONE else ()
            asked = (*narrow, prometheus.url, str(end), str(int(STEP.total_seconds())), into)
            failed += subprocess.run(["node", script, *asked, *names], check=False).returncode != 0
    return failed


def main(folder_of_tools: Path, script: Path, folder: Path, others: Path) -> int:
    """Returns 1 if a panel could not be drawn."""
    tools = Tools(folder_of_tools / "prometheus", folder_of_tools / "promtool")
    moments = {folder: NOW, **{others / name: moment for name, moment in MOMENTS.items()}}
    failed = take(tools, Scenario(companies=20, lasts=FORTY_DAYS), moments, script)
    for companies in SIZES:
        scenario = Scenario(companies=companies, lasts=5 * DAY)
        failed += take(tools, scenario, {others / f"{companies}-companies": NOW}, script, "overview")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
