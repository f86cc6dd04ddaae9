"""What every test may ask for; refuses skips where PYTEST_ADDOPTS says so (CI)."""

import sys
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import settings

# httpx looks for it at each simulated request, and an import in vain costs a fifth of that
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]  # None ends the import at once

AnyReport = TypeVar("AnyReport", pytest.TestReport, pytest.CollectReport)

settings.register_profile("all", deadline=None, max_examples=60)  # a deadline would judge the machine
settings.register_profile("quick", settings.get_profile("all"), max_examples=15)  # of `make test`
settings.load_profile("all")

KINDS = {"alone": "by the clock", "e2e": "that start real programs"}
LEFT_OUT = pytest.StashKey[Counter[str]]()
"""How many tests of each kind were deselected."""

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


def pytest_configure(config: pytest.Config) -> None:
    """Begins to count what is left out."""
    config.stash[LEFT_OUT] = Counter()


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Counts what is left out; a test by the clock counts as that alone."""
    for item in items:
        kinds = [kind for marker, kind in KINDS.items() if item.get_closest_marker(marker)]
        item.config.stash[LEFT_OUT].update(kinds[:1])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hands the counts of a worker to the process that prints; each worker has the same."""
    if hasattr(session.config, "workeroutput"):
        counted: Counter[str] = session.config.stash[LEFT_OUT]
        session.config.workeroutput["left_out"] = dict(counted)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes the counts of a worker."""
    counted = node.config.stash[LEFT_OUT] | Counter(getattr(node, "workeroutput", {}).get("left_out", {}))
    node.config.stash[LEFT_OUT] = counted


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Prints what tests told, why tests were skipped, a line for each reason, and last what was left out."""
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
    skips = [report.longrepr for report in terminalreporter.stats.get("skipped", ())]
    for reason, number in Counter(skip[-1] for skip in skips if isinstance(skip, tuple)).items():
        terminalreporter.write_line(f"skipped: {number} tests: {reason.removeprefix('Skipped: ')}")
    left_out = [f"{number} tests {kind}" for kind, number in config.stash[LEFT_OUT].items()]
    if left_out and config.option.markexpr:
        terminalreporter.write_line(f"left out: {', '.join(left_out)}: make test-all")


@pytest.fixture
def anyio_backend() -> str:
    """Coroutines under test run on asyncio, as in the program."""
    return "asyncio"
