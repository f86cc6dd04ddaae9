"""Every object is one that Kubernetes, the oldest and the newest, and the operators know."""

import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml

from exporter.platforms.registry import platforms
from exporter.settings import load
from tests.e2e.programs import go_tool
from tests.helm.charts import CASES, ROOT, at, objects_of, of_kind, rendered, values
from tests.helm.pod_security import violations
from tests.oncall.shipped import Config, mapping, mappings
from tools import chart_schemas

pytestmark = [pytest.mark.e2e, pytest.mark.once]

BY_HAND = Path(__file__).parent / "schemas"
RELEASES = tuple(f"v{release}" for release in chart_schemas.RELEASES)


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the schemas of Kubernetes, by release, and of Prometheus' operator, in `custom`."""
    folder = tmp_path_factory.mktemp("schemas")
    with ZipFile(chart_schemas.ARCHIVE) as archive:
        archive.extractall(folder)
    return folder


def judged(text: str, schemas: Path, release: str) -> subprocess.CompletedProcess[str]:
    """Has kubeconform judge manifests; a kind without a schema is a failure."""
    places = (schemas / release, schemas / "custom", BY_HAND)
    locations = [
        option
        for place in places
        for option in ("-schema-location", f"{place}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json")
    ]
    command: list[str | Path] = [go_tool("kubeconform"), "-strict", "-summary", *locations]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("case", CASES)
def test_every_object_is_valid(case: str, release: str, schemas: Path) -> None:
    done = judged(rendered("--values", values(case)), schemas, release)
    assert done.returncode == 0, done.stdout
    assert "Invalid: 0, Errors: 0, Skipped: 0" in done.stdout


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
    }


def misspelt(found: Config) -> Config:
    """Returns an object with a field in its specification that no schema knows."""
    place = "spec" if "spec" in found else "metadata"
    return {**found, place: {**mapping(found[place]), "nosuchfield": 1}}


@pytest.mark.parametrize(
    "case", ["everything", "tls-and-volume", "openshift", "alertmanager", "restricted-network", "history"]
)
def test_a_field_that_is_not_there_is_found(case: str, schemas: Path) -> None:
    """The schemas are strict, each of them."""
    for found in objects_of(case):
        done = judged(yaml.safe_dump(misspelt(found)), schemas, RELEASES[-1])
        assert done.returncode != 0, found["kind"]
        assert "nosuchfield" in done.stdout


def sidecar() -> str:
    """Returns the Deployment that the manual shows."""
    manual = (ROOT / "docs" / "install.md").read_text().partition("## Sidecar")[2]
    return manual.partition("```yaml\n")[2].partition("```")[0]


def test_the_sidecar_of_the_manual_is_valid_and_passes_restricted(schemas: Path) -> None:
    """It is no part of the chart, and is held to the same laws."""
    done = judged(sidecar(), schemas, RELEASES[-1])
    assert done.returncode == 0, done.stdout
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
