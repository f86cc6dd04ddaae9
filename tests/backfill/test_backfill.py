"""A backfill reads backfill days in pieces; the file is complete and exact, even if runs are interrupted."""

import dataclasses
import os
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.backfill.figures import Series, helps, noon
from exporter.backfill.manifest import DESTINATION, ReportProgress, opened
from exporter.backfill.openmetrics_file import Runs, WrittenFile, lines
from exporter.domain.errors import ConfigError
from exporter.domain.model import Days
from exporter.platforms.paradigm.platform import TOOLS
from exporter.simulator.paradigm.world import World
from tests.backfill.backfill_run import NOON, REPORTS, TARGET, BackfillRun, KilledError
from tests.pipeline.pipeline import target_with
from tests.pipeline.test_believable_days import DECLARED
from tests.platform_data import DailyFact, daily

pytestmark = pytest.mark.anyio

QUARTER = Days(date(2026, 7, 1), date(2026, 9, 30))
TWO_MONTHS = Days(date(2026, 8, 3), date(2026, 10, 2))
Key = tuple[str, str, tuple[tuple[str, str], ...], date]


def parsed(text: str) -> list[Metric]:
    return list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]  # the library ships no types for it


def read(path: Path) -> Mapping[Key, float]:
    """Reads a file with prometheus-client's parser, which checks the order of families, series and timestamps."""
    found: dict[Key, float] = {}
    for family in parsed(path.read_text()):
        for sample in family.samples:
            own = {k: v for k, v in sample.labels.items() if k not in ("source", "company_id", "company", "job")}
            assert sample.labels["job"] == "history"
            moment = datetime.fromtimestamp(float(str(sample.timestamp)), UTC)
            assert (moment.hour, moment.minute) == (12, 0)
            key = sample.name, sample.labels["company_id"], tuple(own.items()), moment.date()
            assert key not in found
            found[key] = sample.value
    return found


def key(fact: DailyFact) -> Key:
    return fact.family, fact.company_id, fact.labels, fact.day


@pytest.fixture
def backfill(tmp_path: Path) -> BackfillRun:
    return BackfillRun(tmp_path, World.from_seed(1, 10), QUARTER)


async def test_every_figure_of_the_platform_is_written_once(backfill: BackfillRun) -> None:
    """On its day; all other samples are zeros after a company's first row."""
    result, _, _ = await backfill.run()
    written = backfill.written()
    assert result.failed == result.left_out == ()

    found = read(backfill.output)
    expected = {key(fact): fact.value for fact in daily(backfill.world, QUARTER, NOON)}
    assert expected.items() <= found.items()
    assert written.samples == len(found)
    assert {found[each] for each in found.keys() - expected.keys()} == {0.0}
    first = defaultdict[tuple[str, str], date](lambda: QUARTER.last)
    for fact in daily(backfill.world, QUARTER, NOON):
        mode = dict(fact.labels).get("mode", "") or fact.family
        first[fact.company_id, mode] = min(first[fact.company_id, mode], fact.day)
    early = [
        each
        for each in found.keys() - expected.keys()
        if each[3] < first[each[1], dict(each[2]).get("mode", "") or each[0]]
    ]
    assert early == []


BOTH = {"paradigm_tool_uses_daily", "paradigm_user_queries_daily"}


async def test_a_definition_gives_the_same_backfill(tmp_path: Path) -> None:
    """Compared without agents and modes, which the definition does not have."""
    found = []
    for name, reports in (("built-in", REPORTS), ("declared", tuple(DECLARED.values()))):
        wanted = tuple(each for each in reports if each.name in ("tools", "chat-sessions"))
        (tmp_path / name).mkdir()
        backfill = BackfillRun(tmp_path / name, World.from_seed(1, 5), TWO_MONTHS, target=target_with(reports=wanted))
        result, _, _ = await backfill.run()
        backfill.written()
        assert result.failed == result.left_out == ()
        kept = {
            key: value for key, value in read(backfill.output).items() if key[0] in BOTH and "agent" not in str(key)
        }
        found.append({(*key[:2], key[2] if "tool" in key[0] else (), key[3]): value for key, value in kept.items()})

    assert found[0] == found[1]
    assert {key[0] for key in found[0]} == BOTH


async def test_pieces_are_at_most_a_month(backfill: BackfillRun) -> None:
    _, steps, requests = await backfill.run()
    assert {len(step.piece.days) for step in steps} == {31, 30}
    assert sorted(step.piece.days.first for step in steps if step.piece.report == "tools") == [
        date(2026, 7, 1),
        date(2026, 7, 31),
        date(2026, 8, 31),
    ]
    assert requests == len(steps) + 5  # one per report for the newest week, to estimate the response size
    assert (steps[-1].done, steps[-1].total) == (5 * 92, 5 * 92)


