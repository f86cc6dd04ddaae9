"""`make rules`: writes the alert rules with the addresses of your documentation and of your Grafana.

An address that is not given takes its links away, so that no text has a link that leads nowhere. By hand:
`sed 's#https://example.org/chat-usage-exporter#DOCS_URL#'` and `sed 's#https://grafana.example.org#GRAFANA_URL#'`.

usage: VENV/bin/python -m tools.rules [--docs-url URL] [--grafana-url URL] [FOLDER]
"""

import argparse
import re
import sys
from pathlib import Path

RULES = Path(__file__).parents[1] / "alert_rules"
DOCS, GRAFANA = "https://example.org/chat-usage-exporter", "https://grafana.example.org"


def linked(text: str, docs_url: str, grafana_url: str) -> str:
    """Returns rules with these addresses; an empty one takes away the annotations that would have it."""
    for key, example, url in (("runbook_url", DOCS, docs_url), ("dashboard_url", GRAFANA, grafana_url)):
        text = text.replace(example, url.rstrip("/")) if url else re.sub(rf"(?m)^ *{key}: .*\n", "", text)
    return text


def main() -> int:
    """Writes the rules; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.rules")
    parser.add_argument("--docs-url", default="")
    parser.add_argument("--grafana-url", default="")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("build/alert_rules"))
    given = parser.parse_args()
    for path in sorted(RULES.rglob("*.yml")):
        target = given.folder / path.relative_to(RULES)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(linked(path.read_text(), given.docs_url, given.grafana_url))
    return 0


if __name__ == "__main__":
    sys.exit(main())
