"""Reads the shipped dashboards."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "grafana_dashboards"
FILES = tuple(sorted(FOLDER.glob("chat-usage-*.json")))
Object = Mapping[str, object]


def read(path: Path) -> Object:
    """Reads one dashboard."""
    found: Object = json.loads(path.read_text("utf-8"))
    return found


def objects(value: object) -> Sequence[Object]:
    """Returns the value, which must be a list of objects."""
    assert isinstance(value, list)
    return value


def an_object(value: object) -> Object:
    """Returns the value, which must be an object."""
    assert isinstance(value, dict)
    return value


def panels(document: Object) -> Iterator[Object]:
    """Yields panels, including those of collapsed rows, without row headings."""
    for each in objects(document["panels"]):
        if each["type"] == "row":
            yield from objects(each["panels"])
        else:
            yield each


def targets(document: Object) -> Iterator[tuple[Object, Object]]:
    """Yields each query with its panel."""
    return ((panel, target) for panel in panels(document) for target in objects(panel["targets"]))


def variables(document: Object) -> Mapping[str, Object]:
    """Returns the variables by name, in order."""
    return {str(each["name"]): each for each in objects(an_object(document["templating"])["list"])}


def annotations(document: Object) -> Sequence[Object]:
    """Returns the annotations."""
    return objects(an_object(document["annotations"])["list"])


def strings(value: object) -> Iterator[str]:
    """Yields every text in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for each in value.values() for text in strings(each))
    elif isinstance(value, list):
        yield from (text for each in value for text in strings(each))


def filled(expression: str, values: Mapping[str, str]) -> str:
    """Replaces variables in the forms `$name`, `${name}` and `${name:format}`.

    Raises:
        KeyError: a variable has no value.
    """
    return re.sub(r"\$(?:\{(\w+)(?::\w+)?\}|([a-zA-Z_]\w*))", lambda found: values[found[1] or found[2]], expression)
