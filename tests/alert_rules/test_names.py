"""Every metric and label in a rule exists in the catalogue, which equals what is served."""

import re
from collections.abc import Iterator, Mapping

import promql_parser as promql
import pytest

from exporter.cli.metrics import catalogue
from tests.alert_rules.promtool import GROUPS

RULES = [rule for group in GROUPS for rule in group["rules"]]
RELEASE = frozenset({"cluster", "namespace", "job"})
"""Labels that distinguish releases of the exporter; Prometheus adds them to all series."""
SERVED: Mapping[str, frozenset[str]] = {entry.name: frozenset(entry.label_names) | RELEASE for entry in catalogue()}
OF_ALERTS = frozenset({"alertname", "alertstate", "severity", "source", "report", "company_id", "company", "activity"})
PROMETHEUS: Mapping[str, frozenset[str]] = {
    "up": RELEASE | {"instance"},
    "ALERTS": RELEASE | OF_ALERTS,
    "prometheus_rule_evaluation_failures_total": RELEASE | {"rule_group"},
    "node_systemd_unit_state": RELEASE | {"name", "state"},
    "node_systemd_timer_last_trigger_seconds": RELEASE | {"name"},
    "kube_job_status_failed": RELEASE | {"job_name"},
    "kube_cronjob_status_last_successful_time": RELEASE | {"cronjob"},
    "kube_cronjob_created": RELEASE | {"cronjob"},
}
"""Metrics of Prometheus, of scrapes and of other exporters."""


def parts(expression: str) -> Iterator[object]:
    """Yields every part of an expression."""
    found: list[object] = []
    promql.walk(promql.parse(expression), pre_visit=found.append)
    yield from found


def grouping(part: object) -> frozenset[str]:
    """Returns the labels that a part groups by or matches on."""
    if isinstance(part, promql.AggregateExpr) and part.modifier is not None:
        return frozenset(part.modifier.labels)
    if isinstance(part, promql.BinaryExpr) and part.modifier is not None and part.modifier.matching is not None:
        return frozenset(part.modifier.matching.labels)
    return frozenset()


def selectors(expression: str) -> Iterator[promql.VectorSelector]:
    for part in parts(expression):
        if isinstance(part, promql.VectorSelector):
            yield part


def recorded() -> Mapping[str, frozenset[str]]:
    """Returns the recordings with their labels."""
    found: dict[str, frozenset[str]] = {}
    for rule in RULES:
        if "record" in rule:
            grouped = frozenset().union(*map(grouping, parts(rule["expr"])))
            read = (found.get(str(each.name), frozenset()) for each in selectors(rule["expr"]))
            found[rule["record"]] = grouped.union({"bound", "basis", "severity"}, *read)
    return found


QUERY = re.compile(r"printf `([^`]*)`")
KNOWN = {**SERVED, **PROMETHEUS, **recorded()}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_reads_what_is_served(rule: Mapping[str, str]) -> None:
    """Each metric, matched label and grouping label."""
    read = [each for each in selectors(rule["expr"]) if each.name]
    assert {each.name for each in read} <= KNOWN.keys()
    for each in read:
        asked = {matcher.name for matcher in each.matchers.matchers}
        assert asked <= KNOWN[str(each.name)] | {"instance", "job"}, each.name
    labels = frozenset().union(*(KNOWN[str(each.name)] for each in read))
    assert frozenset().union(*map(grouping, parts(rule["expr"]))) <= labels


def test_company_names_do_not_identify_alerts() -> None:
    """Otherwise a rename would resolve one alert and start another; names are only for texts and dashboards."""
    named = {rule["record"] if "record" in rule else rule["alert"]
             for rule in RULES for part in parts(rule["expr"]) if "company" in grouping(part)}  # fmt: skip
    of_dashboards = {str(name) for name in named if re.fullmatch(r"company:\w+:yesterday", str(name))}
    assert named - of_dashboards == {"source_company:chat_usage_company_info:max"}
    read = [each.name for rule in RULES for each in selectors(rule["expr"])]
    assert not {"source_company:chat_usage_company_info:max", *of_dashboards}.intersection(read)
    assert [rule for rule in RULES if "$labels.company " in str(rule)] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_keeps_the_release(rule: Mapping[str, str]) -> None:
    """Wherever it groups or matches, so that releases do not affect each other."""
    told = [labels for part in parts(rule["expr"]) if (labels := grouping(part))]
    assert [labels for labels in told if not labels >= RELEASE] == []


def test_queries_in_annotations_read_what_is_served() -> None:
    """A misspelt name would silently leave a gap in the text."""
    queries = [each for rule in RULES for text in rule.get("annotations", {}).values() for each in QUERY.findall(text)]
    assert len(queries) > 10
    for query in queries:
        text = query.replace('".*%s"', '"x"').replace("%q", '"x"')
        names = [str(each.name) for each in selectors(text) if each.name]
        assert {name for name in names if "|" not in name} <= KNOWN.keys()


def test_the_parser_finds_nested_names() -> None:
    """So an unknown name is found anywhere in an expression."""
    [deep] = selectors('1 - sum by (a) (max_over_time(foo{b="c"}[5m] offset 1d))')
    assert (deep.name, deep.matchers.matchers[0].name) == ("foo", "b")


LIMITED = {"ChatUsageBelowThreshold", "ChatUsageAboveThreshold", "ChatUsageActivityDropped", "ChatUsageActivitySpiked"}


@pytest.mark.parametrize("rule", [rule for rule in RULES if "alert" in rule], ids=lambda rule: rule["alert"])
def test_an_alert_is_complete(rule: Mapping[str, Mapping[str, str]]) -> None:
    """Name, severity, static summary, description with subject, runbook and dashboard; no value in a label."""
    name, labels, annotations = str(rule["alert"]), rule["labels"], rule["annotations"]
    assert name.startswith("ChatUsage")
    assert labels["service"] == "chat-usage"
    expected = {"{{ $labels.severity }}"} if name in LIMITED else {"critical", "warning", "info", "none"}
    assert labels["severity"] in expected
    assert labels.keys() == {"severity", "service"}
    of_company = {"company"} if "$labels.company_id" in str(annotations) else set[str]()
    assert annotations.keys() == {"summary", "description", "runbook_url", "dashboard_url"} | of_company
    assert "{{" not in annotations["summary"]
    assert annotations["summary"].endswith(".")
    assert annotations["runbook_url"] == f"https://example.org/chat-usage-exporter/docs/runbooks/{name}.md"
    assert annotations["dashboard_url"].startswith("https://grafana.example.org/d/chat-usage-")
    assert ("for" in rule) is (name != "ChatUsageWatchdog")
