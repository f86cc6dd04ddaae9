"""`make chart-schemas`: updates the schemas with which tests validate the chart's objects.

Those of Kubernetes come from the package kubernetes-validate, those of custom resources from the Go modules of their
projects. Each schema is self-contained, has no descriptions, and refuses unknown fields. All are in one zip file. This
needs Go and a package index; tests need neither.

usage: python tools/chart_schemas.py
"""

import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

ARCHIVE = Path(__file__).parents[1] / "tests" / "helm" / "schemas" / "upstream.zip"
PACKAGE = "kubernetes-validate==1.37.0"
RELEASES = ("1.25.0", "1.29.0", "1.33.0", "1.37.0")
"""Releases of Kubernetes: from the oldest that the chart supports to the newest with schemas."""
KINDS = (
    "configmap-v1",
    "cronjob-batch-v1",
    "deployment-apps-v1",
    "ingress-networking-v1",
    "networkpolicy-networking-v1",
    "persistentvolumeclaim-v1",
    "pod-v1",
    "poddisruptionbudget-policy-v1",
    "secret-v1",
    "service-v1",
    "serviceaccount-v1",
)
PROMETHEUS = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
PROMETHEUS_KINDS = ("alertmanagerconfigs", "podmonitors", "prometheusrules", "scrapeconfigs", "servicemonitors")
CUSTOM: Mapping[str, tuple[str, str]] = {
    **{name: (PROMETHEUS, f"jsonnet/prometheus-operator/{name}-crd.json") for name in PROMETHEUS_KINDS},
    "grafanadashboards": (
        "github.com/grafana/grafana-operator/v5@v5.18.0",
        "config/crd/bases/grafana.integreatly.org_grafanadashboards.yaml",
    ),
    "httproutes": (
        "sigs.k8s.io/gateway-api@v1.4.0",
        "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
    ),
    "verticalpodautoscalers": ("k8s.io/autoscaler/vertical-pod-autoscaler@v1.4.1", "deploy/vpa-v1-crd-gen.yaml"),
}
"""Custom resources that the chart can create: the Go module of each, and the file there."""
DEFINITIONS = ("/api/_definitions.json#/$defs/", "#/$defs/")
"""How the package's schemas refer to shared definitions: from other files, and within the same file."""
DROPPED = {"description", "default", "format"}

Json = Mapping[str, object]


def kubernetes(folder: Path) -> Iterator[tuple[str, Json]]:
    """Yields a file name and the schema of each kind of each release."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE]
    subprocess.run(pip, check=True)  # noqa: S603 our own arguments
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        for release in RELEASES:
            home = f"kubernetes_validate/kubernetes-json-schema/v{release}-local-strict"
            shared = json.loads(wheel.read(f"{home}/_definitions.json"))["$defs"]
            for kind in KINDS:
                yield f"v{release}/{kind}.json", alone(json.loads(wheel.read(f"{home}/{kind}.json")), shared)


def alone(schema: Json, shared: Mapping[str, Json]) -> Json:
    """Returns a self-contained schema, with the definitions that it needs."""
    needed: dict[str, object] = {}
    waiting = list(references(schema))
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = bare(shared[name])
            waiting += references(shared[name])
    draft = {"$schema": "http://json-schema.org/draft-07/schema#"}
    whole = json.dumps({**draft, **bare_mapping(schema), "definitions": needed})
    for way in DEFINITIONS:
        whole = whole.replace(way, "#/definitions/")
    found: Json = json.loads(whole)
    return found


def references(schema: object) -> Iterator[str]:
    """Yields the names of the shared definitions that a schema refers to."""
    if isinstance(schema, dict):
        reference = schema.get("$ref")
        if isinstance(reference, str):
            yield reference.rpartition("/")[2]
        for part in schema.values():
            yield from references(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from references(part)


def definition(plural: str) -> Json:
    """Returns the CustomResourceDefinition of a resource."""
    module, file = CUSTOM[plural]
    told = subprocess.run(["go", "mod", "download", "-json", module], check=True, capture_output=True)  # noqa: S603, S607 our own arguments; found on PATH, as an operator finds it
    text = Path(json.loads(told.stdout)["Dir"], file).read_text()
    found: Json = next(
        each for each in yaml.safe_load_all(text) if each and each["metadata"]["name"].startswith(f"{plural}.")
    )
    return found


def custom() -> Iterator[tuple[str, Json]]:
    """Yields a file name and the schema of each version of each custom resource."""
    for plural in CUSTOM:
        spec = definition(plural)["spec"]
        assert isinstance(spec, dict)  # noqa: S101 true of every definition
        kind, group = spec["names"]["kind"].lower(), spec["group"].partition(".")[0]
        for version in spec["versions"]:
            yield f"custom/{kind}-{group}-{version['name']}.json", closed(version["schema"]["openAPIV3Schema"])


def closed(schema: Json) -> Json:
    """Returns the schema of a custom resource, changed to refuse unknown fields as the API server does."""
    found = bare_mapping(schema)
    properties = found.get("properties")
    if isinstance(properties, Mapping):
        found["properties"] = {name: closed(part) for name, part in properties.items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            found.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties"):
        if isinstance(part := found.get(key), Mapping):
            found[key] = closed(part)
    return found


def bare_mapping(schema: Json) -> dict[str, object]:
    """Returns a schema without descriptions, and without extensions to JSON Schema.

    A property may be named like one of the dropped keywords; unlike a description, it is a mapping.
    """
    return {
        key: bare(value)
        for key, value in schema.items()
        if not key.startswith("x-kubernetes") and (key not in DROPPED or isinstance(value, dict))
    }


def bare(value: object) -> object:
    """Does the same for a part of a schema."""
    if isinstance(value, dict):
        return bare_mapping(value)
    return [bare(part) for part in value] if isinstance(value, list) else value


def main() -> int:
    """Writes all schemas; returns the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        found = [*kubernetes(Path(folder)), *custom()]
    with zipfile.ZipFile(ARCHIVE, "w") as archive:
        for name, schema in found:
            text = json.dumps(schema, separators=(",", ":"), sort_keys=True) + "\n"
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED, 9)  # ZipInfo leaves out today's date
    return 0


if __name__ == "__main__":
    sys.exit(main())
