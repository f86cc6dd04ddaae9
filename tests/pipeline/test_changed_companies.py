"""Companies that the platform merges, moves or recreates: all figures are correct after the next poll."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from exporter.platforms.api import Report
from exporter.platforms.paradigm.platform import REPORTS as BUILT_IN
from exporter.polling.state_file import StateFile
from tests.pipeline.pipeline import RULES, ManualClock, Pipeline, target_with, utc
from tests.pipeline.test_believable_days import (
    DAY,
    DECLARED,
    HOUR,
    NOON,
    QUERIES,
    TRUE,
    WEDNESDAY,
    Platform,
    all_days,
    at,
    figures_by_day,
    lower_limit,
    names,
    values,
)

pytestmark = pytest.mark.anyio

MORNING = utc(2026, 3, 5, 7)
REPORTS = pytest.mark.parametrize(
    "both",
    [tuple(each[name] for name in ("chat-sessions", "tools")) for each in (BUILT_IN, DECLARED)],
    ids=["built-in", "declared"],
)
MONTH = {name: f"{name}_28d" for name in (QUERIES, "paradigm_tool_uses")}


def month(pipeline: Pipeline) -> Mapping[str, Mapping[str, float]]:
    """Returns the sums of 28 days by family and company."""
    return {name: values(pipeline, family) for name, family in MONTH.items()}


def of_all(figures: Mapping[str, float]) -> Mapping[str, Mapping[str, float]]:
    return dict.fromkeys(MONTH, figures)


@REPORTS
async def test_past_days_of_merged_companies_are_read_at_once(both: tuple[Report, ...]) -> None:
    """Total and baseline stay the same; later polls do not request past days again."""
    platform = Platform(all_days("17", "18"))
    async with Pipeline(platform, ManualClock(NOON), "k", target_with(reports=both)) as pipeline:
        await pipeline.poller.poll()
        assert month(pipeline) == of_all({"17": 28 * TRUE, "18": 28 * TRUE})
        platform.rows, platform.names = dict.fromkeys(all_days("17"), 2 * TRUE), {"17": "Northwind"}
        await at(pipeline, NOON + HOUR)

        assert month(pipeline) == of_all({"17": 2 * 28 * TRUE})
        assert lower_limit(pipeline) == {"17": TRUE}
        platform.asked.clear()
        await at(pipeline, NOON + 2 * HOUR)
        assert len(platform.asked) == len(both)


@REPORTS
async def test_a_company_with_a_new_id_keeps_its_past_days_and_limits(both: tuple[Report, ...]) -> None:
    """The platform has its rows only under the new id: it is served once, with baseline and one name."""
    platform = Platform(all_days("17", "18"))
    async with Pipeline(platform, ManualClock(NOON), "k", target_with(reports=both)) as pipeline:
        await pipeline.poller.poll()
        platform.rows, platform.names = all_days("17", "19"), {"17": "Northwind", "19": "Contoso"}
        await at(pipeline, NOON + HOUR)

        assert month(pipeline) == of_all({"17": 28 * TRUE, "19": 28 * TRUE})
        assert lower_limit(pipeline) == {"17": TRUE / 2, "19": TRUE / 2}
        assert (names(pipeline, "18"), names(pipeline, "19")) == (set(), {"Contoso"})
        assert all(list(each.companies.values()) == ["Northwind", "Contoso"] for each in figures_by_day(pipeline))


@REPORTS
async def test_a_company_recreated_with_a_new_id_is_counted_once(both: tuple[Report, ...]) -> None:
    """The old one is withdrawn; the new one starts with its first row."""
    platform = Platform(all_days("17", "18"))
    async with Pipeline(platform, ManualClock(NOON), "k", target_with(reports=both)) as pipeline:
        await pipeline.poller.poll()
        platform.rows = {**all_days("17"), ("19", WEDNESDAY): 5}
        platform.names = {"17": "Northwind", "19": "Contoso"}
        await at(pipeline, NOON + HOUR)
        await at(pipeline, MORNING)

        assert month(pipeline) == of_all({"17": 28 * TRUE, "19": 5})
        assert lower_limit(pipeline) == {"17": TRUE / 2}


@pytest.mark.parametrize("rows", [{}, {("17", WEDNESDAY): 5}], ids=["without-a-row", "with-a-row"])
@pytest.mark.parametrize("gone", [0, 9], ids=["at-once", "nine-days-later"])
@REPORTS
async def test_a_company_recreated_with_an_old_id_has_no_past_days(
    rows: dict[tuple[str, date], object], gone: int, both: tuple[Report, ...]
) -> None:
    """In no report, even without usage in some; sums and baselines are not those of the old company."""
    rows = {(company, day + gone * DAY): value for (company, day), value in rows.items()}
    others: dict[tuple[str, date], object] = {("18", WEDNESDAY + n * DAY): TRUE for n in range(-45, gone + 1)}
    quiet = {("17", WEDNESDAY - n * DAY): TRUE for n in range(6, 46)}
    for held in (all_days("17"), all_days("17") if gone else quiet | {("17", WEDNESDAY - DAY): TRUE}):
        platform = Platform({**held, **all_days("18")})
        async with Pipeline(platform, ManualClock(NOON), "k", target_with(reports=both)) as pipeline:
            await pipeline.poller.poll()
            if gone:
                platform.rows, platform.names = others, {"18": "Contoso"}
                await at(pipeline, NOON + gone * DAY)
            platform.rows, platform.names = {**others, **rows}, {"17": "Fabrikam", "18": "Contoso"}
            await at(pipeline, NOON + gone * DAY + HOUR)
            assert all(each.keys() == {"18"} for each in month(pipeline).values())
            await at(pipeline, MORNING + gone * DAY)

            assert month(pipeline) == of_all({"18": 28 * TRUE} | ({"17": 5} if rows else {}))
            assert lower_limit(pipeline).keys() == {"18"}
            assert names(pipeline, "17") == ({"Fabrikam"} if rows else set())


@REPORTS
async def test_it_is_new_in_reports_that_do_not_list_it(both: tuple[Report, ...]) -> None:
    """A report that lists neither company drops the old days."""
    platform = Platform(all_days("17", "18"))
    platform.silent_in_tools = frozenset({"17"})
    async with Pipeline(platform, ManualClock(NOON), "k", target_with(reports=both)) as pipeline:
        await pipeline.poller.poll()
        assert "17" in month(pipeline)["paradigm_tool_uses"]
        platform.rows = {**all_days("18"), ("17", WEDNESDAY): 5}
        platform.names["17"] = "Fabrikam"
        await at(pipeline, NOON + HOUR)

        assert month(pipeline) == of_all({"18": 28 * TRUE})


@REPORTS
async def test_it_is_new_if_it_was_recreated_while_the_exporter_was_down(
    tmp_path: Path, both: tuple[Report, ...]
) -> None:
    """The state file holds the old company's days."""
    clock, target = ManualClock(NOON), target_with(reports=both)
    platform = Platform(all_days("17", "18"))
    for hours in range(2):
        store = StateFile(tmp_path / "state", clock.now).store("s", {"platform": "p"}, target.rules)
        async with Pipeline(platform, clock, "k", target, store=store) as pipeline:
            assert month(pipeline) == of_all({"17": 28 * TRUE, "18": 28 * TRUE} if hours else {})
            await at(pipeline, NOON + hours * HOUR)
            platform.rows = {**all_days("18"), ("17", WEDNESDAY): 5}
            platform.names["17"] = "Fabrikam"
    assert month(pipeline) == of_all({"18": 28 * TRUE})


@pytest.mark.parametrize("missing", [set[int](), {1, 2, 3}], ids=["all-there", "asked-days-missing-once"])
async def test_a_renamed_company_keeps_its_past_days(missing: set[int]) -> None:
    """Also if the requested days have no rows any more: the other days are read at once."""
    platform = Platform(all_days("17", "18"))
    async with Pipeline(platform, ManualClock(NOON), "k", target_with(replace(RULES, reread_days=3))) as pipeline:
        await pipeline.poller.poll()
        platform.names["17"] = "Fabrikam"
        for n in missing:
            del platform.rows["17", WEDNESDAY - n * DAY]
        await at(pipeline, NOON + HOUR)

        assert values(pipeline, MONTH[QUERIES]) == {"17": (28 - len(missing)) * TRUE, "18": 28 * TRUE}
        assert lower_limit(pipeline).keys() == {"17", "18"}
