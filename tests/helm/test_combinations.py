"""Any of the examples in values.yaml together make objects that the strictest reader takes."""

import random
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.e2e.programs import go_tool
from tests.helm.charts import (
    CASES,
    CHART,
    NAMESPACE,
    NEWEST,
    at,
    documents,
    helm,
    objects,
    objects_of,
    rendered,
    valued,
    values,
)
from tests.helm.examples import Way, described, laid
from tests.helm.kubeconform import faults
from tests.oncall.shipped import Config, mapping

pytestmark = [pytest.mark.e2e, pytest.mark.once]

SHARE = 1 / 3
"""Of all values, in each combination."""
LACKS = {
    "ScrapeConfig": ("targetLabels",),
    "PodMonitoring": ("namespace", "scrapeClass", "honorLabels", "relabelings", "basicAuth", "authorization"),
}
"""What a kind of scrape object has not, or writes in another way than its example."""


def combination(chance: random.Random) -> Config:
    """Returns values by chance, with what some of them need beside them."""
    ways = [way for way in sorted(described()) if chance.random() < SHARE]
    found = laid([*ways, *needed(set(ways))])
    if ("caBundle", "configMap") in ways:
        mapping(found["caBundle"]).pop("secret", None)
    mapping(found.setdefault("scrape", {}))["kind"] = kind = chance.choice(
        ["ServiceMonitor", "PodMonitor", "ScrapeConfig", "PodMonitoring", ""]
    )
    for field in LACKS.get(kind, ()):
        mapping(found["scrape"]).pop(field, None)
    if "authorization" in mapping(found["scrape"]):
        mapping(found["scrape"]).pop("basicAuth", None)
    mapping(found.get("networkPolicy", {})).pop("egress", None)  # it must fit the URLs, which are by chance
    return found


def needed(ways: set[Way]) -> set[Way]:
    """Returns the values without which others are refused."""
    found: set[Way] = set()
    if ("history", "enabled") in ways:
        found |= {("history", "from"), ("history", "remoteWriteUrl")}
    if ("web", "tls") in ways:
        found |= {("scrape", "tlsConfig")}
    if any(way[0] == "ingress" for way in ways):
        found |= {("ingress", "hosts")}
    if any(way[0] == "httpRoute" for way in ways):
        found |= {("httpRoute", "parentRefs")}
    return found


def with_a_receiver(found: Config) -> Config:
    """Returns values whose routes lead to the one receiver that is there."""
    config = mapping(found.get("alertmanagerConfig", {}))
    if config.get("enabled"):
        names = dict.fromkeys(("critical", "warning", "info", "watchdog"), "pager")
        found["alertmanagerConfig"] = {**config, **names, "routes": [], "receivers": [{"name": "pager"}]}
    return found


def umbrella(folder: Path, children: dict[str, Config]) -> Path:
    """Writes a chart with this one as its child, once by each name, on a condition, and returns its folder."""
    parent = folder / "umbrella"
    child = parent / "charts" / "chat-usage-exporter"
    shutil.copytree(CHART, child, ignore=shutil.ignore_patterns("ci", "chat-usage-*.json"))
    (child / "dashboards" / "chat-usage-small.json").write_text('{"uid": "chat-usage-small"}\n')
    version = mapping(yaml.safe_load((CHART / "Chart.yaml").read_text()))["version"]
    dependencies = [
        {"name": "chat-usage-exporter", "version": version, "alias": name, "condition": f"{name}.enabled"}
        for name in children
    ]
    chart = {"apiVersion": "v2", "name": "umbrella", "version": "1.0.0", "dependencies": dependencies}
    (parent / "Chart.yaml").write_text(yaml.safe_dump(chart))
    (parent / "values.yaml").write_text(yaml.safe_dump({"global": {"theirs": {"any": 1}}, **children}))
    return parent


def test_each_value_has_an_example_that_changes_it() -> None:
    usual = mapping(yaml.safe_load((CHART / "values.yaml").read_text()))
    for way, example in described().items():
        assert example != at(usual, *way), way
    assert len(described()) > 150
    unsaid = [".".join(way) for way in leaves(usual, ()) if not any(way[: len(each)] == each for each in described())]
    assert unsaid == []


def leaves(values: Config, way: Way) -> list[Way]:
    """Returns the place of each value that holds no further ones."""
    return [
        place
        for key, value in values.items()
        for place in (leaves(value, (*way, key)) if isinstance(value, dict) and value else [(*way, key)])
    ]


