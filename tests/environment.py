"""Environment variables for commands under test, without this machine's configuration, proxy or terminal."""

import os
from collections.abc import Mapping

import pytest

EXPORTER_PREFIXES = ("CHAT_USAGE_", "PARADIGM_")
TERMINAL = ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")  # make Rich treat any stream as a terminal


def plain() -> Mapping[str, str]:
    """Returns the environment without variables that could change the result of a test."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(EXPORTER_PREFIXES) and name not in TERMINAL
    }
    return {**kept, "NO_PROXY": "*"}


def clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Applies it to this process until the test ends."""
    for name in os.environ.keys() - plain().keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "*")
