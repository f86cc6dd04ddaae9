"""The text that arrives of each alert that is on by default, in every channel: a golden file that a person has read.

What the rules make of a breach is proven by `tests/alert_rules/test_laws.py`; here it goes through the templates.
Write the file anew: `VENV/bin/python -m tests.oncall.test_delivered AMTOOL > tests/oncall/delivered.txt`.
"""

import json
import sys
import tempfile
from pathlib import Path

import pytest

from tests.alert_rules.laws import LAWS, Law
from tests.alert_rules.promtool import FILES, fired
from tests.oncall import shipped
from tests.oncall.amtool import program, rendered
from tests.oncall.test_templates import notification

pytestmark = pytest.mark.e2e

GOLDEN = Path(__file__).parent / "delivered.txt"
CHANNELS = (
    *("slack.title", "slack.text", "teams.title", "teams.text", "text"),
    *("pagerduty.description", "pagerduty.firing", "jsm.message"),
)
ON = "".join(file.read_text() for file in FILES if file.parent.name == "alert_rules")
TEXT = "".join(f'\n[{name}]\n{{{{ template "chat_usage.{name}" . }}}}' for name in CHANNELS)


def delivered(amtool: Path, law: Law, folder: Path) -> str:
    """Returns what arrives of the breach of a law, channel by channel."""
    alert = fired(law.alert, law.fires, law.value, law.texts)
    labels = {"alertname": law.alert, **alert["exp_labels"]}
    data = notification({"status": "firing", "labels": labels, "annotations": alert["exp_annotations"],
                         "startsAt": "2026-11-20T07:10:00Z", "endsAt": "0001-01-01T00:00:00Z"})  # fmt: skip
    file = folder / "notification.json"
    file.write_text(json.dumps(data))
    return f"=== {law.name}\n{rendered(amtool, shipped.TEMPLATES, TEXT, file)}\n"


def everything(amtool: Path, folder: Path) -> str:
    """Returns the texts of all alerts that are on by default."""
    found = {law.name: law for law in LAWS if f"alert: {law.alert}\n" in ON}
    return "".join(delivered(amtool, law, folder) for law in found.values())


def test_texts_arrive_as_they_were_read(tmp_path: Path) -> None:
    assert everything(program("amtool", "trixie"), tmp_path) == GOLDEN.read_text("utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        sys.stdout.write(everything(Path(sys.argv[1]), Path(made)))