def test_two_hundred_combinations_in_ten_umbrellas(tmp_path: Path) -> None:
    """By chance, but the same ones each time; twenty beside each other in one parent chart."""
    texts = {}
    for seed in range(10):
        chance = random.Random(seed)
        children = {
            f"c{number}": {**with_a_receiver(combination(chance)), "enabled": True, "x-ours": {"any": number}}
            for number in range(20)
        }
        parent = umbrella(tmp_path / str(seed), children)
        options = ("--namespace", NAMESPACE, "--kube-version", NEWEST, "--skip-schema-validation")  # see test_chart
        done = helm("template", "all", parent, *options)
        assert done.returncode == 0, done.stderr
        texts[str(seed)] = done.stdout

    kinds = Counter(str(each["kind"]) for text in texts.values() for each in documents(text))

    assert kinds["Deployment"] == 200
    assert len(kinds) >= 18
    assert faults(texts, NEWEST) == {}


def test_a_child_whose_condition_is_off_makes_nothing(tmp_path: Path) -> None:
    parent = umbrella(tmp_path, {"chat-usage-exporter": {"enabled": False}, "other": {"enabled": True}})
    done = helm("template", "all", parent, "--kube-version", NEWEST)
    names = {str(at(each, "metadata", "name")) for each in documents(done.stdout)}
    assert names == {"all-other", "all-other-test"}, done.stderr


def test_a_key_that_is_there_twice_is_found() -> None:
    with pytest.raises(yaml.constructor.ConstructorError, match="twice: b"):
        documents("a: {b: 1, b: 2}")


@pytest.mark.parametrize("number", range(4))
def test_labels_and_annotations_in_several_places_are_one(number: int, tmp_path: Path) -> None:
    """Whatever is set in two places is there once, with the value of the nearer one; the chart's selectors stay."""
    near = {"labels": {"release": f"near-{number}", "team": "near"}}
    far = {"releaseLabel": "far", "commonLabels": {"team": "far", "helm.sh/chart": "far"}}
    given = {
        **far, "podLabels": near["labels"], "service": near, "prometheusRule": {**near, "enabled": True},
        "scrape": {**near, "kind": ("ServiceMonitor", "PodMonitor", "ScrapeConfig", "PodMonitoring")[number]},
        "dashboards": {**near, "enabled": number == 3},
        "podAnnotations": {"checksum/config": "theirs", "team": "near"},
    }  # fmt: skip
    found = objects("--values", valued(given, tmp_path))
    labels = {str(each["kind"]): mapping(at(each, "metadata", "labels")) for each in found}
    for kind in ("Service", "PrometheusRule", str(at(given, "scrape", "kind"))):
        assert (labels[kind]["release"], labels[kind]["team"]) == (f"near-{number}", "near")
    assert (labels["Deployment"]["release"], labels["Deployment"]["team"]) == ("far", "far")
    (deployment,) = [each for each in found if each["kind"] == "Deployment"]
    annotations = mapping(at(deployment, "spec", "template", "metadata", "annotations"))
    assert annotations["team"] == "near"
    assert annotations["checksum/config"] != "theirs"  # else a changed configuration would make no new pod


@pytest.mark.parametrize("case", CASES)
def test_kustomize_takes_what_is_rendered(case: str, tmp_path: Path) -> None:
    """As Flux does: it changes each object's namespace and labels."""
    (tmp_path / "all.yaml").write_text(rendered("--values", values(case)))
    (tmp_path / "kustomization.yaml").write_text(
        "resources: [all.yaml]\nlabels: [{pairs: {team: theirs}, includeTemplates: true}]\n"
    )
    done = subprocess.run([go_tool("kustomize"), "build", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n    team: theirs\n") == len(objects_of(case))


def test_kustomize_inflates_the_chart_itself(tmp_path: Path) -> None:
    chart = {
        "name": "chat-usage-exporter",
        "releaseName": "chat-usage",
        "namespace": "monitoring",
        "kubeVersion": NEWEST,
    }
    home = {"chartHome": str(CHART.parent)}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump({"helmGlobals": home, "helmCharts": [chart]}))
    options = ("--enable-helm", "--load-restrictor=LoadRestrictionsNone", f"--helm-command={go_tool('helm')}")
    command: list[str | Path] = [go_tool("kustomize"), "build", *options, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {each["kind"] for each in documents(done.stdout)} >= {"Deployment", "Service", "ServiceAccount"}
