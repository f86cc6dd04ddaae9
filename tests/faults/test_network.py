"""Whatever happens between exporter and platform: it is counted by its name, and no figure is ever wrong."""

from collections.abc import Callable

import pytest

from tests.faults.story import STEADY, Story, lived
from tests.faults.street import Case, cases
from tests.faults.witness import REPORTS, WRONG, Part

pytestmark = [pytest.mark.e2e, pytest.mark.once]

MOST_MORE_FILES = 3
MOST_MORE_MIB = 64
SLOWEST_S = 5.0
START, FAULT, AFTER = range(3)
"""The moments of the story, each with a truth of its own."""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Lives through all faults at once; two minutes, since no exporter polls more often than once a minute."""
    return lived(tmp_path_factory.mktemp("faults"))


def shown(story: Story, source: str, stage: str) -> set[int]:
    """Returns whose truth a source's figures were in a stage: moments, or `WRONG`."""
    return {seen.moment for seen in story.witness.seen if (seen.stage, seen.part.source) == (stage, source)}


@pytest.fixture(params=cases(), ids=lambda case: case.id)
def case(request: pytest.FixtureRequest, story: Story) -> Case:
    """Returns each case in turn, unless it could not be tried on this machine."""
    found: Case = request.param
    if found.source not in {each.source for each in story.cases}:
        pytest.skip("a process with a name server of its own takes root, unshare and mount")
    return found


def test_a_fault_is_counted_by_its_name(story: Story, case: Case) -> None:
    """Each report tells what its poll met; nothing else happened to it."""
    for report in REPORTS:
        told = story.rose[Part(case.source, report)]
        assert told & case.fault.outcomes, story.told(case.source)
        assert told <= case.fault.outcomes | {"skipped"}, story.told(case.source)


def test_no_figure_is_wrong_while_it_lasts(story: Story, case: Case) -> None:
    """Those of the last good poll stand; an answer that came through all the same is as good as any."""
    right = {START, FAULT} if "ok" in case.fault.outcomes else {START}
    assert shown(story, case.source, "fault") <= right
    assert START in shown(story, case.source, "fault")


def test_the_next_good_poll_gives_exactly_the_truth(story: Story, case: Case) -> None:
    """By itself: nobody restarts anything."""
    assert all(story.witness.is_newest(Part(case.source, report)) for report in REPORTS)
    assert WRONG not in shown(story, case.source, "after")


def test_a_source_without_a_fault_knows_nothing_of_the_others(story: Story) -> None:
    """A hundred sources in trouble hold up no poll of it and no figure."""
    assert {story.rose[Part(STEADY, report)] for report in REPORTS} == {frozenset({"ok"})}
    assert shown(story, STEADY, "fault") == {START, FAULT}
    assert AFTER in shown(story, STEADY, "after")


def test_nothing_is_left_behind(story: Story) -> None:
    """No open file, no thread, and no more memory than a few answers take, whatever a bomb unpacks to."""
    assert story.after.files <= story.before.files + MOST_MORE_FILES
    assert story.after.threads <= story.before.threads + MOST_MORE_FILES
    assert story.after.peak_mib <= story.before.peak_mib + MOST_MORE_MIB


def test_each_scrape_was_answered(story: Story, tell: Callable[[str], None]) -> None:
    """All the while; here is the table."""
    witness = story.witness
    stages = ("fault", "after")
    wrong = sum(count for seen, count in witness.seen.items() if seen.moment == WRONG and seen.stage in stages)
    checked = sum(count for seen, count in witness.seen.items() if seen.stage in stages)
    healed = sum(all(witness.is_newest(Part(case.source, report)) for report in REPORTS) for case in story.cases)
    looked = f"{checked} reports looked at on {witness.looks} pages, the slowest in {witness.slowest_s * 1000:.0f} ms"
    told = f"{len(story.cases)} tried, {healed} survived, figures wrong: {wrong}"
    tell(f"faults on the way to the platform: {told} ({looked})")
    assert (wrong, healed) == (0, len(story.cases))
    assert witness.slowest_s < SLOWEST_S
