"""The true figures of the simulated platform, as seen at a moment; pure."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import Literal, Self
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from exporter.domain import calendars
from exporter.domain.model import Days
from exporter.simulator.chance import draws, token
from exporter.simulator.paradigm.companies import Company, populate

Mode = Literal["chat", "agent"]
MODES: tuple[Mode, ...] = ("chat", "agent")
HISTORY = timedelta(days=1096)  # retention of the platform's reports
HOLIDAYS = ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26))  # month and day; all companies keep them


class Keys(Struct, frozen=True):
    """API keys; `next_admin` is an admin's once `admin` no longer is, `company_admin` that of company 1."""

    admin: str
    next_admin: str
    company_admin: str
    expired: str


class DayView(Struct, frozen=True):
    """A day as seen at the moment `at`; `elapsed` is a ratio, `length` in seconds, `business` the season's ratio."""

    day: date
    at: datetime
    start: datetime
    length: float
    elapsed: float
    business: float
    off: bool


class Figures(Struct, frozen=True):
    """One company's use in one mode on one day; `average_length` in seconds, `last_model_response` in UTC."""

    sessions: int
    unique_models: int
    average_length: float
    user_queries: int
    model_responses: int
    model_responses_with_docs: int
    last_model_response: datetime


Condition = Callable[[Company, DayView], float]
"""Multiplies a company's use on a day; 0 leaves the row out."""


class SimulatedPlatform(Struct, frozen=True, kw_only=True):
    """What the simulated platforms share; `zone` is their days' zone, `keeps` their retention."""

    seed: int
    zone: ZoneInfo
    conditions: tuple[Condition, ...] = ()
    keeps: timedelta = HISTORY

    def under(self, condition: Condition) -> Self:
        return replace(self, conditions=(*self.conditions, condition))

    def views(self, first: date, last: date, at: datetime) -> tuple[DayView, ...]:
        """Returns the days from `first` to `last` that have begun at `at` and are still kept."""
        today = calendars.day_at(at, self.zone)
        first, last = max(first, today - self.keeps), min(last, today)
        if last < first:
            return ()
        return tuple(view for day in Days(first, last) if (view := self.view(day, at)))

    def view(self, day: date, at: datetime) -> DayView | None:
        """Returns `day` as seen at `at`; None if it has not begun, is no longer kept, or has no hours."""
        today = calendars.day_at(at, self.zone)
        if not today - self.keeps <= day <= today:
            return None
        start = calendars.start(day, self.zone)
        length = (calendars.end(day, self.zone) - start).total_seconds()
        if not length:
            return None
        elapsed = min((at - start).total_seconds() / length, 1.0)
        business = {7: 0.85, 8: 0.7}.get(day.month, 1.0)
        if (day.month, day.day) >= (12, 24):  # the quiet days between the years
            business = 0.45
        is_off = day.weekday() >= 5 or (day.month, day.day) in HOLIDAYS  # noqa: PLR2004 - Saturday is 5
        return DayView(day, at, start, length, elapsed, business, is_off)


class World(SimulatedPlatform, frozen=True):
    """A simulated Paradigm with its companies; equal seeds make equal worlds."""

    companies: tuple[Company, ...]
    keys: Keys

    @classmethod
    def from_seed(cls, seed: int, company_count: int = 20, zone: ZoneInfo | None = None) -> "World":
        """Makes the world of `seed`; its companies (1 to 10,000) are numbered from 1."""
        companies = populate(seed, company_count)
        owners = ("admin", "next admin", "company admin", "expired")  # keys as of Django REST framework's key package
        keys = (f"{token(8, seed, owner, 'prefix')}.{token(32, seed, owner, 'secret')}" for owner in owners)
        return cls(seed=seed, zone=zone or ZoneInfo("UTC"), companies=companies, keys=Keys(*keys))

    def without(self, company_id: int) -> "World":
        return replace(self, companies=tuple(each for each in self.companies if each.id != company_id))

    def company(self, company_id: int) -> Company | None:
        return next((each for each in self.companies if each.id == company_id), None)

    def busiest(self, rank: int) -> Company:
        """Returns the company of this rank (from 0) among those that never leave, or the last one of them."""
        stayers = sorted((c for c in self.companies if c.tenure is None), key=lambda c: (-c.size, c.id))
        return stayers[min(rank, len(stayers) - 1)]

    def truth(self, company_id: int, day: date, mode: Mode, *, at: datetime) -> Figures | None:
        """Returns the figures of a company's day as known at `at`; none falls while `at` rises."""
        company = self.company(company_id)
        view = self.view(day, at)
        return self.figures(company, view, mode) if company and view else None

    def figures(self, company: Company, view: DayView, mode: Mode) -> Figures | None:
        """Returns the company's figures in `mode` of the viewed day; None without a row."""
        expected = company.size * company.growth(view.day) * view.business * (company.weekend if view.off else 1.0)
        share = company.agent_share(view.day)
        expected *= 1.3 * share if mode == "agent" else 1 - share  # agents are asked more
        for condition in self.conditions:
            expected *= condition(company, view)
        if expected <= 0:
            return None
        luck = draws(self.seed, mode, company.id, view.day.toordinal())
        queries = int(expected * (0.8 + 0.4 * luck[0]) + luck[1])  # + luck: 0.3 queries are one on three days in ten
        return _so_far(company, view, queries, luck)


def _so_far(company: Company, view: DayView, queries: int, luck: tuple[float, ...]) -> Figures | None:
    """Returns what of a whole day's use had happened at the time of the view; None before the first answer.

    Use is spread evenly from `opens` to `closes` (ratios of the day), so the time of each answer is known.
    """
    opens, closes = 0.24 + 0.1 * luck[2], 0.72 + 0.24 * luck[3]
    over = min(max((view.elapsed - opens) / (closes - opens), 0.0), 1.0)
    all_responses = queries - int(queries * 0.04 * luck[4])
    responses = int(all_responses * over)
    if responses == 0:
        return None
    asked = int(queries * over)
    answered_at = (opens + (closes - opens) * responses / all_responses) * view.length
    return Figures(
        sessions=min(ceil(queries / (2 + 4 * luck[5]) * over), asked),
        unique_models=min(1 + int(5 * luck[6]), responses),
        average_length=round((60 + 480 * luck[7]) * (0.8 + 0.2 * over), 1),
        user_queries=asked,
        model_responses=responses,
        model_responses_with_docs=int(responses * company.docs),
        last_model_response=view.start + timedelta(seconds=int(answered_at)),
    )


def utc_text(moment: datetime, timespec: str = "seconds") -> str:
    """Writes a moment as the platform does: `2026-03-02T17:41:09Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=timespec) + "Z"
