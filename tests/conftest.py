"""What every test may ask for; refuses skips where PYTEST_ADDOPTS says so (CI)."""

from collections.abc import Callable, Generator
from typing import TypeVar

import pytest
from hypothesis import settings

AnyReport = TypeVar("AnyReport", pytest.TestReport, pytest.CollectReport)

settings.register_profile("here", deadline=None, max_examples=60)  # a deadline would judge the machine
settings.load_profile("here")

pytest_plugins = ["pytester"]  # tests/repository/test_conftest.py runs a pytest of its own


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--forbid-skips", action="store_true", help="a skipped test is a failed one")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turns the skip of a test into a failure when `--forbid-skips` is given."""
    return judge_skip((yield), item.config)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Does the same to a module that skips itself whole."""
    return judge_skip((yield), collector.config)


def judge_skip(report: AnyReport, config: pytest.Config) -> AnyReport:
    """Returns the report, failed if it is of a skip and `--forbid-skips` is given; an expected failure is no skip."""
    if config.getoption("--forbid-skips") and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped, which --forbid-skips forbids: {reason}"
    return report


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Takes a line with figures that a test found, to be read at the end of the run."""
    return lambda line: record_property("told", line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what tests told."""
    reports = [report for each in terminalreporter.stats.values() for report in each if hasattr(report, "when")]
    lines = [
        str(text)
        for report in reports
        if report.when == "call"
        for name, text in report.user_properties
        if name == "told"
    ]
    if lines:
        terminalreporter.section("told by tests")
        terminalreporter.write_line("\n".join(lines))


@pytest.fixture
def anyio_backend() -> str:
    """Coroutines under test run on asyncio, as in the program."""
    return "asyncio"
