"""`make rules`: writes the alert rules and dashboards with the URLs of your documentation and your Grafana.

If a URL is not given, its links are removed from the rules, so that no link is broken. To replace URLs by hand:
`sed 's#https://example.org/chat-usage-exporter#DOCS_URL#'` and `sed 's#https://grafana.example.org#GRAFANA_URL#'`.

usage: VENV/bin/python -m tools.rules [--docs-url URL] [--grafana-url URL] [FOLDER]

FOLDER, build/ by default, gets alert_rules/ and grafana_dashboards/.
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
WRITTEN = ("alert_rules/**/*.yml", "grafana_dashboards/*.json", "grafana_dashboards/import/*.json")
DOCS, GRAFANA = "https://example.org/chat-usage-exporter", "https://grafana.example.org"


def linked(text: str, docs_url: str, grafana_url: str) -> str:
    """Returns rules with these URLs; if one is empty, its annotations are removed."""
    for key, example, url in (("runbook_url", DOCS, docs_url), ("dashboard_url", GRAFANA, grafana_url)):
        text = text.replace(example, url.rstrip("/")) if url else re.sub(rf"(?m)^ *{key}: .*\n", "", text)
    return text


def placed(text: str, docs_url: str) -> str:
    """Returns a dashboard with this URL in its links, if it is not empty. Links to other dashboards have no host."""
    return text.replace(DOCS, docs_url.rstrip("/")) if docs_url else text


def main() -> int:
    """Writes rules and dashboards; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.rules")
    parser.add_argument("--docs-url", default="")
    parser.add_argument("--grafana-url", default="")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("build"))
    given = parser.parse_args()
    for path in sorted(path for pattern in WRITTEN for path in ROOT.glob(pattern)):
        text = path.read_text()
        target = given.folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        is_rules = path.suffix == ".yml"
        target.write_text(linked(text, given.docs_url, given.grafana_url) if is_rules else placed(text, given.docs_url))
    return 0


if __name__ == "__main__":
    sys.exit(main())
