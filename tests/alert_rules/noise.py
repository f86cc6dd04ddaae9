"""`python -m tests.alert_rules.noise`: alerts of a simulated year of 200 companies, by rule and month, as a table.

Nothing is wrong in that year: there are holidays, weeks in which companies are closed according to their calendars,
companies that join and leave, and random noise (Poisson counts; the share of responses with documents is constant, 3 %
for every fourth company). So all alerts are noise, except those of companies that left. Limits are the exporter's; the
rules about sums are written out here, in their previous and current form.

usage: VENV/bin/python -m tests.alert_rules.noise [--companies N] [--seed N]
"""

import argparse
import math
import sys
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from exporter.domain.calendars import Calendar
from exporter.metrics.activities import LIMIT
from exporter.metrics.limits import CompanyCalendar, CompanyLimits
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.world import MODES, DayView, World
from tests.alert_rules.test_year import CALENDAR, breaches, mornings
from tests.pipeline.pipeline import BUILT_IN, utc

DROPPED, SPIKED, MANY = "ActivityDropped", "ActivitySpiked", "ManyCompaniesDropped"
INACTIVE, GROUNDED = "CompanyInactive", "GroundedShareLow"
BEFORE = " before"
"""Marks the previous form of a rule."""
MONTH, WEEK = 28, 7
CLOSED = (date(2026, 8, 3), timedelta(days=14))


@dataclass(frozen=True, slots=True)
class Alerts:
    """Alerts that started, by rule and month, and those of companies that left, by rule."""

    by_month: Counter[tuple[str, str]] = field(default_factory=Counter)
    of_departed: Counter[str] = field(default_factory=Counter)

    @property
    def pages(self) -> int:
        """Number of pages."""
        return sum(count for (rule, _), count in self.by_month.items() if rule == MANY)

    @property
    def without_cause(self) -> int:
        """Number of warnings and pages without a cause, by the current rules; spikes are only informational."""
        return sum(count for (rule, _), count in self.by_month.items() if BEFORE not in rule and rule != SPIKED)


def closed(company: Company, day: date) -> bool:
    """Tells whether a company is closed: every second one is in August."""
    begin, length = CLOSED
    return company.id % 2 == 1 and begin <= day < begin + length


def calendars(world: World) -> tuple[CompanyCalendar, ...]:
    """Returns the calendars of companies that close."""
    begin, length = CLOSED
    days = frozenset(begin + timedelta(days=number) for number in range(length.days))
    own = Calendar(holidays=CALENDAR.holidays | days)
    return tuple(CompanyCalendar(f"id:{each.id}", own) for each in world.companies if closed(each, begin))


@dataclass(slots=True)
class Sums:
    """Queries, responses and responses with documents of a company by day, newest last, and its business days."""

    queries: deque[int] = field(default_factory=lambda: deque(maxlen=MONTH))
    answers: deque[int] = field(default_factory=lambda: deque(maxlen=MONTH))
    grounded: deque[int] = field(default_factory=lambda: deque(maxlen=MONTH))
    worked: deque[bool] = field(default_factory=lambda: deque(maxlen=WEEK))

    def add(self, world: World, company: Company, day: date) -> None:
        """Adds a day."""
        view = world.view(day, datetime.combine(day, datetime.min.time(), utc(2000, 1, 1).tzinfo) + timedelta(days=5))
        found = [figures for mode in MODES if view and (figures := world.figures(company, view, mode))]
        self.queries.append(sum(each.user_queries for each in found))
        self.answers.append(sum(each.model_responses for each in found))
        share = 0.03 if company.id % 4 == 0 else company.docs
        self.grounded.append(_poisson(Random(f"{company.id} {day} docs"), self.answers[-1] * share))
        self.worked.append(CALENDAR.is_working(day) and not closed(company, day))

    def rules(self) -> Iterator[str]:
        """Yields firing rules about sums."""
        if len(self.queries) < MONTH:
            return
        if not any(list(self.queries)[-WEEK:]) and sum(self.queries) >= 100:
            yield INACTIVE + BEFORE
            if sum(self.worked) >= 3:
                yield INACTIVE
        answers = sum(list(self.answers)[-WEEK:])
        share = sum(self.grounded) / sum(self.answers) if sum(self.answers) else 0.0
        if answers and sum(list(self.grounded)[-WEEK:]) / answers < 0.5 * share:
            if answers >= 100:
                yield GROUNDED + BEFORE
            if answers * share >= 40:
                yield GROUNDED


