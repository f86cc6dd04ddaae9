"""The real programs that tests of on-call ask for, of each suite of Debian."""

from pathlib import Path

import pytest

from tests.oncall.amtool import program
from tests.oncall.shipped import SUITES


@pytest.fixture(scope="session", params=SUITES)
def amtool(request: pytest.FixtureRequest) -> Path:
    """Returns amtool; a test that asks for it runs once per suite."""
    suite: str = request.param
    return program("amtool", suite)
