"""The limits that an operator sets on activities, as written: which companies and activities, and what is set."""

from collections.abc import Mapping
from dataclasses import dataclass

LIMITS = ("below", "above", "drop_ratio", "spike_ratio", "min_baseline")
"""What an entry can set: fixed bounds in the activity's unit, ratios to the usual, the smallest usual that counts."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """One entry: it selects by `source`, `company` and `activities`, and sets `limits`, by the names in `LIMITS`.

    A selector of companies is `id:17`, `name:Nor*`, or a glob on either. None is `off`: the limit is removed.
    `severity` is that of all limits of the entry; None is the usual one of each.
    """

    activities: tuple[str, ...]
    limits: Mapping[str, float | None]
    source: str = "*"
    company: str = "*"
    severity: str | None = None


BUILT_IN = Threshold(("user_queries", "conversations"), {"drop_ratio": 0.5, "spike_ratio": 3.0, "min_baseline": 20.0})
"""Stands before whatever an operator writes."""
