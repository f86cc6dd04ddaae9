"""What all reports of Paradigm share: URL and form of their requests, and descriptions of fields in answers."""

import re
from dataclasses import dataclass

from exporter.domain.calendars import ONE_DAY
from exporter.domain.model import Days, FieldNote
from exporter.domain.scope import Scope
from exporter.platforms import api, json_values
from exporter.platforms.api import END_DATE, NO_DISCOVERIES, Discoveries, ReportDefaults, Request

API = "/api/v2"
INVARIANTS = ("with_docs_gt_responses", "likes_dislikes_gt_responses", "active_gt_ever")
"""Of all reports together: each is served for every report, even if it cannot break it."""
ARRAYS = {"reporting": "metadata", "reporting_agents": "metadata_agent"}
"""The arrays of companies, each with the key of the object that describes its fields."""
LONGEST_NOTE = 200  # characters of a field's description


def base_url(text: str) -> str:
    """Leaves out `/api/v2`, which LightOn's own PARADIGM_BASE_URL includes; ValueError if it is an endpoint."""
    url = api.base_url(text, API)
    if re.search(r"/api/v\d+(/|$)", url.partition("://")[2]):
        raise ValueError("it ends in an endpoint or another API version; give the part before /api/v2")
    return url


@dataclass(frozen=True, slots=True)
class ReportEndpoint(ReportDefaults):
    """One reporting endpoint: the label `report`, the path, and approximate bytes of a company's day."""

    name: str
    path: str
    day_bytes: int

    invariants = INVARIANTS

    def plan(self, days: Days, scope: Scope, discoveries: Discoveries = NO_DISCOVERIES) -> tuple[Request, ...]:
        """Requests all days at once, with both ends; without `end_date` the server would use its own today.

        That `end_date` is inclusive is inferred; once that turns out to be wrong, the day after is sent.
        `company_id` "works for admin users only" (OpenAPI); the answer to a company admin is unknown, so the request
        is sent again without it after a refusal.
        """
        end = days.last + ONE_DAY if END_DATE in discoveries else days.last
        params = {"start_date": days.first.isoformat(), "end_date": end.isoformat()}
        everything = Request(self.name, self.path, params, days)
        if scope.company_id is None:
            return (everything,)
        return (Request(self.name, self.path, {**params, "company_id": scope.company_id}, days, instead=everything),)


def notes(root: object) -> tuple[FieldNote, ...]:
    """Returns an answer's different field descriptions; what is not text is ignored."""
    metadata = [root.get(key) for key in ARRAYS.values()] if isinstance(root, dict) else []
    found = set()
    for field, note in (pair for each in metadata if isinstance(each, dict) for pair in each.items()):
        unit, text = (note.get("unit"), note.get("description")) if isinstance(note, dict) else (None, None)
        if isinstance(unit, str) and isinstance(text, str):
            found.add(FieldNote(*(json_values.label(part)[:LONGEST_NOTE] for part in (field, unit, text))))
    return tuple(sorted(found))
