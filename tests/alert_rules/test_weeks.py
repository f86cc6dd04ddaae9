"""Alerts over five simulated weeks fire when they should, once, and not otherwise.

Uses one version of promtool; test_silences.py has the oldest and the newest, test_laws.py all three.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter.simulator.paradigm.companies import Company
from tests.alert_rules.promtool import FILES, document, failures
from tests.alert_rules.weeks import (
    FRIDAY,
    MONDAY,
    SATURDAY,
    SEVERITY_CHANGES,
    WEDNESDAY,
    at,
    half_stuck_source,
    late_source,
    main_source,
    slow_source,
)
from tests.oncall.amtool import program

pytestmark = [pytest.mark.e2e, pytest.mark.once, pytest.mark.anyio]

Check = Mapping[str, object]
DEFAULT = [file for file in FILES if file.parent.name == "alert_rules"]


def firing(alert: str, source: str, moment: str, *companies: Company, by: str = "company_id") -> Check:
    """Checks that an alert fires for exactly these companies at a moment."""
    samples = [{"labels": f'{{{by}="{each.id}"}}', "value": 1} for each in sorted(companies, key=lambda each: each.id)]
    query = f'count by ({by}) (ALERTS{{alertname="{alert}", alertstate="firing", source="{source}"}})'
    return {"expr": query, "eval_time": moment, "exp_samples": samples}


def value(query: str, moment: str, expected: float | None) -> Check:
    """Checks the result of a query without labels; None is an empty result."""
    samples = [] if expected is None else [{"labels": "{}", "value": expected}]
    return {"expr": query, "eval_time": moment, "exp_samples": samples}


def alerts_of(alert: str, source: str, **labels: str) -> str:
    more = "".join(f', {key}="{text}"' for key, text in labels.items())
    return f'ALERTS{{alertname="{alert}", alertstate="firing", source="{source}"{more}}}'


DROPPED, SPIKED, BELOW = "ChatUsageActivityDropped", "ChatUsageActivitySpiked", "ChatUsageBelowThreshold"


def main_source_checks(roles: Mapping[str, Company], tiny: Company) -> list[Check]:
    down, same_day = roles["down"], roles["same_day"]
    one_alert = f'sum(changes(ALERTS_FOR_STATE{{alertname="{DROPPED}", source="m", company_id="{down.id}"}}[4d]))'
    fixed = str(roles["fixed"].id)
    return [
        firing(DROPPED, "m", at(FRIDAY, 12)),
        # Friday is complete on Saturday morning and compared until Tuesday morning; Monday is no better.
        *(firing(DROPPED, "m", at(number, 12), down) for number in (SATURDAY, SATURDAY + 1, MONDAY, MONDAY + 1)),
        value(one_alert, at(MONDAY + 1, 12), 0),
        firing(DROPPED, "m", at(MONDAY + 2, 12)),
        # A Saturday spike fires on Sunday morning and ends on Monday morning.
        firing(SPIKED, "m", at(SATURDAY, 12)),
        firing(SPIKED, "m", at(SATURDAY + 1, 12), roles["saturday"]),
        firing(SPIKED, "m", at(MONDAY, 12)),
        # The severity of a fixed limit changes on Tuesday; both severities fire together only briefly.
        firing(BELOW, "m", at(SATURDAY, 12), roles["fixed"]),
        value(f"count({alerts_of(BELOW, 'm', severity='warning')})", at(SEVERITY_CHANGES, 1), 1),
        value(f"count({alerts_of(BELOW, 'm', severity='critical', company_id=fixed)})", at(SEVERITY_CHANGES, 5), 1),
        value(f"count({alerts_of(BELOW, 'm', severity='warning')})", at(SEVERITY_CHANGES, 5), None),
        # No alert for a company on holiday, nor for a new one without a baseline; one without the holiday alerts.
        firing(DROPPED, "m", at(WEDNESDAY + 1, 12), same_day),
        # A tiny company has been silent for a week without an alert.
        value(
            f'count(ALERTS{{source="m", company_id="{tiny.id}", alertname=~"{DROPPED}|{BELOW}"}})',
            at(WEDNESDAY + 1, 12),
            None,
        ),
        # Corrections of 40 % of a company's day alert.
        value(f"count({alerts_of('ChatUsageRestated', 'm')})", at(10, 12), None),
        value(f"count({alerts_of('ChatUsageRestated', 'm')})", at(25, 14), 1),
        # A restart, two missed scrapes and midnights cause no alert about reports.
        value('count(ALERTS{source="m", alertname=~"ChatUsageReport.*|ChatUsageNoReportAtAll"})', at(36, 12), None),
        value('sum(count_over_time(ALERTS{source="m", alertname=~"ChatUsageReport.*"}[35d]))', at(36, 12), None),
    ]


OTHER_SOURCE_CHECKS = [
    # All companies dropped: one page. Then the platform is down: after 58 hours old figures no longer alert.
    value(f"count({alerts_of('ChatUsageManyCompaniesDropped', 'l')})", at(28, 12), 1),
    value(f"count({alerts_of('ChatUsageManyCompaniesDropped', 'l')})", at(29, 18), 1),
    value(f"count({alerts_of('ChatUsageReportFetchFailing', 'l')})", at(29, 20), 1),
    value(f"count({alerts_of('ChatUsageReportStale', 'l')})", at(30, 6), None),
    value(f"count({alerts_of('ChatUsageReportStale', 'l')})", at(31, 6), 1),
    value(f"count({alerts_of(DROPPED, 'l')})", at(31, 6), None),
    value(f"count({alerts_of('ChatUsageManyCompaniesDropped', 'l')})", at(31, 6), None),
    # A stale report disables its own limits and no others.
    value(f"count(count by (report) ({alerts_of('ChatUsageAboveThreshold', 't')}))", at(28, 12), 1),
    value(f"count({alerts_of('ChatUsageAboveThreshold', 't')})", at(31, 12), None),
    value(f"count({alerts_of('ChatUsageReportStale', 't')})", at(31, 12), 1),
    value(f"count({alerts_of('ChatUsageReportStale', 't', report='tools')})", at(36, 12), 1),
    value('sum(source_report:chat_usage_report_fresh:bool{source="t", report="chat-sessions"})', at(36, 12), 1),
    # Polls every 12 hours: never late in five weeks.
    value('sum(min_over_time(source_report:chat_usage_report_fresh:bool{source="h"}[34d]))', at(36, 0), 1),
    value('count(ALERTS{source="h", alertname=~"ChatUsageReport.*"})', at(36, 12), None),
]


async def test_five_weeks(tmp_path: Path) -> None:
    """With weekends, spikes, holidays, outages, restarts, corrections, changed severities and slow polls."""
    main, roles, tiny = await main_source()
    others = [await late_source(), await half_stuck_source(), await slow_source()]
    series = [each.document() for one in (main, *others) for each in one.series()]
    test = {
        "name": "five weeks",
        "interval": "30m",
        "input_series": series,
        "promql_expr_test": [*main_source_checks(roles, tiny), *OTHER_SOURCE_CHECKS],
    }
    text = document([test], "30m", DEFAULT)
    assert failures(str(program("promtool", "trixie")), tmp_path, text) == ""
