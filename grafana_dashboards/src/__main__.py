"""Writes all dashboards into a folder: `python -m grafana_dashboards.src grafana_dashboards`."""

import sys
from collections.abc import Mapping
from pathlib import Path

from grafana_dashboards.src import alert_tuning, bots, company, exporter, overview, quality
from grafana_dashboards.src.finish import finished, importable, written
from grafana_dashboards.src.frame import PREFIX

DRAFTS = (overview.draft, company.draft, quality.draft, alert_tuning.draft, exporter.draft, bots.draft)


def files() -> Mapping[str, str]:
    """Returns the text of each file by its path in the folder: for provisioning, and in import/ for import by hand."""
    found = {}
    for draft in DRAFTS:
        made = draft()
        text = written(finished(made))
        found[f"{PREFIX}-{made.name}.json"] = text
        found[f"import/{PREFIX}-{made.name}.json"] = importable(text)
    return found


def main(folder: Path) -> None:
    """Writes what differs."""
    for path, text in files().items():
        target = folder / path
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
