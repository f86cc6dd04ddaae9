"""Every object is one that Kubernetes, the oldest and the newest, and the operators know."""

from pathlib import Path

import pytest
import yaml

from exporter.platforms.registry import platforms
from exporter.settings import load
from tests.helm.charts import CASES, NEWEST, ROOT, at, objects_of, of_kind, rendered, values
from tests.helm.kubeconform import faults
from tests.helm.pod_security import violations
from tests.oncall.shipped import Config, mapping, mappings
from tools import chart_schemas

pytestmark = [pytest.mark.e2e, pytest.mark.once]


@pytest.mark.parametrize("release", chart_schemas.RELEASES)
def test_every_object_of_every_case_is_valid(release: str) -> None:
    assert faults({case: rendered("--values", values(case)) for case in CASES}, release) == {}


def test_every_kind_that_the_chart_has_is_among_them() -> None:
    """Else the law above would hold for what nobody renders."""
    kinds = {str(each["kind"]) for case in CASES for each in objects_of(case)}
    assert kinds >= {"Deployment", "ServiceMonitor", "PodMonitor", "ScrapeConfig", "PrometheusRule", "Secret"}
    assert kinds >= {
        "AlertmanagerConfig",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "PersistentVolumeClaim",
        "Pod",
        "CronJob",
        "Ingress",
        "HTTPRoute",
        "VerticalPodAutoscaler",
        "PodMonitoring",
        "GrafanaDashboard",
    }


def misspelt(found: Config) -> Config:
    """Returns an object with a field in its specification that no schema knows."""
    place = "spec" if "spec" in found else "metadata"
    return {**found, place: {**mapping(found[place]), "nosuchfield": 1}}


@pytest.mark.parametrize(
    "case", ["everything", "tls-and-volume", "openshift", "alertmanager", "restricted-network", "history", "google"]
)
def test_a_field_that_is_not_there_is_found(case: str) -> None:
    """The schemas are strict, each of them."""
    found = objects_of(case)
    texts = {f"{number}": yaml.safe_dump(misspelt(each)) for number, each in enumerate(found)}
    wrong = faults(texts, NEWEST)
    assert wrong.keys() == texts.keys()
    assert all("nosuchfield" in fault for faults_of_one in wrong.values() for fault in faults_of_one)


def sidecar() -> str:
    """Returns the Deployment that the manual points at."""
    return (ROOT / "config" / "sidecar.example.yml").read_text()


def test_the_sidecar_of_the_manual_is_valid_and_passes_restricted() -> None:
    """It is no part of the chart, and is held to the same laws."""
    assert faults({"sidecar": sidecar()}, NEWEST) == {}
    pod = at(yaml.safe_load(sidecar()), "spec", "template", "spec")
    assert violations(mapping(pod)) == []


def test_the_sidecars_environment_is_a_whole_configuration(tmp_path: Path) -> None:
    (tmp_path / "api-key").write_text("a-key-that-opens-nothing")
    text = sidecar().replace("/run/secrets/chat-usage-exporter", str(tmp_path))
    environment = mappings(at(yaml.safe_load(text), "spec", "template", "spec", "containers", 1, "env"))
    given = {str(each["name"]): str(each["value"]) for each in environment}
    assert load(None, given, platforms()).sources.keys() == {"production"}


def test_only_what_is_asked_for_is_made() -> None:
    assert sorted(str(each["kind"]) for each in objects_of("default")) == [
        "ConfigMap", "Deployment", "Pod", "Service", "ServiceAccount",
    ]  # fmt: skip
    assert of_kind(objects_of("trial"), "Secret") != []
