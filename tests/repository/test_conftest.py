"""`--forbid-skips`: in CI, a test that did not run is a failed one."""

from pathlib import Path

import pytest

SKIPPED_TESTS = """
import pytest

@pytest.fixture
def prometheus():
    pytest.skip("no prometheus for a fixture")

def test_asks_the_fixture(prometheus):
    pass

def test_skips_itself():
    pytest.skip("no prometheus for a test")

@pytest.mark.skip(reason="no prometheus for a marked test")
def test_is_marked():
    pass

@pytest.mark.xfail
def test_is_expected_to_fail():
    assert False
"""
SKIPPED_MODULE = """
import pytest

pytest.skip("no prometheus for a module", allow_module_level=True)
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """Returns an empty suite that has our conftest."""
    pytester.makeconftest((Path(__file__).parents[1] / "conftest.py").read_text())
    return pytester


def test_a_skip_is_a_failure_that_keeps_its_reason(suite: pytest.Pytester) -> None:
    """However a test is skipped, it counts as failed and says why it did not run; an expected failure did run."""
    suite.makepyfile(SKIPPED_TESTS)

    result = suite.runpytest_inprocess("--forbid-skips")

    result.assert_outcomes(failed=1, errors=2, xfailed=1)
    said = "*skipped, which --forbid-skips forbids: *no prometheus for a "
    result.stdout.fnmatch_lines_random([f"{said}fixture*", f"{said}test*", f"{said}marked test*"])


def test_a_module_that_skips_itself_is_a_failure(suite: pytest.Pytester) -> None:
    """A whole module cannot slip away either."""
    suite.makepyfile(SKIPPED_MODULE)

    result = suite.runpytest_inprocess("--forbid-skips")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines("*skipped, which --forbid-skips forbids: *no prometheus for a module*")


def test_a_skip_is_a_skip_elsewhere(suite: pytest.Pytester) -> None:
    """Without the option nothing changes."""
    suite.makepyfile(test_some=SKIPPED_TESTS, test_module=SKIPPED_MODULE)

    suite.runpytest_inprocess().assert_outcomes(skipped=4, xfailed=1)
