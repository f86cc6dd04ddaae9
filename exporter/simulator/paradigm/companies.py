"""Companies of the simulated platform: names, sizes, habits, arrival and departure; pure, from a seed."""

import math
from datetime import date, timedelta

from msgspec import Struct

from exporter.simulator.chance import draws

MOST_COMPANIES = 10_000
AGENTS_FROM = date(2025, 12, 1)  # first day of agents (release Unique Urchin)
_SPREAD = (-2.5, 0.0, 1.0, 2.2, -1.0)  # added to the logarithm of a size: even five companies differ a lot
_WELL_KNOWN = (
    *("Northwind", "Müller & Söhne GmbH", "Crédit Agréable de l'Île", 'Zoë "Rocket" 🚀 Labs'),
    *("Contoso", "Čeština Škoda-Díly s.r.o.", "Fabrikam, Inc.", "Ångström Møbler A/S"),
)
_STEMS = (
    *("Alpen", "Nord", "Rhein", "Loire", "Brücken", "Côte", "Val", "Hafen", "Sole", "Mistral"),
    *("Étoile", "Linden", "Grün", "Azur", "Forêt", "König", "Atlas", "Boréal", "Delta", "Fjord"),
    *("Garonne", "Heide", "Iris", "Jura", "Kranich", "Lumière", "Main", "Neckar", "Océan", "Prisma"),
    *("Quadrat", "Rivière", "Stern", "Tal", "Ufer", "Vosges", "Weser", "Ysatis", "Zenit", "Österland"),
)
_TRADES = (
    *("bank", "bau", "chemie", "druck", "energie", "finance", "gaz", "handel", "immo", "jardin", "kliniken", "logis"),
    *("média", "netz", "optik", "pharma", "quelle", "reisen", "santé", "technik", "union", "verlag", "werke", "yacht"),
    "zoo",
)
_FORMS = ("AG", "GmbH", "SA", "SAS", "SARL", "SE", "KG", "& Cie", "e.V.", "Group")


class Tenure(Struct, frozen=True):
    """A customer who leaves and returns: `stays` days on the platform, then `pauses` days off it, repeatedly.

    Cycles, not dates, so that any two years have companies that start and companies that end.
    """

    stays: int
    pauses: int
    offset: int

    def age(self, day: date) -> int | None:
        """Returns the days since the company started; None while it is no customer."""
        position = (day.toordinal() + self.offset) % (self.stays + self.pauses)
        return position if position < self.stays else None


class Company(Struct, frozen=True):
    """One company and its habits.

    `size` is user queries on a usual business day, `weekend` the ratio on a day off, `docs` the share of answers
    with documents, `period` (days) and `phase` a slow wave, `agents_from` the first day of agents.
    """

    id: int
    name: str
    size: float
    weekend: float
    docs: float
    period: float
    phase: float
    agents_from: date
    tenure: Tenure | None

    def is_customer(self, day: date) -> bool:
        return self.tenure is None or self.tenure.age(day) is not None

    def growth(self, day: date) -> float:
        """Returns the ratio of business on `day` to `size`: 0 for no customer, small in the first months."""
        age = self.tenure.age(day) if self.tenure else None
        if self.tenure and age is None:
            return 0.0
        started = 1.0 if age is None else 1 - 0.8 * math.exp(-age / 120)
        years = (day - date(2000, 1, 1)).days / 365.25
        wave = math.exp(0.4 * math.sin(2 * math.pi * (day.toordinal() / self.period + self.phase)))
        return started * wave * (0.7 + 0.012 * years)

    def agent_share(self, day: date) -> float:
        """Returns the agents' part of use on `day`: 0 at first, 0.97 half a year after the start."""
        since = (day - self.agents_from).days
        if since < 0:
            return 0.0
        return 0.97 / (1 + math.exp(-min(since - 60, 600) / 25))  # min: exp of centuries is no number


def populate(seed: int, count: int) -> tuple[Company, ...]:
    """Makes companies 1 to `count`; a smaller world is a prefix of a larger one."""
    return tuple(_company(seed, number) for number in range(1, count + 1))


def _company(seed: int, number: int) -> Company:
    size, spread, weekend, docs, period, phase, adopts, tenure = draws(seed, "company", number)
    bell = math.sqrt(-2 * math.log(1 - size)) * math.cos(2 * math.pi * spread)  # Box and Muller's normal number
    stays, pauses = 700 + int(800 * tenure), 200 + int(300 * (1 - tenure))
    return Company(
        id=number,
        name=_name(seed, number),
        size=min(max(math.exp(4.6 + bell + _SPREAD[number % len(_SPREAD)]), 1.5), 20_000.0),
        weekend=0.7 if weekend < 1 / 8 else 0.01 + 0.05 * weekend,  # one in eight works on weekends too
        docs=0.15 + 0.6 * docs,
        period=1500 + 3000 * period,
        phase=phase,
        agents_from=AGENTS_FROM + timedelta(days=int(270 * adopts)),
        # every fourth leaves and returns; the first one never
        tenure=None if number % 4 else Tenure(stays, pauses, offset=int(tenure * 1_000_003) % (stays + pauses)),
    )


def _name(seed: int, number: int) -> str:
    if number <= len(_WELL_KNOWN):
        return _WELL_KNOWN[number - 1]
    place = (number * 7919 + seed * 31) % MOST_COMPANIES  # 7919 is prime: no name occurs twice
    rest, stem = divmod(place, len(_STEMS))
    form, trade = divmod(rest, len(_TRADES))
    return f"{_STEMS[stem]}{_TRADES[trade]} {_FORMS[form]}"
