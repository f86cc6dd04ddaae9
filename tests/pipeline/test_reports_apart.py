"""A failing report does not affect the others: after a day of faults they are as without it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from itertools import cycle

import anyio
import httpx
import pytest

from exporter.domain.scope import Scope
from exporter.metrics.report_health import COMPANY_INFO
from exporter.metrics.target import Target
from exporter.metrics.usage import families_of
from exporter.platforms.paradigm.platform import REPORTS
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from tests.pipeline.pipeline import RULES, ManualClock, Pipeline, Series, utc

HOUR = timedelta(hours=1)
BEGIN = utc(2026, 11, 17, 15)
"""A Tuesday; the next 24 hours include midnight and the moment when Tuesday is complete."""
HOURS, AFTERWARDS = 24, 2
TARGET = Target("s", "paradigm", tuple(REPORTS.values()), Scope(), RULES, HOUR)
FIGURES = {
    family.name: report.name
    for report in REPORTS.values()
    for measure in report.measures
    for family in families_of(measure, report).values()
}
COUNTERS_OF_TROUBLE = ("chat_usage_polls_total", "chat_usage_api_")
ALL = "all"

Page = Mapping[str, Mapping[Series, float]]
"""Samples by report; the list of companies, which belongs to no single report, is under `all`."""


def timeout(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no byte for a minute", request=request)


def broken(request: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("the peer closed the connection", request=request)


def respond(
    status: int, content: bytes = b"{}", headers: Mapping[str, str] | None = None
) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))


FAULTS = (
    respond(503, b"<html>"),
    timeout,
    respond(404),
    respond(200, b'{"reporting": [{"company": '),
    respond(429),  # with Retry-After it would be trouble of the source
    respond(401),
    respond(200, b'{"results": []}'),
    broken,
    respond(403),
    respond(200, b"<html>Log in</html>", {"Content-Type": "text/html"}),
    respond(200, b'{"reporting": [{"company": {"id": 1, "name": "A"}, "dates": [{"date": 1}]}]}'),
)
"""All faults, one after another."""


class FaultyTransport(httpx.ASGITransport):
    """The simulated platform; one path responds with `fault` while it is set."""

    def __init__(self, world: World, clock: ManualClock, path: str | None) -> None:
        super().__init__(create_app(world, clock.now, sleep=clock.sleep))
        self._path = path
        self.fault: Callable[[httpx.Request], httpx.Response] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.fault and request.url.path == self._path:
            return self.fault(request)
        return await super().handle_async_request(request)


async def simulate(path: str | None) -> Sequence[Page]:
    """Polls every hour and returns the samples after each; `path` fails in 24 polls after the first."""
    clock, world = ManualClock(BEGIN), World.from_seed(1, 5)
    platform, troubles, pages = FaultyTransport(world, clock, path), cycle(FAULTS), list[Page]()
    async with Pipeline(platform, clock, world.keys.admin, TARGET) as pipeline:
        for hour in range(1 + HOURS + AFTERWARDS):
            platform.fault = next(troubles) if 1 <= hour <= HOURS else None
            await pipeline.poller.poll()
            pages.append(by_report(pipeline))
            clock.moment += HOUR
    return pages


def by_report(pipeline: Pipeline) -> Page:
    found: dict[str, dict[Series, float]] = {report: {} for report in (*REPORTS, ALL)}
    for series, value in pipeline.page().items():
        report = (
            ALL if series.name == COMPANY_INFO.name else dict(series.labels).get("report", FIGURES.get(series.name))
        )
        if report:
            found[report][series] = value
    return found


def without(page: Mapping[Series, float], *names: str) -> Mapping[Series, float]:
    return {series: value for series, value in page.items() if not series.name.startswith(names)}


def figures(page: Mapping[Series, float]) -> Mapping[Series, float]:
    """Returns figures of complete days and levels; today's end at midnight."""
    return {series: value for series, value in page.items() if series.name in FIGURES and "_today" not in series.name}


@pytest.fixture(scope="module")
def without_faults() -> Sequence[Page]:
    """Returns the samples without a fault."""
    pages = anyio.run(simulate, None)
    assert all(FIGURES.keys() & {series.name for series in page[name]} for page in pages for name in REPORTS)
    return pages


@pytest.fixture(scope="module", params=REPORTS)
def failing(request: pytest.FixtureRequest) -> str:
    """Returns the failing report."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def pages(failing: str) -> Sequence[Page]:
    """Returns the samples while this report fails."""
    return anyio.run(simulate, REPORTS[failing].path)


def test_a_failing_report_changes_no_other(failing: str, pages: Sequence[Page], without_faults: Sequence[Page]) -> None:
    """Figures, health and requests are the same after each poll; the others list the companies."""
    others = [name for name in (*REPORTS, ALL) if name != failing]

    for page, expected in zip(pages, without_faults, strict=True):
        assert [page[name] for name in others] == [expected[name] for name in others]


def test_a_failing_report_keeps_its_figures(failing: str, pages: Sequence[Page]) -> None:
    """Complete days stay, and the report is shown as down."""
    before, *down = [page[failing] for page in pages[: 1 + HOURS]]

    assert all(figures(page) == figures(before) for page in down)
    up = [value for page in down for series, value in page.items() if series.name == "chat_usage_report_up"]
    assert up == [0.0] * HOURS


def test_the_first_good_poll_restores_everything(
    failing: str, pages: Sequence[Page], without_faults: Sequence[Page]
) -> None:
    """Days and sums are as without the fault, without restatements; only counters of polls and requests differ."""
    for page, expected in zip(pages[-AFTERWARDS:], without_faults[-AFTERWARDS:], strict=True):
        assert without(page[failing], *COUNTERS_OF_TROUBLE) == without(expected[failing], *COUNTERS_OF_TROUBLE)
