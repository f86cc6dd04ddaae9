"""The limits and the calendar of one company, by the operator's entries, and the numbers of limits. Pure; cached.

Of several entries that select a company the last one counts, per limit and severity; of calendars the first one does.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from exporter.domain.calendars import Calendar, CompanyCalendar
from exporter.domain.selectors import selects
from exporter.domain.thresholds import Threshold

SEVERITY = "warning"
SEVERITY_OF_SPIKES = "info"


class Limit(NamedTuple):
    """One limit: `bound` is lower or upper, `basis` fixed or usual; `value` is the bound, or its ratio to the usual."""

    bound: str
    basis: str
    severity: str
    value: float


_PLACES = {
    "below": ("lower", "fixed"),
    "above": ("upper", "fixed"),
    "drop_ratio": ("lower", "usual"),
    "spike_ratio": ("upper", "usual"),
}


class ActivityLimits(NamedTuple):
    """The limits of one company and activity; ratios need a usual figure of at least `min_baseline`."""

    limits: tuple[Limit, ...] = ()
    min_baseline: float = 0.0

    def usual(self, bound: str, baseline: float) -> Iterator[Limit]:
        """Yields the lower or upper limits that are a share or a multiple of what is usual, as numbers.

        Below `min_baseline` there is no lower one, and for an upper one the usual counts as that at least.
        """
        if baseline >= self.min_baseline or (bound == "upper" and not math.isnan(baseline)):
            for limit in self.limits:
                if (limit.bound, limit.basis) == (bound, "usual"):
                    yield limit._replace(value=limit.value * max(baseline, self.min_baseline))


NO_LIMITS = ActivityLimits()


@dataclass(frozen=True, slots=True)
class CompanyLimits:
    """The entries of one source, in the operator's order."""

    thresholds: tuple[Threshold, ...] = ()
    calendars: tuple[CompanyCalendar, ...] = ()
    _limits: dict[tuple[str, str], Mapping[str, ActivityLimits]] = field(
        default_factory=dict, compare=False, repr=False
    )
    _calendars: dict[tuple[str, str], Calendar | None] = field(default_factory=dict, compare=False, repr=False)

    def limits(self, company_id: str, company: str) -> Mapping[str, ActivityLimits]:
        """Returns the limits of a company, by activity."""
        key = company_id, company
        if key not in self._limits:
            self._limits[key] = resolved(each for each in self.thresholds if selects(each.company, company_id, company))
        return self._limits[key]

    def calendar(self, company_id: str, company: str, default: Calendar) -> Calendar:
        """Returns the calendar of a company, `default` if no entry selects it."""
        key = company_id, company
        if key not in self._calendars:
            found = (each.calendar for each in self.calendars if selects(each.company, company_id, company))
            self._calendars[key] = next(found, None)
        return self._calendars[key] or default


def resolved(entries: Iterable[Threshold]) -> Mapping[str, ActivityLimits]:
    """Lays entries over each other, by activity.

    `off` removes the limit of the entry's severity, and without one of every severity.
    """
    written: dict[str, dict[tuple[str, str], float]] = {}
    least: dict[str, float] = {}
    for entry, activity in ((each, activity) for each in entries for activity in each.activities):
        limits = written.setdefault(activity, {})
        for option, value in entry.limits.items():
            if option == "min_baseline":
                least[activity] = value or 0.0
            elif value is None:
                for key in [each for each in limits if each[0] == option and entry.severity in (None, each[1])]:
                    del limits[key]
            else:
                limits[option, entry.severity or (SEVERITY_OF_SPIKES if option == "spike_ratio" else SEVERITY)] = value
    return {
        activity: ActivityLimits(
            tuple(Limit(*_PLACES[option], severity, value) for (option, severity), value in sorted(limits.items())),
            least.get(activity, 0.0),
        )
        for activity, limits in written.items()
    }
