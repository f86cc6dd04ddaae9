"""The pipeline from simulated platform to exposition: client, poller and board, on a manual clock without sockets."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import httpx
from msgspec.structs import replace

from exporter import http as fetch
from exporter.domain.calendars import Calendar
from exporter.domain.clock import Clock
from exporter.domain.scope import Scope
from exporter.domain.selectors import Companies
from exporter.domain.threads import Worker
from exporter.exposition.board import Board, RenderedSource
from exporter.exposition.telemetry import Telemetry
from exporter.exposition.text import Format
from exporter.ledger.day_status import DayRules
from exporter.metrics.limits import CompanyLimits, built_in
from exporter.metrics.report_health import deferred_families
from exporter.metrics.target import Target
from exporter.platforms.api import Platform, Report
from exporter.platforms.paradigm.platform import PLATFORM
from exporter.polling.outputs import PollOutputs, StateStore
from exporter.polling.poller import Poller
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import HOLIDAYS as KEPT_BY_ALL
from exporter.simulator.paradigm.world import World
from tests.certificates import one_authority
from tests.samples import samples

HOLIDAYS = frozenset(date(year, month, day) for year in range(2000, 2101) for month, day in KEPT_BY_ALL)
RULES = DayRules(
    zone=ZoneInfo("UTC"),
    settle=timedelta(hours=6),
    reread_days=3,
    keep_days=45,
    max_staleness=timedelta(days=3),
    calendar=Calendar(holidays=HOLIDAYS),
)


@dataclass(slots=True)
class ManualClock:
    """A clock that stands still until it is set; sleeping on it returns at once and does not advance it."""

    moment: datetime
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.moment

    def seconds(self) -> float:
        return self.moment.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def for_fetch(self) -> Clock:
        return Clock(self.now, self.seconds, self.sleep, Random(0))


class Series(NamedTuple):
    """A sample name, and labels without the source."""

    name: str
    labels: frozenset[tuple[str, str]]


def series(name: str, **labels: str) -> Series:
    return Series(name, frozenset(labels.items()))


CHAT_SESSIONS = (PLATFORM.reports["chat-sessions"],)
BUILT_IN = built_in(CHAT_SESSIONS[0].measures)


def target_with(
    rules: DayRules = RULES, companies: Companies | None = None, reports: tuple[Report, ...] = CHAT_SESSIONS
) -> Target:
    """Returns a target, by default with chat-sessions only, since tests count what happens per report."""
    companies = companies or Companies()
    return Target(
        "s",
        "paradigm",
        reports,
        Scope(),
        rules,
        timedelta(hours=1),
        companies,
        company_limits=CompanyLimits((BUILT_IN,)),
        selectors=companies.entries("s", "companies"),
    )


class Pipeline:
    """A poller of one source; `page()` returns the samples of a scrape."""

    def __init__(  # noqa: PLR0917 - tests rely on the defaults
        self,
        transport: httpx.AsyncBaseTransport,
        clock: ManualClock,
        key: str,
        target: Target | None = None,
        past: asyncio.Lock | None = None,
        store: StateStore | None = None,
        platform: Platform = PLATFORM,
        per_minute: int = 6000,
    ) -> None:
        self.clock = clock
        self.board = Board()
        self.telemetry = Telemetry()
        self.worker = Worker("pipeline")
        endpoint = fetch.Endpoint(
            "s",
            "https://paradigm.example",
            platform.headers,
            lambda: key,
            timeout=60.0,
            max_body=2**28,
            requests_per_minute=per_minute,
            ca_file=one_authority(),
        )
        self.client = fetch.Client(
            endpoint,
            self.telemetry,
            transport=transport,
            clock=clock.for_fetch(),
        )
        outputs = PollOutputs(self.board, self.telemetry, self.worker, past or asyncio.Lock())
        self.poller = Poller(target or target_with(), self.client, outputs, Clock(clock.now, clock.seconds), store)

    @classmethod
    def to(cls, world: World, clock: ManualClock, *scenarios: str, settle: timedelta = RULES.settle) -> "Pipeline":
        """Builds a pipeline with a simulated platform that has the same clock and zone."""
        app = create_app(world, clock.now, scenarios=scenarios or ("normal",), sleep=clock.sleep)
        rules = replace(RULES, zone=world.zone, settle=settle)
        return cls(httpx.ASGITransport(app), clock, world.keys.admin, target_with(rules))

    async def __aenter__(self) -> "Pipeline":
        await self.poller.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        await self.client.aclose()
        self.worker.close()
        if kind is None:
            assert self.text() == self.text_rendered_again()

    def text(self) -> str:
        """Returns the exposition without live metrics."""
        return self.board.shown.exposition[Format.TEXT].plain.decode()

    def text_rendered_again(self) -> str:
        """Returns the exposition rendered from scratch, without cached parts."""
        shown, board = self.board.shown, Board()
        for source, info in shown.source_infos.items():
            reports = {report: deferred_families(view) for (of, report), view in shown.views.items() if of == source}
            board.put(source, RenderedSource(reports, source_info=info))
        return board.shown.exposition[Format.TEXT].plain.decode()

    def page(self, prefix: str = "") -> Mapping[Series, float]:
        """Returns the samples of exposition and live metrics whose names start with `prefix`."""
        text = (self.board.shown.exposition[Format.TEXT].plain + self.telemetry.tail(Format.TEXT)).decode()
        return {
            Series(sample.name, frozenset((k, v) for k, v in sample.labels.items() if k != "source")): sample.value
            for sample in samples(text)
            if sample.name.startswith(prefix)
        }

    def outcomes(self) -> Mapping[str, float]:
        """Returns the number of polls by outcome, without zeros."""
        return {
            dict(key.labels)["outcome"]: value for key, value in self.page("chat_usage_polls_total").items() if value
        }


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def only(pipeline: Pipeline, name: str) -> float:
    """Returns the value of the only series with this name."""
    (value,) = pipeline.page(name).values()
    return value


async def set_scenarios(platform: httpx.AsyncClient, *names: str) -> None:
    answer = await platform.post("https://simulator.example/control", json={"scenarios": names})
    assert answer.is_success
