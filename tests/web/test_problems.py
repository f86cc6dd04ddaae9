"""Problems of a report have level, text and runbook, and are not shown too early."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from exporter.domain.errors import OUTCOMES as EVERY_OUTCOME
from exporter.metrics.report_view import ReportView
from exporter.web.status.problems import FAILING_FOR, LAST_DAY_AGE, OUTCOMES, RESTATED, Level, is_fresh, report_problems
from tests.pipeline.pipeline import RULES
from tests.web.test_days import named
from tests.web.web_context import NOON

RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
ALERT_RULES = Path(__file__).parents[2] / "alert_rules"
HOUR = timedelta(hours=1)
ODD = "Fields of its answer are not as documented"
MOMENT = timedelta(seconds=1)


def view(**health: Any) -> ReportView:
    """Returns a report read at noon, with this health."""
    (found,) = named().shown.views.values()
    return replace(found, health=replace(found.health, **health))


def told(found: ReportView, now: datetime = NOON) -> list[tuple[Level, str, str]]:
    """Returns problems without reasons."""
    return [(each.level, each.what, each.runbook) for each in report_problems(found, now)]


def failed(outcome: str, hours: int) -> ReportView:
    """Returns a report whose last good poll was so many hours before a failed one at noon."""
    return view(outcome=outcome, last_success=NOON - hours * HOUR, reason="why")


def test_every_outcome_that_is_a_failure_has_words_and_a_runbook() -> None:
    assert OUTCOMES.keys() == set(EVERY_OUTCOME) - {"ok", "skipped"}
    assert all((RUNBOOKS / f"{runbook}.md").is_file() for _, runbook in OUTCOMES.values())


@pytest.mark.parametrize(
    ("found", "level"),
    [
        pytest.param(failed("timeout", 6), Level.WARNING, id="six-hours"),
        pytest.param(failed("timeout", 7), Level.BAD, id="longer"),
        pytest.param(failed("auth", 1), Level.BAD, id="a-refused-key-at-once"),
        pytest.param(view(outcome="connection", last_success=None, reason="why"), Level.BAD, id="never"),
    ],
)
def test_a_failure_is_bad_when_it_lasts(found: ReportView, level: Level) -> None:
    """One failed poll among good ones is no reason to get up; the reason is that of the log."""
    (finding,) = report_problems(found, NOON)
    assert (finding.level, finding.why) == (level, "why")


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        pytest.param({}, [], id="well"),
        pytest.param({"drift": {"unknown": 0, "missing": 0}}, [], id="no-drift"),
        pytest.param(
            {"drift": {"unknown": 2, "missing": 0}},
            [(Level.NOTE, f"{ODD}: 2 unknown", "ChatUsageSchemaDrift")],
            id="new-fields",
        ),
        pytest.param(
            {"unread": {"INTENT_SCORE_MEDIAN": 4}, "outcome": "ok", "reason": "why"},
            [(Level.WARNING, "Not read at the last poll: INTENT_SCORE_MEDIAN (4 days)", "ChatUsageReportUnread")],
            id="a-part-that-is-not-read",
        ),
        pytest.param(
            {"unread": {"b": 4, **dict.fromkeys("cdefgh", 1)}, "supported": False},
            [
                (
                    Level.WARNING,
                    "Not read at the last poll: b (4 days), c (1 days), d (1 days), e (1 days), f (1 days) and 2 more",
                    "ChatUsageReportUnread",
                )
            ],
            id="an-unsupported-report-of-which-nothing-is-read",
        ),
        pytest.param(
            {"drift": {"unknown": 2, "missing": 1}},
            [
                (
                    Level.WARNING,
                    "Fields of its answer are not as documented: 1 missing, 2 unknown",
                    "ChatUsageSchemaDrift",
                )
            ],
            id="lost-fields",
        ),
        pytest.param(
            {"violations": {"negative": 3, "future_date": 0}},
            [(Level.WARNING, "3 rows of its answer cannot be true: negative", "ChatUsageInvariantViolated")],
            id="what-cannot-be",
        ),
        pytest.param({"restated_ratio": 0.1}, [], id="a-small-correction"),
        pytest.param(
            {"restated_ratio": 0.25},
            [(Level.NOTE, "The platform changed a complete day by 25% at the last poll", "ChatUsageRestated")],
            id="a-large-correction",
        ),
        pytest.param({"supported": False, "outcome": "schema"}, [], id="not-on-this-platform"),
        pytest.param({"last_attempt": None, "outcome": None}, [], id="not-polled-yet"),
    ],
)
def test_a_poll_result_shows_its_problem(health: dict[str, Any], expected: list[tuple[Level, str, str]]) -> None:
    assert told(view(**health)) == expected


def test_stopped_polls_are_a_problem_after_two_intervals() -> None:
    """One may be late by its jitter."""
    assert not told(view(), NOON + 2 * HOUR)
    assert told(view(), NOON + 2 * HOUR + MOMENT) == [
        (Level.BAD, "Polls have stopped: the next one is 1 h late", "ChatUsageReportFetchFailing")
    ]


def test_a_report_is_fresh_as_long_as_the_alert_rules_say() -> None:
    """Two days and two hours, settle time and two intervals after the start of its last day."""
    found = view()
    assert found.day_status.last_day is not None
    limit = datetime(2026, 11, 19, tzinfo=NOON.tzinfo) + timedelta(days=2, hours=2) + RULES.settle + 2 * HOUR
    assert is_fresh(found, limit - MOMENT)
    assert not is_fresh(found, limit)
    assert "It is late: its newest complete day was 2 days ago; limits are not evaluated" in {
        what for _, what, _ in told(replace(found, health=replace(found.health, last_attempt=limit)), limit)
    }


def test_withheld_figures_are_a_problem_once_something_was_read() -> None:
    """A report that was never read has nothing to withhold."""
    stale = replace(view(), day_status=replace(view().day_status, stale=True))
    assert [what for _, what, _ in told(stale)] == ["Its figures are withheld: nothing was read for 3 days"]
    never = replace(stale, health=replace(stale.health, read_at=None))
    assert not told(never)
    assert not is_fresh(stale, NOON)


def test_thresholds_are_those_of_the_shipped_alert_rules() -> None:
    """The page does not read the rules, so both must agree."""
    rules = {
        rule["alert"]: " ".join(rule["expr"].split())
        for file in ("data.yml", "platform.yml")
        for group in yaml.safe_load((ALERT_RULES / file).read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    covers = re.search(r"2 \* 86400 \+ (\d+) \+ 2 \* max by", rules["ChatUsageReportStale"])
    assert covers is not None
    assert LAST_DAY_AGE == timedelta(days=2, seconds=int(covers[1]))
    assert rules["ChatUsageRestated"].partition(" unless")[0].endswith(f" > {RESTATED}")
    assert f", {int(FAILING_FOR.total_seconds() // 3600)} * 3600)" in rules["ChatUsageReportFetchFailing"]
