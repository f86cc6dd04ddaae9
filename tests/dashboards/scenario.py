"""Simulates an installation with both platforms and collects what a Prometheus would scrape each hour.

The events give every panel something to show, and gaps where they belong. Forty days are for screenshots; twelve are
enough for all queries.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import NamedTuple

import httpx
from msgspec.structs import replace
from starlette.applications import Starlette

from exporter.domain.model import Days
from exporter.domain.scope import Scope
from exporter.domain.selectors import Entry, Selection
from exporter.exposition.text import Format
from exporter.metrics.limits import CompanyLimits, Threshold, built_in
from exporter.metrics.target import Target
from exporter.platforms.api import Account
from exporter.platforms.chatcaptain import platform as chatcaptain
from exporter.platforms.paradigm import platform as paradigm
from exporter.simulator.app import create_app
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.world import DayView, World
from tests.pipeline.pipeline import BUILT_IN, RULES, ManualClock, Pipeline, set_scenarios, utc

NOW = utc(2026, 11, 20, 15)
"""A Friday: the newest complete day is Thursday the 19th."""
TWELVE_DAYS, FORTY_DAYS = timedelta(days=12), timedelta(days=40)
STEP = timedelta(hours=1)
POLLS: Mapping[str, timedelta] = {"demo": timedelta(hours=3), "demo_bot": timedelta(hours=6)}
"""A chatbot needs a request per day and channel."""
PARADIGM, CHATCAPTAIN = "demo", "demo_bot"
TARGET = {"namespace": "production", "job": "chat-usage-exporter", "instance": "localhost:9854"}
OUTAGE = (utc(2026, 11, 11, 2), utc(2026, 11, 12, 5))
"""Tuesday the 10th is served too late to be drawn."""
REFUSALS = (utc(2026, 11, 17, 8), utc(2026, 11, 17, 20))
MEMORY: Sequence[float] = json.loads((Path(__file__).parents[2] / "docs" / "pictures" / "soak.json").read_text())[
    "curves"
]["rss"]
"""Resident memory of a real exporter that polls as many companies (docs/development/reliability.md)."""
_LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


class Series(NamedTuple):
    """A sample name, and labels as in the exposition."""

    name: str
    labels: str


class DatedTransport(httpx.ASGITransport):
    """The simulated platforms, with a Date header one second ahead of the exporter's clock."""

    def __init__(self, app: Starlette, clock: ManualClock) -> None:
        super().__init__(app)
        self._clock = clock

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Adds the header."""
        answer = await super().handle_async_request(request)
        answer.headers["Date"] = format_datetime(self._clock.moment + timedelta(seconds=1), usegmt=True)
        return answer


@dataclass(frozen=True)
class Roles:
    """Company ids by role; each company is large enough to have limits."""

    dropped: int
    spiked: int
    recovered: int
    unjudged: int
    corrected: int

    def use(self, company: Company, view: DayView) -> float:
        """Returns the factor of a company's usage on a day."""
        if company.id == self.dropped and view.day >= date(2026, 11, 18):
            return 0.2
        if company.id == self.spiked and view.day == date(2026, 11, 19):
            return 6.0
        if company.id == self.recovered and view.day in Days(date(2026, 11, 2), date(2026, 11, 4)):
            return 0.3
        late = view.at < datetime(view.day.year, view.day.month, view.day.day, 12, tzinfo=UTC) + timedelta(days=2)
        return 0.7 if company.id == self.corrected and view.day >= date(2026, 11, 5) and late else 1.0


