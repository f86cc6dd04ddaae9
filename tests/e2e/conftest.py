"""The real programs that tests here may ask for; a test is skipped where its program is missing."""

from pathlib import Path

import pytest

from tests.e2e import programs


@pytest.fixture(scope="session")
def prometheus() -> Path:
    """Returns the executable of Prometheus."""
    return programs.find("prometheus")


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Returns the executable of promtool."""
    return programs.find("promtool")
