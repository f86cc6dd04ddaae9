"""The HTTP surface of the simulated Paradigm's reports: keys, rights, validation as Django REST framework does them."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from exporter.domain import calendars
from exporter.simulator import scenarios
from exporter.simulator.control import Control
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.reports import REPORTS, Report
from exporter.simulator.paradigm.world import Keys, World
from exporter.simulator.scenarios import Scenario

PATH = "/api/v2/reporting/"
Sleep = Callable[[float], Awaitable[object]]
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_REQUIRED = "This field is required."
_NO_DATE = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."
_NO_INTEGER = "A valid integer is required."


class RefusalError(Exception):
    """The request gets this answer instead of a report."""

    def __init__(self, status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.response = JSONResponse(body, status, headers)


@dataclass(frozen=True, slots=True)
class Question:
    """What a valid query asks: these days, of one company or of all."""

    first: date
    last: date
    company_id: int | None


class Paradigm:
    """Everything below `/api/v2/reporting/`; `sleep` waits the seconds that slow answers take."""

    def __init__(self, control: Control, sleep: Sleep) -> None:
        self._control = control
        self._sleep = sleep

    async def answer(self, request: Request) -> Response:
        """Answers one request as the platform and whatever stands before it would."""
        path = request.url.path
        number = self._control.requests[path]  # taken before the wait, in which others may come
        await self._sleep(sum(scenario.delay for scenario in self._control.scenarios))
        active = self._control.scenarios
        if response := scenarios.instead(active, number):
            return response
        name = path.removeprefix(PATH)
        if name in REPORTS:
            return _to_the_slash(request)
        try:
            return await self._report(request, name, active)
        except RefusalError as refusal:
            return refusal.response

    async def _report(self, request: Request, name: str, active: tuple[Scenario, ...]) -> Response:
        report = REPORTS.get(name.removesuffix("/"))
        if report is None:
            raise RefusalError(404, {"detail": "Not found."})
        world, now = self._control.world, self._control.now()
        own = _company_of(request.headers.get("authorization"), scenarios.valid_keys(active, world.keys))
        if request.method not in {"GET", "HEAD"}:
            raise RefusalError(405, {"detail": f'Method "{request.method}" not allowed.'}, {"Allow": "GET, HEAD"})
        question = _question(request.query_params, calendars.day_at(now, world.zone))
        companies = _visible(world, question.company_id, own)
        # A year of thousands of companies takes seconds, during which the other requests want to be answered.
        return await asyncio.to_thread(_respond, active, lambda: _document(world, report, question, companies, now))


def _to_the_slash(request: Request) -> Response:
    """Redirects to the path with a slash, as Django does before it looks at the key."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{request.url.path}/{query}", 301)


def _company_of(authorization: str | None, keys: Keys) -> int | None:
    """Returns the only company that the key may see, None for all of them.

    Raises:
        RefusalError: no key, an unknown one or an expired one.
    """
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise _unauthorized("Authentication credentials were not provided.")
    if key == keys.expired:
        raise _unauthorized("API key has expired.")
    if key not in {keys.admin, keys.company_admin}:
        raise _unauthorized("Invalid API key.")
    return keys.company_id if key == keys.company_admin else None


def _unauthorized(detail: str) -> RefusalError:
    return RefusalError(401, {"detail": detail}, {"WWW-Authenticate": "Bearer"})


def _question(query: Mapping[str, str], today: date) -> Question:
    """Reads the query; `end_date` is today by default.

    Raises:
        RefusalError: 400, with every field that is wrong.
    """
    wrong: dict[str, object] = {}
    first = _date(query, "start_date", None, wrong)
    last = _date(query, "end_date", today, wrong)
    company_id = _integer(query, "company_id", wrong)
    if not wrong and last < first:
        wrong["non_field_errors"] = ["end_date must not be before start_date."]
    if wrong:
        raise RefusalError(400, wrong)
    return Question(first, last, company_id)


def _date(query: Mapping[str, str], field: str, default: date | None, wrong: dict[str, object]) -> date:
    value = query.get(field)
    if value is None or (value == "" and default):
        if default is None:
            wrong[field] = [_REQUIRED]
        return default or date.min
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    wrong[field] = [_NO_DATE]
    return date.min


def _integer(query: Mapping[str, str], field: str, wrong: dict[str, object]) -> int | None:
    value = query.get(field, "")
    try:
        return int(value) if value else None
    except ValueError:
        wrong[field] = [_NO_INTEGER]
        return None


def _visible(world: World, wanted: int | None, own: int | None) -> Iterable[Company]:
    """Returns the companies that the answer is about: a filter that fits nothing finds nothing.

    Raises:
        RefusalError: 403, a company admin asked for another company.
    """
    if own is not None and wanted not in {None, own}:
        raise RefusalError(403, {"detail": "You do not have permission to perform this action."})
    only = own if wanted is None else wanted
    if only is None:
        return world.known()
    company = world.company(only)
    return (company,) if company else ()


def _document(
    world: World, report: Report, question: Question, companies: Iterable[Company], now: datetime
) -> dict[str, object]:
    return report.answer(world, companies, world.views(question.first, question.last, now))


def _respond(active: Iterable[Scenario], document: Callable[[], dict[str, object]]) -> Response:
    body = msgspec.json.encode(scenarios.rewritten(active, document()))
    return Response(scenarios.cut(active, body), media_type="application/json")
