"""Whatever has Prometheus scrape the exporter, ChatUsageExporterDown knows the target, and TLS is checked."""

import re
from pathlib import Path

import pytest

from tests.helm.charts import at, documents, objects, objects_of, of_kind, template, the, valued
from tests.helm.test_rules import alerts
from tests.oncall.shipped import Config, mapping, mappings

pytestmark = [pytest.mark.e2e, pytest.mark.once]

JOB = re.compile(r'job="([^"]+)"')
MONITORS = ("ServiceMonitor", "PodMonitor", "ScrapeConfig")


def relabelings(monitor: Config) -> list[Config]:
    """Returns the relabelings of a monitor of the operator's, in the order in which Prometheus applies them."""
    endpoints = {"ServiceMonitor": "endpoints", "PodMonitor": "podMetricsEndpoints"}.get(str(monitor["kind"]))
    spec = mapping(monitor["spec"])
    return mappings(at(spec, endpoints, 0, "relabelings") if endpoints else spec["relabelings"])


def jobs_of_the_alert(found: list[Config]) -> set[str]:
    """Returns the jobs that ChatUsageExporterDown asks for."""
    (down,) = [rule for rule in alerts(found) if rule["alert"] == "ChatUsageExporterDown"]
    return set(JOB.findall(str(down["expr"])))


@pytest.mark.parametrize("kind", MONITORS)
@pytest.mark.parametrize("job", ["chat-usage-exporter", "usage"])
def test_the_alert_asks_for_the_job_that_the_target_gets(kind: str, job: str, tmp_path: Path) -> None:
    """It is set last, so no relabeling before it can change that."""
    scrape = {"kind": kind, "job": job, "relabelings": [{"action": "labelmap", "regex": "__meta_kubernetes_(.+)"}]}
    found = objects("--values", valued({"scrape": scrape, "prometheusRule": {"enabled": True}}, tmp_path))
    *_, last = relabelings(the(found, kind))
    assert last == {"action": "replace", "targetLabel": "job", "replacement": job}
    assert jobs_of_the_alert(found) == {job}
    assert "jobLabel" not in mapping(the(found, kind)["spec"])


def test_google_names_the_job_as_the_object() -> None:
    found = objects("--set", "scrape.kind=PodMonitoring,prometheusRule.enabled=true")
    assert jobs_of_the_alert(found) == {at(the(found, "PodMonitoring"), "metadata", "name")}


def test_the_history_is_sent_with_the_job_of_the_scrapes(tmp_path: Path) -> None:
    history = {"enabled": True, "from": "2026-11-01", "remoteWriteUrl": "http://store/"}
    found = objects("--values", valued({"scrape": {"job": "usage"}, "history": history}, tmp_path))
    assert "--label=job=usage" in str(the(found, "CronJob"))


@pytest.mark.parametrize("kind", [*MONITORS, "PodMonitoring"])
def test_a_scrape_over_tls_checks_the_certificate(kind: str, tmp_path: Path) -> None:
    """By the name of the Service, though an address is asked."""
    tls = {"ca": {"secret": {"name": "scrape", "key": "ca.crt"}}}
    given = {"web": {"existingSecret": "web", "tls": True}, "scrape": {"kind": kind, "tlsConfig": tls}}
    spec = mapping(the(objects("--values", valued(given, tmp_path)), kind)["spec"])
    place = "podMetricsEndpoints" if kind == "PodMonitor" else "endpoints"
    endpoint = spec if kind == "ScrapeConfig" else mapping(at(spec, place, 0))
    assert str(endpoint["scheme"]).lower() == "https"
    checked = mapping(endpoint["tls" if kind == "PodMonitoring" else "tlsConfig"])
    assert checked == {**tls, "serverName": "chat-usage-chat-usage-exporter.monitoring.svc"}


def test_a_class_of_scrapes_may_say_how_tls_is_checked() -> None:
    found = objects("--set", "web.existingSecret=web,web.tls=true,scrape.kind=PodMonitor,scrape.scrapeClass=mesh")
    assert at(the(found, "PodMonitor"), "spec", "scrapeClass") == "mesh"


UID = re.compile(r'"uid": "(chat-usage-[^"]+)"|/d/(chat-usage-[-a-z0-9]+)')


def uids(found: list[Config]) -> set[str]:
    """Returns the UIDs that dashboards have, and those that their links and those of alerts lead to."""
    dashboards = [str(mapping(each["data"])) for each in of_kind(found, "ConfigMap") if "dashboard" in str(each)]
    return {one or other for text in [*dashboards, *map(str, alerts(found))] for one, other in UID.findall(text)}


def test_two_releases_share_a_grafana() -> None:
    """No file and no UID of one is the other's, and links stay within a release."""
    options = ("--set", "dashboards.enabled=true,prometheusRule.enabled=true")
    one = documents(template(*options).stdout)
    other = documents(template(*options, "--namespace", "elsewhere").stdout)
    files = [
        {name for each in of_kind(found, "ConfigMap") for name in mapping(each["data"]) if "dashboard" in name}
        for found in (one, other)
    ]
    assert all(files)
    assert files[0].isdisjoint(files[1])
    assert uids(one).isdisjoint(uids(other))
    assert len(uids(one)) == len(files[0])


def test_uids_may_stay_as_they_are() -> None:
    found = objects("--set", "dashboards.enabled=true,prometheusRule.enabled=true,dashboards.uidSuffix=")
    assert "chat-usage-overview" in uids(found)
    usual = objects("--set", "prometheusRule.enabled=true")
    assert "chat-usage-overview" in uids(usual)  # dashboards that others install have no suffix


def test_office_hours_hold_for_warnings_and_waking_hours_for_pages_about_yesterday() -> None:
    config = the(objects_of("alertmanager"), "AlertmanagerConfig")
    watchdog, own, yesterday, critical, warning, info = mappings(at(config, "spec", "route", "routes"))
    assert warning["activeTimeIntervals"] == ["office-hours"]
    assert warning["muteTimeIntervals"] == ["holidays"]
    assert yesterday["activeTimeIntervals"] == ["waking-hours"]
    assert own["continue"] is True
    assert all("activeTimeIntervals" not in route for route in (watchdog, own, critical, info))
    names = {each["name"] for each in mappings(at(config, "spec", "muteTimeIntervals"))}
    assert names == {"office-hours", "waking-hours", "holidays"}
