"""Has kubeconform judge manifests by the schemas of this folder; a kind without a schema is a fault."""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from zipfile import ZipFile

from tests.e2e.programs import go_tool
from tests.oncall.shipped import mappings
from tools import chart_schemas

BY_HAND = Path(__file__).parent / "schemas"


@cache
def schemas() -> tempfile.TemporaryDirectory[str]:
    """Unpacks the schemas into a folder that goes when this process does."""
    folder = tempfile.TemporaryDirectory(prefix="schemas-")
    with ZipFile(chart_schemas.ARCHIVE) as archive:
        archive.extractall(folder.name)
    return folder


def faults(texts: Mapping[str, str], release: str) -> dict[str, list[str]]:
    """Returns what is wrong with manifests, by the names of their texts; nothing if they are valid in that release."""
    home = Path(schemas().name)
    places = (home / f"v{release}", home / "custom", BY_HAND)
    options = [f"-schema-location={place}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json" for place in places]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            Path(folder, f"{name}.yaml").write_text(text)
        command: list[str | Path] = [go_tool("kubeconform"), "-strict", "-output=json", *options, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    found: dict[str, list[str]] = {}
    for each in mappings(json.loads(done.stdout)["resources"]):
        if each["status"] != "statusValid":
            found.setdefault(Path(str(each["filename"])).stem, []).append(
                f"{each['kind']} {each['name']}: {each['msg']}"
            )
    return found
