"""Finds the name and id of a list's items where they are undocumented."""

import re
from collections.abc import Mapping
from functools import lru_cache

from exporter.platforms import json_values

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ][\d:.+Z-]+)?", re.ASCII)


def label(item: Mapping[str, object]) -> str | None:
    """Returns an item's name: its name, title, label, any other text but a time, or id, in this order.

    Of several names, the one with the shortest key counts: `name` before `vendor_name`.
    """
    names, _ = _ranks(tuple(item))
    for key in names:
        text = item[key]
        if isinstance(text, str) and text.strip() and not _TIME.fullmatch(text):
            return json_values.label(text)
    return identity(item)


def identity(item: Mapping[str, object]) -> str | None:
    """Returns an item's id: `id`, else the shortest key that ends in `_id`."""
    _, identities = _ranks(tuple(item))
    return next((found for key in identities if (found := json_values.identity(item[key])[0]) is not None), None)


def person(item: object) -> str | None:
    """Returns what identifies a person: the user's id, any id, or else a name."""
    if not isinstance(item, dict):
        return json_values.identity(item)[0]
    return json_values.identity(item.get("user_id"))[0] or identity(item) or label(item)


@lru_cache(maxsize=100)  # thousands of items have the same few keys
def _ranks(keys: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the keys that may hold a name, best first, and those that may hold an id."""
    identities = sorted(filter(json_values.is_identity, keys), key=lambda key: (len(key), key))
    names = sorted(
        set(keys) - set(identities),
        key=lambda key: (not key.endswith("name"), not key.endswith(("title", "label")), len(key), key),
    )
    return tuple(names), tuple(identities)
