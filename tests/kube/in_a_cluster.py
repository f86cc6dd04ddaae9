"""`make kube`: the chart in a real Kubernetes API server; not part of each run, since building that takes minutes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helm.charts import CASES, CHART, NAMESPACE, at, objects, objects_of, the, values
from tests.kube.cluster import RESTRICTED, Cluster, running
from tests.oncall.shipped import Config, mapping, mappings

NAMESPACES = (NAMESPACE, "monitoring-rules", "grafana", "chat")
UNKNOWN = {"GrafanaDashboard"}
"""Kinds whose definition is not to be had; tests/helm judges them by a schema."""


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
        yield found


def pod() -> Config:
    """Returns the pod that the Deployment of the defaults would make."""
    template = mapping(at(the(objects("--set", "existingSecret.name=paradigm"), "Deployment"), "spec", "template"))
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "exporter"}, "spec": template["spec"]}


@pytest.mark.parametrize("case", CASES)
def test_the_server_takes_every_object(case: str, cluster: Cluster) -> None:
    """Judged strictly, by its own schemas and rules, and without a warning of Pod Security."""
    for found in objects_of(case):
        if found["kind"] not in UNKNOWN:
            answer = cluster.create(found)
            assert answer.status_code == 201, (found["kind"], answer.json()["message"])
            assert "warning" not in answer.headers


def test_it_would_not_take_a_field_that_is_not_there(cluster: Cluster) -> None:
    for found in [*objects_of("everything"), *objects_of("alertmanager")]:
        place = "spec" if "spec" in found else "metadata"
        answer = cluster.create({**found, place: {**mapping(found[place]), "nosuchfield": 1}})
        assert answer.status_code == 400, found["kind"]
        assert "nosuchfield" in answer.json()["message"]


def test_the_pod_of_the_defaults_is_admitted_where_restricted_is_enforced(cluster: Cluster) -> None:
    """And one that gives up a single measure is not."""
    answer = cluster.create(pod(), namespace=NAMESPACE)
    assert answer.status_code == 201, answer.text
    loose = pod()
    (container, *_) = mappings(at(loose, "spec", "containers"))
    mapping(container["securityContext"]).pop("allowPrivilegeEscalation")
    refused = cluster.create(loose, namespace=NAMESPACE)
    assert refused.status_code == 403
    assert 'violates PodSecurity "restricted' in refused.json()["message"]


def test_it_is_installed_updated_and_removed(cluster: Cluster, tmp_path: Path) -> None:
    """The notes ask for the Secret until it is there; nothing is left behind."""
    options = ("--namespace", NAMESPACE, "--values", values("prometheus-operator"))
    installed = cluster.helm("install", "chat-usage", CHART, *options)
    assert installed.returncode == 0, installed.stderr
    assert "create secret generic paradigm --from-file=api-key=FILE-WITH-THE-KEY" in installed.stdout

    secret: Config = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "paradigm", "namespace": NAMESPACE}}
    cluster.create(secret, really=True).raise_for_status()
    updated = cluster.helm("upgrade", "chat-usage", CHART, *options, "--set", "prometheusRule.optional={*}")
    assert updated.returncode == 0, updated.stderr
    assert "create secret generic" not in updated.stdout
    rules = cluster.api.get(f"/apis/monitoring.coreos.com/v1/namespaces/{NAMESPACE}/prometheusrules").json()["items"]
    assert "ChatUsageWatchdog" in str(rules)

    removed = cluster.helm("uninstall", "chat-usage", "--namespace", NAMESPACE)
    assert removed.returncode == 0, removed.stderr
    left = cluster.api.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments").json()["items"]
    assert left == []
