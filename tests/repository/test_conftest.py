"""`--forbid-skips`: in CI, a test that did not run is a failed one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

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
MARKED_TESTS = """
import pytest

def test_needs_nothing():
    pass

@pytest.mark.e2e
def test_starts_a_program():
    pass

@pytest.mark.e2e
@pytest.mark.alone
def test_measures_time():
    pass
"""
SKIPPED_MODULE = """
import pytest

pytest.skip("no prometheus for a module", allow_module_level=True)
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Iterator[pytest.Pytester]:
    """Returns an empty suite that has our conftest, which loads its own profile of hypothesis into this process."""
    profile = settings.get_current_profile_name()
    pytester.makeconftest((Path(__file__).parents[1] / "conftest.py").read_text())
    yield pytester
    settings.load_profile(profile)


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


def test_what_is_left_out_is_said_last(suite: pytest.Pytester) -> None:
    """With the command that brings it, also where workers ran the tests."""
    suite.makeini("[pytest]\nmarkers = e2e\n    alone")
    suite.makepyfile(MARKED_TESTS)

    for workers in ("0", "2"):
        result = suite.runpytest_inprocess("-n", workers, "-m", "not e2e and not alone")

        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines("left out: 1 tests that start real programs, 1 tests by the clock: make test-all")
