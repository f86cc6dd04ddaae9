"""Writes blocks for any number of companies, with every family that dashboards read.

There are samples only where queries read them. All companies have the scrapes of the last 90 minutes, fewer of a week
ago, hourly recordings, and a backfill at noon. One company has all scrapes of a week and further activities. Series
without a company have the scrapes of a day.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import anyio
import yaml

from tests.alert_rules.promtool import GROUPS
from tests.dashboards.prometheus import Tools, openmetrics_lines, store
from tests.dashboards.scenario import PARADIGM, Scenario, Series
from tests.dashboards.shipped import ROOT, targets
from tests.dashboards.test_answers import DOCUMENTS

LATEST, WEEK = timedelta(minutes=90), timedelta(days=7)
EVALUATED_S, HOUR_S, DAY_S = 60, 3600, 86400
SETTLE_S = 6 * HOUR_S
SCRAPED_S = int(
    yaml.safe_load((ROOT / "config" / "prometheus.example.yml").read_text())["global"]["scrape_interval"].rstrip("s")
)
READ = re.compile(r"[A-Za-z_:][\w:]*(?=\{)")
RECORDED = re.compile(r"last_over_time\((\w+)\[1h\]\)")
COMPANY = re.compile(r'company_id="[^"]*",company="[^"]*"')
DAY = "chat_usage_report_day_timestamp_seconds"
SHOWN = 'activity="user_queries"'
STEADY = ("limit", "baseline", "info", "_timestamp_seconds")
"""Parts of family names whose values are not daily figures."""
ALERT = Series(
    "ALERTS",
    'alertname="ChatUsageActivityDropped",alertstate="firing",severity="warning",source="demo",report="chat-sessions",'
    'activity="user_queries",company_id="",company="",namespace="production",job="chat-usage-exporter"',
)
"""Fires for one company in a hundred, all the time."""


def blocks(companies: int, begin: datetime, now: datetime, tools: Tools, folder: Path) -> None:
    """Writes blocks from `begin` to `now`, both whole hours."""
    store(_lines(companies, begin, now), tools, folder)


def _lines(companies: int, begin: datetime, now: datetime) -> Iterator[str]:
    latest = [*_moments(now - WEEK - LATEST, now - WEEK, 10 * SCRAPED_S), *_moments(now - LATEST, now, SCRAPED_S)]
    dense, scraped = _moments(now - WEEK, now, SCRAPED_S), _once()
    of_sources = {DAY: _moments(begin, now, SCRAPED_S)}
    for series, value in scraped.items():
        if "company_id=" not in series.labels or f'source="{PARADIGM}"' not in series.labels:
            yield from _sampled(series, value, 0, of_sources.get(series.name, dense[-DAY_S // SCRAPED_S :]))
        else:
            yield from _each(companies, series, value, latest, dense)
    for name, family in _recordings().items():
        for series, value in scraped.items():
            if series.name == family:
                made = Series(name, re.sub(r',instance="[^"]*"', "", series.labels))
                hours = [at for at in _moments(begin, now, HOUR_S) if at % DAY_S >= SETTLE_S]  # of the date before
                yield from _each(companies, made, value, hours)
    noons = _moments(begin + timedelta(hours=12), now, DAY_S)
    for series, value in scraped.items():
        if series.name.endswith("_last_day") and series.name.startswith("paradigm_"):
            yield from _each(companies, series._replace(name=series.name.replace("_last_day", "_daily")), value, noons)
    yield from _each(companies // 100, ALERT, "1", _moments(begin, now, EVALUATED_S))
    yield "# EOF\n"


def _moments(begin: datetime, end: datetime, step_s: int) -> Sequence[int]:
    return range(int(begin.timestamp()), int(end.timestamp()) + 1, step_s)


def _once() -> Mapping[Series, str]:
    """Returns the newest sample of each series that dashboards read, for sources, one company and a chatbot."""
    scenario = Scenario(lasts=timedelta(days=1))
    anyio.run(scenario.run)
    asked = {
        name for each in DOCUMENTS.values() for _, found in targets(each) for name in READ.findall(str(found["expr"]))
    }
    ours = (f'company_id="{scenario.roles.dropped}"', 'source="demo_bot"')
    return {
        series: list(values.values())[-1]
        for series, values in scenario.samples.items()
        if series.name in asked and ("company_id=" not in series.labels or any(each in series.labels for each in ours))
    }


def _recordings() -> Mapping[str, str]:
    """Returns the family of each recording by date."""
    rules = next(group["rules"] for group in GROUPS if group["name"] == "chat-usage-days")
    return {str(rule["record"]): RECORDED.findall(str(rule["expr"]))[0] for rule in rules}


def _each(
    companies: int, series: Series, value: str, moments: Sequence[int], of_first: Sequence[int] | None = None
) -> Iterator[str]:
    """Yields the series for each company, or as it is if it has none."""
    is_of_all = "company_id=" in series.labels and SHOWN in re.findall('activity="[^"]*"', series.labels + SHOWN)[:1]
    for number in range(companies if is_of_all else 1):
        whose = COMPANY.sub(f'company_id="{number}",company="Company {number:05}"', series.labels)
        yield from _sampled(series._replace(labels=whose), value, number, moments if number else of_first or moments)


def _sampled(series: Series, value: str, number: int, moments: Sequence[int]) -> Iterator[str]:
    """Yields samples with a new figure each day, from its settle time on."""
    if DAY in series.name or "last_working_day_timestamp" in series.name:
        values = {at: str((at - SETTLE_S) // DAY_S * DAY_S - DAY_S) for at in moments}
    elif any(word in series.name for word in STEADY) or series.name == "ALERTS":
        values = dict.fromkeys(moments, value)
    else:
        figures = [str(float(value) * (0.8 + 0.05 * each)) for each in range(9)]
        values = {at: figures[((at - SETTLE_S) // DAY_S + number) % 9] for at in moments}
    return openmetrics_lines(series.name, series.labels, values)
