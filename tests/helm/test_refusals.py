"""Values that cannot be meant are refused, by the place where they stand."""

from pathlib import Path

import pytest

from tests.helm.charts import template, valued
from tests.oncall.shipped import mapping

pytestmark = [pytest.mark.e2e, pytest.mark.once]

REFUSED = {
    "a ServiceMonitor by its old name": (
        {"serviceMonitor": {"enabled": True}},
        "serviceMonitor: is now scrape with scrape.kind: ServiceMonitor (jobLabel is now scrape.job)",
    ),
    "a PodMonitor by its old name": ({"podMonitor": {"enabled": True}}, "podMonitor: is now scrape with scrape.kind"),
    "a ScrapeConfig by its old name": ({"scrapeConfig": {}}, "scrapeConfig: is now scrape with scrape.kind"),
    "a spread by its old name": (
        {"topologySpreadConstraints": [{"maxSkew": 1}]},
        "topologySpreadConstraints: is now podSpec.topologySpreadConstraints",
    ),
    "a budget by its old name": ({"podDisruptionBudget": {"enabled": True}}, "podDisruptionBudget.enabled: "),
    "egress by its old names": (
        {"networkPolicy": {"egress": {"ports": [443, 8443]}}},
        "networkPolicy.egress: is now a list of complete rules",
    ),
    "a name that no object may have": ({"fullnameOverride": "My_Name"}, "at '/fullnameOverride': 'My_Name' does not"),
    "a name that no Service may have": ({"fullnameOverride": "1st"}, "at '/fullnameOverride': '1st' does not match"),
    "a label that no object may have": ({"podLabels": {"b": "a@b"}}, "at '/podLabels/b': 'a@b' does not match"),
    "a label's name that none may have": (
        {"commonLabels": {"a b": "c"}},
        "'a b' does not match pattern",
    ),
    "a label that selectors need": (
        {"podLabels": {"app.kubernetes.io/name": "other"}},
        "at '/podLabels/app.kubernetes.io~1name': false schema",
    ),
    "a time in no words of cron": ({"history": {"schedule": "every day"}}, "at '/history/schedule': 'every day' does"),
    "a quantity with no unit of Kubernetes": (
        {"resources": {"limits": {"memory": "1GB"}}},
        "at '/resources/limits/memory': '1GB' does not match",
    ),
    "a size that is none": ({"state": {"size": "big"}}, "at '/state/size': 'big' does not match"),
    "a digest that is none": ({"image": {"tag": "1@sha256:00"}}, "at '/image/tag': '1@sha256:00' does not match"),
    "scrapes too far apart": ({"scrape": {"interval": "5m"}}, "at '/scrape/interval': '5m' does not match"),
    "a variable's name that is none": ({"extraEnv": [{"name": "A B"}]}, "at '/extraEnv/0/name': 'A B' does not match"),
    "a volume without a name": ({"extraVolumes": [{"emptyDir": {}}]}, "at '/extraVolumes/0': missing property 'name'"),
    "a toleration's effect that is none": (
        {"tolerations": [{"effect": "No"}]},
        "at '/tolerations/0/effect': value must be one of",
    ),
    "a container in the place of the exporter's": (
        {"podSpec": {"containers": []}},
        "at '/podSpec/containers': false schema",
    ),
    "TLS that Prometheus cannot check": (
        {"web": {"existingSecret": "web", "tls": True}, "scrape": {"kind": "ServiceMonitor"}},
        "scrape.tlsConfig: required by web.tls",
    ),
    "a job that the alert does not know": (
        {"scrape": {"kind": "PodMonitor", "relabelings": [{"targetLabel": "job", "replacement": "mine"}]}},
        "scrape.relabelings: one of them sets job",
    ),
    "a class of scrapes that Google has not": (
        {"scrape": {"kind": "PodMonitoring", "scrapeClass": "mesh"}},
        "scrape.scrapeClass: a PodMonitoring does not support this",
    ),
    "a policy that stops the questions": (
        {
            "networkPolicy": {
                "enabled": True,
                "egress": [{"ports": [{"port": 53, "protocol": "UDP"}, {"port": 443}]}],
            },
            "sources": {"p": {"platform": "paradigm", "base_url": "https://paradigm.corp.example:8443"}},
        },
        "networkPolicy.egress: no rule allows port 8443, which sources.p.base_url needs",
    ),
    "an Ingress without a host": ({"ingress": {"enabled": True}}, "ingress.hosts: empty, but required"),
    "a route without a gateway": ({"httpRoute": {"enabled": True}}, "httpRoute.parentRefs: empty, but required"),
    "a route to a receiver that is not there": (
        {
            "alertmanagerConfig": {
                "enabled": True,
                "critical": "pager",
                "receivers": [{"name": "pager"}],
                "routes": [{"receiver": "team"}],
            }
        },
        'alertmanagerConfig.routes: no such receiver: "team"; alertmanagerConfig.receivers has: pager',
    ),
    "an unknown value": ({"replicas": 1}, "additional properties 'replicas' not allowed"),
    "a misspelt value in a group": (
        {"scrape": {"enabld": True}},
        "at '/scrape': additional properties 'enabld' not allowed",
    ),
    "a misspelt option of a source": (
        {"sources": {"production": {"platform": "paradigm", "timezon": "UTC"}}},
        "at '/sources/production': additional properties 'timezon' not allowed",
    ),
    "a misspelt option in a group of a source": (
        {"sources": {"production": {"platform": "paradigm", "poll": {"intervall": "1h"}}}},
        "at '/sources/production/poll': additional properties 'intervall' not allowed",
    ),
    "a misspelt option of a limit": (
        {"config": {"thresholds": [{"company": "*", "bellow": 5}]}},
        "at '/config/thresholds/0': additional properties 'bellow' not allowed",
    ),
    "a key in the configuration": (
        {"sources": {"production": {"platform": "paradigm", "api_key": "secret"}}},
        "at '/sources/production': additional properties 'api_key' not allowed",
    ),
    "a source without a platform": (
        {"sources": {"production": {"timezone": "UTC"}}},
        "at '/sources/production': missing property 'platform'",
    ),
    "a source's name that the exporter refuses": (
        {"sources": {"Production": {"platform": "paradigm"}}},
        "at '/sources': additional properties 'Production' not allowed",
    ),
    "two keys of one source": (
        {"sources": {"production": {"platform": "paradigm", "apiKey": "k", "existingSecret": {"name": "s"}}}},
        "sources.production: both apiKey and existingSecret.name are set; remove one",
    ),
    "two authorities": (
        {"caBundle": {"configMap": "a", "secret": "b"}},
        "caBundle: both configMap and secret are set; remove one",
    ),
    "a history without a store": (
        {"history": {"enabled": True, "from": "2026-11-01"}},
        "history.remoteWriteUrl: not set, but required by history.enabled",
    ),
    "a history without a first day": (
        {"history": {"enabled": True, "remoteWriteUrl": "http://prometheus:9090/api/v1/write"}},
        "history.from: not set, but required by history.enabled",
    ),
    "a day that is none": (
        {"history": {"from": "1.11.2026"}},
        "at '/history/from': '1.11.2026' does not match pattern",
    ),
    "a password in the store's address": (
        {"history": {"remoteWriteUrl": "https://me:secret@store/api"}},
        "at '/history/remoteWriteUrl': 'https://me:secret@store/api' does not match pattern",
    ),
    "two replicas": ({"replicaCount": 2}, "replicaCount: 2: only one replica is supported"),
    "an unknown kind of state": ({"state": {"type": "hostPath"}}, "at '/state/type': value must be one of"),
    "an unknown severity": (
        {"prometheusRule": {"severityOverrides": {"ChatUsageRestated": "page"}}},
        "at '/prometheusRule/severityOverrides/ChatUsageRestated': value must be one of",
    ),
    "a label that routing needs": (
        {"prometheusRule": {"additionalLabels": {"service": "other"}}},
        "at '/prometheusRule/additionalLabels/service': false schema",
    ),
    "a misspelt alert": (
        {"prometheusRule": {"enabled": True, "disabled": ["ChatUsageRestate"]}},
        'prometheusRule.disabled: no such alert: "ChatUsageRestate"; known: ChatUsageAPIErrorRatioHigh, ',
    ),
    "an opt-in alert that is on anyway": (
        {"prometheusRule": {"enabled": True, "optional": ["ChatUsageRestated"]}},
        'prometheusRule.optional: no such optional alert: "ChatUsageRestated"',
    ),
    "a misspelt group": (
        {"prometheusRule": {"enabled": True, "groups": {"chat-usage": {"enabled": False}}}},
        'prometheusRule.groups: no such group: "chat-usage"; known: chat-usage-activity, ',
    ),
    "routes to nobody": (
        {"alertmanagerConfig": {"enabled": True}},
        "alertmanagerConfig.critical: not set; name one of alertmanagerConfig.receivers",
    ),
    "a receiver that is not there": (
        {"alertmanagerConfig": {"enabled": True, "critical": "pager", "receivers": [{"name": "page"}]}},
        'alertmanagerConfig.critical: no such receiver: "pager"; alertmanagerConfig.receivers has: page',
    ),
}


