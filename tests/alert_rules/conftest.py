"""promtool of the oldest, the usual and the newest Prometheus that the rules are for."""

import pytest

from tests.oncall.amtool import program
from tests.oncall.shipped import SUITES


@pytest.fixture(params=SUITES)
def promtool(request: pytest.FixtureRequest) -> str:
    """Returns promtool; a test that asks for it runs once per suite."""
    suite: str = request.param
    return str(program("promtool", suite))
