"""The reports of the simulated Paradigm in the shape of its documentation.

Documented (https://docs.lighton.ai/api-reference-v2/reporting/): chat-sessions, chats-feedback, used-documents, users.
Invented in the envelope that all of those share, because nothing is published: tools, user-activities.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from exporter.simulator.paradigm import figures
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.world import MODES, DayView, World, utc_text

Document = dict[str, object]
OfDay = Callable[[World, Company, DayView], object]
"""The figures of a company on a day; None or an empty tuple without a row."""


class ReportField(NamedTuple):
    """A field of a row at `path` (`name`, or `object.name`); without a description it is a label."""

    attribute: str
    path: str
    description: str = ""
    unit: str = "integer"


class Part(Struct, frozen=True):
    """One list of companies in an answer, below `key`, its fields described below `described_by`.

    Several figures of a day form a list below `items`. A `level` has no days: the last one asked counts.
    """

    fields: tuple[ReportField, ...]
    figures: OfDay
    items: str = ""
    level: bool = False
    key: str = "reporting"
    described_by: str = "metadata"

    @property
    def described(self) -> Mapping[str, Mapping[str, str]]:
        return {
            each.path.rpartition(".")[2]: {"description": each.description, "unit": each.unit}
            for each in self.fields
            if each.description
        }

    def entry(self, world: World, company: Company, views: Sequence[DayView]) -> Document | None:
        seen = views[-1:] if self.level else views
        rows = [(view.day, self._row(found)) for view in seen if (found := self.figures(world, company, view))]
        if not rows:
            return None
        about: Document = {"company": {"id": company.id, "name": company.name}}
        if self.level:
            return about | rows[0][1]
        return about | {"dates": [{"date": day.isoformat(), **row} for day, row in rows]}

    def _row(self, found: object) -> Document:
        if isinstance(found, tuple):
            return {self.items: [self._row(each) for each in found]}
        row: dict[str, Document] = {"": {}}
        for each in self.fields:
            where, _, name = each.path.rpartition(".")
            value = getattr(found, each.attribute)
            row.setdefault(where, {})[name] = utc_text(value) if isinstance(value, datetime) else value
        return {**row.pop(""), **row}


class SimulatedReport(Struct, frozen=True):
    """One reporting endpoint; `truth` is what it should report of a company and day, by the exporter's names."""

    parts: tuple[Part, ...]
    truth: OfDay

    def answer(self, world: World, companies: Iterable[Company], views: Sequence[DayView]) -> Document:
        companies = tuple(companies)
        document: Document = {}
        for part in self.parts:
            document[part.described_by] = part.described
            entries = (part.entry(world, company, views) for company in companies)
            document[part.key] = [entry for entry in entries if entry]
        return document


_WITH_DOCS, _LAST_RESPONSE = "Number of model responses that used documents", "Time of the last model response"


def _use(visit: str, answers: str, opened: str, length: str) -> tuple[ReportField, ...]:
    visits = f"{visit}s"
    return (
        ReportField("sessions", f"{visits}.{visits}_count", opened),
        ReportField("unique_models", f"{visits}.unique_models_count", "Number of different models used"),
        ReportField("average_length", f"{visits}.average_{visit}_length", length, "seconds"),
        ReportField("user_queries", f"{answers}.user_queries_count", "Number of user queries"),
        ReportField("model_responses_with_docs", f"{answers}.model_responses_with_docs_count", _WITH_DOCS),
        ReportField("model_responses", f"{answers}.model_responses_count", "Number of model responses"),
        ReportField("last_model_response", f"{answers}.last_model_response_date", _LAST_RESPONSE, "datetime"),
    )


_CHAT = _use("session", "chats", "Number of chat sessions opened", "Average length of a chat session")
_AGENT = _use("thread", "agents", "Number of agent threads opened", "Average length of an agent thread")
_FEEDBACK = (
    ReportField("model_responses", "model_responses_count", "Number of model responses"),
    ReportField("likes", "feedbacks.likes_count", "Number of likes"),
    ReportField("dislikes", "feedbacks.dislikes_count", "Number of dislikes"),
    ReportField("copies", "feedbacks.copies_count", "Number of answers copied"),
)
_DOCUMENTS = (
    ReportField("document_id", "document_id"),
    ReportField("filename", "document_filename"),
    ReportField("title", "document_title"),
    ReportField("uses", "usage_count", "Number of times a document was used"),
)
_MEMBERS = (
    ReportField("ever", "total_historical_members", "Members that the company ever had"),
    ReportField("active", "current_active_members", "Members that are active now"),
)
_TOOLS = ReportField("tool", "tool_name"), ReportField("uses", "usage_count", "Number of times a tool was used")
_ACTIVITY = (
    ReportField("active_users", "active_users_count", "Number of different users who were active"),
    ReportField("connections", "connections_count", "Number of connections"),
)


def _alone(part: Part) -> SimulatedReport:
    return SimulatedReport((part,), part.figures)


REPORTS: Mapping[str, SimulatedReport] = {
    "chat-sessions": SimulatedReport(
        (
            Part(_CHAT, lambda world, company, view: world.figures(company, view, "chat")),
            Part(
                _AGENT,
                lambda world, company, view: world.figures(company, view, "agent"),
                key="reporting_agents",
                described_by="metadata_agent",
            ),
        ),
        lambda world, company, view: {mode: world.figures(company, view, mode) for mode in MODES},
    ),
    "chats-feedback": _alone(Part(_FEEDBACK, figures.feedback)),
    "used-documents": _alone(Part(_DOCUMENTS, figures.documents, items="documents")),
    "users": _alone(Part(_MEMBERS, lambda _, company, view: figures.members(company, view), level=True)),
    "tools": _alone(Part(_TOOLS, figures.tools, items="tools")),
    "user-activities": _alone(Part(_ACTIVITY, figures.activity)),
}
