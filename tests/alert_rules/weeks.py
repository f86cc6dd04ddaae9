"""Five simulated weeks of expositions as input for promtool, scraped every 30 minutes.

promtool's time starts on Thursday, 1970-01-01. The weeks start on Thursday, 2026-10-01, and timestamps are shifted.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import httpx
from msgspec.structs import replace

from exporter.domain.calendars import Calendar
from exporter.domain.scope import Scope
from exporter.metrics.limits import CompanyCalendar, CompanyLimits, Threshold
from exporter.metrics.target import Target
from exporter.platforms.paradigm.platform import REPORTS
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.world import DayView, World
from tests.alert_rules.promtool import GROUPS, Series
from tests.pipeline.pipeline import BUILT_IN, ManualClock, Pipeline, utc
from tests.pipeline.pipeline import RULES as DAILY

BEGIN = utc(2026, 10, 1)
DAYS, PER_DAY = 37, 48
HALF_HOUR = timedelta(minutes=30)
SHIFT = BEGIN.timestamp()
NAMES = frozenset(
    name
    for group in GROUPS
    for rule in group["rules"]
    for name in re.findall(r"\b(?:chat_usage|paradigm)_\w+", rule["expr"])
)
"""Metrics that the rules read."""
RULES = replace(DAILY, calendar=Calendar())
_LINE = re.compile(r"(\w+)\{(.*)\} (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def day(number: int) -> date:
    """Returns the date of a day, counted from 0."""
    return (BEGIN + timedelta(days=number)).date()


def at(number: int, hour: int, minute: int = 0) -> str:
    """Returns a moment in promtool's notation."""
    return f"{number * 24 + hour}h{minute}m"


class FailingTransport(httpx.ASGITransport):
    """The simulated platform; paths that contain `broken` respond with 503."""

    broken: str = "nothing"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Responds, or fails."""
        if self.broken in request.url.path:
            return httpx.Response(503, stream=httpx.ByteStream(b""))
        return await super().handle_async_request(request)


@dataclass
class Installation:
    """A simulated exporter with one source; `plan` has actions by day and hour."""

    source: str
    world: World
    reports: tuple[str, ...] = ("chat-sessions",)
    interval: timedelta = timedelta(hours=2)
    first_poll: timedelta = timedelta(minutes=30)
    company_limits: CompanyLimits = field(default_factory=lambda: CompanyLimits((BUILT_IN,)))
    plan: Mapping[tuple[int, int], Callable[["Installation"], Awaitable[None]]] = field(default_factory=dict)
    unscraped: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        self.clock = ManualClock(BEGIN)
        self.transport = FailingTransport(create_app(self.world, self.clock.now, sleep=self.clock.sleep))
        self.samples: dict[tuple[str, str], dict[int, float]] = {}
        self.pipeline: Pipeline | None = None

    def target(self) -> Target:
        reports = tuple(REPORTS[name] for name in self.reports)
        return Target(
            self.source, "paradigm", reports, Scope(), RULES, self.interval, company_limits=self.company_limits
        )

    async def start(self) -> None:
        """Starts an exporter without a state, and polls."""
        if self.pipeline is not None:
            await self.pipeline.__aexit__()
        self.pipeline = Pipeline(self.transport, self.clock, self.world.keys.admin, self.target())
        await self.pipeline.__aenter__()
        await self.pipeline.poller.poll()

    async def run(self) -> None:
        """Simulates all weeks."""
        await self.start()
        last: object = None
        found: list[tuple[tuple[str, str], float]] = []
        due = BEGIN + self.first_poll
        for step in range(DAYS * PER_DAY):
            self.clock.moment = moment = BEGIN + step * HALF_HOUR
            action = self.plan.get((step // PER_DAY, step % PER_DAY // 2))
            if action and step % 2 == 0:
                await action(self)
            assert self.pipeline is not None
            if moment >= due:
                due += self.interval
                await self.pipeline.poller.poll()
            elif step % PER_DAY == 0:
                await self.pipeline.poller.render_all()
            if self.pipeline.board.shown is not last:
                last, found = self.pipeline.board.shown, list(_read(self.pipeline.text(), self.source))
            if step not in self.unscraped:
                for key, value in found:
                    self.samples.setdefault(key, {})[step] = value
        assert self.pipeline is not None
        await self.pipeline.__aexit__()

    def series(self) -> list[Series]:
        """Returns the scraped series for promtool."""
        return [
            Series(name, {key: _plain(value) for key, value in _LABEL.findall(labels)}, _encoded(values))
            for (name, labels), values in self.samples.items()
        ]


def _plain(value: str) -> str:
    return value.replace('\\"', '"').replace("\\\\", "\\")


def _read(text: str, source: str) -> list[tuple[tuple[str, str], float]]:
    found = []
    for name, labels, value in _LINE.findall(text):
        if name in NAMES:
            shift = SHIFT if name.endswith("_timestamp_seconds") and float(value) > 0 else 0.0
            found.append(((name, labels.replace('source="s"', f'source="{source}"')), float(value) - shift))
    return found


def _encoded(values: Mapping[int, float]) -> str:
    """Returns values in promtool's run-length notation."""
    words: list[str] = []
    step = 0
    while step < DAYS * PER_DAY:
        value, count = values.get(step), 1
        while step + count < DAYS * PER_DAY and values.get(step + count) == value:
            count += 1
        words.append(f"_x{count}" if value is None else f"{value!r}x{count - 1}")
        step += count
    return " ".join(words)


