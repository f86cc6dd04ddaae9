"""`make kube`: the chart in a real Kubernetes API server; not part of each run, since building that takes minutes."""

import re
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from tests.helm.charts import (
    CASES,
    CHART,
    NAMESPACE,
    ROOT,
    at,
    objects,
    objects_of,
    rendered,
    template,
    the,
    valued,
    values,
)
from tests.kube.cluster import RESTRICTED, Cluster, running
from tests.oncall.shipped import Config, mapping, mappings

NAMESPACES = (NAMESPACE, "monitoring-rules", "grafana", "chat")
UNKNOWN = {"PodMonitoring"}
"""Kinds whose definition is unavailable; tests/helm checks them with a schema."""
CLASSES: tuple[Config, ...] = (
    {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 1},
    {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "monitoring"}, "value": 1},
    {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "gvisor"}, "handler": "runsc"},
)
"""Namespaces of the value files."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("cluster")) as found:
        for name in NAMESPACES:
            namespace: Config = {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name, "labels": RESTRICTED},
            }
            found.create(namespace, really=True).raise_for_status()
        for each in CLASSES:
            found.create(each, really=True).raise_for_status()
        yield found


def pod() -> Config:
    """Returns the pod that the Deployment of the defaults would make."""
    template = mapping(at(the(objects("--set", "existingSecret.name=paradigm"), "Deployment"), "spec", "template"))
    return deepcopy({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "exporter"}, "spec": template["spec"]})


@pytest.mark.parametrize("case", CASES)
def test_the_server_accepts_every_object(case: str, cluster: Cluster) -> None:
    """With strict validation and without Pod Security warnings."""
    for found in objects_of(case):
        if found["kind"] not in UNKNOWN:
            answer = cluster.create(found)
            assert answer.status_code == 201, (found["kind"], answer.json()["message"])
            assert "warning" not in answer.headers


@pytest.mark.parametrize("case", CASES)
def test_every_object_is_applied_on_the_server(case: str, cluster: Cluster) -> None:
    """From helm's output, without duplicate keys."""
    for text in re.split(r"^---$", rendered("--values", values(case)), flags=re.MULTILINE):
        if "kind: PodMonitoring" not in text and "apiVersion" in text:
            answer = cluster.apply(text)
            assert answer.status_code in {200, 201}, answer.text


def test_a_duplicate_key_is_refused(cluster: Cluster) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: twice\n  labels: {a: b, a: c}\n"
    answer = cluster.apply(text)
    assert answer.status_code == 400
    assert "already set" in answer.text


@pytest.mark.parametrize(
    ("schedule", "is_one"),
    [
        ("0 8 * * *", True), ("0,30 8-18/2 1-7 JAN-jun ?", True), ("30 9 * * mon-FRI", True), ("@daily", True),
        ("*/15 0-23 31 12 0,6", True), ("@every 1h30m", True),
        ("every day", False), ("60 8 * * *", False), ("0 8 * *", False), ("0 8 * * 8", False), ("0 8 0 * *", False),
    ],
)  # fmt: skip
def test_the_schema_and_the_server_agree_on_cron(schedule: str, is_one: bool, cluster: Cluster, tmp_path: Path) -> None:
    history = {"enabled": True, "from": "2026-11-01", "remoteWriteUrl": "http://store/", "schedule": schedule}
    taken = template("--values", valued({"history": history}, tmp_path)).returncode == 0
    job = mapping(the(objects_of("history"), "CronJob"))
    answer = cluster.create({**job, "spec": {**mapping(job["spec"]), "schedule": schedule}})
    assert (taken, answer.status_code == 201) == (is_one, is_one), answer.text


def test_an_unknown_field_is_refused(cluster: Cluster) -> None:
    for found in [*objects_of("everything"), *objects_of("alertmanager")]:
        place = "spec" if "spec" in found else "metadata"
        answer = cluster.create({**found, place: {**mapping(found[place]), "nosuchfield": 1}})
        assert answer.status_code == 400, found["kind"]
        assert "nosuchfield" in answer.json()["message"]


def test_the_pod_of_the_defaults_is_admitted_where_restricted_is_enforced(cluster: Cluster) -> None:
    """Without any single measure it is not."""
    answer = cluster.create(pod(), namespace=NAMESPACE)
    assert answer.status_code == 201, answer.text
    loose = pod()
    (container, *_) = mappings(at(loose, "spec", "containers"))
    mapping(container["securityContext"]).pop("allowPrivilegeEscalation")
    refused = cluster.create(loose, namespace=NAMESPACE)
    assert refused.status_code == 403
    assert 'violates PodSecurity "restricted' in refused.json()["message"]


