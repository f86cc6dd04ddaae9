"""What can go wrong with a platform: scenarios, which can be combined."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from http import HTTPStatus
from typing import NamedTuple, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from starlette.responses import HTMLResponse, JSONResponse, Response

from exporter.domain.errors import ConfigError
from exporter.simulator.chatcaptain import components
from exporter.simulator.chatcaptain.bots import Bots, Chatbot
from exporter.simulator.chatcaptain.components import Shape
from exporter.simulator.chatcaptain.exports import Fate
from exporter.simulator.chatcaptain.tally import StatisticsQuery
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.reports import Document
from exporter.simulator.paradigm.world import Condition, DayView, SimulatedPlatform, World

Place = TypeVar("Place", bound=SimulatedPlatform)
NORMAL = "normal"
ERROR = "Statistik-Dienst nicht erreichbar"


class Call(NamedTuple):
    """A request to ChatCaptain by the call's name, its number for its path (from 1) and the index of its channel."""

    name: str
    number: int
    channel: int | None = None


class Scenario(Struct, frozen=True):
    """One fault; every piece that is not given leaves things as they are.

    Both platforms: `delay` in seconds, `body` changes the bytes sent.
    Paradigm: `instead` replaces the answer to the n-th request (from 1) of a path; `world` (with the day on which the
    scenario began) changes what is true.
    ChatCaptain: `bot_instead` and `bots` likewise; `bot_document` changes an answer with figures; `query`, what is
    answered; `shape` of reports, `fate` of exports.
    """

    name: str
    description: str
    delay: float = 0.0
    body: Callable[[bytes], bytes] = lambda body: body
    instead: Callable[[int], Response | None] = lambda _number: None
    world: Callable[[World, date], World] = lambda world, _since: world
    bot_instead: Callable[[Call], Response | None] = lambda _call: None
    bots: Callable[[Bots, date], Bots] = lambda bots, _since: bots
    bot_document: Callable[[Document], Document] = lambda document: document
    query: Callable[[StatisticsQuery], StatisticsQuery] = lambda query: query
    shape: Shape | None = None
    fate: Fate | None = None


def chosen(names: Iterable[str]) -> tuple[Scenario, ...]:
    """Returns the scenarios with these names, in the registry's order; without any, `normal`."""
    wanted = set(names) or {NORMAL}
    if unknown := sorted(wanted - SCENARIOS.keys()):
        raise ConfigError(f"scenario {unknown[0]!r} does not exist; known: {', '.join(SCENARIOS)}")
    return tuple(scenario for name, scenario in SCENARIOS.items() if name in wanted)


def refusal(status: int, message: str | list[str], headers: Mapping[str, str] | None = None) -> Response:
    """Makes an error as NestJS writes it (https://docs.nestjs.com/exception-filters); ChatCaptain documents none."""
    body = {"statusCode": status, "message": message, "error": HTTPStatus(status).phrase}
    return JSONResponse(body, status, headers)


def _unavailable(_request: object) -> Response:
    return HTMLResponse("<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>", 503)


def _login_page(_request: object) -> Response:
    return HTMLResponse("<!doctype html><html><title>Log in</title><body>Please log in.</body></html>")


def _short(share: float, days: int, until: time) -> Callable[[Place, date], Place]:
    """Leaves only a share of a day's use until a time of day that many days later."""

    def changed(place: Place, _since: date) -> Place:
        def condition(_: Company, view: DayView) -> float:
            return 1.0 if view.at >= datetime.combine(view.day + timedelta(days), until, place.zone) else share

        return place.under(condition)

    return changed


def _hush(company_id: int, since: date) -> Condition:
    return lambda company, view: 0.1 if company.id == company_id and view.day >= since - timedelta(days=1) else 1.0


def _with_renamed_channel(chatbot: Chatbot) -> Chatbot:
    first, *others = chatbot.channels
    return replace(chatbot, channels=(replace(first, name=f"{first.name} (neu)"), *others))


