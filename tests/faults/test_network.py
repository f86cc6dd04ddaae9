"""Network faults are counted under their outcome, and no figure served during or after them is wrong."""

from collections.abc import Callable

import pytest

from tests.faults.proxies import Case, cases
from tests.faults.scenario import STEADY, ScenarioResult, run_scenario
from tests.faults.scrape_checker import REPORTS, WRONG, ReportKey

pytestmark = [pytest.mark.e2e, pytest.mark.once]

MAX_MORE_FILES = 3
MAX_MORE_MIB = 64
MAX_SCRAPE_S = 5.0
START, FAULT, AFTER = range(3)
"""The stages of the scenario; each has expected figures of its own."""


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> ScenarioResult:
    """Runs all faults at once; takes two minutes, since the shortest poll interval is one minute."""
    return run_scenario(tmp_path_factory.mktemp("faults"))


def stages_shown(result: ScenarioResult, source: str, stage: str) -> set[int]:
    """Returns the stages whose figures a source showed during a stage, or `WRONG`."""
    return {seen.matched for seen in result.checker.observations if (seen.stage, seen.key.source) == (stage, source)}


@pytest.fixture(params=cases(), ids=lambda case: case.id)
def case(request: pytest.FixtureRequest, result: ScenarioResult) -> Case:
    """Returns each case, unless it cannot run on this machine."""
    found: Case = request.param
    if found.source not in {each.source for each in result.cases}:
        pytest.skip("a DNS server for one process takes root, unshare and mount")
    return found


def test_a_fault_is_counted_under_its_outcome(result: ScenarioResult, case: Case) -> None:
    """Of every report, and under no other outcome."""
    for report in REPORTS:
        outcomes = result.outcomes[ReportKey(case.source, report)]
        assert outcomes & case.fault.outcomes, result.logged_failures(case.source)
        assert outcomes <= case.fault.outcomes | {"skipped"}, result.logged_failures(case.source)


def test_no_figure_is_wrong_during_a_fault(result: ScenarioResult, case: Case) -> None:
    """The figures of the last good poll remain, unless the fault lets a poll succeed."""
    allowed = {START, FAULT} if "ok" in case.fault.outcomes else {START}
    assert stages_shown(result, case.source, "fault") <= allowed
    assert START in stages_shown(result, case.source, "fault")


def test_the_next_good_poll_gives_correct_figures(result: ScenarioResult, case: Case) -> None:
    """Without a restart."""
    assert all(result.checker.is_current(ReportKey(case.source, report)) for report in REPORTS)
    assert WRONG not in stages_shown(result, case.source, "after")


def test_a_source_without_a_fault_is_not_affected(result: ScenarioResult) -> None:
    """A hundred failing sources delay none of its polls."""
    assert {result.outcomes[ReportKey(STEADY, report)] for report in REPORTS} == {frozenset({"ok"})}
    assert stages_shown(result, STEADY, "fault") == {START, FAULT}
    assert AFTER in stages_shown(result, STEADY, "after")


def test_no_resource_leaks(result: ScenarioResult) -> None:
    """Neither files nor threads; memory grows by no more than a few responses, even with a gzip bomb."""
    assert result.after.files <= result.before.files + MAX_MORE_FILES
    assert result.after.threads <= result.before.threads + MAX_MORE_FILES
    assert result.after.peak_mib <= result.before.peak_mib + MAX_MORE_MIB


def test_every_scrape_succeeds(result: ScenarioResult, tell: Callable[[str], None]) -> None:
    """Also prints a summary of the scenario."""
    checker = result.checker
    counts = {seen: count for seen, count in checker.observations.items() if seen.stage in ("fault", "after")}
    wrong = sum(count for seen, count in counts.items() if seen.matched == WRONG)
    recovered = sum(
        all(checker.is_current(ReportKey(case.source, report)) for report in REPORTS) for case in result.cases
    )
    scrapes = f"{checker.scrapes} scrapes, the slowest in {checker.slowest_s * 1000:.0f} ms"
    summary = f"{len(result.cases)} tried, {recovered} survived, figures wrong: {wrong}"
    tell(f"faults between exporter and platform: {summary} ({sum(counts.values())} reports checked in {scrapes})")
    assert (wrong, recovered) == (0, len(result.cases))
    assert checker.slowest_s < MAX_SCRAPE_S
