"""Values that cannot be meant are refused, by the place where they stand."""

from pathlib import Path

import pytest
import yaml

from tests.helm.charts import template

pytestmark = [pytest.mark.e2e, pytest.mark.once]

REFUSED = {
    "an unknown value": ({"replicas": 1}, "additional properties 'replicas' not allowed"),
    "a misspelt value in a group": (
        {"serviceMonitor": {"enabld": True}},
        "at '/serviceMonitor': additional properties 'enabld' not allowed",
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
        "sources.production: apiKey is set beside existingSecret.name; keep one of the two",
    ),
    "two authorities": (
        {"caBundle": {"configMap": "a", "secret": "b"}},
        "caBundle: configMap is set beside secret; keep one of the two",
    ),
    "a history without a store": (
        {"history": {"enabled": True, "from": "2026-11-01"}},
        "history.remoteWriteUrl: must be set where history.enabled is",
    ),
    "a history without a first day": (
        {"history": {"enabled": True, "remoteWriteUrl": "http://prometheus:9090/api/v1/write"}},
        "history.from: must be set where history.enabled is",
    ),
    "a day that is none": (
        {"history": {"from": "1.11.2026"}},
        "at '/history/from': '1.11.2026' does not match pattern",
    ),
    "a password in the store's address": (
        {"history": {"remoteWriteUrl": "https://me:secret@store/api"}},
        "at '/history/remoteWriteUrl': 'https://me:secret@store/api' does not match pattern",
    ),
    "two replicas": ({"replicaCount": 2}, "replicaCount: 2: the exporter runs once"),
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
        'prometheusRule.disabled: there is no alert "ChatUsageRestate"; there are: ChatUsageAPIErrorRatioHigh, ',
    ),
    "an opt-in alert that is on anyway": (
        {"prometheusRule": {"enabled": True, "optional": ["ChatUsageRestated"]}},
        'prometheusRule.optional: there is no optional alert "ChatUsageRestated"',
    ),
    "a misspelt group": (
        {"prometheusRule": {"enabled": True, "groups": {"chat-usage": {"enabled": False}}}},
        'prometheusRule.groups: there is no group "chat-usage"; there are: chat-usage-activity, ',
    ),
    "routes to nobody": (
        {"alertmanagerConfig": {"enabled": True}},
        "alertmanagerConfig.critical: name the receiver of critical alerts",
    ),
    "a receiver that is not there": (
        {"alertmanagerConfig": {"enabled": True, "critical": "pager", "receivers": [{"name": "page"}]}},
        'alertmanagerConfig.critical: there is no receiver "pager" in alertmanagerConfig.receivers; there are: page',
    ),
}


@pytest.mark.parametrize(("given", "said"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_with_its_place(given: object, said: str, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(given))

    done = template("--values", file)

    assert done.returncode != 0
    assert said in done.stderr


def test_values_of_a_parent_chart_are_let_through(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump({"global": {"imageRegistry": "mirror.example.org", "theirs": {"any": 1}}}))

    done = template("--values", file)

    assert 'image: "mirror.example.org/chat-usage-exporter:' in done.stdout, done.stderr
