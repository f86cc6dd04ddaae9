"""The chart as helm renders it: found, rendered, read as data; knows nothing of what should be in it."""

import subprocess
from collections.abc import Hashable, Mapping, Sequence
from functools import cache
from pathlib import Path

import yaml

from tests.e2e.programs import go_tool
from tests.oncall.shipped import Config, mapping

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "chat-usage-exporter"
CASES = tuple(sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml")))
"""What the value files of the chart are called, each a way to install it."""
RELEASE, NAMESPACE = "chat-usage", "monitoring"
NEWEST = "1.37.0"
"""The release of Kubernetes that the chart is rendered for."""


def values(case: str) -> Path:
    """Returns the value file of a case."""
    return CHART / "ci" / f"{case}-values.yaml"


def helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs helm to its end."""
    return subprocess.run([go_tool("helm"), *arguments], capture_output=True, text=True, check=False, timeout=60)


def template(*options: str | Path, chart: Path = CHART) -> subprocess.CompletedProcess[str]:
    """Has the chart rendered for a cluster, without one."""
    return helm("template", RELEASE, chart, "--namespace", NAMESPACE, "--kube-version", NEWEST, *options)


@cache
def rendered(*options: str | Path) -> str:
    """Returns the manifests; each set of options is rendered once.

    Raises:
        ValueError: helm refuses the values; the message is helm's.
    """
    done = template(*options)
    if done.returncode:
        raise ValueError(done.stderr)
    return done.stdout


class StrictLoader(yaml.CSafeLoader):
    """Reads YAML as Flux, kustomize and a strict API server do: a key that is there twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        """Returns a mapping whose keys are all different.

        Raises:
            yaml.constructor.ConstructorError: a key is there twice.
        """
        found = super().construct_mapping(node, deep)
        if len(found) < len(node.value):
            keys = [self.construct_object(key) for key, _ in node.value]
            twice = sorted({str(key) for key in keys if keys.count(key) > 1})
            raise yaml.constructor.ConstructorError(None, None, f"twice: {', '.join(twice)}", node.start_mark)
        return found


# a bare = is a text since YAML 1.2
StrictLoader.add_constructor("tag:yaml.org,2002:value", lambda _, node: str(node.value))


def documents(text: str) -> list[Config]:
    """Returns the objects of a text, whose keys must all differ."""
    return [mapping(each) for each in yaml.load_all(text, StrictLoader) if each is not None]


def objects(*options: str | Path) -> list[Config]:
    """Returns the manifests as data, which is to be read only."""
    return list(_read(*options))


@cache
def _read(*options: str | Path) -> tuple[Config, ...]:
    return tuple(documents(rendered(*options)))


def valued(values: Mapping[str, object], folder: Path) -> Path:
    """Writes values into a file for helm."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(dict(values)))
    return file


def objects_of(case: str) -> list[Config]:
    """Returns the manifests of a value file as data."""
    return objects("--values", values(case))


def of_kind(found: Sequence[Config], kind: str) -> list[Config]:
    """Returns the objects of a kind."""
    return [each for each in found if each["kind"] == kind]


def the(found: Sequence[Config], kind: str) -> Config:
    """Returns the one object of a kind, which must be there once; the pods of `helm test` do not count."""
    (one,) = of_kind(found, kind)
    return one


def at(value: object, *way: str | int) -> object:
    """Returns what stands at a place in nested mappings and lists."""
    for step in way:
        assert isinstance(value, dict | list)
        value = value[step]  # type: ignore[index]  # a list's step is a number, a mapping's is text, in every case
    return value
