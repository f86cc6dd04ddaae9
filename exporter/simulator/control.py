"""The simulator's controls: clock, scenarios, request counts, and the true figures."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.domain import calendars
from exporter.domain.errors import ConfigError
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.chatcaptain.components import truth
from exporter.simulator.paradigm.reports import REPORTS
from exporter.simulator.paradigm.world import World, utc_text
from exporter.simulator.scenarios import SCENARIOS, Scenario, chosen

Clock = Callable[[], datetime]
"""Returns the present moment, aware."""
Sleep = Callable[[float], Awaitable[object]]
FIRST_YEAR, LAST_YEAR = 2000, 2100
SWITCHES = ("now", "scenarios")


class RefusedError(Exception):
    """Answers the request with this response."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class Control:
    """All mutable state of a simulator; `requests` counts by path."""

    def __init__(self, world: World, bots: Bots, clock: Clock, sleep: Sleep, scenarios: tuple[str, ...]) -> None:
        self._usual = world
        self._usual_bots = bots
        self._clock = clock
        self._sleep = sleep
        self._fixed: datetime | None = None
        self._since: Mapping[Scenario, date] = {}
        self.world = world
        self.bots = bots
        self.requests: Counter[str] = Counter()
        self._begin(chosen(scenarios))

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        return tuple(self._since)

    def now(self) -> datetime:
        return self._fixed or self._clock()

    async def delayed(self, path: str) -> tuple[int, tuple[Scenario, ...]]:
        """Waits as scenarios demand; returns the request's number for its path and the scenarios after the wait."""
        number = self.requests[path]  # taken before the wait, in which others may arrive
        await self._sleep(sum(scenario.delay for scenario in self.scenarios))
        return number, self.scenarios

    def change(self, wanted: Mapping[str, object]) -> None:
        """Sets the clock (`now`) and the scenarios; a ConfigError changes nothing."""
        if unknown := sorted(wanted.keys() - set(SWITCHES)):
            raise ConfigError(f"{unknown[0]!r} cannot be set; known: {', '.join(SWITCHES)}")
        fixed, scenarios = self._fixed, self.scenarios
        if "now" in wanted:
            fixed = instant(str(wanted["now"]))
            if fixed is None and wanted["now"] is not None:
                example = f"write 2026-03-02T10:00:00Z, {FIRST_YEAR} to {LAST_YEAR}, or null for the real clock"
                raise ConfigError(f"now {wanted['now']!r} is not a moment; {example}")
        if "scenarios" in wanted:
            names = wanted["scenarios"]
            if not isinstance(names, list):
                raise ConfigError(f"scenarios is not a list; known scenarios: {', '.join(SCENARIOS)}")
            scenarios = chosen(map(str, names))
        self._fixed = fixed
        self._begin(scenarios)

    def state(self) -> Mapping[str, object]:
        return {
            "now": utc_text(self.now()),
            "follows_wall_clock": self._fixed is None,
            "scenarios": [scenario.name for scenario in self.scenarios],
            "known_scenarios": {name: scenario.description for name, scenario in SCENARIOS.items()},
            "requests": dict(sorted(self.requests.items())),
        }

    def truth(self, query: Mapping[str, str]) -> object:
        """Returns the true figures, None or nothing if there are none; ConfigError if the query cannot be answered."""
        try:
            day = date.fromisoformat(query["day"])
            if "chatbot" in query:
                return truth(self.bots, query, day, self.now())
            company_id = int(query["company_id"])
        except (KeyError, ValueError) as error:
            needed = "company_id (a number) or chatbot, day (YYYY-MM-DD) and report"
            raise ConfigError(f"/truth needs {needed}: {error}") from error
        report = REPORTS.get(query.get("report", ""))
        if report is None:
            raise ConfigError(f"report {query.get('report', '')!r} does not exist; known: {', '.join(REPORTS)}")
        company, view = self.world.company(company_id), self.world.view(day, self.now())
        return report.truth(self.world, company, view) if company and view else None

    def _begin(self, scenarios: tuple[Scenario, ...]) -> None:
        today = calendars.day_at(self.now(), self._usual.zone)
        self._since = {scenario: self._since.get(scenario, today) for scenario in scenarios}
        self.world, self.bots = self._usual, self._usual_bots
        for scenario, since in self._since.items():
            self.world = scenario.world(self.world, since)
            self.bots = scenario.bots(self.bots, since)


def routes(control: Control) -> list[Route]:
    async def state(request: Request) -> Response:
        try:
            if request.method == "POST":
                control.change(msgspec.json.decode(await request.body(), type=dict[str, object]))
        except msgspec.DecodeError as error:
            raise ConfigError(f"/control wants a JSON object with {' and '.join(SWITCHES)}: {error}") from error
        return _json(control.state())

    async def truth(request: Request) -> Response:
        return _json(control.truth(request.query_params))

    return [Route("/control", state, methods=["GET", "POST"]), Route("/truth", truth)]


def _json(content: object) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")


async def written(make: Callable[[], object], active: Sequence[Scenario]) -> Response:
    """Makes and writes a document in a thread: a large one takes seconds, and other requests must not wait."""
    body = await asyncio.to_thread(lambda: msgspec.json.encode(make()))
    for scenario in reversed(active):  # `truncated`, which comes first in the list, cuts what the others wrote
        body = scenario.body(body)
    return Response(body, media_type="application/json")


def instant(written: str) -> datetime | None:
    """Reads an ISO 8601 moment as UTC; None without a zone or outside the simulator's years."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo and FIRST_YEAR <= moment.year <= LAST_YEAR else None
