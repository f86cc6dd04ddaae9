"""Limits of activities as an operator writes them."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from exporter.domain.model import Measure

FLOORS = ("min_baseline", "min_volume")
"""The smallest baseline for ratios, and the smallest volume for limits of shares."""
LIMITS = ("below", "above", "drop_ratio", "spike_ratio", *FLOORS)
"""What an entry can set: bounds in the activity's unit (shares are 0 to 1), ratios to the baseline, floors."""


class Threshold(Struct, frozen=True):
    """One entry: it selects by `source`, `company` and `activities`, and sets `limits`, by the names in `LIMITS`.

    A limit that is None is `off`, which removes it. Without a `severity`, each limit has its default one. `team` is the
    label of the alerts, if not empty.
    """

    activities: tuple[str, ...]
    limits: Mapping[str, float | None]
    source: str = "*"
    company: str = "*"
    severity: str | None = None
    team: str = ""


USUAL_LIMITS: Mapping[str, float | None] = {"drop_ratio": 0.5, "spike_ratio": 3.0, "min_baseline": 20.0}


def built_in(measures: Iterable[Measure]) -> Threshold:
    """Returns the entry before the operator's own ones, for all activities with usual limits."""
    activities = (activity for measure in measures for activity in measure.activities)
    return Threshold(tuple(activity.name for activity in activities if activity.usual_limits), USUAL_LIMITS)
