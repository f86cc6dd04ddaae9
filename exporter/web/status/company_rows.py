"""The companies of the status page: what alerts evaluate of each, its baselines, and which limits it breaks; pure.

The figures are those of chat_usage_activity_* on /metrics, made by the same function, so that both agree.
"""

from collections.abc import Container, Iterator, Mapping
from datetime import date, datetime
from fnmatch import fnmatchcase
from functools import cached_property
from typing import NamedTuple

from msgspec import Struct

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
from exporter.metrics.report_view import CompanyIndex, ReportView

SEVERITIES = ("critical", "warning", "info")  # the worst first; an operator's own ones are after them
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
    """What is served of one activity of a company, and which of its limits are broken.

    `evaluated` is whether the report is fresh enough for limits; None if there are none.
    """

    report: str = ""
    last_day: float | None = None
    today: float | None = None
    usual: float | None = None
    evaluated: bool | None = None
    broken: tuple[Breach, ...] = ()

    @property
    def share(self) -> float | None:
        """The last day as a share of the usual; None where one of them is not known, or nothing is usual."""
        return self.last_day / self.usual if self.last_day is not None and self.usual else None


class ShownCompany(Struct, dict=True):
    """One company of a source; `note` says why it has no figures, where that is known."""

    source: str
    company_id: str
    name: str
    note: str = ""
    activities: dict[str, Measured] = {}

    @property
    def limit_status(self) -> str:
        """Says of a company that breaks no limit whether limits are evaluated: empty if so, a dash if it has none."""
        evaluated = {each.evaluated for each in self.activities.values()}
        return "" if True in evaluated else "not evaluated" if False in evaluated else "–"

    @cached_property
    def breaches(self) -> tuple[Breach, ...]:
        """The limits that it breaks, the worst first."""
        found = (breach for each in self.activities.values() for breach in each.broken)
        return tuple(sorted(found, key=lambda each: (each.rank, each.activity)))


class ShownCompanies(Struct, frozen=True):
    """All companies, ordered by source and id, and the activities of each source, first the one to show first."""

    all: tuple[ShownCompany, ...]
    activities: Mapping[str, tuple[str, ...]]


def companies(shown: Published, fresh: Container[Key]) -> ShownCompanies:
    """Returns what was published of companies; limits are evaluated in the `fresh` reports."""
    found: dict[tuple[str, str], ShownCompany] = {}
    activities: dict[str, list[Activity]] = {}
    for source, info in shown.source_infos.items():
        activities[source] = []
        for company_id, name in info.names.items():
            note = "taken back by the platform" if company_id in info.withdrawn else ""
            found[source, company_id] = ShownCompany(source, company_id, name, note)
        for company_id in map(literal, info.never_seen):
            found[source, company_id] = ShownCompany(source, company_id, "", "expected, never seen")
    for (source, report), view in sorted(shown.views.items()):
        activities.setdefault(source, []).extend(
            activity for measure in view.report.measures for activity in measure.activities
        )
        for (company_id, activity), measured in _measured(view, is_fresh=(source, report) in fresh):
            name = view.ledger.names[company_id]
            company = found.setdefault((source, company_id), ShownCompany(source, company_id, name))
            company.activities.setdefault(activity, measured)
    ordered = sorted(found, key=lambda each: (each[0], by_number(each[1])))
    return ShownCompanies(
        tuple(found[each] for each in ordered),
        {
            source: tuple(each.name for each in sorted(declared, key=lambda each: not each.usual_limits))
            for source, declared in activities.items()
        },
    )


class Total(NamedTuple):
    """A source's totals on a day, of the activity shown first, and how many companies are `active` or `known`."""

    source: str
    activity: str
    day: date
    used: float
    share: float | None
    active: int
    known: int


def totals(shown: Published, companies: ShownCompanies) -> Iterator[Total]:
    """Yields the totals of sources with figures; the share leaves out companies without a baseline."""
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


def _measured(view: ReportView, *, is_fresh: bool) -> Iterator[tuple[tuple[str, str], Measured]]:
    """Yields what /metrics serves, by company id and activity: no excluded families."""
    families = activity_families(CompanyIndex(view)) if view.report.has_days else ()
    made = {each.family.name: each.made().samples for each in families}
    wanted = {name: made[name] for name in made if not any(fnmatchcase(name, glob) for glob in view.target.excluded)}
    figures: dict[tuple[str, str], dict[str, float]] = {}
    for family in (LAST_DAY, LAST_WORKING_DAY, TODAY, BASELINE):
        for (_, _, company_id, _, activity), value in wanted.get(family, ()):
            figures.setdefault((company_id, activity), {})[family] = value
    starts, zone = made.get(WORKING_DAY, ()), view.target.rules.zone
    working_days = {labels[2]: datetime.fromtimestamp(start, zone).date() for labels, start in starts}
    broken: dict[tuple[str, str], list[Breach]] = {}
    for (_, _, company_id, _, activity, bound, basis, severity, *_team), limit in wanted.get(LIMIT, ()):
        is_lower, breaches = bound == "lower", broken.setdefault((company_id, activity), [])
        figure = figures.get((company_id, activity), {}).get(LAST_WORKING_DAY if is_lower else LAST_DAY)
        if is_fresh and figure is not None and (figure < limit if is_lower else figure > limit):
            day = working_days.get(company_id) if is_lower else view.day_status.last_day
            breaches.append(Breach(severity, activity, bound, basis, figure, limit, day))
    for whose in figures | broken:
        known, evaluated = figures.get(whose, {}), is_fresh if whose in broken else None
        served = known.get(LAST_DAY), known.get(TODAY), known.get(BASELINE)
        yield whose, Measured(view.report.name, *served, evaluated, tuple(broken.get(whose, ())))