_RETRY_AFTER = {"Retry-After": "1"}
_WAIT = "Request was throttled. Expected available in 1 second."
_OF_PARADIGM = (
    Scenario(NORMAL, "nothing is wrong"),
    Scenario("outage", "every report answers 503 with a proxy's page", instead=_unavailable, bot_instead=_unavailable),
    Scenario("slow", "every report takes 3 seconds", delay=3.0),
    Scenario(
        "late-day",
        "a day has no rows at all until 14:00 of the next day",
        world=_short(0.0, days=1, until=time(14)),
        bots=_short(0.0, days=1, until=time(14)),
    ),
    Scenario(
        "restatement",
        "a day is a fifth too low until 12:00 of the second day after it",
        world=_short(0.8, days=2, until=time(12)),
        bots=_short(0.8, days=2, until=time(12)),
    ),
    Scenario(
        "rate-limited",
        "every other request of a report is refused with 429",
        instead=lambda number: JSONResponse({"detail": _WAIT}, 429, _RETRY_AFTER) if number % 2 else None,
        bot_instead=lambda call: (
            refusal(429, "ThrottlerException: Too Many Requests", _RETRY_AFTER) if call.number % 2 else None
        ),
    ),
    Scenario(
        "key-rejected",
        "every key is refused with 401",
        instead=lambda _: JSONResponse({"detail": "Invalid API key."}, 401, {"WWW-Authenticate": "Bearer"}),
        bot_instead=lambda _: refusal(401, "Invalid API key"),
    ),
    Scenario(
        "key-swapped",
        "the admin's key has become a company admin's and shows company 1 only",
        world=lambda world, _: replace(
            world, keys=replace(world.keys, admin=world.keys.next_admin, company_admin=world.keys.admin)
        ),
    ),
    Scenario(
        "quiet-company",
        "the busiest company has a tenth of its use from the day before the scenario began",
        world=lambda world, since: world.under(_hush(world.busiest(0).id, since)),
        bots=lambda bots, since: bots.under(_hush(bots.chatbots[0].habits.id, since)),
    ),
    Scenario(
        "missing-company",  # after quiet-company, because `busiest` needs a company
        "the second busiest company is gone from every report",
        world=lambda world, _: world.without(world.busiest(1).id),
    ),
    Scenario("html-200", "every report answers 200 with a log-in page", instead=_login_page, bot_instead=_login_page),
    Scenario("truncated", "every answer ends in its middle", body=lambda body: body[: len(body) // 2]),
    Scenario("schema-change", "lists have other names", body=lambda body: body.replace(b'"reporting', b'"results')),
    Scenario(
        "field-renamed",
        "user_queries_count of chats is called queries_count",
        body=lambda body: body.replace(b'"chats":{"user_queries_count"', b'"chats":{"queries_count"'),
    ),
)
_OF_CHATCAPTAIN = (
    Scenario("shape-keyed", "reports have their components by name (the default)", shape=components.keyed),
    Scenario("shape-listed", "reports list components by number, shares beside counts", shape=components.listed),
    Scenario("shape-numbered", "reports have their components by number", shape=components.numbered),
    Scenario("shape-bare", "reports name no component: only answers about one can be read", shape=components.bare),
    Scenario("shape-odd", "reports look like nothing that a rule could read", shape=components.odd),
    Scenario(
        "error-in-200",
        "a report answers 200 with an error's text and no data",
        bot_document=lambda _: {"data": None, "error": ERROR},
    ),
    Scenario(
        "error-beside-data",
        "a report answers 200 with an error's text beside its figures",
        bot_document=lambda document: document | {"error": ERROR},
    ),
    Scenario("data-null", "a report answers 200 with data null", bot_document=lambda _: {"data": None}),
    Scenario(
        "channels-broken",
        "the list of channels answers 500",
        bot_instead=lambda call: refusal(500, "Channel service unavailable") if call.name == "channels" else None,
    ),
    Scenario(
        "channel-broken",
        "the second channel's report answers 500, the others are good",
        bot_instead=lambda call: (
            refusal(500, "Internal server error") if (call.name, call.channel) == ("channel", 1) else None
        ),
    ),
    Scenario(
        "channel-removed",
        "the last channel is gone",
        bots=lambda bots, _: bots.each(lambda bot: replace(bot, channels=bot.channels[:-1])),
    ),
    Scenario("channel-renamed", "the first channel is renamed", bots=lambda bots, _: bots.each(_with_renamed_channel)),
    Scenario("utc-buckets", "series are always cut at midnight UTC", query=lambda query: query._replace(at_utc=True)),
    Scenario("gaps-in-series", "series have no empty intervals", query=lambda query: query._replace(leaves_gaps=True)),
    Scenario("export-never-ends", "an export is never done", fate="never-ends"),
    Scenario("export-fails", "an export ends with an error", fate="fails"),
    Scenario("export-link-refused", "an export's first link answers 403, the next one is good", fate="link-refused"),
    Scenario("export-redirected", "an export's link leads to another one", fate="redirected"),
    Scenario("export-huge", "an export's file has a gibibyte and does not say so", fate="huge"),
    Scenario("export-truncated", "an export's file ends in its middle", fate="truncated"),
)
SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in (*_OF_PARADIGM, *_OF_CHATCAPTAIN)}
OF_CHATCAPTAIN = frozenset(scenario.name for scenario in _OF_CHATCAPTAIN)
