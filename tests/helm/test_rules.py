"""The rules that reach a cluster are those of alert_rules/, but for what the values change."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from tests.alert_rules.laws import FRESH, QUERIES, limit
from tests.alert_rules.promtool import FILES, GROUPS, Series, run_tests, write_alert_test
from tests.helm.charts import at, objects, objects_of, the, values
from tests.oncall.amtool import program
from tests.oncall.shipped import Config, alertmanager, mapping, mappings

pytestmark = [pytest.mark.e2e, pytest.mark.once]

OPT_IN = {
    rule["alert"] for file in FILES if file.parent.name == "optional"
    for group in yaml.load(file.read_text(), yaml.CSafeLoader)["groups"] for rule in group["rules"]
}  # fmt: skip


def groups(found: list[Config]) -> list[Config]:
    """Returns the groups of the rendered PrometheusRule."""
    return mappings(at(the(found, "PrometheusRule"), "spec", "groups"))


def alerts(found: list[Config]) -> list[Config]:
    """Returns the alerts of the rendered PrometheusRule."""
    return [rule for group in groups(found) for rule in mappings(group["rules"]) if "alert" in rule]


def names(found: Sequence[Config]) -> set[str]:
    """Returns the names of alerts."""
    return {str(rule["alert"]) for rule in found}


def test_with_all_alerts_the_rules_are_those_of_the_repository() -> None:
    """Group by group, rule by rule, as data."""
    found = {str(group["name"]): group for group in groups(objects_of("rules-all"))}
    assert found == {group["name"]: group for group in GROUPS}


def test_by_default_the_opt_in_alerts_are_off() -> None:
    found = names(alerts(objects_of("prometheus-operator")))
    assert found == {rule["alert"] for group in GROUPS for rule in group["rules"] if "alert" in rule} - OPT_IN


def test_links_lead_where_the_values_say() -> None:
    for rule in alerts(objects_of("prometheus-operator")):
        assert str(at(rule, "annotations", "runbook_url")) == (
            f"https://wiki.example.org/chat-usage/docs/runbooks/{rule['alert']}.md"
        )
        assert str(at(rule, "annotations", "dashboard_url")).startswith("https://grafana.example.org/team/d/")


def test_every_switch_switches() -> None:
    usual, tuned = alerts(objects_of("prometheus-operator")), alerts(objects_of("rules-tuned"))
    gone = names(usual) - names(tuned)
    assert gone == {"ChatUsageRestated", "ChatUsageGroundedShareLow"}
    assert names(tuned) - names(usual) == {"ChatUsageToolUnused", "ChatUsageWatchdog", "ChatUsageNight"}
    by_name = {str(rule["alert"]): rule for rule in tuned}
    assert at(by_name["ChatUsageActivityDropped"], "labels", "severity") == "critical"
    assert by_name["ChatUsageReportFetchFailing"]["for"] == "45m"
    ours = [rule for rule in tuned if rule["alert"] != "ChatUsageNight"]
    assert {at(rule, "labels", "team") for rule in ours} == {"assistants"}
    assert {at(rule, "labels", "service") for rule in ours} == {"chat-usage"}


def test_what_a_group_records_stays_when_its_alerts_go() -> None:
    """Other groups read it."""
    switch = "prometheusRule.groups.chat-usage-activity.enabled=false"
    found = groups(objects("--set", "prometheusRule.enabled=true", "--set", switch))
    (off,) = [group for group in found if group["name"] == "chat-usage-activity"]
    kept = mappings(off["rules"])
    assert [rule for rule in kept if "alert" in rule] == []
    assert len(kept) == len([rule for group in GROUPS if group["name"] == "chat-usage-activity"
                             for rule in group["rules"] if "record" in rule])  # fmt: skip


def matcher(written: Config) -> str:
    """Writes one of the operator's matchers as Alertmanager does."""
    return f'{written["name"]}{written["matchType"]}"{written["value"]}"'


def test_a_cluster_inhibits_what_the_example_inhibits() -> None:
    config = the(objects_of("alertmanager"), "AlertmanagerConfig")
    found = [
        {
            "source_matchers": [matcher(each) for each in mappings(rule["sourceMatch"])],
            "target_matchers": [matcher(each) for each in mappings(rule["targetMatch"])],
            "equal": rule["equal"],
        }
        for rule in mappings(at(config, "spec", "inhibitRules"))
    ]
    assert found == alertmanager()["inhibit_rules"]


def test_alerts_carry_the_namespace_by_which_the_operator_routes() -> None:
    """It shows an AlertmanagerConfig only alerts of its own namespace."""
    found = objects_of("alertmanager")
    namespace = at(the(found, "AlertmanagerConfig"), "metadata", "namespace")
    assert {mapping(rule["labels"])["namespace"] for rule in alerts(found)} == {namespace}


SOURCE = ("--values", values("default"))
BELOW = "ChatUsageBelowThreshold"
WARNING, CRITICAL = limit("lower", "fixed", "warning", "50"), limit("lower", "fixed", "critical", "10")


def fires(expression: str, series: Sequence[Series], of: int, folder: Path) -> None:
    """Judges by promtool that an expression finds so many, after a day."""
    rule = {"record": "found", "expr": expression}
    samples = [{"labels": "{}", "value": of}]
    check = {"expr": "count(found)", "eval_time": "1d", "exp_samples": samples}
    test = {"interval": "1h", "input_series": [each.document() for each in series], "promql_expr_test": [check]}
    file = write_alert_test(folder, "rendered", [test], "1h", rule)
    assert run_tests(str(program("promtool", "trixie")), [file]) == {file.name: ""}


def rule_with(alert: str, found: list[Config]) -> str:
    return next(str(rule["expr"]) for rule in alerts(found) if rule["alert"] == alert)


def test_a_fixed_severity_makes_one_alert_of_two_limits(tmp_path: Path) -> None:
    """A warning and a critical limit of one company, both broken: equal alerts would make the rule fail."""
    found = objects("--set", f"prometheusRule.enabled=true,prometheusRule.severityOverrides.{BELOW}=critical", *SOURCE)
    figures = [*FRESH, WARNING, CRITICAL, Series("chat_usage_activity_last_working_day", QUERIES, "5")]
    series = [each._replace(values=each.values.replace("+600", "+3600") + "x30") for each in figures]
    fires(rule_with(BELOW, found), series, 1, tmp_path)


def test_of_two_namespaces_that_are_down_a_release_judges_its_own(tmp_path: Path) -> None:
    every = ("--set-json", "prometheusRule.groups={}", "--set-json", "prometheusRule.disabled=[]")
    found = objects("--values", values("alertmanager"), *every)
    namespace = str(at(the(found, "AlertmanagerConfig"), "metadata", "namespace"))
    expression = rule_with("ChatUsageExporterDown", found)
    job = re.search(r'job="([^"]+)"', expression)
    assert job
    up = [Series("up", {"job": job[1], "namespace": each}, "0x30") for each in (namespace, "team-b")]
    fires(expression, up, 1, tmp_path)


@pytest.mark.parametrize("label", ["source", "company", "report", "namespace", "alertname"])
def test_a_label_that_identifies_alerts_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="alerts already use this label"):
        objects("--set", f"prometheusRule.enabled=true,prometheusRule.additionalLabels.{label}=x", *SOURCE)
