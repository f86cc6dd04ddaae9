"""Valid responses of the simulated platforms to the requests of a poll."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import repeat
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import httpx

from exporter.domain.calendars import day_at
from exporter.domain.model import Days
from exporter.domain.scope import Scope
from exporter.http import RetryBudget
from exporter.metrics.target import Target
from exporter.platforms.api import Account, Component, Context, Discovery, Fields, Override, Report, Request
from exporter.platforms.chatcaptain import export_job
from exporter.platforms.chatcaptain import platform as chatcaptain
from exporter.platforms.jmespath_fields import expression
from exporter.platforms.paradigm import platform as paradigm
from exporter.polling.answers import EarlierAnswers
from exporter.polling.ask import Fetch, Transport, ask
from exporter.settings.definitions import read
from exporter.simulator.app import create_app
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.paradigm.world import World
from tests.pipeline.pipeline import ManualClock, Pipeline, target_with, utc
from tests.simulator.chatcaptain.odd import ODD_OVERRIDES

NOW = utc(2026, 11, 20, 12)
ZONE = ZoneInfo("UTC")
TODAY = day_at(NOW, ZONE)
DAYS = Days(TODAY - timedelta(days=1), TODAY)
CONTEXT = Context("s", TODAY, ZONE)
SHAPES = ("shape-keyed", "shape-listed", "shape-numbered", "shape-bare")
DEFINITION = Path(__file__).parents[1] / "pipeline" / "paradigm.yml"
BY_HAND = {
    "tools": {"items": "tools", "label": "tool_name", "value": "usage_count"},
    "user-activities": {"value": "active_users_count"},
}
"""Overrides for reports without a published schema."""


class ValidResponse(NamedTuple):
    """A valid response with a description, its report and its request."""

    what: str
    report: Report
    request: Request
    body: bytes


@dataclass(slots=True)
class Listening:
    """Fetches with a client and records the responses."""

    client: Fetch
    heard: list[tuple[Request, bytes]]

    async def get(self, request: Request, retry_budget: RetryBudget) -> bytes:
        """Returns the response."""
        body = await self.client.get(request, retry_budget)
        self.heard.append((request, body))
        return body


async def paradigm_responses() -> list[ValidResponse]:
    """Returns responses of all reports: built in, declared, and with overrides."""
    clock = ManualClock(NOW)
    reports = dict(paradigm.PLATFORM.reports)
    common = {"entries": "reporting", "company_id": "company.id", "company": "company.name", "days": "dates"}
    for name, where in BY_HAND.items():
        words = {**common, "date": "date", **where}
        fields = Fields(**{option: expression(text) for option, text in words.items()})
        reports[f"{name} by hand"] = paradigm.PLATFORM.configured(name, Override(fields=fields))
    reports["tools declared"] = read(DEFINITION).reports["tools"]
    async with Pipeline.to(World.from_seed(1, 3, ZONE), clock) as pipeline:
        return [
            each for name, report in reports.items() for each in await _asked(pipeline, f"paradigm {name}", report, {})
        ]


async def chatcaptain_responses() -> list[ValidResponse]:
    """Returns responses of all reports in every known shape, and in one that needs overrides."""
    bots = Bots.from_seed(1, 1, 3, ZONE)
    account = Account("s", {"chatbot_id": bots.chatbots[0].id, "company": "ACME"})
    found = []
    for shape in (*SHAPES, "shape-odd"):
        clock = ManualClock(NOW)
        app = create_app(World.from_seed(1, 1, ZONE), clock.now, scenarios=(shape,), sleep=clock.sleep, bots=bots)
        key, platform = bots.chatbots[0].key, chatcaptain.PLATFORM
        async with Pipeline(httpx.ASGITransport(app), clock, key, platform=platform) as pipeline:
            for name in platform.reports:
                report = platform.configured(name, _described(name) if shape == "shape-odd" else None, account)
                found += await _asked(pipeline, f"chatcaptain {name}", report, {})
            if shape != "shape-odd":
                overview = platform.configured("overview", None, account)
                parts = [part for request in overview.plan(DAYS, Scope()) for part in request.parts.values()]
                bodies = [await pipeline.client.get(part, RetryBudget(60)) for part in parts]
                found += map(ValidResponse, repeat("chatcaptain overview alone"), repeat(overview), parts, bodies)
    return found


async def export_responses() -> Mapping[str, list[bytes]]:
    """Returns the responses to the start of an export and to its status requests."""
    bots, clock = Bots.from_seed(1, 1, 1, ZONE), ManualClock(NOW)
    app = create_app(World.from_seed(1, 1, ZONE), clock.now, sleep=clock.sleep, bots=bots)
    chatbot = bots.chatbots[0]
    async with Pipeline(httpx.ASGITransport(app), clock, chatbot.key, platform=chatcaptain.PLATFORM) as pipeline:
        begun = await pipeline.client.get(export_job.start(chatbot.id, DAYS, ZONE), RetryBudget(60))
        question = export_job.ask(chatbot.id, export_job.started(begun), DAYS)
        told = [await pipeline.client.get(question, RetryBudget(60)) for _ in range(4)]
    return {"started": [begun], "progress": told}


def _described(name: str) -> Override | None:
    words = ODD_OVERRIDES.get(name)
    if words is None:
        return None
    known = {each.name for each in getattr(chatcaptain.PLATFORM.reports[name], "components", ())}
    return Override(
        components={
            component: Component(**{option: expression(text) for option, text in options.items()})
            for component, options in words.items()
            if component in known
        }
    )


async def _asked(
    pipeline: Pipeline, what: str, report: Report, discoveries: Mapping[str, Discovery]
) -> list[ValidResponse]:
    """Sends all requests of a poll of two days; returns one response of each length and kind."""
    listening = Listening(pipeline.client, [])
    target: Target = target_with(reports=(report,))
    transport = Transport(listening, RetryBudget(60), pipeline.worker)
    answers = await ask(target, report, DAYS, EarlierAnswers(discoveries), transport, NOW)
    for failure in answers.failures:
        raise failure.error
    return [ValidResponse(_kind(what, request), report, request, body) for request, body in listening.heard]


def _kind(what: str, request: Request) -> str:
    return f"{what}: the list" if request.discovery else what
