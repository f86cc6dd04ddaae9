"""Cases that must not alert (noise, days off, removed or missing sources), next to cases that must.

By the oldest and the newest promtool; test_laws.py holds each rule against the one between too.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.alert_rules.laws import CHAT, COMPANY, FRESH, QUERIES, REPORT, WORKED, fresh, limit, many, worked
from tests.alert_rules.promtool import FILES, Series, document, failures, run_tests
from tests.oncall.amtool import program
from tests.oncall.shipped import SUITES

pytestmark = [pytest.mark.e2e, pytest.mark.once]

DAYS = 24
HOURS = DAYS * 24
SUCCESS = "chat_usage_poll_last_success_timestamp_seconds"
POLLED = Series(SUCCESS, REPORT, "0+3600")
INTERVAL = Series("chat_usage_poll_interval_seconds", REPORT, "3600")
UP = Series("up", {"job": "chat-usage-exporter", "instance": "a"}, "1")
BUILD = Series("chat_usage_exporter_build_info", {"job": "chat-usage-exporter", "instance": "a"}, "1")
TODAY, WORKING = "chat_usage_activity_today", "chat_usage_activity_last_working_day"
OPEN = " ".join(f"{number * 86400 - 172800}x23" for number in range(DAYS + 1))
CLOSED = f"{WORKED} 777600x{HOURS}"
"""When the last business day began: each day is one, or twelve days of work and then none."""
SUM_OF_WEEK = f"9x{17 * 24 - 1} 0x{HOURS}"
"""Usage until the tenth day; a week later the week's sum is 0."""


def company(name: str, labels: Mapping[str, str], values: str) -> Series:
    return Series(name, {**COMPANY, **labels}, values)


def silent(days: str) -> list[Series]:
    """Returns a company without usage for a week, and its business days."""
    sums = [
        company("paradigm_user_queries_7d", {"mode": "chat"}, SUM_OF_WEEK),
        company("paradigm_user_queries_28d", {"mode": "chat"}, "500"),
        company("paradigm_model_responses_28d", {"mode": "chat"}, "500"),
        company("paradigm_document_uses_28d", {}, "90"),
        company("paradigm_document_uses_7d", {}, SUM_OF_WEEK),
        company("paradigm_tool_uses_28d", {"tool": "CRM"}, "90"),
        company("paradigm_tool_uses_7d", {"tool": "CRM"}, SUM_OF_WEEK),
        Series("paradigm_last_model_response_timestamp_seconds", CHAT, "864000"),
    ]
    reports = ("chat-sessions", "tools", "used-documents")
    return [*sums, *(each for report in reports for each in (*fresh(report), worked(report, days)))]


def answered(asked: int, answers: int) -> list[Series]:
    return [
        *FRESH,
        Series(TODAY, QUERIES, str(asked)),
        Series(TODAY, {**QUERIES, "activity": "model_responses"}, str(answers)),
    ]


def grounded(answers: int, share: float, now: int) -> list[Series]:
    return [
        *FRESH,
        Series("paradigm_model_responses_7d", CHAT, str(answers)),
        Series("paradigm_model_responses_28d", CHAT, str(4 * answers)),
        Series("paradigm_model_responses_with_docs_7d", CHAT, str(now)),
        Series("paradigm_model_responses_with_docs_28d", CHAT, str(4 * answers * share)),
    ]


def fallen(down: int, of: int) -> list[Series]:
    """Returns companies below their limit."""
    figures = [Series(WORKING, many(n), "1" if n <= down else "90") for n in range(1, of + 1)]
    limits = [limit("lower", "usual", "warning", "50") for _ in range(of)]
    own = [each._replace(labels={**each.labels, **many(n)}) for n, each in enumerate(limits, 1)]
    return [*FRESH, *figures, *own]


GONE = f"{' '.join(f'{hour * 3600}' for hour in range(12))} stale"
SILENCE = ("ChatUsageCompanyInactive", "ChatUsageDocumentsUnused", "ChatUsageNoAnswerForLong", "ChatUsageToolUnused")
LATE = [each._replace(values="-600000") if "day_timestamp" in each.name else each for each in grounded(100, 0.5, 10)]
CASES: Mapping[str, tuple[Sequence[Series], Sequence[str]]] = {
    "a Prometheus that never saw the exporter": ([Series("unrelated", {}, "1")], ["ChatUsageExporterDown"]),
    "a Prometheus that meets the exporter": ([POLLED, INTERVAL, UP, BUILD], []),
    "a source that was removed": (
        [
            Series(SUCCESS, {**REPORT, "source": "old"}, GONE),
            Series(INTERVAL.name, {**REPORT, "source": "old"}, "3600x11 stale"),
            *(POLLED, INTERVAL, UP, BUILD),
        ],
        [],
    ),
    "an exporter that does not come back": (
        [
            *(
                Series(each.name, {**each.labels, "job": UP.labels["job"]}, f"{each.values}x30 stale")
                for each in (POLLED, INTERVAL, BUILD)
            ),
            UP._replace(values=f"1x30 0x{HOURS}"),
        ],
        ["ChatUsageExporterDown", "ChatUsageNoReportAtAll"],
    ),
    "any name of the job": ([each._replace(labels={"job": "r", "instance": "a"}) for each in (UP, BUILD)], []),
    "a company that is closed, for weeks": ([*silent(CLOSED), UP, BUILD], []),
    "a company that is not, for weeks": ([*silent(OPEN), UP, BUILD], SILENCE),
    "39 answers to 50 queries": ([*answered(50, 39), UP, BUILD], []),
    "390 answers to 500 queries": ([*answered(500, 390), UP, BUILD], ["ChatUsageUnansweredQueries"]),
    "no answer of 100 with documents, where 4 are usual": ([*grounded(100, 0.04, 0), UP, BUILD], []),
    "10 answers of 100 with documents, where 50 are usual": (
        [*grounded(100, 0.5, 10), UP, BUILD],
        ["ChatUsageGroundedShareLow"],
    ),
    "the same in figures that are late": ([*LATE, UP, BUILD], ["ChatUsageReportStale"]),
    "2 of 2 companies that fell": ([*fallen(2, 2), UP, BUILD], ["ChatUsageActivityDropped"]),
    "3 of 4 companies that fell": (
        [*fallen(3, 4), UP, BUILD],
        ["ChatUsageActivityDropped", "ChatUsageManyCompaniesDropped"],
    ),
}
"""The series of each case, and all alerts that fire at any time."""
EVER = (
    'count by (alertname, source) (count_over_time(ALERTS{alertstate="firing",'
    f'alertname!~"ChatUsageWatchdog|ChatUsageThresholdMissing"}}[{DAYS}d])) > bool 0'
)
OF_NO_SOURCE = "ChatUsageExporterDown"
ALONE = [[name] for name, (series, _) in CASES.items() if UP not in series]
"""Metrics of the whole exporter, by case."""
BESIDE = [name for name in CASES if [name] not in ALONE]
"""Cases that share an exporter, so that rules are evaluated once for all."""
TOGETHER = [*ALONE, *([name for name in BESIDE if ("weeks" in name) is weeks] for weeks in (False, True))]


