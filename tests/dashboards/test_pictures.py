"""The screenshots in the documentation show the current dashboards."""

import hashlib
import json
import re
import struct
from pathlib import Path

import pytest

from tests.dashboards.shipped import FILES, ROOT

PICTURES = ROOT / "docs" / "pictures"
LINKS = re.compile(r'(?:src|srcset)="([^"]+\.png)"')
THEMES = ("light", "dark")
LOCK = ROOT / "grafana_dashboards" / "preview" / "package-lock.json"


def size(picture: Path) -> tuple[int, int]:
    """Returns width and height of a PNG."""
    head = picture.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:])
    return width, height


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_screenshots_show_the_current_dashboard(path: Path) -> None:
    """`make pictures` records a digest of the dashboard; run it again after a change, and check each picture."""
    taken = json.loads((PICTURES / "taken-of.json").read_text())
    assert taken.keys() == {each.stem for each in FILES}
    assert taken[path.stem] == hashlib.sha256(path.read_bytes()).hexdigest(), "run make pictures, and look at them"
    sizes = {size(PICTURES / f"{path.stem.removeprefix('chat-usage-')}-{theme}.png") for theme in THEMES}
    assert len(sizes) == 1
    assert sizes.pop() > (1500, 800)


def test_documents_show_existing_screenshots() -> None:
    """README two, docs/dashboards.md all, in light and dark."""
    shown = {
        page: {(page.parent / link).resolve() for link in LINKS.findall(page.read_text())}
        for page in (ROOT / "README.md", ROOT / "docs" / "dashboards.md")
    }
    assert all(len(pictures) >= 4 and all(each.is_file() for each in pictures) for pictures in shown.values())
    assert set().union(*shown.values()) == set(PICTURES.glob("*.png"))


def test_the_lock_file_of_the_preview_has_hashes_and_no_hosts() -> None:
    """Each package has a hash; the registry depends on the machine."""
    packages = json.loads(LOCK.read_text())["packages"]
    fetched = {name: each for name, each in packages.items() if name and not each.get("link")}
    assert fetched
    assert not any("resolved" in each for each in fetched.values())
    assert all("integrity" in each for each in fetched.values() if not each.get("inBundle"))
