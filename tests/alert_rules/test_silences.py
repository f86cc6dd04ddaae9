"""What must not be told of: chance, days off, what was removed, what was never there; and what must be, beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.alert_rules.laws import CHAT, COMPANY, FRESH, QUERIES, REPORT, WORKED, fresh, limit, many, worked
from tests.alert_rules.promtool import FILES, Series, document, verdicts

pytestmark = [pytest.mark.e2e, pytest.mark.once]

HOURS = 30 * 24
SUCCESS = "chat_usage_poll_last_success_timestamp_seconds"
POLLED = Series(SUCCESS, REPORT, "0+3600")
INTERVAL = Series("chat_usage_poll_interval_seconds", REPORT, "3600")
UP = Series("up", {"job": "chat-usage-exporter", "instance": "a"}, "1")
BUILD = Series("chat_usage_exporter_build_info", {"job": "chat-usage-exporter", "instance": "a"}, "1")
TODAY, WORKING = "chat_usage_activity_today", "chat_usage_activity_last_working_day"
CLOSED = worked("chat-sessions", f"{WORKED} 777600x{HOURS}")
"""Twelve days of work, and then none."""


def company(name: str, labels: Mapping[str, str], values: str) -> Series:
    return Series(name, {**COMPANY, **labels}, values)


def silent(company_is_closed: bool) -> list[Series]:
    """Returns a company that uses nothing for a week: on days off, or on working days."""
    days = f"{WORKED} 777600x{HOURS}" if company_is_closed else " ".join(f"{n * 86400 - 172800}x23" for n in range(30))
    sums = [
        company("paradigm_user_queries_7d", {"mode": "chat"}, "0"),
        company("paradigm_user_queries_28d", {"mode": "chat"}, "500"),
        company("paradigm_model_responses_28d", {"mode": "chat"}, "500"),
        company("paradigm_document_uses_28d", {}, "90"),
        company("paradigm_document_uses_7d", {}, "0"),
        company("paradigm_tool_uses_28d", {"tool": "CRM"}, "90"),
        company("paradigm_tool_uses_7d", {"tool": "CRM"}, "0"),
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
    """Returns so many companies below their limit."""
    figures = [Series(WORKING, many(n), "1" if n <= down else "90") for n in range(1, of + 1)]
    limits = [limit("lower", "usual", "warning", "50") for _ in range(of)]
    own = [each._replace(labels={**each.labels, **many(n)}) for n, each in enumerate(limits, 1)]
    return [*FRESH, *figures, *own]


GONE = f"{' '.join(f'{hour * 3600}' for hour in range(12))} stale"
SILENCE = ("ChatUsageCompanyInactive", "ChatUsageDocumentsUnused", "ChatUsageNoAnswerForLong", "ChatUsageToolUnused")
QUIET: Mapping[str, tuple[Sequence[Series], Sequence[str]]] = {
    "a Prometheus that never saw the exporter": ([Series("unrelated", {}, "1")], ["ChatUsageExporterDown"]),
    "a Prometheus that meets the exporter": ([POLLED, INTERVAL, UP, BUILD], []),
    "a source that was removed": (
        [
            Series(SUCCESS, {**REPORT, "source": "old"}, GONE),
            Series(INTERVAL.name, {**REPORT, "source": "old"}, "3600x11 stale"),
            POLLED,
            INTERVAL,
            UP,
            BUILD,
        ],
        [],
    ),
    "any name of the job": ([*(each._replace(labels={"job": "r", "instance": "a"}) for each in (UP, BUILD))], []),
    "a company that is closed": (silent(True), []),
    "a company that is not": (silent(False), SILENCE),
    "39 answers to 50 queries": (answered(50, 39), []),
    "390 answers to 500 queries": (answered(500, 390), ["ChatUsageUnansweredQueries"]),
    "no answer of 100 with documents, where 4 are usual": (grounded(100, 0.04, 0), []),
    "10 answers of 100 with documents, where 50 are usual": (grounded(100, 0.5, 10), ["ChatUsageGroundedShareLow"]),
    "2 of 2 companies that fell": (fallen(2, 2), ["ChatUsageActivityDropped"]),
    "3 of 4 companies that fell": (fallen(3, 4), ["ChatUsageActivityDropped", "ChatUsageManyCompaniesDropped"]),
    "late figures": (
        [
            *grounded(100, 0.5, 10),
            *(
                [each._replace(values="-600000") if "day_timestamp" in each.name else each for each in FRESH][2:3]
            ),
        ],
        [],
    ),
}
"""The series of each case, and the alerts that may fire in it, of all that there are."""
EVER = "count by (alertname) (count_over_time(ALERTS{{alertstate=\"firing\"{more}}}[30d]))"
ENDED = 'alertname!~"ChatUsageWatchdog|ChatUsageThresholdMissing|ChatUsageReport.*|ChatUsageExporterDown"'


def steady(each: Series) -> Series:
    """Returns a series that goes on for all days, by steps of an hour."""
    if "x" in each.values or "stale" in each.values:
        return each
    return each._replace(values=each.values.replace("+600", "+3600") + f"x{HOURS}")


def test_only_what_has_a_cause_is_told_of(promtool: str, tmp_path: Path) -> None:
    """At no time of 30 days, by all rules, opt-in ones too; what the cases do not serve is left out."""
    tests = [
        {
            "name": name,
            "interval": "1h",
            "input_series": [steady(each).document() for each in series],
            "promql_expr_test": [
                {
                    "expr": EVER.format(more="" if "Prometheus" in name or "source" in name else f",{ENDED}")
                    if name != "any name of the job"
                    else EVER.format(more=',alertname="ChatUsageExporterDown"'),
                    "eval_time": f"{HOURS - 1}h",
                    "exp_samples": [],
                }
            ],
        }
        for name, (series, _) in QUIET.items()
    ]
    for test, (_, told) in zip(tests, QUIET.values(), strict=True):
        (check,) = test["promql_expr_test"]  # type: ignore[misc]  # a list of one, above
        check["expr"] = check["expr"].replace("count by", "0 * count by") + ' unless on (alertname) vector(0)'
        found = [{"labels": f'{{alertname="{name}"}}', "value": 0} for name in sorted(told)]
        check["exp_samples"] = found
    files = []
    for number, test in enumerate(tests):
        files.append(tmp_path / f"{number}.yml")
        files[-1].write_text(document([test], "1h", FILES), "utf-8")
    found = verdicts(promtool, files)
    assert found == dict.fromkeys(found, "")
