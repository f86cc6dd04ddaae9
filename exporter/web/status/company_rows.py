"""The companies of the status page: what alerts evaluate of each, what is usual, and which limits it breaks. Pure.

The figures are those of chat_usage_activity_* on /metrics, made by the same function, so that both agree.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import NamedTuple

from exporter.domain.model import Activity
from exporter.domain.selectors import literal
from exporter.exposition.board import Published
from exporter.exposition.text import Key
from exporter.ledger.table import by_number
from exporter.metrics.activities import (
    BASELINE,
    LAST_DAY,
    LAST_WORKING_DAY,
    LIMIT,
    TODAY,
    WORKING_DAY,
    activity_families,
)
from exporter.metrics.limits import MISSING
from exporter.metrics.report_view import CompanyIndex, ReportView, SourceInfo

SEVERITIES = ("critical", "warning", "info")
"""The worst first; an operator's own ones are after them."""
RUNBOOKS = {
    ("lower", "fixed"): "ChatUsageBelowThreshold",
    ("upper", "fixed"): "ChatUsageAboveThreshold",
    ("lower", "usual"): "ChatUsageActivityDropped",
    ("upper", "usual"): "ChatUsageActivitySpiked",
}


class Breach(NamedTuple):
    """A limit that a company breaks: `value`, of `day`, is below a lower `limit`, above an upper one."""

    severity: str
    activity: str
    bound: str
    basis: str
    value: float
    limit: float
    day: date | None

    @property
    def runbook(self) -> str:
        """The name of the alert that reports it."""
        return RUNBOOKS[self.bound, self.basis]

    @property
    def rank(self) -> int:
        return SEVERITIES.index(self.severity) if self.severity in SEVERITIES else len(SEVERITIES)


class Measured(NamedTuple):
    """What is served of one activity of a company; `limited` is whether it has limits, `broken` which it breaks."""

    report: str
    last_day: float | None
    today: float | None
    usual: float | None
    limited: bool
    broken: tuple[Breach, ...]

    @property
    def share(self) -> float | None:
        """The last day as a share of the usual; None where one of them is not known, or nothing is usual."""
        return self.last_day / self.usual if self.last_day is not None and self.usual else None


@dataclass(slots=True)
class ShownCompany:
    """One company of a source; `note` says why it has no figures, where that is known."""

    source: str
    company_id: str
    name: str
    note: str = ""
    activities: dict[str, Measured] = field(default_factory=dict)

    def limit_status(self, fresh: Container[Key]) -> str:
        """Says in a word how it stands with limits, where it breaks none: nothing where it keeps them."""
        limited = [(self.source, each.report) in fresh for each in self.activities.values() if each.limited]
        if not limited:
            return "–"
        return "" if any(limited) else "not evaluated"

    def breaches(self, fresh: Container[Key]) -> tuple[Breach, ...]:
        """Returns the limits that are broken in reports that are fresh, the worst first."""
        measured = (each for each in self.activities.values() if (self.source, each.report) in fresh)
        found = (breach for each in measured for breach in each.broken)
        return tuple(sorted(found, key=lambda each: (each.rank, each.activity)))


@dataclass(frozen=True, slots=True)
class ShownCompanies:
    """All companies by source and id, and the activities that their sources have, the one to show first in front."""

    all: tuple[ShownCompany, ...]
    activities: Mapping[str, tuple[str, ...]]


def companies(shown: Published) -> ShownCompanies:
    """Puts together what was published of companies."""
    found: dict[tuple[str, str], ShownCompany] = {}
    activities: dict[str, list[Activity]] = {}
    for info in shown.source_infos.values():
        found.update({(info.source, each.company_id): each for each in _listed(info)})
        activities[info.source] = []
    for (source, report), view in sorted(shown.views.items()):
        activities.setdefault(source, []).extend(
            activity for measure in view.report.measures for activity in measure.activities
        )
        for (company_id, company, activity), measured in _measured(view, report):
            whose = found.setdefault((source, company_id), ShownCompany(source, company_id, company))
            whose.activities.setdefault(activity, measured)
    ordered = sorted(found, key=lambda each: (each[0], by_number(each[1])))
    return ShownCompanies(
        tuple(found[each] for each in ordered),
        {
            source: tuple(each.name for each in sorted(declared, key=lambda each: not each.usual_limits))
            for source, declared in activities.items()
        },
    )


