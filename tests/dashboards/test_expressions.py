"""Every query is valid PromQL, reads what the exporter serves, and treats daily figures correctly."""

import json
import re
from pathlib import Path

import promql_parser
import pytest

from exporter.backfill.figures import daily
from exporter.cli.metrics import catalogue
from exporter.platforms.chatcaptain import platform as chatcaptain
from exporter.platforms.paradigm import platform as paradigm
from tests.alert_rules.promtool import GROUPS
from tests.dashboards.shipped import FILES, annotations, filled, read, targets, variables

OF_PROMETHEUS = {
    "ALERTS",
    "up",
    "scrape_duration_seconds",
    "prometheus_rule_group_last_duration_seconds",
    "prometheus_rule_evaluation_failures_total",
}
"""Metrics of Prometheus about targets and rules."""
OF_HISTORY = {
    daily(measure)
    for platform in (paradigm.PLATFORM, chatcaptain.PLATFORM)
    for report in platform.reports.values()
    for measure in report.measures
}
RECORDED = {str(rule["record"]) for group in GROUPS for rule in group["rules"] if "record" in rule}
INTERVALS = {"__rate_interval": "5m", "__interval": "1m", "__range": "30d"}
FIXED_WINDOWS = {
    "[1d]": "corrections are told of per day: a day is the window that the panel names",
    "[1h]": "failed evaluations and restarts are told of per hour, whatever the zoom",
}
"""Windows of rate, increase and changes other than $__rate_interval, with their reason."""


def _questions() -> list[tuple[str, str]]:
    found = []
    for path in FILES:
        document = read(path)
        found += [
            (f"{path.stem}/{panel['title']}/{each['refId']}", str(each["expr"])) for panel, each in targets(document)
        ]
        found += [
            (f"{path.stem}/{each['name']}", str(each["expr"])) for each in annotations(document) if "expr" in each
        ]
    return found


QUESTIONS = _questions()
every_question = pytest.mark.parametrize(
    "expression", [each for _, each in QUESTIONS], ids=[name for name, _ in QUESTIONS]
)


def plain(expression: str) -> str:
    """Replaces each variable by a number or a word."""
    names = {name for path in FILES for name in variables(read(path))}
    numbers = {"drop": "0.5", "spike": "3", "baseline": "20"}
    return filled(expression, {**dict.fromkeys(names, "x"), **numbers, **INTERVALS})


@every_question
def test_a_query_can_be_parsed(expression: str) -> None:
    """With any value of its variables."""
    promql_parser.parse(plain(expression))


@every_question
def test_a_query_reads_existing_metrics(expression: str) -> None:
    """Families of the catalogue, shipped recordings, or Prometheus' own metrics."""
    served = {family.name for family in catalogue()}
    served |= {f"{name}_bucket" for name in served} | OF_HISTORY
    names = set(re.findall(r"(?<![\w.\"])([A-Za-z_:][\w:]*)\{", plain(expression)))
    assert names or "__name__" in expression or "chat_usage_exporter_build_info" in expression
    assert names - served - OF_PROMETHEUS - RECORDED == set()


@every_question
def test_a_rate_is_of_a_counter_and_uses_the_rate_interval(expression: str) -> None:
    """A daily figure is no counter: a correction would look like a restart."""
    for how, name, window in re.findall(r"\b(rate|increase|irate)\((\w+)(?:\{[^}]*\})?(\[[^\]]*\])", expression):
        assert name.endswith(("_total", "_bucket")), f"{how}({name})"
        assert window == "[$__rate_interval]" or window in FIXED_WINDOWS


@every_question
def test_a_counter_is_only_read_with_rate_or_increase(expression: str) -> None:
    """Its value depends on the age of the process."""
    read = re.findall(r"(\w*\()?\b(\w+(?:_total|_bucket))\{", expression)
    assert all(how in ("rate(", "increase(") for how, _ in read)


@every_question
def test_missing_data_is_never_replaced_by_zero(expression: str) -> None:
    """Gaps must be visible."""
    assert not re.search(r"or\s+(on\s*\(\)\s*)?vector\s*\(", expression)


@every_question
def test_a_division_has_a_divisor(expression: str) -> None:
    """Divisors are filtered, so that a share of 0 is absent instead of NaN or infinite."""
    for divisor in re.findall(r" / (?:on \([^)]*\) )?(.{1,60})", plain(expression)):
        assert divisor.startswith(("(", "process_max_fds")), divisor


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_figures_of_days_are_read_at_their_own_midnight(path: Path) -> None:
    """With a step of a day, and a check that the report had that day; other queries have no such step."""
    for panel, target in targets(read(path)):
        expression = str(target["expr"])
        is_of_days = "offset -47h" in expression and not target["instant"]
        assert (target.get("interval") == "1d") == is_of_days, panel["title"]
        if is_of_days:
            scraped = {expression.count(each) // 2 for each in ("[3h] offset -47h", "[4h] offset -34h", "[1h] @ end()")}
            assert scraped == {expression.count("chat_usage_report_day_timestamp_seconds{") // 3}, panel["title"]
            recorded = expression.count('source=~"$recorded"}[23h] offset -47h')
            assert recorded == (max(scraped) if "recorded" in variables(read(path)) else 0), panel["title"]


def test_the_catalogue_equals_the_documented_one() -> None:
    """docs/metrics.md has a line for each name, or for its measure and windows."""
    page = (FILES[0].parents[1] / "docs" / "metrics.md").read_text()
    named = set[str]()
    for name, said in re.findall(r"^\* `(\w+)`.*?(?:; (no window|(?:`_\w+`(?:, )?)+))?$", page, re.M):
        usual = [""] if said or name.startswith("chat_usage_") else ["_last_day", "_today", "_7d", "_28d"]
        named |= {name + suffix for suffix in re.findall(r"`(_\w+)`", said) or usual}
    of_python = re.findall(r"`(\w+)`", page.rpartition("Also, as in every Python exporter:")[2])
    assert {family.name for family in catalogue()} == named | {*of_python}
    assert json.dumps(sorted(OF_PROMETHEUS & named)) == "[]"
