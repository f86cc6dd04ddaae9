"""Five weeks of the exporter's own pages: alerts fire when they should, once, and are silent when they should be.

By the promtool that is usual; test_silences.py has the oldest and the newest one, test_laws.py all three.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter.simulator.paradigm.companies import Company
from tests.alert_rules.promtool import FILES, complaints, document
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
    """Says for which companies an alert fires at a moment, and for no other."""
    samples = [{"labels": f'{{{by}="{each.id}"}}', "value": 1} for each in sorted(companies, key=lambda each: each.id)]
    query = f'count by ({by}) (ALERTS{{alertname="{alert}", alertstate="firing", source="{source}"}})'
    return {"expr": query, "eval_time": moment, "exp_samples": samples}


def value(query: str, moment: str, expected: float | None) -> Check:
    """Says what a query without labels comes to; None is nothing."""
    samples = [] if expected is None else [{"labels": "{}", "value": expected}]
    return {"expr": query, "eval_time": moment, "exp_samples": samples}


def alerts_of(alert: str, source: str, **labels: str) -> str:
    more = "".join(f', {key}="{text}"' for key, text in labels.items())
    return f'ALERTS{{alertname="{alert}", alertstate="firing", source="{source}"{more}}}'


DROPPED, SPIKED, BELOW = "ChatUsageActivityDropped", "ChatUsageActivitySpiked", "ChatUsageBelowThreshold"


def of_main(roles: Mapping[str, Company], tiny: Company) -> list[Check]:
    down, same_day = roles["down"], roles["same_day"]
    one_alert = f'sum(changes(ALERTS_FOR_STATE{{alertname="{DROPPED}", source="m", company_id="{down.id}"}}[4d]))'
    fixed = str(roles["fixed"].id)
    return [
        firing(DROPPED, "m", at(FRIDAY, 12)),
        # Friday is complete on Saturday morning and judged until Tuesday morning; Monday is no better.
        *(firing(DROPPED, "m", at(number, 12), down) for number in (SATURDAY, SATURDAY + 1, MONDAY, MONDAY + 1)),
        value(one_alert, at(MONDAY + 1, 12), 0),
        firing(DROPPED, "m", at(MONDAY + 2, 12)),
        # A Saturday spike is one on Sunday morning, and over on Monday morning.
        firing(SPIKED, "m", at(SATURDAY, 12)),
        firing(SPIKED, "m", at(SATURDAY + 1, 12), roles["saturday"]),
        firing(SPIKED, "m", at(MONDAY, 12)),
        # A fixed limit, whose severity changes on Tuesday: never two at once for long, and no rule stops.
        firing(BELOW, "m", at(SATURDAY, 12), roles["fixed"]),
        value(f"count({alerts_of(BELOW, 'm', severity='warning')})", at(SEVERITY_CHANGES, 1), 1),
        value(f"count({alerts_of(BELOW, 'm', severity='critical', company_id=fixed)})", at(SEVERITY_CHANGES, 5), 1),
        value(f"count({alerts_of(BELOW, 'm', severity='warning')})", at(SEVERITY_CHANGES, 5), None),
        # A company that keeps the holiday is silent, one that does not is told of; a new one has no usual level yet.
        firing(DROPPED, "m", at(WEDNESDAY + 1, 12), same_day),
        # A tiny company fell silent a week ago, and nobody heard of it.
        value(
            f'count(ALERTS{{source="m", company_id="{tiny.id}", alertname=~"{DROPPED}|{BELOW}"}})',
            at(WEDNESDAY + 1, 12),
            None,
        ),
        # Corrections of two fifths of a company's day are told of.
        value(f"count({alerts_of('ChatUsageRestated', 'm')})", at(10, 12), None),
        value(f"count({alerts_of('ChatUsageRestated', 'm')})", at(25, 14), 1),
        # A restart, two missed scrapes and midnights change nothing about reports.
        value('count(ALERTS{source="m", alertname=~"ChatUsageReport.*|ChatUsageNoReportAtAll"})', at(36, 12), None),
        value('sum(count_over_time(ALERTS{source="m", alertname=~"ChatUsageReport.*"}[35d]))', at(36, 12), None),
    ]


OF_OTHERS = [
    # Everybody fell: one page. Then the platform is gone: after 58 hours nothing is judged by old figures any more.
    value(f"count({alerts_of('ChatUsageManyCompaniesDropped', 'l')})", at(28, 12), 1),
    value(f"count({alerts_of('ChatUsageManyCompaniesDropped', 'l')})", at(29, 18), 1),
    value(f"count({alerts_of('ChatUsageReportFetchFailing', 'l')})", at(29, 20), 1),
    value(f"count({alerts_of('ChatUsageReportStale', 'l')})", at(30, 6), None),
    value(f"count({alerts_of('ChatUsageReportStale', 'l')})", at(31, 6), 1),
    value(f"count({alerts_of(DROPPED, 'l')})", at(31, 6), None),
    value(f"count({alerts_of('ChatUsageManyCompaniesDropped', 'l')})", at(31, 6), None),
    # A stuck report disarms its own limits and no others.
    value(f"count(count by (report) ({alerts_of('ChatUsageAboveThreshold', 't')}))", at(28, 12), 1),
    value(f"count({alerts_of('ChatUsageAboveThreshold', 't')})", at(31, 12), None),
    value(f"count({alerts_of('ChatUsageReportStale', 't')})", at(31, 12), 1),
    value(f"count({alerts_of('ChatUsageReportStale', 't', report='tools')})", at(36, 12), 1),
    value('sum(source_report:chat_usage_report_fresh:bool{source="t", report="chat-sessions"})', at(36, 12), 1),
    # Polls every 12 hours: never late, at no half hour of five weeks.
    value('sum(min_over_time(source_report:chat_usage_report_fresh:bool{source="h"}[34d]))', at(36, 0), 1),
    value('count(ALERTS{source="h", alertname=~"ChatUsageReport.*"})', at(36, 12), None),
]


async def test_five_weeks(tmp_path: Path) -> None:
    """Weekend, spike, holiday, late, stuck, tiny, new, restart, midnights, another severity, correction, slow polls."""
    main, roles, tiny = await main_source()
    others = [await late_source(), await half_stuck_source(), await slow_source()]
    series = [each.document() for one in (main, *others) for each in one.series()]
    test = {
        "name": "five weeks",
        "interval": "30m",
        "input_series": series,
        "promql_expr_test": [*of_main(roles, tiny), *OF_OTHERS],
    }
    text = document([test], "30m", DEFAULT)
    assert complaints(str(program("promtool", "trixie")), tmp_path, text) == ""
