"""The reports of the simulated Paradigm in the shape of its documentation; knows no HTTP.

Documented (https://docs.lighton.ai/api-reference-v2/reporting/): chat-sessions, chats-feedback, used-documents, users.
Invented in the envelope that all of those share, because nothing is published: tools, user-activities.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from exporter.simulator.paradigm import figures
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.world import MODES, DayView, Figures, Mode, World, utc_text

Document = dict[str, object]
"""A JSON object that is about to be written."""
Views = Sequence[DayView]


@dataclass(frozen=True, slots=True)
class Part:
    """One list of companies in an answer: where it stands, what describes it, and one company's entry in it.

    `described` maps a field to its description and unit; `entry` gives nothing for a company without rows.
    """

    key: str
    described_by: str
    described: Mapping[str, tuple[str, str]]
    entry: Callable[[World, Company, Views], Document | None]


@dataclass(frozen=True, slots=True)
class Report:
    """One reporting endpoint; `truth` is what it should say of one company and day, by the names of our own."""

    name: str
    parts: tuple[Part, ...]
    truth: Callable[[World, Company, DayView], object]

    def answer(self, world: World, companies: Iterable[Company], views: Views) -> Document:
        """Makes the whole answer about these companies and days, in their order."""
        companies = tuple(companies)
        document: Document = {}
        for part in self.parts:
            document[part.described_by] = {
                field: {"description": description, "unit": unit}
                for field, (description, unit) in part.described.items()
            }
            entries = (part.entry(world, company, views) for company in companies)
            document[part.key] = [entry for entry in entries if entry]
        return document


def _company(company: Company) -> Document:
    return {"id": company.id, "name": company.name}


def _dated(
    row: Callable[[World, Company, DayView], Document | None],
) -> Callable[[World, Company, Views], Document | None]:
    """Makes an entry with `dates` from what a report says of one day."""

    def entry(world: World, company: Company, views: Views) -> Document | None:
        found = ((view, row(world, company, view)) for view in views)
        dates = [{"date": view.day.isoformat(), **figures_of_day} for view, figures_of_day in found if figures_of_day]
        return {"company": _company(company), "dates": dates} if dates else None

    return entry


def _use(mode: Mode) -> Callable[[World, Company, DayView], Document | None]:
    """Makes the row of chat-sessions for one mode: the same figures under other names."""
    visits, answers, count, average = {
        "chat": ("sessions", "chats", "sessions_count", "average_session_length"),
        "agent": ("threads", "agents", "threads_count", "average_thread_length"),
    }[mode]

    def row(world: World, company: Company, view: DayView) -> Document | None:
        use = world.figures(company, view, mode)
        if use is None:
            return None
        visited = {count: use.sessions, "unique_models_count": use.unique_models, average: use.average_length}
        return {visits: visited, answers: _answers(use)}

    return row


def _answers(use: Figures) -> Document:
    return {
        "user_queries_count": use.user_queries,
        "model_responses_with_docs_count": use.model_responses_with_docs,
        "model_responses_count": use.model_responses,
        "last_model_response_date": utc_text(use.last_model_response),
    }


def _feedback(world: World, company: Company, view: DayView) -> Document | None:
    said = figures.feedback(world, company, view)
    if said is None:
        return None
    counts = {"likes_count": said.likes, "dislikes_count": said.dislikes, "copies_count": said.copies}
    return {"model_responses_count": said.model_responses, "feedbacks": counts}


def _documents(world: World, company: Company, view: DayView) -> Document | None:
    uses = [
        {
            "document_id": use.document_id,
            "document_filename": use.filename,
            "document_title": use.title,
            "usage_count": use.uses,
        }
        for use in figures.documents(world, company, view)
    ]
    return {"documents": uses} if uses else None


def _tools(world: World, company: Company, view: DayView) -> Document | None:
    uses = [{"tool_name": use.tool, "usage_count": use.uses} for use in figures.tools(world, company, view)]
    return {"tools": uses} if uses else None


def _activity(world: World, company: Company, view: DayView) -> Document | None:
    there = figures.activity(world, company, view)
    if there is None:
        return None
    return {"active_users_count": there.active_users, "connections_count": there.connections}


def _members(_: World, company: Company, views: Views) -> Document | None:
    """Makes the entry of users, a level as of the last day asked for."""
    level = figures.members(company, views[-1]) if views else None
    if level is None:
        return None
    counts = {"total_historical_members": level.ever, "current_active_members": level.active}
    return {"company": _company(company), **counts}


_ANSWERS = {
    "unique_models_count": ("Number of different models used", "integer"),
    "user_queries_count": ("Number of user queries", "integer"),
    "model_responses_count": ("Number of model responses", "integer"),
    "model_responses_with_docs_count": ("Number of model responses that used documents", "integer"),
    "last_model_response_date": ("Time of the last model response", "datetime"),
}
_SESSIONS = {
    "sessions_count": ("Number of chat sessions opened", "integer"),
    "average_session_length": ("Average length of a chat session", "seconds"),
}
_THREADS = {
    "threads_count": ("Number of agent threads opened", "integer"),
    "average_thread_length": ("Average length of an agent thread", "seconds"),
}
_FEEDBACK = {
    "likes_count": ("Number of likes", "integer"),
    "dislikes_count": ("Number of dislikes", "integer"),
    "copies_count": ("Number of answers copied", "integer"),
    "model_responses_count": ("Number of model responses", "integer"),
}
_MEMBERS = {
    "total_historical_members": ("Members that the company ever had", "integer"),
    "current_active_members": ("Members that are active now", "integer"),
}
_ACTIVITY = {
    "active_users_count": ("Number of different users who were active", "integer"),
    "connections_count": ("Number of connections", "integer"),
}


def _one_list(
    described: Mapping[str, tuple[str, str]], entry: Callable[[World, Company, Views], Document | None]
) -> Part:
    return Part("reporting", "metadata", described, entry)


REPORTS: Mapping[str, Report] = {
    report.name: report
    for report in (
        Report(
            "chat-sessions",
            (
                _one_list(_SESSIONS | _ANSWERS, _dated(_use("chat"))),
                Part("reporting_agents", "metadata_agent", _THREADS | _ANSWERS, _dated(_use("agent"))),
            ),
            lambda world, company, view: {mode: world.figures(company, view, mode) for mode in MODES},
        ),
        Report("chats-feedback", (_one_list(_FEEDBACK, _dated(_feedback)),), figures.feedback),
        Report(
            "used-documents",
            (_one_list({"usage_count": ("Number of times a document was used", "integer")}, _dated(_documents)),),
            figures.documents,
        ),
        Report("users", (_one_list(_MEMBERS, _members),), lambda _, company, view: figures.members(company, view)),
        Report(
            "tools",
            (_one_list({"usage_count": ("Number of times a tool was used", "integer")}, _dated(_tools)),),
            figures.tools,
        ),
        Report("user-activities", (_one_list(_ACTIVITY, _dated(_activity)),), figures.activity),
    )
}
