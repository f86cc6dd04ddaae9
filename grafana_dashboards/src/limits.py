"""Limits as lines of a chart, and as rows of a table: each with its judged day and figure, as on the status page."""

from grafana_dashboards.src.language import DATE, Query, Style
from grafana_dashboards.src.queries import (
    BY_SOURCE,
    TO_ITS_DATE,
    Measure,
    Scope,
    as_shares,
    day_of,
    for_each,
    in_per_cent,
)
from grafana_dashboards.src.tables import Column


def judged(scope: Scope, limits: str, measure: Measure) -> list[Column]:
    """Returns, for each of the limits, the day that is compared with it and its figure."""
    lower, upper = (
        limits.replace("chat_usage_activity_limit{", f'chat_usage_activity_limit{{bound="{bound}", ')
        for bound in ("lower", "upper")
    )
    figures = f"{for_each(lower, scope.now('chat_usage_activity_last_working_day', measure))} or {for_each(upper, scope.last_day(measure))}"
    by = ", ".join((*BY_SOURCE, "report", "company_id"))
    working = (
        f"max by ({by}) (last_over_time({scope.selected('chat_usage_company_last_working_day_timestamp_seconds')}[1h]))"
    )
    days = f"{lower} * 0 + on ({by}) group_left () {working} or {upper} * 0 + on ({', '.join((*BY_SOURCE, 'report'))}) group_left () {day_of(scope)}"
    return [
        Column(Query(f"1000 * (({days}) + {TO_ITS_DATE})", "Judged day"), DATE, width=140),
        Column(Query(in_per_cent(figures, measure), "Value"), decimals=1, width=80),
    ]  # fmt: skip


def limit_lines(lower: str, upper: str) -> list[Query]:
    """Returns a line for each lower and upper limit by basis and severity."""
    return [
        Query(
            f"max by (of, basis, severity) ({as_shares(limits)})",
            f"{bound} limit, {{{{basis}}}}{{{{of}}}}, {{{{severity}}}}",
            style,
        )
        for bound, limits, style in (("lower", lower, Style.LOWER), ("upper", upper, Style.UPPER))
    ]
