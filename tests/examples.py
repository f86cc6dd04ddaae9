"""How many examples a test takes that names a number of its own: all of them, or a quarter in `make test`."""

from math import ceil

from hypothesis import settings

ALL = 60
"""`max_examples` of the profile `all` in conftest.py."""


def examples(most: int) -> int:
    """Returns the part of `most` that the profile of this run takes, at least one."""
    return ceil(most * settings().max_examples / ALL)