@pytest.mark.parametrize("after_write", [False, True], ids=["before-the-write", "before-the-manifest-entry"])
async def test_a_killed_backfill_gives_the_same_file(tmp_path: Path, after_write: bool) -> None:
    """Byte for byte, and no completed piece is requested again."""
    complete, interrupted = (
        BackfillRun(tmp_path / name, World.from_seed(1, 5), TWO_MONTHS) for name in ("complete", "interrupted")
    )
    for each in (complete, interrupted):
        each.folder.mkdir()
    _, steps, _ = await complete.run()
    complete.written()
    for _ in steps:  # each run completes one piece and is killed at the next
        with pytest.raises(KilledError):
            await interrupted.killed_at(1, after_write=after_write).run()
        if (await count_remaining(interrupted)) == 1:
            break
    _, rest, _ = await interrupted.run()
    interrupted.written()
    assert len(rest) == 1
    assert interrupted.output.read_bytes() == complete.output.read_bytes()


async def count_remaining(backfill: BackfillRun) -> int:
    """Returns how many pieces are not completed."""
    with opened(backfill.run_folder, {"a": "b"}, {}) as manifest:
        progress = [manifest.progress("s", report.name) for report in TARGET.reports if report.has_days]
    done = sum(each.until is not None for each in progress)
    halves = sum(each.until is not None and each.until < TWO_MONTHS.last for each in progress)
    return 2 * (len(progress) - done) + halves


async def test_many_pieces_are_merged_a_few_at_a_time(tmp_path: Path) -> None:
    """To the same file, without leaving temporary files."""
    backfill = BackfillRun(tmp_path, World.from_seed(1, 2), TWO_MONTHS)
    await backfill.run()
    backfill.written()
    runs = Runs(backfill.run_folder, {}, most_open=2)
    written = runs.merge(tmp_path / "again.om", helps(backfill.target))
    assert (tmp_path / "again.om").read_bytes() == backfill.output.read_bytes()
    assert written == backfill.written()
    runs.clear()
    assert {path.suffix for path in backfill.run_folder.iterdir()} == {".json", ".state"}


LACKING = tuple(
    dataclasses.replace(report, path="/api/v2/reporting/nothing/") if report is TOOLS else report for report in REPORTS
)


async def test_a_report_that_the_platform_lacks_is_left_out(tmp_path: Path) -> None:
    """It is reported and requested once."""
    backfill = BackfillRun(tmp_path, World.from_seed(1, 2), TWO_MONTHS, target_with(reports=LACKING))
    result, steps, requests = await backfill.run()
    assert result.failed == ()
    assert [line.startswith("s: tools: ") for line in result.left_out] == [True]
    assert (steps[-1].done, steps[-1].total) == (5 * 61, 5 * 61)
    assert requests == len(steps) + 5
    backfill.written()
    assert "paradigm_tool_uses_daily" not in backfill.output.read_text()
    result, _, requests = await backfill.run()
    assert (len(result.left_out), requests) == (1, 0)


async def test_a_required_report_must_exist(tmp_path: Path) -> None:
    target = replace(target_with(reports=LACKING), required=frozenset({"tools"}))
    result, _, _ = await BackfillRun(tmp_path, World.from_seed(1, 2), TWO_MONTHS, target).run()
    assert [line.startswith("s: tools: ") for line in result.failed] == [True]


async def test_excluded_metrics_are_not_written(tmp_path: Path) -> None:
    """Patterns match the names in the file."""
    target = replace(target_with(), excluded=("paradigm_sessions_daily", "paradigm_unique_*"))
    backfill = BackfillRun(tmp_path, World.from_seed(1, 2), TWO_MONTHS, target)
    await backfill.run()
    backfill.written()
    families = {name for name, *_ in read(backfill.output)}
    assert "paradigm_user_queries_daily" in families
    assert families.isdisjoint({"paradigm_sessions_daily", "paradigm_unique_models_daily"})


async def test_a_second_run_sends_no_request(backfill: BackfillRun) -> None:
    await backfill.run()
    assert (await backfill.run())[2] == 0


async def test_the_next_run_requests_what_failed(tmp_path: Path) -> None:
    """Other reports continue, and the final file is the same."""
    complete, interrupted = (
        BackfillRun(tmp_path / name, World.from_seed(1, 3), TWO_MONTHS) for name in ("complete", "interrupted")
    )
    for each in (complete, interrupted):
        each.folder.mkdir()
    await complete.run()
    complete.written()
    result, steps, _ = await dataclasses.replace(interrupted, scenarios=("outage",)).run()
    assert len(result.failed) == 5
    assert steps == []
    assert all("s: " in line and "\n" not in line for line in result.failed)
    result, _, _ = await interrupted.run()
    assert result.failed == ()
    interrupted.written()
    assert interrupted.output.read_bytes() == complete.output.read_bytes()


async def test_a_company_that_left_is_0_until_the_last_day(tmp_path: Path) -> None:
    """Otherwise its series would look like those of a stopped exporter."""
    world = World.from_seed(1, 12)
    leaver, left = next(
        (company, day)
        for company in world.companies
        for day in Days(date(2024, 6, 1), date(2026, 6, 30))
        if company.tenure and company.is_customer(day) and not company.is_customer(day + timedelta(days=1))
    )
    days = Days(left - timedelta(days=20), left + timedelta(days=110))
    backfill = BackfillRun(tmp_path, world, days, target_with())
    await backfill.run()
    backfill.written()
    after = {
        day: value
        for (_, company, _, day), value in read(backfill.output).items()
        if company == str(leaver.id) and day > left
    }
    assert after == dict.fromkeys(Days(left + timedelta(days=1), days.last), 0.0)


