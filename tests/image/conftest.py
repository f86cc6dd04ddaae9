"""Fixtures: the production image, and the demo image with simulated platforms, each built once."""

import pytest

from tests.image.containers import built


@pytest.fixture(scope="session")
def image() -> str:
    return built()


@pytest.fixture(scope="session")
def demo_image() -> str:
    return built("demo")