class Total(NamedTuple):
    """The totals of a source's companies on a day, by the activity that is shown first; `known` are all of them."""

    source: str
    activity: str
    day: date
    used: float
    share: float | None
    active: int
    known: int


def totals(shown: Published, companies: ShownCompanies) -> Iterator[Total]:
    """Yields the sources that have figures; the share is of who has something usual to be compared with."""
    for source, names in companies.activities.items():
        own = [each for each in companies.all if each.source == source]
        measured = [each.activities[names[0]] for each in own if names and names[0] in each.activities]
        used = [(each.last_day, each.usual) for each in measured if each.last_day is not None]
        day = shown.views[source, measured[0].report].day_status.last_day if used else None
        if day is not None:
            usual = sum(usual for _, usual in used if usual is not None)
            compared = sum(value for value, usual in used if usual is not None)
            active = sum(value > 0 for value, _ in used)
            share = compared / usual if usual else None
            yield Total(source, names[0], day, sum(value for value, _ in used), share, active, len(own))


Whose = tuple[str, str, str]
"""Id and name of a company, and an activity."""


def _measured(view: ReportView, report: str) -> Iterator[tuple[Whose, Measured]]:
    """Yields what is on the page of metrics of each company and activity: unwanted families are not."""
    figures: dict[Whose, dict[str, float]] = {}
    limits: dict[Whose, list[tuple[str, str, str, float]]] = {}
    working: Mapping[str, date] = {}
    for family in (each.made() for each in activity_families(CompanyIndex(view))) if view.report.has_days else ():
        if family.name == WORKING_DAY:
            starts = ((labels[2], datetime.fromtimestamp(value, view.rules.zone)) for labels, value in family.samples)
            working = {company_id: start.date() for company_id, start in starts}
        if family.name in {MISSING, WORKING_DAY} or any(fnmatchcase(family.name, glob) for glob in view.excluded):
            continue
        for (_, _, company_id, company, activity, *limit), value in family.samples:
            whose = company_id, company, activity
            if family.name == LIMIT:
                bound, basis, severity, *_team = limit
                limits.setdefault(whose, []).append((bound, basis, severity, value))
            else:
                figures.setdefault(whose, {})[family.name] = value
    for whose in figures | limits:
        known = figures.get(whose, {})
        days = {"lower": working.get(whose[0]), "upper": view.day_status.last_day}
        broken = tuple(_broken(whose[2], known, limits.get(whose, ()), days))
        served = (known.get(LAST_DAY), known.get(TODAY), known.get(BASELINE))
        yield whose, Measured(report, *served, whose in limits, broken)


def _broken(
    activity: str,
    known: Mapping[str, float],
    limits: Iterable[tuple[str, str, str, float]],
    days: Mapping[str, date | None],
) -> Iterator[Breach]:
    for bound, basis, severity, limit in limits:
        value = known.get(LAST_WORKING_DAY if bound == "lower" else LAST_DAY)
        if value is not None and (value < limit if bound == "lower" else value > limit):
            yield Breach(severity, activity, bound, basis, value, limit, days[bound])


def _listed(info: SourceInfo) -> Iterator[ShownCompany]:
    """Yields the companies that the source should have: those that are held, those that are expected."""
    for company_id, name in info.names.items():
        note = "taken back by the platform" if company_id in info.withdrawn else ""
        yield ShownCompany(info.source, company_id, name, note)
    for selector in info.never_seen:
        yield ShownCompany(info.source, literal(selector), "", "expected, never seen")