def _poisson(random: Random, mean: float) -> int:
    """Returns a Poisson-distributed count."""
    if mean > 50:
        return max(round(random.gauss(mean, math.sqrt(mean))), 0)
    left, count = math.exp(-mean), -1
    product = 1.0
    while product > left or count < 0:
        product *= random.random()
        count += 1
    return count


def simulate_year(companies: int, seed: int) -> Alerts:
    """Simulates a year."""

    def condition(company: Company, view: DayView) -> float:
        if closed(company, view.day):
            return 0.0
        mean = max(company.size, 1.0)
        return _poisson(Random(f"{seed} {company.id} {view.day}"), mean) / mean

    world = World.from_seed(seed, companies).under(condition)
    sums = {str(company.id): Sums() for company in world.companies}
    found, firing = Alerts(), set[tuple[str, str]]()
    for day, samples in mornings(world, limits=CompanyLimits((BUILT_IN,), calendars(world))):
        now = set(_limits(samples))
        for company in world.companies:
            sums[str(company.id)].add(world, company, day)
            now |= {(rule, str(company.id)) for rule in sums[str(company.id)].rules()}
        for rule, company_id in now - firing:
            customer = world.company(int(company_id)) if company_id else None
            if customer is not None and not customer.is_customer(day):
                found.of_departed[rule] += 1
            else:
                found.by_month[rule, f"{day:%Y-%m}"] += 1
        firing = now
    return found


def _limits(samples: Mapping[tuple[str, ...], float]) -> Iterator[tuple[str, str]]:
    """Yields firing rules about limits with the company, which is empty for the rule about many companies."""
    dropped = set[str]()
    for company, bound in breaches(samples):
        yield (DROPPED if bound == "lower" else SPIKED), company
        dropped |= {company} if bound == "lower" else set()
    judged = {company for name, company, *limit in samples if name == LIMIT and limit[0] == "lower"}
    if judged and len(dropped) / len(judged) > 0.3:
        yield from ((rule, "") for rule, least in ((MANY + BEFORE, 2), (MANY, 3)) if len(dropped) >= least)


def table(found: Alerts, companies: int) -> str:
    """Returns alerts per 100 companies and month, by rule, with the year's alerts per company at the end."""
    months = sorted({month for _, month in found.by_month})
    rules = [DROPPED, SPIKED, INACTIVE, INACTIVE + BEFORE, GROUNDED, GROUNDED + BEFORE, MANY, MANY + BEFORE]
    lines = [f"| alerts per 100 companies | {' | '.join(months)} | per company and year | of companies that left |"]
    lines.append("|---" * (len(months) + 3) + "|")
    for rule in rules:
        counts = [found.by_month[rule, month] for month in months]
        cells = " | ".join(f"{100 * count / companies:.1f}" for count in counts)
        lines.append(f"| {rule} | {cells} | {sum(counts) / companies:.3f} | {found.of_departed[rule]} |")
    lines.append(f"\nwarnings and pages without a cause, per company and year: {found.without_cause / companies:.3f}")
    return "\n".join(lines)


def sizes(companies: int, seed: int) -> str:
    """Describes the sizes of the companies."""
    found = sorted(company.size for company in World.from_seed(seed, companies).companies)
    half = found[len(found) // 2]
    return f"{companies} companies of {found[0]:.0f} to {found[-1]:.0f} queries a day, half below {half:.0f}\n"


def main() -> int:
    """Prints the table; returns 1 if there are too many alerts."""
    parser = argparse.ArgumentParser(prog="python -m tests.alert_rules.noise")
    parser.add_argument("--companies", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = simulate_year(options.companies, options.seed)
    print(sizes(options.companies, options.seed))  # noqa: T201  # a command's output
    print(table(found, options.companies))  # noqa: T201  # a command's output
    return int(found.pages > 0 or found.without_cause >= options.companies)


if __name__ == "__main__":
    sys.exit(main())
