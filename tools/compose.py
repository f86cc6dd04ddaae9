"""`make compose`: writes config/compose/, the two files that only compose.yml uses; a test compares them.

usage: VENV/bin/python -m tools.compose
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from exporter.cli.demo import receiver
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.paradigm.world import World

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "config" / "compose"
SEED = 1
PLATFORM = "http://127.0.0.1:9855"
RECEIVER = "http://127.0.0.1:9097"
TEMPLATES = Path("/etc/alertmanager")
"""The folder in Alertmanager's container that contains config/alertmanager."""


def exporter() -> Mapping[str, object]:
    """Returns the exporter's configuration: both simulated platforms, polled often so that a change shows soon."""
    bot = Bots.from_seed(SEED).chatbots[0]
    return {
        "sources": {
            "demo": {"platform": "paradigm", "api_key": World.from_seed(SEED).keys.admin, **_often()},
            "demo-bot": {
                "platform": "chatcaptain",
                "api_key": bot.key,
                "chatbot_id": bot.id,
                "company": bot.habits.name,
                **_often(),
            },
        }
    }


def _often() -> Mapping[str, object]:
    return {"base_url": PLATFORM, "poll": {"interval": "1m", "timeout": "30s", "requests_per_minute": 6000}}


def alertmanager() -> Mapping[str, object]:
    """Returns the example's routes, with receivers that print the messages."""
    example = yaml.safe_load((ROOT / "config" / "alertmanager.example.yml").read_text())
    return receiver.delivering(example, TEMPLATES, RECEIVER)


FILES = {
    "exporter.yml": ("The exporter of compose.yml; its keys are valid only for the simulated platforms", exporter),
    "alertmanager.yml": ("config/alertmanager.example.yml with receivers that print messages", alertmanager),
}


def text(name: str) -> str:
    """Returns the contents of a file."""
    head, make = FILES[name]
    written = yaml.safe_dump(dict(make()), sort_keys=False, allow_unicode=True, width=10**9)
    return f"# {head}.\n# This file is generated: make compose.\n{written}"


def main() -> int:
    """Writes both files; returns the exit status."""
    for name in FILES:
        (FOLDER / name).write_text(text(name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
