"""Every object is one that Kubernetes, the oldest and the newest, and the operators know."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.helm.charts import CASES, go_tool, objects_of, of_kind, rendered, values
from tests.oncall.shipped import Config, mapping

pytestmark = [pytest.mark.e2e, pytest.mark.once]

SCHEMAS = Path(__file__).parent / "schemas"
RELEASES = tuple(sorted(path.name for path in SCHEMAS.glob("v1.*")))


def judged(text: str, release: str) -> subprocess.CompletedProcess[str]:
    """Has kubeconform judge manifests; a kind without a schema is a failure."""
    places = (SCHEMAS / release, SCHEMAS / "custom", SCHEMAS)
    locations = [
        option
        for place in places
        for option in ("-schema-location", f"{place}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json")
    ]
    command: list[str | Path] = [go_tool("kubeconform"), "-strict", "-summary", *locations]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("case", CASES)
def test_every_object_is_valid(case: str, release: str) -> None:
    done = judged(rendered("--values", values(case)), release)
    assert done.returncode == 0, done.stdout
    assert "Invalid: 0, Errors: 0, Skipped: 0" in done.stdout


def test_every_kind_that_the_chart_has_is_among_them() -> None:
    """Else the law above would hold for what nobody renders."""
    kinds = {str(each["kind"]) for case in CASES for each in objects_of(case)}
    assert kinds >= {"Deployment", "ServiceMonitor", "PodMonitor", "ScrapeConfig", "PrometheusRule", "Secret"}
    assert kinds >= {"AlertmanagerConfig", "NetworkPolicy", "PodDisruptionBudget", "PersistentVolumeClaim", "Pod"}


def misspelt(found: Config) -> Config:
    """Returns an object with a field in its specification that no schema knows."""
    place = "spec" if "spec" in found else "metadata"
    return {**found, place: {**mapping(found[place]), "nosuchfield": 1}}


@pytest.mark.parametrize("case", ["everything", "tls-and-volume", "openshift", "alertmanager", "restricted-network"])
def test_a_field_that_is_not_there_is_found(case: str) -> None:
    """The schemas are strict, each of them."""
    for found in objects_of(case):
        done = judged(yaml.safe_dump(misspelt(found)), RELEASES[-1])
        assert done.returncode != 0, found["kind"]
        assert "nosuchfield" in done.stdout


def test_only_what_is_asked_for_is_made() -> None:
    assert sorted(str(each["kind"]) for each in objects_of("default")) == [
        "ConfigMap", "Deployment", "Pod", "Service", "ServiceAccount",
    ]  # fmt: skip
    assert of_kind(objects_of("trial"), "Secret") != []
