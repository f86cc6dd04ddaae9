"""`make sbom`: writes CycloneDX documents of the lock file and of the image to dist/sbom/.

usage: .tools/sbom/bin/python -m tools.sbom [--locked] [--engine "docker"] [--image NAME]

The engine is docker, podman or compatible with them. Python libraries are listed by cyclonedx-py, which runs inside the
image with the image's own Python; only its files are mounted. Debian packages are listed by dpkg inside the image.
"""

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "dist" / "sbom"
ENGINE, IMAGE = "tools/image podman", "localhost/chat-usage-exporter:built"
FORM = ("--of", "JSON", "--sv", "1.6", "--output-reproducible", "--no-validate")  # validated once complete
PYTHON = "/app/.venv/bin/python"
INSIDE = f"""
import runpy, sys
sys.path.insert(0, "/sbom")
sys.argv = ["cyclonedx-py", "environment", *{FORM!r}, "{PYTHON}"]
runpy.run_module("cyclonedx_py", run_name="__main__")
"""
DPKG = ("--show", "--showformat=${Package}\\t${Version}\\t${Architecture}\\n")


def locked(folder: Path) -> Mapping[str, object]:
    """Returns the document of requirements/run.lock, with the hashes of installable files."""
    command = (sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", *FORM, "--pyproject")
    return _document(_ran(*command, folder / "pyproject.toml", folder / "requirements" / "run.lock"))


def of_image(engine: str, image: str) -> Mapping[str, object]:
    """Returns the document of an image: Python libraries with their licences, and Debian packages."""
    (tool,) = {path for path in map(Path, sys.path) if path.name == "site-packages"}
    inside = (*shlex.split(engine), "run", "--rm", "--no-healthcheck", "--entrypoint")
    libraries = _ran(*inside, "python3", "--volume", f"{tool}:/sbom:ro", image, "-c", INSIDE)
    packages = _ran(*inside, "dpkg-query", image, *DPKG)
    release = _ran(*inside, "cat", image, "/etc/os-release")
    system = dict(line.split("=", 1) for line in release.splitlines() if "=" in line)
    distribution = f"{system['ID']}-{system['VERSION_ID']}".replace('"', "")
    return with_packages(_document(libraries), packages, distribution, image)


def with_packages(document: Mapping[str, object], listing: str, distribution: str, image: str) -> Mapping[str, object]:
    """Adds Debian packages to the document of an image; the listing has name, version and architecture per line."""
    libraries, metadata = document["components"], document["metadata"]
    if not isinstance(libraries, list) or not isinstance(metadata, dict):
        raise SystemExit("tools/sbom: the output of cyclonedx-py is not a CycloneDX document")
    subject = {"type": "container", "name": image, "bom-ref": "image"}
    components = [*libraries, *_packages(listing, distribution)]
    return {**document, "metadata": {**metadata, "component": subject}, "components": components}


def _packages(listing: str, distribution: str) -> Iterator[Mapping[str, str]]:
    for line in listing.splitlines():
        name, version, architecture = line.split("\t")
        place = f"pkg:deb/debian/{quote(name, safe='')}@{quote(version, safe='')}"
        purl = f"{place}?arch={architecture}&distro={distribution}"
        yield {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}


def write(path: Path, document: Mapping[str, object]) -> None:
    """Validates and writes a document, and prints the number of its components."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise SystemExit(f"tools/sbom: {path.name} is not valid CycloneDX 1.6: {wrong}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    found = document["components"]
    count = len(found) if isinstance(found, list) else 0
    sys.stdout.write(f"{path.relative_to(ROOT)}: {count} components\n")


def _document(text: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(text)
    return found


def _ran(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - an operator's own
    if done.returncode:
        why = done.stderr.strip().splitlines()
        raise SystemExit(f"tools/sbom: {Path(command[0]).name} failed: {why[-1] if why else done.returncode}")
    return done.stdout


def main() -> None:
    """Reads the options and writes the documents."""
    options = argparse.ArgumentParser(prog="tools.sbom")
    options.add_argument("--locked", action="store_true", help="skip the image")
    options.add_argument("--engine", default=ENGINE, help="command that runs containers; default: %(default)s")
    options.add_argument("--image", help=f"the image; default: {IMAGE}, built if necessary")
    chosen = options.parse_args()
    write(FOLDER / "locked.cdx.json", locked(ROOT))
    if chosen.locked:
        return
    image = chosen.image or _ran("tools/image", "build").strip()
    write(FOLDER / "image.cdx.json", of_image(chosen.engine, image))


if __name__ == "__main__":
    main()
