"""The environment of a command under test: nothing that the machine has configured, no proxy, no terminal."""

import os
from collections.abc import Mapping

import pytest

OURS = ("CHAT_USAGE_", "PARADIGM_")
TERMINAL = ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")  # with them Rich takes any stream for a terminal


def plain() -> Mapping[str, str]:
    """Returns the machine's environment without what would change the outcome of a test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS) and name not in TERMINAL}
    return {**kept, "NO_PROXY": "*"}


def clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the environment of this process such a one until the test ends."""
    for name in os.environ.keys() - plain().keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "*")
