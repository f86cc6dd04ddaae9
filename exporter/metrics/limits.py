"""The entries that an operator writes, and the limits and the calendar that a company has by them; pure, cached.

Of several entries that select a company the last one counts, per limit and severity; of calendars the first one.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, cached_property
from typing import NamedTuple

from msgspec import Struct

from exporter.domain.calendars import Calendar
from exporter.domain.model import Measure
from exporter.domain.selectors import selects

_LIMITS = {
    "below": ("lower", "fixed", "warning"),
    "above": ("upper", "fixed", "warning"),
    "drop_ratio": ("lower", "usual", "warning"),
    "spike_ratio": ("upper", "usual", "info"),
}
"""Bound, basis and default severity, by option: bounds in the activity's unit (shares are 0 to 1), ratios."""
FLOORS = ("min_baseline", "min_volume")  # the smallest baseline for ratios, and volume for limits of shares
LIMITS = (*_LIMITS, *FLOORS)  # what an entry can set


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


def built_in(measures: Iterable[Measure]) -> Threshold:
    """Returns the entry before the operator's own ones, for all activities with usual limits."""
    activities = (activity for measure in measures for activity in measure.activities)
    names = tuple(activity.name for activity in activities if activity.usual_limits)
    return Threshold(names, {"drop_ratio": 0.5, "spike_ratio": 3.0, "min_baseline": 20.0})


class CompanyCalendar(NamedTuple):
    """One entry: the calendar of the companies that a selector matches."""

    company: str
    calendar: Calendar


class Limit(NamedTuple):
    """One limit: `bound` is lower or upper, `basis` fixed or usual; `value` is a number or a ratio to the baseline."""

    bound: str
    basis: str
    severity: str
    team: str
    value: float


class ActivityLimits(NamedTuple):
    """The limits of one company and activity, with the floors for them; `min_volume` is by default the activity's."""

    limits: tuple[Limit, ...] = ()
    min_baseline: float = 0.0
    min_volume: float | None = None

    def fixed(self) -> Iterator[Limit]:
        return (limit for limit in self.limits if limit.basis == "fixed")

    def of_volumes(self, least: float, upper: float, lower: float) -> "ActivityLimits":
        """Returns the limits of a share whose volumes, `upper` for upper limits and `lower` for lower ones, suffice."""
        floor = least if self.min_volume is None else self.min_volume
        small = {bound for bound, volume in (("upper", upper), ("lower", lower)) if volume < floor}
        return self._replace(limits=tuple(each for each in self.limits if each.bound not in small))

    def usual(self, bound: str, baseline: float) -> Iterator[Limit]:
        """Yields the limits that are a ratio to the baseline, as numbers.

        Below `min_baseline` there is no lower limit, and for upper limits the baseline counts as `min_baseline`.
        """
        if baseline >= self.min_baseline or (bound == "upper" and not math.isnan(baseline)):
            for limit in self.limits:
                if (limit.bound, limit.basis) == (bound, "usual"):
                    yield limit._replace(value=limit.value * max(baseline, self.min_baseline))


NO_LIMITS = ActivityLimits()


class CompanyLimits(Struct, frozen=True, dict=True):
    """The entries of one source, in the operator's order."""

    thresholds: tuple[Threshold, ...] = ()
    calendars: tuple[CompanyCalendar, ...] = ()

    @cached_property
    def limits(self) -> Callable[[str, str], Mapping[str, ActivityLimits]]:
        """A cached function of a company's id and name that returns its limits by activity."""
        return cache(lambda *company: resolved(each for each in self.thresholds if selects(each.company, *company)))

    @cached_property
    def calendar(self) -> Callable[[str, str], Calendar | None]:
        """A cached function of a company's id and name that returns its own calendar, if it has one."""
        return cache(
            lambda *company: next((each.calendar for each in self.calendars if selects(each.company, *company)), None)
        )


def resolved(entries: Iterable[Threshold]) -> Mapping[str, ActivityLimits]:
    """Merges entries by activity; `off` removes limits of the entry's severity, or of all severities."""
    written: dict[str, dict[tuple[str, str], tuple[str, float]]] = {}
    floors: dict[str, dict[str, float]] = {}
    for entry, activity in ((each, activity) for each in entries for activity in each.activities):
        limits = written.setdefault(activity, {})
        for option, value in entry.limits.items():
            if option in FLOORS:
                floors.setdefault(activity, {})[option] = value or 0.0
            elif value is None:
                for key in [each for each in limits if each[0] == option and entry.severity in (None, each[1])]:
                    del limits[key]
            else:
                limits[option, entry.severity or _LIMITS[option][-1]] = entry.team, value
    return {
        activity: ActivityLimits(
            tuple(Limit(*_LIMITS[option][:2], severity, *each) for (option, severity), each in sorted(limits.items())),
            **floors.get(activity, {}),
        )
        for activity, limits in written.items()
    }
