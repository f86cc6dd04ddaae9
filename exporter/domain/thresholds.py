"""The limits that an operator sets on activities, as written: which companies and activities, and what is set."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exporter.domain.model import Measure

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


USUAL_LIMITS: Mapping[str, float | None] = {"drop_ratio": 0.5, "spike_ratio": 3.0, "min_baseline": 20.0}


def built_in(measures: Iterable[Measure]) -> Threshold:
    """Returns the entry that precedes the operator's own, for all activities with usual limits."""
    activities = (activity for measure in measures for activity in measure.activities)
    return Threshold(tuple(activity.name for activity in activities if activity.usual_limits), USUAL_LIMITS)
