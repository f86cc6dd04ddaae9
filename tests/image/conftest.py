"""The image, built once."""

import pytest

from tests.image.containers import built


@pytest.fixture(scope="session")
def image() -> str:
    return built()
