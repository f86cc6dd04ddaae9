"""On Paradigm, unreadable reports, companies and fields do not affect the others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import anyio
import httpx
import msgspec
import pytest
from msgspec.structs import replace

from exporter.metrics.limits import CompanyLimits, Threshold
from exporter.metrics.target import Target
from exporter.platforms.paradigm.platform import REPORTS
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from tests.pipeline.pipeline import BUILT_IN, RULES, ManualClock, Pipeline, Series, target_with, utc
from tests.pipeline.test_reports_apart import FAULTS

BEGIN = utc(2026, 11, 3, 15)
WEEKS = 3
DAILY = timedelta(days=1)
OWN = Threshold(
    ("likes", "dislikes", "tool_uses", "document_uses", "active_users", "user_queries"),
    {"below": 1.0, "drop_ratio": 0.5, "spike_ratio": 3.0, "min_baseline": 0.0},
)
OF_USE = ("paradigm_", "chat_usage_activity_")

Page = Mapping[Series, float]
Document = dict[str, object]


@dataclass
class Changed(httpx.ASGITransport):
    """The simulated platform with wrong or changed responses for one path."""

    world: World
    clock: ManualClock
    path: str
    fault: Callable[[httpx.Request], httpx.Response] | None = None
    change: Callable[[Document], Document] = lambda document: document

    def __post_init__(self) -> None:
        super().__init__(create_app(self.world, self.clock.now, sleep=self.clock.sleep))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != self.path:
            return await super().handle_async_request(request)
        if self.fault is not None:
            return self.fault(request)
        answer = await super().handle_async_request(request)
        body = b"".join([part async for part in answer.stream])  # type: ignore[union-attr]  # it is an async one
        content = msgspec.json.encode(self.change(msgspec.json.decode(body)))
        return httpx.Response(200, stream=httpx.ByteStream(content))


def target_of(*names: str) -> Target:
    target = target_with(replace(RULES, keep_days=45), reports=tuple(REPORTS[name] for name in names))
    return replace(target, company_limits=CompanyLimits((BUILT_IN, OWN)))


async def simulate(names: tuple[str, ...], polls: int, path: str = "", **what: object) -> Page:
    """Returns the samples after daily polls, the last at noon."""
    clock, world = ManualClock(BEGIN), World.from_seed(1, 5)
    platform = Changed(world, clock, path, **what)  # type: ignore[arg-type]  # as Changed has them
    async with Pipeline(platform, clock, world.keys.admin, target_of(*names)) as pipeline:
        for _ in range(polls):
            await pipeline.poller.poll()
            clock.moment += DAILY
        return pipeline.page()


def of_use(page: Page, report: str) -> Page:
    """Returns figures, baselines and limits of all reports except one."""
    families = tuple(measure.family for measure in REPORTS[report].measures)
    return {
        series: value
        for series, value in page.items()
        if series.name.startswith(OF_USE)
        and not series.name.startswith(families)
        and dict(series.labels).get("report") != report
    }


@pytest.mark.parametrize("report", [name for name in REPORTS if name != "chat-sessions"])
def test_a_report_that_fails_for_weeks_does_not_affect_limits_of_the_others(report: str) -> None:
    """Whatever fails from the first day on, the others are as without it."""
    names = ("chat-sessions", "chats-feedback", report) if report != "chats-feedback" else ("chat-sessions", report)
    fault = FAULTS[list(REPORTS).index(report) % len(FAULTS)]
    page = anyio.run(travel_with, names, report, fault)
    truth = anyio.run(simulate, names, 7 * WEEKS)

    assert of_use(page, report) == of_use(truth, report)
    assert [series for series in of_use(page, report) if series.name == "chat_usage_activity_limit"]


async def travel_with(names: tuple[str, ...], report: str, fault: Callable[[httpx.Request], httpx.Response]) -> Page:
    return await simulate(names, 7 * WEEKS, REPORTS[report].path, fault=fault)


async def changed(report: str, change: Callable[[Document], Document]) -> Page:
    return await simulate((report,), 2, REPORTS[report].path, change=change)


def test_users_needs_no_days() -> None:
    """Its levels are served after one poll, without past days or missing days."""
    page = anyio.run(simulate, ("users",), 1)

    assert {series.name for series in page} >= {"paradigm_members_active", "paradigm_members_ever"}
    assert [value for series, value in page.items() if series.name == "chat_usage_report_up"] == [1.0]
    assert not [series for series in page if series.name in ("chat_usage_report_unread", "chat_usage_report_empty_day")]
    assert not [series for series in page if series.name == "chat_usage_activity_limit_missing"]


ODD_ROWS: Mapping[str, Callable[[Document], None]] = {
    "no-dates": lambda row: row.update(dates=None),
    "dates-of-another-type": lambda row: row.update(dates="many"),
    "dates-without-a-date": lambda row: row.update(dates=[{"sessions_count": 1}]),
    "no-company": lambda row: row.update(company=None),
    "a-company-without-an-id": lambda row: row.update(company={"name": "X"}),
}


@pytest.mark.parametrize("odd", ODD_ROWS.values(), ids=ODD_ROWS)
def test_unreadable_rows_of_a_company_do_not_affect_the_others(odd: Callable[[Document], None]) -> None:
    """In both modes; the unreadable rows are counted."""
    gone: list[str] = []

    def change(document: Document) -> Document:
        for part in ("reporting", "reporting_agents"):
            rows = document[part]
            assert isinstance(rows, list)
            for row in rows[:1]:
                gone.append(str(row["company"]["id"]))
                odd(row)
        return document

    page, truth = anyio.run(changed, "chat-sessions", change), anyio.run(simulate, ("chat-sessions",), 2)

    def others(of: Page) -> Page:
        return {
            series: value
            for series, value in of.items()
            if series.name.startswith(OF_USE) and dict(series.labels).get("company_id") not in {None, *gone}
        }

    assert others(page) == others(truth)
    assert others(page)
    assert sum(value for series, value in page.items() if series.name == "chat_usage_schema_drift") > 0


FIELDS = ("user_queries_count", "model_responses_count", "unique_models_count", "last_model_response_date")


@pytest.mark.parametrize("value", [None, "x", [], {}], ids=repr)
@pytest.mark.parametrize("field", FIELDS)
def test_an_unreadable_field_does_not_affect_the_others(field: str, value: object) -> None:
    """For all companies and days; limits that need it are reported as missing, the others are active."""

    def change(document: Document) -> Document:
        for part in ("reporting", "reporting_agents"):
            rows = document[part]
            assert isinstance(rows, list)
            for row in rows:
                for day in row["dates"]:
                    for holder in (each for each in day.values() if isinstance(each, dict) and field in each):
                        holder[field] = value
                    day.update({field: value} if field in day else {})
        return document

    page, truth = anyio.run(changed, "chat-sessions", change), anyio.run(simulate, ("chat-sessions",), 2)
    own = {
        "user_queries_count": ("paradigm_user_queries", "user_queries", "answered_share"),
        "model_responses_count": (
            *("paradigm_model_responses_last", "paradigm_model_responses_t", "model_responses"),
            *("answered_share", "grounded_share"),
        ),
        "unique_models_count": ("paradigm_unique_models",),
        "last_model_response_date": ("paradigm_last_model_response",),
    }[field]

    def others(of: Page) -> Page:
        return {
            series: value
            for series, value in of.items()
            if series.name.startswith(OF_USE)
            and not series.name.startswith((*own, "paradigm_model_responses_7d", "paradigm_model_responses_28d"))
            and dict(series.labels).get("activity") not in own
        }

    assert others(page) == others(truth)
    missing = {dict(s.labels)["reason"] for s in page if s.name == "chat_usage_activity_limit_missing"}
    assert missing == ({"unread"} if field == "user_queries_count" else set())
