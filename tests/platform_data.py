"""The simulated Paradigm's figures by metric family, read without the exporter's decoder."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from exporter.domain.model import Days
from exporter.simulator.paradigm import reports
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.reports import Counts, Use
from exporter.simulator.paradigm.world import DayView, Figures, Mode, World

Labels = tuple[tuple[str, str], ...]
NEWEST = "paradigm_last_model_response_timestamp_seconds"


class Fact(NamedTuple):
    """A figure that the platform has a row for: family name without the window, labels without source and company."""

    family: str
    labels: Labels
    value: float


def sessions(by_mode: Mapping[Mode, Figures | None] | Mapping[Mode, Figures]) -> Iterator[Fact]:
    """Yields the figures of chat-sessions."""
    for mode, use in by_mode.items():
        if use is not None:
            labels = (("mode", mode),)
            yield Fact("paradigm_sessions", labels, use.sessions)
            yield Fact("paradigm_user_queries", labels, use.user_queries)
            yield Fact("paradigm_model_responses", labels, use.model_responses)
            yield Fact("paradigm_model_responses_with_docs", labels, use.model_responses_with_docs)
            yield Fact("paradigm_unique_models", labels, use.unique_models)
            yield Fact("paradigm_session_length_average", labels, use.average_length)
            yield Fact(NEWEST, labels, use.last_model_response.timestamp())


def feedback(given: Counts | None) -> Iterator[Fact]:
    """Yields the figures of chats-feedback."""
    if given is not None:
        for kind, count in (("like", given["likes"]), ("dislike", given["dislikes"]), ("copy", given["copies"])):
            yield Fact("paradigm_feedbacks", (("feedback", kind),), count)
        yield Fact("paradigm_feedback_model_responses", (), given["model_responses"])


def documents(used: Sequence[Use]) -> Iterator[Fact]:
    """Yields the figures of used-documents."""
    if used:
        yield Fact("paradigm_document_uses", (), sum(int(each["uses"]) for each in used))
        yield Fact("paradigm_documents_used", (), len({each["document_id"] for each in used}))


def tools(used: Sequence[Use]) -> Iterator[Fact]:
    """Yields the figures of tools."""
    return (Fact("paradigm_tool_uses", (("tool", str(each["tool"])),), int(each["uses"])) for each in used)


def activity(active: Counts | None) -> Iterator[Fact]:
    """Yields the figures of user-activities."""
    if active is not None:
        yield Fact("paradigm_active_users", (), active["active_users"])


def members(level: Counts | None) -> Iterator[Fact]:
    """Yields the figures of users."""
    if level is not None:
        yield Fact("paradigm_members_active", (), level["active"])
        yield Fact("paradigm_members_ever", (), level["ever"])


FACTS: Mapping[str, Callable[[World, Company, DayView], Iterator[Fact]]] = {
    "chat-sessions": lambda world, company, view: sessions(reports.figures_by_mode(world, company, view)),
    "chats-feedback": lambda world, company, view: feedback(reports.feedback(world, company, view)),
    "used-documents": lambda world, company, view: documents(reports.documents(world, company, view)),
    "users": lambda _, company, view: members(reports.members(company, view)),
    "tools": lambda world, company, view: tools(reports.tools(world, company, view)),
    "user-activities": lambda world, company, view: activity(reports.activity(world, company, view)),
}
"""Functions that yield the facts of a company's day, by report."""


class DailyFact(NamedTuple):
    """A fact of a company and day, with the name that a backfill gives it."""

    family: str
    company_id: str
    labels: Labels
    day: date
    value: float


def daily(world: World, days: Days, at: datetime) -> Iterator[DailyFact]:
    """Yields the facts of all reports on these days as known at `at`, without levels and timestamps."""
    for view in world.views(days.first, days.last, at):
        for company in world.companies:
            for report in FACTS.keys() - {"users"}:
                for family, labels, value in FACTS[report](world, company, view):
                    if family != NEWEST:
                        yield DailyFact(f"{family}_daily", str(company.id), labels, view.day, value)