def steady(each: Series, hours: int) -> Series:
    """Returns a series for all hours, increasing by one."""
    if "x" in each.values or "stale" in each.values:
        return each
    return each._replace(values=each.values.replace("+600", "+3600") + f"x{hours}")


def of_source(each: Series, source: str) -> Series:
    """Returns a series of source `a` for another source."""
    return each._replace(labels={**each.labels, "source": source}) if each.labels.get("source") == "a" else each


def days(names: Sequence[str]) -> Mapping[str, object]:
    """Returns a promtool test with a source per case, over four days or weeks."""
    hours = HOURS if "weeks" in names[0] else 4 * 24
    series = {
        (found["series"], found["values"]): found
        for name in names
        for each in CASES[name][0]
        if (found := steady(of_source(each, name), hours).document())
    }
    told = [
        Series("", {"alertname": alert, **({} if alert == OF_NO_SOURCE else {"source": name})}, "")
        for name in names
        for alert in CASES[name][1]
    ]
    samples = [{"labels": each.document()["series"], "value": 1} for each in told]
    check = {"expr": EVER, "eval_time": f"{hours - 1}h", "exp_samples": samples}
    return {"interval": "1h", "input_series": list(series.values()), "promql_expr_test": [check]}


MIDNIGHT, LATER = 12, 24
RENAMED = {**QUERIES, "company": "Northwind AG"}
OLD, NEW = f"{{}}x{MIDNIGHT - 1} stale", f"_x{MIDNIGHT} {{}}x{LATER}"
"""Half hours of a company's figure under its old and its new name."""


def served(name: str, labels: Mapping[str, str], before: str, after: str) -> list[Series]:
    """Returns a figure of a company that is renamed when the last day changes."""
    return [
        Series(name, {**labels, **QUERIES}, OLD.format(before)),
        Series(name, {**labels, **RENAMED}, NEW.format(after)),
    ]


def test_a_renamed_company_keeps_its_alert_and_gets_no_other(promtool: str, tmp_path: Path) -> None:
    """At the same time the last day changes from one with a higher figure and limit; they are not mixed up."""
    lower, upper = ({"bound": bound, "basis": "fixed", "severity": "warning"} for bound in ("lower", "upper"))
    figures = [
        *served(WORKING, {}, "49", "49"),
        *served("chat_usage_activity_last_day", {}, "500", "49"),
        *served("chat_usage_activity_limit", lower, "50", "50"),
        *served("chat_usage_activity_limit", upper, "600", "100"),
    ]
    series = [each if "company" in each.labels else each._replace(values=f"{each.values}x40") for each in FRESH]
    ever = 'count(last_over_time(ALERTS_FOR_STATE{company_id="1"}[18h]))'
    checks = [
        {"expr": ever, "eval_time": "18h", "exp_samples": [{"labels": "{}", "value": 1}]},
        {
            "expr": 'changes(ALERTS_FOR_STATE{alertname="ChatUsageBelowThreshold"}[18h])',
            "eval_time": "18h",
            "exp_samples": [{"labels": Series("", of_alert(lower), "").document()["series"], "value": 0}],
        },
    ]
    test = {
        "interval": "30m",
        "input_series": [each.document() for each in (*series, *figures)],
        "promql_expr_test": checks,
    }
    assert failures(promtool, tmp_path, document([test], "30m", FILES)) == ""


def of_alert(limit: Mapping[str, str]) -> Mapping[str, str]:
    """Returns the labels of its alert, which has no company name."""
    named = {"alertname": "ChatUsageBelowThreshold", "service": "chat-usage", **QUERIES, **limit}
    return {name: text for name, text in named.items() if name != "company"}


@pytest.mark.parametrize("suite", [SUITES[0], SUITES[-1]])
def test_only_cases_with_a_cause_alert(suite: str, tmp_path: Path) -> None:
    """At any time, with all rules including optional ones."""
    files = []
    for number, names in enumerate(TOGETHER):
        files.append(tmp_path / f"{number}.yml")
        files[-1].write_text(document([days(names)], "1h", FILES), "utf-8")
    found = run_tests(str(program("promtool", suite)), files)
    assert found == dict.fromkeys(found, "")
