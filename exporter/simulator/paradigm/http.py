"""HTTP of the simulated Paradigm's reports: keys, permissions, validation as in Django REST framework."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from exporter.domain import calendars
from exporter.simulator.control import Control, RefusedError, written
from exporter.simulator.paradigm.reports import REPORTS
from exporter.simulator.paradigm.world import Keys

PATH = "/api/v2/reporting/"


async def answer(control: Control, request: Request) -> Response:
    number, active = await control.delayed(request.url.path)
    for scenario in active:
        if response := scenario.instead(number):
            return response
    name = request.url.path.removeprefix(PATH)
    if name in REPORTS:  # Django redirects to the path with a slash before it checks the key
        return RedirectResponse(f"{request.url.path}/" + (f"?{request.url.query}" if request.url.query else ""), 301)
    report = REPORTS.get(name.removesuffix("/"))
    if report is None:
        raise HTTPException(404)
    world, now = control.world, control.now()
    own = _company_of(request.headers.get("authorization"), world.keys)
    if request.method not in {"GET", "HEAD"}:
        raise HTTPException(405, f'Method "{request.method}" not allowed.', {"Allow": "GET, HEAD"})
    begin, end, company_id = _query(request.query_params, calendars.day_at(now, world.zone))
    if own is not None and company_id not in {None, own}:
        raise HTTPException(403, "You do not have permission to perform this action.")
    only = own if company_id is None else company_id
    companies = [each for each in world.companies if only in {None, each.id}]  # none for a filter that matches nothing
    return await written(lambda: report.answer(world, companies, world.views(begin, end, now)), active)


def _company_of(authorization: str | None, keys: Keys) -> int | None:
    """Returns the company that a key is limited to; None for an admin's."""
    scheme, _, key = (authorization or "").partition(" ")
    detail = "Invalid API key."
    if scheme.lower() != "bearer" or not key:
        detail = "Authentication credentials were not provided."
    elif key == keys.expired:
        detail = "API key has expired."
    elif key in {keys.admin, keys.company_admin}:
        return 1 if key == keys.company_admin else None
    raise HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})


def _query(query: Mapping[str, str], today: date) -> tuple[date, date, int | None]:
    """Reads the first and the last day, and the company; refuses with what is wrong by field."""
    wrong: dict[str, list[str]] = {}
    begin, end = _date(query, "start_date", None, wrong), _date(query, "end_date", today, wrong)
    company_id = None
    try:
        company_id = int(query["company_id"]) if query.get("company_id") else None
    except ValueError:
        wrong["company_id"] = ["A valid integer is required."]
    if not wrong and end < begin:
        wrong["non_field_errors"] = ["end_date must not be before start_date."]
    if wrong:
        raise RefusedError(JSONResponse(wrong, 400))
    return begin, end, company_id


def _date(query: Mapping[str, str], field: str, default: date | None, wrong: dict[str, list[str]]) -> date:
    value = query.get(field)
    if default and not value:
        return default
    if value is None:
        wrong[field] = ["This field is required."]
        return date.min
    with suppress(msgspec.ValidationError):  # only YYYY-MM-DD is a date for msgspec
        return msgspec.convert(value, date)
    wrong[field] = ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."]
    return date.min