def test_it_is_installed_updated_and_removed(cluster: Cluster) -> None:
    """The notes ask for the Secret until it exists; nothing remains afterwards."""
    before = cluster.all_objects()
    options = ("--namespace", NAMESPACE, "--values", values("prometheus-operator"))
    installed = helm(cluster, "install", "chat-usage", CHART, *options)
    assert "create secret generic paradigm --from-file=api-key=FILE-WITH-THE-KEY" in installed

    secret: Config = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "paradigm", "namespace": NAMESPACE}}
    cluster.create(secret, really=True).raise_for_status()
    updated = helm(cluster, "upgrade", "chat-usage", CHART, *options, "--set", "prometheusRule.optional={*}")
    assert "create secret generic" not in updated
    rules = cluster.api.get(f"/apis/monitoring.coreos.com/v1/namespaces/{NAMESPACE}/prometheusrules").json()["items"]
    assert "ChatUsageWatchdog" in str(rules)

    helm(cluster, "uninstall", "chat-usage", "--namespace", NAMESPACE)
    assert cluster.all_objects() - before == {f"/api/v1/secrets/{NAMESPACE}/paradigm"}


def helm(cluster: Cluster, *arguments: str | Path) -> str:
    """Runs helm, which must succeed, and returns its output."""
    done = cluster.helm(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def chart_0_1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart before version 0.2, from the repository's history."""
    folder = tmp_path_factory.mktemp("before")
    chart = CHART.relative_to(ROOT)
    search = ("log", "-1", "--format=%H", "-G^version: 0.2.0$", "--", chart / "Chart.yaml")
    commit = subprocess.run(["git", *search], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    packed = subprocess.run(["git", "archive", f"{commit}^", chart], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", folder], input=packed, check=True)
    return folder / chart


OLD: Config = {
    "existingSecret": {"name": "paradigm"},
    "serviceMonitor": {"enabled": True, "labels": {"release": "kps"}},
    "networkPolicy": {"enabled": True, "egress": {"ports": [443]}},
    "history": {"enabled": True, "from": "2026-11-01", "remoteWriteUrl": "http://store/"},
}
NEW: Config = {
    "existingSecret": {"name": "paradigm"},
    "releaseLabel": "kps",
    "scrape": {"kind": "ServiceMonitor"},
    "networkPolicy": {"enabled": True},
    "history": OLD["history"],
}


def test_an_older_release_is_upgraded_and_rolled_back(cluster: Cluster, chart_0_1: Path, tmp_path: Path) -> None:
    """Old values are refused with the new names; then upgrade, rollback and removal work. The volume claim stays."""
    before = cluster.all_objects()
    here = ("--namespace", "chat")
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(yaml.safe_dump(OLD))
    new.write_text(yaml.safe_dump(NEW))
    helm(cluster, "install", "usage", chart_0_1, *here, "--values", old)
    made = cluster.all_objects() - before

    for options in (("--values", old), ("--reuse-values",)):
        refused = cluster.helm("upgrade", "usage", CHART, *here, *options)
        assert "serviceMonitor: is now scrape, with scrape.kind: ServiceMonitor" in refused.stderr
    upgraded = helm(cluster, "upgrade", "usage", CHART, *here, "--values", new)
    assert "New in version 0.2 of the chart" in upgraded
    assert {path for path in cluster.all_objects() - before if "/secrets/" not in path} == {
        path for path in made if "/secrets/" not in path
    }

    helm(cluster, "rollback", "usage", "1", *here)
    kept = cluster.helm("uninstall", "usage", *here)
    assert "usage-chat-usage-exporter-history" in kept.stdout + kept.stderr
    assert cluster.all_objects() - before == {"/api/v1/persistentvolumeclaims/chat/usage-chat-usage-exporter-history"}


def test_two_releases_with_one_name_in_two_namespaces(cluster: Cluster, tmp_path: Path) -> None:
    """With shared objects in a third namespace; removing one does not affect the other."""
    before = cluster.all_objects()
    given = {
        "existingSecret": {"name": "paradigm"},
        "state": {"type": "persistentVolumeClaim"},
        "scrape": {"kind": "ServiceMonitor", "namespace": "grafana"},
        "prometheusRule": {"enabled": True, "namespace": "monitoring-rules"},
        "dashboards": {"enabled": True, "namespace": "grafana", "grafanaOperator": {"enabled": True}},
        "alertmanagerConfig": {"enabled": True, "namespace": "grafana", "critical": "a", "receivers": [{"name": "a"}]},
        "ingress": {"enabled": True, "hosts": ["usage.{{ .Release.Namespace }}.example.org"]},
        "networkPolicy": {"enabled": True},
        "podDisruptionBudget": {"maxUnavailable": 1},
        "verticalPodAutoscaler": {"enabled": True},
    }
    options = ("--values", valued(given, tmp_path))
    helm(cluster, "install", "usage", CHART, "--namespace", "chat", *options)
    one = cluster.all_objects() - before
    helm(cluster, "install", "usage", CHART, "--namespace", NAMESPACE, *options)
    other = cluster.all_objects() - before - one
    assert len(one) == len(other) > 20

    helm(cluster, "uninstall", "usage", "--namespace", "chat")
    assert cluster.all_objects() - before == other
    helm(cluster, "uninstall", "usage", "--namespace", NAMESPACE)
    assert cluster.all_objects() == before
