"""Fixtures: paths of real programs; a test is skipped if its program is missing."""

from pathlib import Path

import pytest

from tests.e2e import programs


@pytest.fixture(scope="session")
def prometheus() -> Path:
    """Returns the path of Prometheus."""
    return programs.find("prometheus")


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Returns the path of promtool."""
    return programs.find("promtool")
