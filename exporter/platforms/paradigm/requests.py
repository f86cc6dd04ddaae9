"""Requests for Paradigm's reports, which all have the same form."""

from dataclasses import dataclass

from exporter.domain.calendars import ONE_DAY
from exporter.domain.model import Days
from exporter.domain.scope import Scope
from exporter.platforms.api import END_DATE, NO_DISCOVERIES, Discoveries, ReportDefaults, Request

INVARIANTS = ("with_docs_gt_responses", "likes_dislikes_gt_responses", "active_gt_ever")
"""Served for every report, even if it cannot break them."""


@dataclass(frozen=True, slots=True)
class ReportEndpoint(ReportDefaults):
    """One reporting endpoint: the label `report`, the path, and approximate bytes of a company's day."""

    name: str
    path: str
    day_bytes: int

    @property
    def invariants(self) -> tuple[str, ...]:
        return INVARIANTS

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
