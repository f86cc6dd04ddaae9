"""Reports fail apart: in a day of trouble with one, the others are what they would be without it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from itertools import cycle

import anyio
import httpx
import pytest

from exporter.domain.scope import Scope
from exporter.metrics.report_health import COMPANY_INFO
from exporter.metrics.windows import family_of, windows
from exporter.platforms.paradigm.platform import REPORTS
from exporter.polling.target import Target
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from tests.road.road import RULES, PassedClock, Road, Series, utc

HOUR = timedelta(hours=1)
BEGIN = utc(2026, 11, 17, 15)
"""A Tuesday: a midnight, and the moment at which Tuesday is complete, are in the day that follows."""
HOURS, AFTERWARDS = 24, 2
TARGET = Target("s", "paradigm", tuple(REPORTS.values()), Scope(), RULES, HOUR)
FIGURES = {
    family_of(measure, window, report).name: report.name
    for report in REPORTS.values()
    for measure in report.measures
    for window in windows(measure) or (None,)
}
COUNTERS_OF_TROUBLE = ("chat_usage_polls_total", "chat_usage_api_")
ALL = "all"

Page = Mapping[str, Mapping[Series, float]]
"""What a page has, by report; who is there, which no report says alone, is filed under `all`."""


def timeout(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no byte for a minute", request=request)


def broken(request: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("the peer closed the connection", request=request)


def answered(
    status: int, content: bytes = b"{}", headers: Mapping[str, str] | None = None
) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))


TROUBLES = (
    answered(503, b"<html>"),
    timeout,
    answered(404),
    answered(200, b'{"reporting": [{"company": '),
    answered(429),  # with Retry-After it would be trouble of the source
    answered(401),
    answered(200, b'{"results": []}'),
    broken,
    answered(403),
    answered(200, b"<html>Log in</html>", {"Content-Type": "text/html"}),
    answered(200, b'{"reporting": [{"company": {"id": 1, "name": "A"}, "dates": [{"date": 1}]}]}'),
)
"""All that a platform may do to a report, one after the other."""


class Troubled(httpx.ASGITransport):
    """The simulated platform, but for one path, which it answers wrongly while there is a `trouble`."""

    def __init__(self, world: World, clock: PassedClock, path: str | None) -> None:
        super().__init__(create_app(world, clock.now, sleep=clock.sleep))
        self._path = path
        self.trouble: Callable[[httpx.Request], httpx.Response] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.trouble and request.url.path == self._path:
            return self.trouble(request)
        return await super().handle_async_request(request)


async def travel(path: str | None) -> Sequence[Page]:
    """Polls every hour and returns the page after each poll; `path` is in trouble for the 24 after the first."""
    clock, world = PassedClock(BEGIN), World.from_seed(1, 5)
    platform, troubles, pages = Troubled(world, clock, path), cycle(TROUBLES), list[Page]()
    async with Road(platform, clock, world.keys.admin, TARGET) as road:
        for hour in range(1 + HOURS + AFTERWARDS):
            platform.trouble = next(troubles) if 1 <= hour <= HOURS else None
            await road.poller.poll()
            pages.append(by_report(road))
            clock.moment += HOUR
    return pages


def by_report(road: Road) -> Page:
    found: dict[str, dict[Series, float]] = {report: {} for report in (*REPORTS, ALL)}
    for series, value in road.page().items():
        report = (
            ALL if series.name == COMPANY_INFO.name else dict(series.labels).get("report", FIGURES.get(series.name))
        )
        if report:
            found[report][series] = value
    return found


def without(page: Mapping[Series, float], *names: str) -> Mapping[Series, float]:
    return {series: value for series, value in page.items() if not series.name.startswith(names)}


def figures(page: Mapping[Series, float]) -> Mapping[Series, float]:
    """Returns figures of complete days and of now: the running day goes with its midnight."""
    return {series: value for series, value in page.items() if series.name in FIGURES and "_today" not in series.name}


@pytest.fixture(scope="module")
def untouched() -> Sequence[Page]:
    """Returns the pages of a road without any trouble."""
    pages = anyio.run(travel, None)
    assert all(FIGURES.keys() & {series.name for series in page[name]} for page in pages for name in REPORTS)
    return pages


@pytest.fixture(scope="module", params=REPORTS)
def failing(request: pytest.FixtureRequest) -> str:
    """Returns the report that is in trouble: each in turn."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def pages(failing: str) -> Sequence[Page]:
    """Returns the pages of a road on which that report is in trouble."""
    return anyio.run(travel, REPORTS[failing].path)


def test_a_report_in_trouble_changes_no_other(failing: str, pages: Sequence[Page], untouched: Sequence[Page]) -> None:
    """Figures, health, requests: poll by poll the same; who is there is known from the others."""
    others = [name for name in (*REPORTS, ALL) if name != failing]

    for page, expected in zip(pages, untouched, strict=True):
        assert [page[name] for name in others] == [expected[name] for name in others]


def test_a_report_in_trouble_keeps_its_figures(failing: str, pages: Sequence[Page]) -> None:
    """What was complete stands for the whole day, and the page says that the report is down."""
    before, *down = [page[failing] for page in pages[: 1 + HOURS]]

    assert all(figures(page) == figures(before) for page in down)
    up = [value for page in down for series, value in page.items() if series.name == "chat_usage_report_up"]
    assert up == [0.0] * HOURS


def test_the_first_good_poll_makes_up_for_all(failing: str, pages: Sequence[Page], untouched: Sequence[Page]) -> None:
    """As if nothing had been: days, windows, nothing restated; only what counts polls and requests remembers."""
    for page, expected in zip(pages[-AFTERWARDS:], untouched[-AFTERWARDS:], strict=True):
        assert without(page[failing], *COUNTERS_OF_TROUBLE) == without(expected[failing], *COUNTERS_OF_TROUBLE)