def dated(days: Iterable[date], values: Iterable[float], company: str = "N", **labels: str) -> Series:
    own = {"source": "s", "company_id": "17", "company": company, **labels}
    return Series("m_daily", own, array("q", map(noon, days)), array("d", values))


def test_a_line_reads_as_the_live_series_with_a_timestamp() -> None:
    """Until it is complete, a series has one line for the samples of a piece."""
    [line] = lines([dated([date(2024, 6, 1), date(2024, 6, 2)], [61, 0], mode="chat")], {"job": "x"})
    series = 'm_daily{source="s",company_id="17",company="N",mode="chat",job="x"}'
    assert line == f"{series} 61.0 1717243200\t0.0 1717329600\n"
    _, written, _ = WrittenFile({"m_daily": ""}).over([line])
    assert written == f"{series} 61.0 1717243200\n{series} 0.0 1717329600\n"


HOSTILE = {
    "quotes": 'a"b',
    "backslash": "a\\",
    "newline": "a\nb",
    "braces": 'x"} 1 2 {',
    "hash": "# EOF",
    "emoji": "🚀",
    "tab": "a\tb",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_names_come_back_as_they_were(name: str) -> None:
    found = lines([dated([date(2024, 6, 1), date(2024, 6, 2)], [1, 2], name)], {})
    [family] = parsed("".join(WrittenFile({"m_daily": "Help."}).over(found)))
    assert [(sample.labels["company"], sample.value) for sample in family.samples] == [(name, 1.0), (name, 2.0)]


@pytest.mark.parametrize("day", [date(1970, 1, 1), date(2024, 2, 29), date(2026, 10, 25)])
def test_noon_is_that_of_the_date_in_utc(day: date) -> None:
    assert datetime.fromtimestamp(noon(day), UTC) == datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def test_another_question_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path / "m", {"--from": "a", "--label": "b"}, {"s": QUARTER}):
        pass
    with pytest.raises(ConfigError, match="different --label;"), opened(tmp_path / "m", {"--from": "a"}, {}):
        pass


def test_two_at_a_time_are_refused(tmp_path: Path) -> None:
    with ExitStack() as closing:
        closing.enter_context(opened(tmp_path / "m", {}, {}))
        with pytest.raises(ConfigError, match="another backfill"):
            closing.enter_context(opened(tmp_path / "m", {}, {}))


def test_a_damaged_manifest_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path / "m", {}, {}):
        pass
    os.truncate(tmp_path / "m" / "manifest.json", 9)
    with pytest.raises(ConfigError, match="is not a backfill manifest"), opened(tmp_path / "m", {}, {}):
        pass


OLD, NEW = {"s": QUARTER}, {"s": Days(QUARTER.first, QUARTER.last + timedelta(days=5))}
BEGUN = {"limit": "1", "zone": "a", DESTINATION: "x"}
CHANGED = {
    "what-may-change": {**BEGUN, "limit": "2"},
    "a-source-more": {**BEGUN, "other": "z"},
    "a-source-less": {"limit": "1", DESTINATION: "x"},
    "another-store": {**BEGUN, DESTINATION: "y"},
}


@pytest.mark.parametrize("question", CHANGED.values(), ids=CHANGED)
def test_what_is_finished_is_continued(tmp_path: Path, question: dict[str, str]) -> None:
    """With later days; and one that was killed at that goes on by its own question."""
    with opened(tmp_path / "m", BEGUN, OLD) as manifest:
        manifest.write(finished=True)
    for _ in range(2):
        with opened(tmp_path / "m", question, NEW, ("limit",)) as found:
            assert (found.content.spans["s"], found.content.finished) == (NEW["s"], False)


@pytest.mark.parametrize(("name", "finished"), [("zone", True), ("zone", False), (DESTINATION, False)])
def test_what_would_mean_something_else_is_not_continued(tmp_path: Path, name: str, finished: bool) -> None:
    """Nor is a half of it sent elsewhere."""
    with opened(tmp_path / "m", BEGUN, OLD) as manifest:
        if finished:
            manifest.write(finished=True)
    way = opened(tmp_path / "m", {**BEGUN, name: "other"}, NEW, ("limit",))
    with pytest.raises(ConfigError, match=f"different {name};"), way:
        pass


def test_what_was_left_out_is_asked_again_when_continued(tmp_path: Path) -> None:
    with opened(tmp_path / "m", BEGUN, OLD) as manifest:
        manifest.begin("s", "tools", ReportProgress(0, left_out="404"))
        manifest.begin("s", "chat-sessions", ReportProgress(31))
        manifest.write(finished=True)
    with opened(tmp_path / "m", BEGUN, NEW, ()) as found:
        assert found.progress("s", "tools") == ReportProgress(0)
        assert found.progress("s", "chat-sessions") == ReportProgress(31)
