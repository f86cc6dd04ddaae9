"""The SBOMs list exactly the locked packages and the image's content."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.image.containers import podman
from tests.repository.test_repository import pins, text

pytestmark = [pytest.mark.e2e, pytest.mark.once]

ROOT = Path(__file__).parents[2]
TOOL = ROOT / ".tools" / "sbom" / "bin" / "python"
OURS = "chat-usage-exporter"


def listed(name: str, *options: str) -> Mapping[str, Mapping[str, str]]:
    """Generates the SBOMs; returns the components of one by name."""
    if not TOOL.exists():
        pytest.skip("cyclonedx-py not found: make sbom")
    subprocess.run([TOOL, "-m", "tools.sbom", *options], cwd=ROOT, check=True, capture_output=True)
    found = json.loads((ROOT / "dist" / "sbom" / name).read_text())["components"]
    return {each["bom-ref"]: each for each in found}


def released(component: Mapping[str, str]) -> str:
    """Returns a component in lock file notation."""
    return f"{re.sub(r'[-_.]+', '-', component['name']).lower()}=={component['version']}"


def test_every_locked_package_is_listed_with_its_hashes() -> None:
    """Of each installable file."""
    components = listed("locked.cdx.json", "--locked").values()
    assert {released(each) for each in components} == pins("run")
    hashes = re.findall(r"sha256:(\w+)", text("run"))
    said = json.dumps([each["externalReferences"] for each in components])
    assert [each for each in hashes if each not in said] == []


def test_every_package_of_the_image_is_listed(image: str) -> None:
    """The program, its locked packages, and the packages of the base image."""
    found = listed("image.cdx.json", "--image", image)
    packages = {each["name"] for name, each in found.items() if name.startswith("pkg:deb/debian/")}
    libraries = {released(each) for name, each in found.items() if not name.startswith("pkg:deb/debian/")}
    held = podman("run", "--rm", "--entrypoint", "dpkg-query", image, "--show", "--showformat=${Package} ")
    assert {each for each in libraries if each.partition("==")[0] != OURS} <= pins("run")
    assert len(libraries) > 20
    assert {each.partition("==")[0] for each in libraries} >= {OURS, "httpx", "uvicorn"}
    assert packages == set(held.split())
