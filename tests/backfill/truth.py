"""What the history should say, from the simulated platform's own truth: never through our decoder."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple

from exporter.domain.model import Days
from exporter.simulator.paradigm import figures
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.world import MODES, DayView, World

Labels = tuple[tuple[str, str], ...]


class Fact(NamedTuple):
    """One figure that the platform has a row for."""

    family: str
    company_id: str
    labels: Labels
    day: date
    value: float


def facts(world: World, days: Days, at: datetime) -> Iterator[Fact]:
    """Yields all that the reports say of these days at the moment `at`, levels and moments left out."""
    for view in world.views(days.first, days.last, at):
        for company in world.known():
            for family, labels, value in _of(world, company, view):
                yield Fact(f"paradigm_{family}_daily", str(company.id), labels, view.day, value)


def _of(world: World, company: Company, view: DayView) -> Iterator[tuple[str, Labels, float]]:
    for mode in MODES:
        use = world.figures(company, view, mode)
        if use is not None:
            of_mode = (("mode", mode),)
            yield "sessions", of_mode, use.sessions
            yield "user_queries", of_mode, use.user_queries
            yield "model_responses", of_mode, use.model_responses
            yield "model_responses_with_docs", of_mode, use.model_responses_with_docs
            yield "unique_models", of_mode, use.unique_models
            yield "session_length_average", of_mode, use.average_length
    feedback = figures.feedback(world, company, view)
    if feedback is not None:
        yield "feedbacks", (("feedback", "like"),), feedback.likes
        yield "feedbacks", (("feedback", "dislike"),), feedback.dislikes
        yield "feedbacks", (("feedback", "copy"),), feedback.copies
        yield "feedback_model_responses", (), feedback.model_responses
    for tool in figures.tools(world, company, view):
        yield "tool_uses", (("tool", tool.tool),), tool.uses
    documents = figures.documents(world, company, view)
    if documents:
        yield "document_uses", (), sum(each.uses for each in documents)
        yield "documents_used", (), len(documents)
    activity = figures.activity(world, company, view)
    if activity is not None:
        yield "active_users", (), activity.active_users
