"""Finds the name and id of a list's items where they are undocumented."""

import re
from collections.abc import Mapping

from exporter.platforms import json_values

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ][\d:.+Z-]+)?", re.ASCII)


class ItemNames:
    """Names the items of one answer; ranks keys once for all items with the same keys."""

    def __init__(self) -> None:
        self._ranked: dict[tuple[str, ...], tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._labels: dict[str, str] = {}

    def label(self, item: Mapping[str, object]) -> str | None:
        """Returns an item's name: its name, title, label, any other text but a time, or id, in this order.

        Of several names, the one with the shortest key counts: `name` before `vendor_name`.
        """
        for key in self._ranks(item)[0]:
            text = item[key]
            if isinstance(text, str) and text in self._labels:
                return self._labels[text]
            if isinstance(text, str) and text.strip() and not _TIME.fullmatch(text):
                return self._labels.setdefault(text, json_values.label(text))
        return self.identity(item)

    def identity(self, item: Mapping[str, object]) -> str | None:
        """Returns an item's id: `id`, else the shortest key that ends in `_id`."""
        for key in self._ranks(item)[1]:
            identity, _ = json_values.identity(item[key])
            if identity is not None:
                return identity
        return None

    def person(self, item: object) -> str | None:
        """Returns what identifies a person: the user's id, any id, or else a name."""
        if not isinstance(item, dict):
            return json_values.identity(item)[0]
        return json_values.identity(item.get("user_id"))[0] or self.identity(item) or self.label(item)

    def _ranks(self, item: Mapping[str, object]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Returns the keys that may hold a name, best first, and those that may hold an id."""
        keys = tuple(item)
        if keys not in self._ranked:
            identities = sorted(filter(json_values.is_identity, keys), key=lambda key: (len(key), key))
            names = sorted(set(keys) - set(identities), key=_name_rank)
            self._ranked[keys] = tuple(names), tuple(identities)
        return self._ranked[keys]


def _name_rank(key: str) -> tuple[int, int, str]:
    kind = 0 if key.endswith("name") else 1 if key.endswith(("title", "label")) else 2
    return kind, len(key), key
