"""A simulated normal year: the default limits keep still, and each planted drop or spike is found.

By the exporter's own activities and limits, day by day; a rule adds only `for` and freshness to the comparison.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random

import pytest

from exporter.domain.calendars import Calendar
from exporter.domain.model import Column, Days, Reading, Row
from exporter.ledger.day_status import DayRules, day_status
from exporter.ledger.ledger import Asked, Ledger, fold
from exporter.metrics.activities import LAST_DAY, LAST_WORKING_DAY, LIMIT, activity_families
from exporter.metrics.limits import CompanyLimits
from exporter.metrics.report_view import CompanyIndex, Health, ReportView
from exporter.platforms.paradigm.platform import CHAT_SESSIONS, QUERIES
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.world import MODES, DayView, World
from tests.road.road import BUILT_IN, RULES, utc

pytestmark = pytest.mark.once

BEGIN, A_YEAR = date(2025, 11, 20), 365
KEEP = RULES.keep_days
MORNING = timedelta(hours=31)
"""From the start of a day to the morning after it, when it is complete."""
CHRISTMAS = frozenset(date(2025, 12, number) for number in range(24, 32))
CALENDAR = Calendar(holidays=RULES.calendar.holidays | CHRISTMAS)
"""Public holidays, and the week in which the simulated companies rest as most real ones do: an operator knows it."""
OPERATED = replace(RULES, calendar=CALENDAR)
ENOUGH = 15.0
"""Lower limits of companies that stay above min_baseline whatever else is planted in their weeks."""
USUAL = 0.01
"""The part of company-days on which somebody may be told of nothing."""


@dataclass(frozen=True)
class Plant:
    """What is planted: on these days of these companies the use is so many times what it would be."""

    ratio: float
    places: frozenset[tuple[int, date]]

    def condition(self, company: Company, view: DayView) -> float:
        return self.ratio if (company.id, view.day) in self.places else 1.0


def rows(world: World, day: date) -> Iterator[Row]:
    """Yields what the platform says of a complete day."""
    at = datetime.combine(day, datetime.min.time(), utc(2000, 1, 1).tzinfo) + timedelta(days=5)
    view = world.view(day, at)
    for company in world.companies if view else ():
        for mode in MODES:
            if view and (figures := world.figures(company, view, mode)):
                column = Column(QUERIES.family, (mode,))
                yield Row(mode, day, str(company.id), {column: float(figures.user_queries)})


def mornings(
    world: World, rules: DayRules = OPERATED, limits: CompanyLimits | None = None
) -> Iterator[tuple[date, Mapping[tuple[str, ...], float]]]:
    """Yields each day of the year with the samples of the morning after it."""
    names = {str(company.id): company.name for company in world.companies}
    ledger, company_limits = Ledger(), limits or CompanyLimits((BUILT_IN,))
    for number in range(-KEEP, A_YEAR):
        day = BEGIN + timedelta(days=number)
        now = datetime.combine(day, datetime.min.time(), utc(2000, 1, 1).tzinfo) + MORNING
        reading = Reading(names, frozenset(MODES), tuple(rows(world, day)))
        ledger = fold(ledger, reading, Asked(Days(day, day), now.date(), now, KEEP), lambda _id, _name: True)
        if number < 0:
            continue
        status = day_status(ledger, now, now, rules)
        health = Health(timedelta(hours=1), history=True)
        view = ReportView("s", CHAT_SESSIONS, ledger, status, health, rules, company_limits=company_limits)
        families = [each.made() for each in activity_families(CompanyIndex(view))]
        yield (
            day,
            {
                (family.name, sample.label_values[2], *sample.label_values[5:]): sample.value
                for family in families
                if "company" in family.label_names
                for sample in family.samples
                if sample.label_values[4:5] == ("user_queries",)
            },
        )


def told(samples: Mapping[tuple[str, ...], float]) -> Iterable[tuple[str, str]]:
    """Yields the companies that somebody is told of, with the bound that they break."""
    for (name, company, *limit), value in samples.items():
        if name == LIMIT:
            figure = LAST_WORKING_DAY if limit[0] == "lower" else LAST_DAY
            seen = samples.get((figure, company))
            if seen is not None and (seen < value if limit[0] == "lower" else seen > value):
                yield company, limit[0]


def test_a_normal_year_is_quiet_and_what_is_planted_is_found(tell: Callable[[str], None]) -> None:
    world, chance = World.from_seed(1, 20), Random(7)
    false_alarms, left, judged, candidates = {"lower": 0, "upper": 0}, 0, 0, []
    for day, samples in mornings(world):
        judged += sum(name == LAST_DAY for name, *_ in samples)
        for company, bound in told(samples):
            customer = world.company(int(company))
            gone = customer is not None and not customer.is_customer(day)
            left += gone
            false_alarms[bound] += not gone
        candidates += [
            (int(company), day)
            for (name, company, *limit), value in samples.items()
            if (name, limit[:1]) == (LIMIT, ["lower"]) and value >= ENOUGH and CALENDAR.is_working(day)
            if samples[LAST_DAY, company] > 0
        ]

    found = {}
    for bound, ratio in (("lower", 0.2), ("upper", 8.0)):
        places = frozenset(chance.sample(candidates, 40))
        planted = world.under(Plant(ratio, places).condition)
        breaches = {(int(company), day) for day, each in mornings(planted) for company, of in told(each) if of == bound}
        found[bound] = len(places & breaches), len(places)

    bare = sum(len(list(told(samples))) for _, samples in mornings(world, RULES))
    lines = [
        f"a normal year of 20 companies: {judged} company-days judged; {left} told of one that left",
        f"  with public holidays alone, Christmas week not in the calendar: told of {bare} ({bare / judged:.2%})",
    ]
    for bound, count in false_alarms.items():
        share, (seen, of) = count / judged, found[bound]
        lines.append(f"  {bound}: told of {count} ({share:.2%}) without a cause; {seen} of {of} planted found")
    tell("\n".join(lines))

    assert sum(false_alarms.values()) / judged < USUAL
    assert all(seen == of for seen, of in found.values())
