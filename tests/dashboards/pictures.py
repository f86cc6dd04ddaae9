"""`make pictures`: forty days of twenty companies in a real Prometheus, and what a command does while it runs.

usage: python -m tests.dashboards.pictures TOOLS COMMAND... {} ...    {} becomes URL, moment and scrape interval
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import anyio

from tests.dashboards.story import FORTY_DAYS, STEP, Story
from tests.dashboards.tsdb import Tools, filled

TIDY = {
    'order \\"status\\"': "Lieferstatus",
    '"2024"': '"Garantie"',
    "价格": "Preise",
    "back\\\\slash {curly}": "Reklamation",
    "two\\nlines": "Ersatzteile",
}
"""Names that are there to try what is hard to write, as the page writes them, and what readers see in a picture."""


def tidy(labels: str) -> str:
    for hard, easy in TIDY.items():
        labels = labels.replace(hard, easy)
    return labels


def main(folder_of_tools: Path, command: list[str]) -> int:
    """Returns the exit status of the command."""
    tools = Tools(folder_of_tools / "prometheus", folder_of_tools / "promtool")
    story = Story(companies=20, lasts=FORTY_DAYS)
    anyio.run(story.live)
    story.samples = {series._replace(labels=tidy(series.labels)): each for series, each in story.samples.items()}
    with (
        tempfile.TemporaryDirectory(prefix="chat-usage-pictures-") as folder,
        filled(story, tools, Path(folder)) as past,
    ):
        span = (past.url, str(int(past.now.timestamp())), str(int(STEP.total_seconds())))
        whole = [each for word in command for each in (span if word == "{}" else (word,))]
        return subprocess.run(whole, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
