"""What tests of the configuration share."""

from pathlib import Path

import pytest


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns the path of the configuration, relative to the working directory."""
    monkeypatch.chdir(tmp_path)
    return Path("exporter.yml")
