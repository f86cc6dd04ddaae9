"""The notes after an installation say what is still missing, with the command that mends it."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.helm.charts import CHART, template, values

pytestmark = [pytest.mark.e2e, pytest.mark.once]

READER = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: notes}
data:
  notes: {{ include (print .Template.BasePath "/NOTES.txt") . | quote }}
"""
"""helm prints notes only where there is a cluster, so a template reads them."""


def notes(folder: Path, *options: str | Path) -> str:
    """Returns the notes as one line."""
    copy = folder / "chart"
    shutil.copytree(CHART, copy, ignore=shutil.ignore_patterns("*.json"))
    shutil.copy(CHART / "values.schema.json", copy)
    (copy / "templates" / "reader.yaml").write_text(READER)
    done = template("--show-only", "templates/reader.yaml", *options, chart=copy)
    assert done.returncode == 0, done.stderr
    return " ".join(str(yaml.safe_load(done.stdout)["data"]["notes"]).split())


def test_nothing_set(tmp_path: Path) -> None:
    told = notes(tmp_path)
    assert "port-forward service/chat-usage-chat-usage-exporter 9854 http://localhost:9854/" in told
    assert (
        "kubectl --namespace monitoring create secret generic chat-usage-chat-usage-exporter"
        " --from-file=api-key=FILE-WITH-THE-KEY" in told
    )
    assert "no sources are set" in told
    assert "image.registry is not set" in told
    assert "nothing scrapes the exporter yet" in told
    assert "there are no alerts yet" in told


def test_a_key_in_the_values(tmp_path: Path) -> None:
    told = notes(tmp_path, "--values", values("trial"))
    assert "it is in the release's history too" in told
    assert "a-key-that-opens-nothing" not in told


def test_objects_that_no_operator_looks_at(tmp_path: Path) -> None:
    told = notes(tmp_path, "--set", "scrape.kind=ServiceMonitor,prometheusRule.enabled=true")
    assert "scrape.labels and releaseLabel are both empty" in told
    assert "prometheusRule.labels and releaseLabel are both empty" in told
    assert "links in alerts point to example.org" in told
    assert "nothing scrapes" not in told
    assert "no alerts yet" not in told


def test_nothing_is_asked_for_twice(tmp_path: Path) -> None:
    """What is set is not asked for: sources that are meant, links that lead somewhere, a monitor that is found."""
    told = notes(tmp_path, "--values", values("prometheus-operator"), "--set", "image.registry=registry.example.org")
    for asked in ("no sources are set", "point to example.org", "are both empty", "image.registry is not set"):
        assert asked not in told


def test_an_upgrade_says_what_is_new(tmp_path: Path) -> None:
    told = notes(tmp_path, "--is-upgrade")
    assert "serviceMonitor, podMonitor and scrapeConfig are now one block, scrape" in told
    assert 'Write literal braces as {{ "{{" }}' in told


def test_a_page_that_everybody_reaches(tmp_path: Path) -> None:
    options = ("--set", "ingress.enabled=true,ingress.hosts={usage.example.org}")
    assert "anyone who can reach the status page from outside can read" in notes(tmp_path, *options)


def test_a_volume_that_it_may_not_write(tmp_path: Path) -> None:
    options = ("--set", "state.type=persistentVolumeClaim", "--set", "podSecurityContext.fsGroup=null")
    assert "podSecurityContext.fsGroup is not set" in notes(tmp_path, *options)