TAKEN = {
    "a tag with its digest": {"image": {"tag": f"1.2.3@sha256:{'0' * 64}"}},
    "names of months and days": {"history": {"schedule": "0,30 8-18/2 1-7 JAN-jun ? "}},
    "a word of cron": {"history": {"schedule": "@daily"}},
    "quantities of all forms": {
        "resources": {"limits": {"cpu": 1, "memory": "1.5Gi"}, "requests": {"cpu": ".5", "memory": "1e9"}}
    },
    "an object as a text": {"extraManifests": ["apiVersion: v1\nkind: List\nitems: []"]},
}


@pytest.mark.parametrize("given", TAKEN.values(), ids=TAKEN)
def test_it_is_taken(given: object, tmp_path: Path) -> None:
    """What Kubernetes takes, too."""
    done = template("--values", valued(mapping(given), tmp_path))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("given", "said"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_with_its_place(given: object, said: str, tmp_path: Path) -> None:
    done = template("--values", valued(mapping(given), tmp_path))

    assert done.returncode != 0
    assert said in done.stderr


def test_values_of_a_parent_chart_are_let_through(tmp_path: Path) -> None:
    parents = {"imageRegistry": "mirror.example.org", "imagePullSecrets": None, "theirs": {"any": 1}}
    given = {"global": parents, "enabled": True, "tags": {"usage": True}, "x-ours": 1}

    done = template("--values", valued(given, tmp_path))

    assert "image: mirror.example.org/chat-usage-exporter:" in done.stdout, done.stderr
