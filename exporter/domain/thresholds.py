"""The limits that an operator sets on activities, as written: which companies and activities, and what is set."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exporter.domain.model import Measure

FLOORS = ("min_baseline", "min_volume")
"""The smallest baseline for ratios, and the smallest volume for limits of shares."""
LIMITS = ("below", "above", "drop_ratio", "spike_ratio", *FLOORS)
"""What an entry can set: fixed bounds in the activity's unit (shares are 0 to 1), ratios to the usual, floors."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """One entry: it selects by `source`, `company` and `activities`, and sets `limits`, by the names in `LIMITS`.

    A selector of companies is `id:17`, `name:Nor*`, or a glob on either. None is `off`: the limit is removed.
    `severity` is that of all limits of the entry; None is the usual one of each. `team` is who is told, if anybody in
    particular.
    """

    activities: tuple[str, ...]
    limits: Mapping[str, float | None]
    source: str = "*"
    company: str = "*"
    severity: str | None = None
    team: str = ""


USUAL_LIMITS: Mapping[str, float | None] = {"drop_ratio": 0.5, "spike_ratio": 3.0, "min_baseline": 20.0}


def built_in(measures: Iterable[Measure]) -> Threshold:
    """Returns the entry that precedes the operator's own, for all activities with usual limits."""
    activities = (activity for measure in measures for activity in measure.activities)
    return Threshold(tuple(activity.name for activity in activities if activity.usual_limits), USUAL_LIMITS)
