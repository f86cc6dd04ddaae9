"""What every test may ask for; refuses skips where PYTEST_ADDOPTS says so (CI)."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--forbid-skips", action="store_true", help="a skipped test is a failed one")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> object:
    """Turns a skip into a failure when `--forbid-skips` is given."""
    report = yield
    if item.config.getoption("--forbid-skips") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which --forbid-skips forbids: {report.longrepr[-1]}"
    return report


@pytest.fixture
def anyio_backend() -> str:
    """Coroutines under test run on asyncio, as in the program."""
    return "asyncio"
