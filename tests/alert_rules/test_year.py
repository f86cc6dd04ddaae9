"""In a simulated normal year the default limits cause few alerts, and each injected drop or spike is found.

Compares the exporter's activities and limits day by day; rules add only `for` and freshness.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

import pytest
from msgspec.structs import replace

from exporter.domain.calendars import Calendar
from exporter.domain.model import Column, Days, Reading, Row
from exporter.ledger.day_status import DayRules, day_status
from exporter.ledger.ledger import Asked, Ledger, fold
from exporter.metrics.activities import LAST_DAY, LAST_WORKING_DAY, LIMIT, activity_families
from exporter.metrics.limits import CompanyLimits
from exporter.metrics.report_view import CompanyIndex, ReportView
from exporter.metrics.target import Health
from exporter.platforms.paradigm.platform import CHAT_SESSIONS, QUERIES
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.world import MODES, DayView, World
from tests.pipeline.pipeline import RULES, target_with, utc

pytestmark = pytest.mark.once

BEGIN, A_YEAR = date(2025, 11, 20), 365
KEEP = RULES.keep_days
MORNING = timedelta(hours=31)
"""From the start of a day to the next morning, when it is complete."""
CHRISTMAS = frozenset(date(2025, 12, number) for number in range(24, 32))
CALENDAR = Calendar(holidays=RULES.calendar.holidays | CHRISTMAS)
"""Public holidays, and Christmas week, when the simulated companies are closed as most real ones are."""
RULES_WITH_HOLIDAYS = replace(RULES, calendar=CALENDAR)
MIN_LOWER_LIMIT = 15.0
"""Companies with such limits stay above min_baseline whatever is injected."""
MAX_FALSE_ALARMS = 0.01
"""Allowed share of company-days."""


@dataclass(frozen=True)
class Anomaly:
    """Multiplies the usage of some companies on some days."""

    ratio: float
    places: frozenset[tuple[int, date]]

    def condition(self, company: Company, view: DayView) -> float:
        return self.ratio if (company.id, view.day) in self.places else 1.0


def rows(world: World, day: date) -> Iterator[Row]:
    """Yields the platform's rows of a complete day."""
    at = datetime.combine(day, datetime.min.time(), utc(2000, 1, 1).tzinfo) + timedelta(days=5)
    view = world.view(day, at)
    for company in world.companies if view else ():
        for mode in MODES:
            if view and (figures := world.figures(company, view, mode)):
                column = Column(QUERIES.family, (mode,))
                yield Row(mode, day, str(company.id), {column: float(figures.user_queries)})


def mornings(
    world: World, rules: DayRules = RULES_WITH_HOLIDAYS, limits: CompanyLimits | None = None
) -> Iterator[tuple[date, Mapping[tuple[str, ...], float]]]:
    """Yields each day of the year with the samples of the next morning."""
    names = {str(company.id): company.name for company in world.companies}
    ledger, target = Ledger(), target_with(rules)
    target = target if limits is None else replace(target, company_limits=limits)
    for number in range(-KEEP, A_YEAR):
        day = BEGIN + timedelta(days=number)
        now = datetime.combine(day, datetime.min.time(), utc(2000, 1, 1).tzinfo) + MORNING
        reading = Reading(names, frozenset(MODES), tuple(rows(world, day)))
        ledger = fold(ledger, reading, Asked(Days(day, day), now.date(), now, KEEP), lambda _id, _name: True)
        if number < 0:
            continue
        status = day_status(ledger, now, now, rules)
        health = Health(timedelta(hours=1), history=True)
        view = ReportView(target, CHAT_SESSIONS, ledger, status, health)
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


def breaches(samples: Mapping[tuple[str, ...], float]) -> Iterable[tuple[str, str]]:
    """Yields companies outside their limits, with the broken bound."""
    for (name, company, *limit), value in samples.items():
        if name == LIMIT:
            figure = LAST_WORKING_DAY if limit[0] == "lower" else LAST_DAY
            seen = samples.get((figure, company))
            if seen is not None and (seen < value if limit[0] == "lower" else seen > value):
                yield company, limit[0]


def test_a_normal_year_has_few_false_alarms_and_each_anomaly_is_found(tell: Callable[[str], None]) -> None:
    world, random = World.from_seed(1, 20), Random(7)
    false_alarms, left, judged, candidates = {"lower": 0, "upper": 0}, 0, 0, []
    for day, samples in mornings(world):
        judged += sum(name == LAST_DAY for name, *_ in samples)
        for company, bound in breaches(samples):
            customer = world.company(int(company))
            has_left = customer is not None and not customer.is_customer(day)
            left += has_left
            false_alarms[bound] += not has_left
        candidates += [
            (int(company), day)
            for (name, company, *limit), value in samples.items()
            if (name, limit[:1]) == (LIMIT, ["lower"]) and value >= MIN_LOWER_LIMIT and CALENDAR.is_working(day)
            if samples[LAST_DAY, company] > 0
        ]

    found = {}
    for bound, ratio in (("lower", 0.2), ("upper", 8.0)):
        places = frozenset(random.sample(candidates, 40))
        with_anomalies = world.under(Anomaly(ratio, places).condition)
        broken = {
            (int(company), day)
            for day, each in mornings(with_anomalies)
            for company, of in breaches(each)
            if of == bound
        }
        found[bound] = len(places & broken), len(places)

    bare = sum(len(list(breaches(samples))) for _, samples in mornings(world, RULES))
    lines = [
        f"a normal year of 20 companies: {judged} company-days; {left} alerts of companies that left",
        f"  with public holidays alone, Christmas week not in the calendar: {bare} alerts ({bare / judged:.2%})",
    ]
    for bound, count in false_alarms.items():
        share, (seen, of) = count / judged, found[bound]
        lines.append(f"  {bound}: {count} false alarms ({share:.2%}); {seen} of {of} anomalies found")
    tell("\n".join(lines))

    assert sum(false_alarms.values()) / judged < MAX_FALSE_ALARMS
    assert all(seen == of for seen, of in found.values())