# Day 28 is a Thursday, 29 a Friday, 30 a Saturday, 32 a Monday.
FRIDAY, SATURDAY, MONDAY, WEDNESDAY = 29, 30, 32, 34
SEVERITY_CHANGES, RESTART, CORRECTIONS = 33, 31, 20


def _days_since_midnight(view: DayView) -> float:
    return (view.at - view.start) / timedelta(days=1)


USAGE: Mapping[str, Callable[[int, DayView], float]] = {
    "down": lambda number, _view: 0.1 if FRIDAY <= number <= MONDAY else 1.0,
    "saturday": lambda number, _view: 80.0 if number == SATURDAY else 1.0,
    "corrected": lambda number, view: 0.6 if number >= CORRECTIONS and _days_since_midnight(view) >= 2.5 else 1.0,
    "holiday": lambda number, _view: 0.05 if number == WEDNESDAY else 1.0,
    "same_day": lambda number, _view: 0.05 if number == WEDNESDAY else 1.0,
    "new": lambda number, _view: 0.0 if number < 25 else 0.1 if number >= WEDNESDAY else 1.0,
    "steady": lambda _number, _view: 1.0,
    "fixed": lambda number, _view: 0.1 if FRIDAY <= number <= MONDAY else 1.0,
}
"""Factor of the usage of each role's company; 0 leaves out the row."""


def choose_companies(world: World) -> Mapping[str, Company]:
    """Chooses a company for each role: large enough, quiet on weekends, a customer all the time."""
    suitable = [each for each in world.companies if each.tenure is None and each.size > 60 and each.weekend < 0.1]
    assert len(suitable) >= len(USAGE)
    return dict(zip(USAGE, suitable, strict=False))


def main_world() -> tuple[World, Mapping[str, Company], Company]:
    """Returns the world of the main source, companies by role, and a tiny company that becomes silent."""
    world = World.from_seed(1, 40)
    roles = choose_companies(world)
    tiny = next(each for each in world.companies if each.tenure is None and each.size < 8)
    by_id = {company.id: role for role, company in roles.items()}

    def ratio(company: Company, view: DayView) -> float:
        number = (view.day - BEGIN.date()).days
        if company is tiny:
            return 0.0 if number >= 27 else 1.0
        return USAGE[by_id[company.id]](number, view)

    kept = {*by_id, tiny.id}
    for company in world.companies:
        if company.id not in kept:
            world = world.without(company.id)
    return world.under(ratio), roles, tiny


async def _restart(installation: Installation) -> None:
    await installation.start()


async def main_source() -> tuple[Installation, Mapping[str, Company], Company]:
    """Companies of all roles, a restart on Saturday, and another severity from Tuesday."""
    world, roles, tiny = main_world()
    fixed = f"id:{roles['fixed'].id}"
    off = Threshold(("user_queries",), {"drop_ratio": None, "spike_ratio": None}, company=fixed)

    def company_limits(severity: str) -> CompanyLimits:
        limit = Threshold(("user_queries",), {"below": 300.0}, company=fixed, severity=severity)
        calendar = CompanyCalendar(f"id:{roles['holiday'].id}", Calendar(holidays=frozenset({day(WEDNESDAY)})))
        return CompanyLimits((BUILT_IN, off, limit), (calendar,))

    async def change(installation: Installation) -> None:
        installation.company_limits = company_limits("critical")
        await installation.start()

    installation = Installation(
        "m",
        world,
        company_limits=company_limits("warning"),
        plan={(RESTART, 10): _restart, (SEVERITY_CHANGES, 2): change},
        unscraped=frozenset({RESTART * PER_DAY + 20, RESTART * PER_DAY + 21}),
    )
    await installation.run()
    return installation, roles, tiny


def _all_companies_drop(world: World, number: int) -> World:
    since = day(number)
    return world.under(lambda _company, view: 0.1 if view.day >= since else 1.0)


async def late_source() -> Installation:
    """All companies drop on day 27; from noon of day 29 the platform is down."""
    world = World.from_seed(2, 12)

    async def break_platform(installation: Installation) -> None:
        installation.transport.broken = "/"

    installation = Installation("l", _all_companies_drop(world, 27), plan={(29, 12): break_platform})
    await installation.run()
    return installation


async def half_stuck_source() -> Installation:
    """Two reports; tools fails from day 28 on, after a spike, and chat-sessions continues."""
    world = World.from_seed(3, 6)

    async def break_platform(installation: Installation) -> None:
        installation.transport.broken = "tools"

    above = Threshold(("tool_uses",), {"above": 1.0}, severity="warning")
    limits = CompanyLimits((BUILT_IN, above))
    installation = Installation(
        "t", world, ("chat-sessions", "tools"), company_limits=limits, plan={(28, 12): break_platform}
    )
    await installation.run()
    return installation


async def slow_source() -> Installation:
    """Polls every 12 hours, at 05:30 and 17:30."""
    installation = Installation(
        "h", World.from_seed(4, 6), interval=timedelta(hours=12), first_poll=timedelta(hours=5, minutes=30)
    )
    await installation.run()
    return installation
