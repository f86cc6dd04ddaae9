"""An environment without the operator's own settings, and a key that must never be seen."""

import logging
import os
from collections.abc import Iterator

import pytest

from exporter.cli.logs import LOUD_LIBRARIES

CANARY = "sk-CANARY-0123456789abcdef"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith(("CHAT_USAGE_", "PARADIGM_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "*")  # `demo` sets it; what monkeypatch has set it takes back


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Takes back what a command sets for its process."""
    root, libraries = logging.getLogger(), [logging.getLogger(name) for name in LOUD_LIBRARIES]
    handlers, levels = root.handlers[:], [each.level for each in (root, *libraries)]
    yield
    root.handlers[:] = handlers
    for logger, level in zip((root, *libraries), levels, strict=True):
        logger.setLevel(level)
