"""The simulator's own switches: its clock, its scenarios, its count of requests, and what is true at the moment."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import reduce

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from exporter.domain import calendars
from exporter.domain.errors import ConfigError
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.chatcaptain.truth import truth
from exporter.simulator.paradigm.reports import REPORTS
from exporter.simulator.paradigm.world import World, utc_text
from exporter.simulator.scenarios import NORMAL, SCENARIOS, Scenario, chosen

Clock = Callable[[], datetime]
"""Returns the present moment, aware."""
FIRST_YEAR, LAST_YEAR = 2000, 2100
_KNOWN = ("now", "scenarios")


class Control:
    """The state of one running simulator: the only thing about it that changes."""

    def __init__(
        self, world: World, clock: Clock, scenarios: tuple[str, ...] = (NORMAL,), bots: Bots | None = None
    ) -> None:
        self._usual = world
        self._usual_bots = bots or Bots.from_seed(world.seed, zone=world.zone)
        self._clock = clock
        self._fixed: datetime | None = None
        self._since: Mapping[Scenario, date] = {}
        self.world = world
        """The world as the scenarios make it."""
        self.bots = self._usual_bots
        """The chatbots as the scenarios make them."""
        self.requests: Counter[str] = Counter()
        """Requests by path, those to the simulator's own paths left out."""
        self._begin(chosen(scenarios))

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """What is going on."""
        return tuple(self._since)

    def now(self) -> datetime:
        """Returns the moment that was set, else that of the clock."""
        return self._fixed or self._clock()

    def change(self, wanted: Mapping[str, object]) -> None:
        """Sets the clock (`now`) and the scenarios; what is not named stays, and a mistake changes nothing.

        Raises:
            ConfigError: an unknown key, scenario or moment; the message lists what is known.
        """
        if unknown := sorted(wanted.keys() - set(_KNOWN)):
            raise ConfigError(f"{unknown[0]!r} cannot be set; known: {', '.join(_KNOWN)}")
        fixed = _moment(wanted["now"]) if "now" in wanted else self._fixed
        scenarios = _scenarios(wanted["scenarios"]) if "scenarios" in wanted else self.scenarios
        self._fixed = fixed
        self._begin(scenarios)

    def state(self) -> Mapping[str, object]:
        """Returns what `GET /control` tells."""
        return {
            "now": utc_text(self.now()),
            "follows_wall_clock": self._fixed is None,
            "scenarios": [scenario.name for scenario in self.scenarios],
            "known_scenarios": {name: scenario.description for name, scenario in SCENARIOS.items()},
            "requests": dict(sorted(self.requests.items())),
        }

    def _begin(self, scenarios: tuple[Scenario, ...]) -> None:
        today = calendars.day_at(self.now(), self._usual.zone)
        self._since = {scenario: self._since.get(scenario, today) for scenario in scenarios}
        self.world = reduce(lambda world, began: began[0].world(world, began[1]), self._since.items(), self._usual)
        self.bots = reduce(
            lambda bots, began: began[0].chatcaptain.bots(bots, began[1]), self._since.items(), self._usual_bots
        )


class ControlPages:
    """The HTTP surface of the switches: `/control` and `/truth`."""

    def __init__(self, control: Control) -> None:
        self._control = control

    async def show(self, _request: Request) -> Response:
        """Answers `GET /control`."""
        return _json(self._control.state())

    async def change(self, request: Request) -> Response:
        """Answers `POST /control` with the new state, or 400 with what is wrong."""
        try:
            self._control.change(_body(await request.body()))
        except ConfigError as error:
            return _json({"detail": str(error)}, 400)
        return _json(self._control.state())

    async def truth(self, request: Request) -> Response:
        """Answers `GET /truth?company_id=&day=&report=`: the figures, null (or no items) where it has none.

        ChatCaptain's are at `/truth?chatbot=&day=&report=overview|channel|inbox` (and `&channel=`).
        """
        try:
            return _json(self._truth(request.query_params))
        except ConfigError as error:
            return _json({"detail": str(error)}, 400)

    def _truth(self, query: Mapping[str, str]) -> object:
        if "chatbot" in query:
            return truth(self._control.bots, query, self._control.now())
        try:
            company_id, day = int(query["company_id"]), date.fromisoformat(query["day"])
        except (KeyError, ValueError) as error:
            raise ConfigError(f"/truth needs company_id (a number), day (YYYY-MM-DD) and report: {error}") from error
        report = REPORTS.get(query.get("report", ""))
        if report is None:
            raise ConfigError(f"report {query.get('report', '')!r} does not exist; known: {', '.join(REPORTS)}")
        world = self._control.world
        company, view = world.company(company_id), world.view(day, self._control.now())
        return report.truth(world, company, view) if company and view else None


def _body(body: bytes) -> Mapping[str, object]:
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except msgspec.DecodeError as error:
        raise ConfigError(f"/control wants a JSON object with {' and '.join(_KNOWN)}: {error}") from error


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise _no_moment(value) from error
    if moment.tzinfo is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise _no_moment(value)
    return moment.astimezone(UTC)


def _no_moment(value: object) -> ConfigError:
    example = f"write 2026-03-02T10:00:00Z, {FIRST_YEAR} to {LAST_YEAR}, or null for the clock on the wall"
    return ConfigError(f"now {value!r} is no moment; {example}")


def _scenarios(value: object) -> tuple[Scenario, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"scenarios is no list; known scenarios: {', '.join(SCENARIOS)}")
    return chosen(str(name) for name in value)


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
