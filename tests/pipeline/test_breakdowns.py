"""Tools that a corrected response no longer names count as 0 only if their list was read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from exporter.domain.model import Column, Days, Reading
from exporter.platforms.api import Context, Report, Request
from exporter.platforms.paradigm.platform import PLATFORM
from exporter.platforms.paradigm.platform import REPORTS as BUILT_IN
from exporter.polling.state_file import StateFile
from tests.pipeline.pipeline import ManualClock, Pipeline, target_with
from tests.pipeline.test_believable_days import DAY, DECLARED, HOUR, NOON, WEDNESDAY, Platform, at

pytestmark = pytest.mark.anyio

LAST = WEDNESDAY - DAY
CODE, CRM = {"name": "Code", "usage_count": 6}, {"name": "CRM", "usage_count": 2}
BOTH = [CODE, CRM]
SIX_DAYS = {"Code": 6 * 6, "CRM": 6 * 2}
MORE_CODE = {"name": "Code", "usage_count": 9}
REPORTS = pytest.mark.parametrize("report", [BUILT_IN["tools"], DECLARED["tools"]], ids=["built-in", "declared"])


class Tools(Platform):
    """Responds with the tools in `rows` for one company."""

    def report(self, path: str, days: Days) -> Mapping[str, object]:
        dates = [{"date": day.isoformat(), "tools": tools} for (_, day), tools in self.rows.items() if day in days]
        return {
            "metadata": {"usage_count": {"description": "uses", "unit": "count"}},
            "reporting": [{"company": {"id": 17, "name": "Northwind"}, "dates": dates}],
        }


def tools_on(last: object) -> Tools:
    """Returns a platform with both tools on all days except the last."""
    return Tools({("17", WEDNESDAY - n * DAY): last if n == 1 else BOTH for n in range(40)})


def uses(pipeline: Pipeline, window: str = "last_day") -> Mapping[str, float]:
    name = f"paradigm_tool_uses_{window}"
    return {dict(key.labels)["tool"]: value for key, value in pipeline.page(name).items() if key.name == name}


def activity(pipeline: Pipeline) -> list[float]:
    return list(pipeline.page("chat_usage_activity_last_day").values())


CORRECTED: Mapping[str, tuple[object, Mapping[str, float]]] = {
    "a tool is gone": ([MORE_CODE], {"Code": 9, "CRM": 0}),
    "all are gone": ([], {"Code": 0, "CRM": 0}),
    "a tool is new": ([*BOTH, {"name": "Mail", "usage_count": 1}], {"Code": 6, "CRM": 2, "Mail": 1}),
    "a tool has no name": ([MORE_CODE, {"name": None, "usage_count": 1}], {"Code": 9, "CRM": 2}),
    "a number is text": ([MORE_CODE, CRM | {"usage_count": "two"}], {"Code": 9, "CRM": 2}),
    "a number is null": ([MORE_CODE, CRM | {"usage_count": None}], {"Code": 9, "CRM": 2}),
    "no list": ("many", {"Code": 6, "CRM": 2}),
    "null": (None, {"Code": 6, "CRM": 2}),
}


@REPORTS
@pytest.mark.parametrize(("tools", "expected"), CORRECTED.values(), ids=CORRECTED)
async def test_only_a_list_that_was_read_removes_a_tool(
    tools: object, expected: Mapping[str, float], report: Report
) -> None:
    """From the last day and sums; an unreadable list changes nothing."""
    platform = tools_on(BOTH)
    async with Pipeline(platform, ManualClock(NOON), "k", target_with(reports=(report,))) as pipeline:
        await pipeline.poller.poll()
        assert uses(pipeline) == {"Code": 6, "CRM": 2}
        platform.rows["17", LAST] = tools
        await at(pipeline, NOON + HOUR)

        assert uses(pipeline) == expected
        assert uses(pipeline, "7d") == {tool: value + SIX_DAYS.get(tool, 0) for tool, value in expected.items()}


FIRST_READ: Mapping[str, tuple[object, Mapping[str, float], list[float]]] = {
    "one of two": ([CODE], {"Code": 6, "CRM": 0}, [6]),
    "none": ([], {"Code": 0, "CRM": 0}, [0]),
    "a number is text": ([CODE, CRM | {"usage_count": "two"}], {"Code": 6}, []),
    "no list": ("many", {}, []),
}


@REPORTS
@pytest.mark.parametrize(("tools", "expected", "judged"), FIRST_READ.values(), ids=FIRST_READ)
async def test_a_tool_counts_0_where_the_tools_were_read(
    tools: object, expected: Mapping[str, float], judged: list[float], report: Report
) -> None:
    """Otherwise it is absent, as is the day's activity."""
    async with Pipeline(tools_on(tools), ManualClock(NOON), "k", target_with(reports=(report,))) as pipeline:
        await pipeline.poller.poll()
        assert uses(pipeline) == expected
        assert uses(pipeline, "7d") == {tool: value + SIX_DAYS[tool] for tool, value in expected.items()}
        assert activity(pipeline) == judged


@dataclass(frozen=True)
class Unmarked:
    """A report without read markers, as earlier releases read it."""

    report: Report

    def __getattr__(self, name: str) -> object:
        return getattr(self.report, name)

    def decode(self, body: bytes, request: Request, context: Context) -> Reading:
        reading = self.report.decode(body, request, context)
        assert isinstance(reading, Reading)
        marker = Column("paradigm_tool_uses")
        rows = [row._replace(figures={c: n for c, n in row.figures.items() if c != marker}) for row in reading.rows]
        return replace(reading, rows=tuple(rows))


@REPORTS
@pytest.mark.parametrize("version", ["1", str(PLATFORM.version)], ids=["another-version", "the-same-version"])
async def test_figures_are_correct_after_a_restart_from_an_old_state_file(
    tmp_path: Path, version: str, report: Report
) -> None:
    """Days from another decoder version are read again; rows without markers are corrected in any case."""
    platform, clock = tools_on(BOTH), ManualClock(NOON)
    for each, decoder in ((Unmarked(report), version), (report, str(PLATFORM.version))):
        target = target_with(reports=(each,))  # type: ignore[arg-type]  # Unmarked forwards the rest of a report
        store = StateFile(tmp_path / "state", clock.now).store("s", {"version of the decoder": decoder}, target.rules)
        async with Pipeline(platform, clock, "k", target, store=store) as pipeline:
            await at(pipeline, clock.moment + HOUR)
            platform.rows["17", LAST] = [MORE_CODE]
    assert uses(pipeline) == {"Code": 9, "CRM": 0}
    assert uses(pipeline, "28d") == {"Code": 27 * 6 + 9, "CRM": 27 * 2}


def test_states_of_earlier_releases_are_read_again() -> None:
    assert PLATFORM.version == 2
