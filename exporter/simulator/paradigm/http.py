"""HTTP of the simulated Paradigm's reports: keys, permissions, validation as in Django REST framework."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from exporter.domain import calendars
from exporter.simulator.control import Control, RefusedError, written
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.reports import REPORTS, Document
from exporter.simulator.paradigm.world import Keys, World
from exporter.simulator.scenarios import Scenario, changed, first

PATH = "/api/v2/reporting/"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_REQUIRED = "This field is required."
_NO_DATE = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."
_NO_INTEGER = "A valid integer is required."


class ReportQuery(NamedTuple):
    first: date
    last: date
    company_id: int | None


class Paradigm:
    def __init__(self, control: Control) -> None:
        self._control = control

    async def answer(self, request: Request) -> Response:
        number, active = await self._control.delayed(request.url.path)
        if response := first(scenario.instead(number) for scenario in active):
            return response
        name = request.url.path.removeprefix(PATH)
        return _to_the_slash(request) if name in REPORTS else await self._report(request, name, active)

    async def _report(self, request: Request, name: str, active: tuple[Scenario, ...]) -> Response:
        report = REPORTS.get(name.removesuffix("/"))
        if report is None:
            raise _refused(404, {"detail": "Not found."})
        world, now = self._control.world, self._control.now()
        own = _company_of(request.headers.get("authorization"), world.keys)
        if request.method not in {"GET", "HEAD"}:
            raise _refused(405, {"detail": f'Method "{request.method}" not allowed.'}, {"Allow": "GET, HEAD"})
        query = _query(request.query_params, calendars.day_at(now, world.zone))
        companies = _visible(world, query.company_id, own)

        def document() -> Document:
            answer = report.answer(world, companies, world.views(query.first, query.last, now))
            return changed(answer, (scenario.document for scenario in active))

        return await written(document, active)


def _refused(status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> RefusedError:
    return RefusedError(JSONResponse(body, status, headers))


def _to_the_slash(request: Request) -> Response:
    """Redirects to the path with a slash, as Django does before it checks the key."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{request.url.path}/{query}", 301)


def _company_of(authorization: str | None, keys: Keys) -> int | None:
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise _unauthorized("Authentication credentials were not provided.")
    if key == keys.expired:
        raise _unauthorized("API key has expired.")
    if key not in {keys.admin, keys.company_admin}:
        raise _unauthorized("Invalid API key.")
    return keys.company_id if key == keys.company_admin else None


def _unauthorized(detail: str) -> RefusedError:
    return _refused(401, {"detail": detail}, {"WWW-Authenticate": "Bearer"})


def _query(query: Mapping[str, str], today: date) -> ReportQuery:
    wrong: dict[str, object] = {}
    begin = _date(query, "start_date", None, wrong)
    end = _date(query, "end_date", today, wrong)
    company_id = _integer(query, "company_id", wrong)
    if not wrong and end < begin:
        wrong["non_field_errors"] = ["end_date must not be before start_date."]
    if wrong:
        raise _refused(400, wrong)
    return ReportQuery(begin, end, company_id)


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
    """Returns the companies of the answer; a filter that matches nothing finds nothing."""
    if own is not None and wanted not in {None, own}:
        raise _refused(403, {"detail": "You do not have permission to perform this action."})
    only = own if wanted is None else wanted
    if only is None:
        return world.known()
    company = world.company(only)
    return (company,) if company else ()