@dataclass
class Scenario:
    """The installation. `samples` hold, after `run`, each series' values by moment, in seconds since 1970."""

    companies: int = 6
    lasts: timedelta = TWELVE_DAYS
    samples: dict[Series, dict[int, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        world = World.from_seed(1, self.companies)
        least = self.companies - 1
        self.roles = Roles(*(world.busiest(min(rank, least)).id for rank in (2, 3, 1, 4, 0)))
        self.world = world.under(self.roles.use)
        self.bots = Bots.from_seed(1, channel_count=3)
        self.begin = (NOW - self.lasts).replace(hour=0)
        self.clock = ManualClock(self.begin)
        self._last: dict[str, tuple[str, Sequence[tuple[Series, str]]]] = {}
        app = create_app(self.world, self.clock.now, sleep=self.clock.sleep, bots=self.bots)
        self.platform = DatedTransport(app, self.clock)

    async def run(self) -> None:
        """Simulates all days, with polls and a scrape every hour."""
        events = {
            OUTAGE[0]: self._scenarios("outage"),
            OUTAGE[1]: self._scenarios("normal"),
            REFUSALS[0]: self._scenarios("rate-limited"),
            REFUSALS[1]: self._scenarios("normal"),
        }
        async with self._paradigm() as customers, self._chatcaptain() as chatbot:
            for pipeline, expires in ((customers, utc(2027, 1, 4)), (chatbot, utc(2027, 6, 1))):
                pipeline.telemetry.config_taken(1, self.begin)
                pipeline.telemetry.key_expires("s", expires)
            while self.clock.moment <= NOW:
                if self.clock.moment in events:
                    await events[self.clock.moment]()
                await self._hour(customers, chatbot)
                self.clock.moment += STEP

    async def _hour(self, customers: Pipeline, chatbot: Pipeline) -> None:
        moment = self.clock.moment
        for name, pipeline in ((PARADIGM, customers), (CHATCAPTAIN, chatbot)):
            if (moment - self.begin) % POLLS[name] == timedelta():
                await pipeline.poller.poll()
            elif moment.hour == 0:
                await pipeline.poller.render_all()
            for series, value in self._scraped(name, pipeline):
                self.samples.setdefault(series, {})[int(moment.timestamp())] = value

    def _scraped(self, name: str, pipeline: Pipeline) -> Iterator[tuple[Series, str]]:
        """Yields the samples of a scrape; the rendered part is parsed only when it changes."""
        text = pipeline.text()
        if self._last.get(name, ("", ()))[0] != text:
            self._last[name] = text, list(_read(text, name))
        hours = (self.clock.moment - self.begin) // STEP
        for series, value in (*self._last[name][1], *_read(pipeline.telemetry.tail(Format.TEXT).decode(), name)):
            yield series, _process_value(series, hours) or value

    def _scenarios(self, name: str) -> Callable[[], Awaitable[None]]:
        async def change() -> None:
            async with httpx.AsyncClient(transport=self.platform) as http:
                await set_scenarios(http, name)

        return change

    def _paradigm(self) -> Pipeline:
        dropped = Threshold(("user_queries",), {"below": 5.0}, company=f"id:{self.roles.dropped}", severity="critical")
        most = Threshold(("user_queries",), {"above": 4000.0})
        unjudged = Threshold(("user_queries",), {"drop_ratio": None}, company=f"id:{self.roles.unjudged}")
        share = Threshold(("answered_share",), {"below": 0.5})
        target = Target(
            "s",
            "paradigm",
            tuple(paradigm.REPORTS.values()),
            Scope(),
            RULES,
            POLLS[PARADIGM],
            company_limits=CompanyLimits((BUILT_IN, dropped, most, unjudged, share)),
            selectors={
                "thresholds": tuple(
                    Entry("s", "thresholds", each) for each in (dropped.company, unjudged.company, "name:Nobody*")
                )
            },
        )
        return Pipeline(self.platform, self.clock, self.world.keys.admin, target)

    def _chatcaptain(self) -> Pipeline:
        bot = self.bots.chatbots[0]
        account = Account("s", {"chatbot_id": bot.id, "company": bot.habits.name, "channels": Selection()})
        reports = tuple(
            chatcaptain.PLATFORM.configured(name, None, account) for name in ("overview", "channel", "inbox")
        )
        rules = replace(RULES, zone=self.bots.zone)
        target = Target(
            "s",
            "chatcaptain",
            reports,
            Scope(zone=self.bots.zone),
            rules,
            POLLS[CHATCAPTAIN],
            company_limits=CompanyLimits((built_in((chatcaptain.CONVERSATIONS,)),)),
        )
        return Pipeline(self.platform, self.clock, bot.key, target, platform=chatcaptain.PLATFORM)


def _process_value(series: Series, hours: int) -> str | None:
    """Returns values of a real process, since simulated time stands still during a poll."""
    if series.name == "process_resident_memory_bytes":
        return str(MEMORY[hours % len(MEMORY)])
    if series.name == "process_cpu_seconds_total":
        return str(4 + 1.5 * hours)
    if series.name == "chat_usage_poll_duration_seconds":
        return str(0.4 + 0.1 * (len(series.labels) % 7) + 0.03 * (hours % 5))
    return None


def _read(text: str, source: str) -> Iterator[tuple[Series, str]]:
    """Yields samples; those without a source are read for one source only."""
    target = ",".join(f'{name}="{value}"' for name, value in TARGET.items())
    for name, labels, value in _LINE.findall(text):
        own = labels.replace('source="s"', f'source="{source}"')
        if own != labels or source == PARADIGM:
            yield Series(name, f"{own},{target}" if own else target), value


def openmetrics(samples: Mapping[Series, Mapping[int, str]]) -> Iterator[str]:
    """Yields the lines of an OpenMetrics file for promtool, without types."""
    for series, values in samples.items():
        for at, value in values.items():
            yield f"{series.name}{{{series.labels}}} {value} {at}\n"
    yield "# EOF\n"
