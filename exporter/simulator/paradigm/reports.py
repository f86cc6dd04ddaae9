"""The reports of the simulated Paradigm: their figures, and their shape as documented.

Documented (https://docs.lighton.ai/api-reference-v2/reporting/): chat-sessions, chats-feedback, used-documents, users.
Invented in the envelope that all of those share, because nothing is published: tools, user-activities.
The figures of the smaller reports are derived from those of chat-sessions; they never fall within a day.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import ceil
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import asdict

from exporter.simulator.chance import draws
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.world import MODES, DayView, Figures, Mode, World, utc_text

_SUBJECTS = (
    ("leave-policy.pdf", "Leave policy"),
    ("travel.docx", "Travel"),
    ("prix-été.xlsx", "Prix d'été"),
    ("betriebsanleitung.pdf", "Betriebsanleitung für Prüfstände"),
    ("contract.pdf", 'Contract "final"'),
    ("minutes.md", "Minutes"),
    ("tender.pdf", "Tender"),
)
_MOST_DOCUMENTS = 15  # per company and day: two years of 1,000 companies are an answer of about 35 MB
_TOOL_USES: Mapping[str, Mapping[Mode, float]] = {
    "Document search": {"chat": 0.35, "agent": 0.6},
    "Web search": {"chat": 0.15, "agent": 0.45},
    "Code execution": {"chat": 0.0, "agent": 0.2},
    "Image generation": {"chat": 0.02, "agent": 0.05},
    "Übersetzung": {"chat": 0.0, "agent": 0.08},
    "MCP: CRM": {"chat": 0.0, "agent": 0.12},
}
"""Per answer."""

Document = dict[str, object]
Counts = Mapping[str, int]
"""Figures by the exporter's names."""
Use = Mapping[str, int | str]
"""The `uses` of one item, and what names the item."""


def figures_by_mode(world: World, company: Company, view: DayView) -> Mapping[Mode, Figures]:
    return {mode: figures for mode in MODES if (figures := world.figures(company, view, mode))}


def feedback(world: World, company: Company, view: DayView) -> Counts | None:
    responses = sum(figures.model_responses for figures in figures_by_mode(world, company, view).values())
    if not responses:
        return None
    liked, disliked, copied, *_ = draws(world.seed, "feedback", company.id, view.day.toordinal())
    return {
        "model_responses": responses,
        "likes": int(responses * 0.1 * liked),
        "dislikes": int(responses * 0.04 * disliked),
        "copies": int(responses * 0.25 * copied),
    }


def documents(world: World, company: Company, view: DayView) -> tuple[Use, ...]:
    answers = sum(figures.model_responses_with_docs for figures in figures_by_mode(world, company, view).values())
    if not answers:
        return ()
    library = 5 + int(company.size / 4)
    first = view.day.toordinal() * 3  # another favourite every day
    found: list[Use] = []
    for rank in range(min(library, _MOST_DOCUMENTS)):
        # Zipf's law; the first share is rounded up, so that every answer with documents used at least one
        uses = ceil(answers / 5) if rank == 0 else int(answers / (5 * (rank + 1)))
        if not uses:
            break
        number = (first + rank) % library
        edition, (filename, title) = number // len(_SUBJECTS) + 1, _SUBJECTS[number % len(_SUBJECTS)]
        names = {"filename": f"{edition:03}-{filename}", "title": f"{title} {edition}"}
        found.append({"document_id": company.id * 10_000 + number, **names, "uses": uses})
    return tuple(found)


def tools(world: World, company: Company, view: DayView) -> tuple[Use, ...]:
    responses = {mode: figures.model_responses for mode, figures in figures_by_mode(world, company, view).items()}
    uses = {name: sum(int(n * rates[mode]) for mode, n in responses.items()) for name, rates in _TOOL_USES.items()}
    return tuple({"tool": name, "uses": count} for name, count in uses.items() if count)


def activity(world: World, company: Company, view: DayView) -> Counts | None:
    queries = sum(figures.user_queries for figures in figures_by_mode(world, company, view).values())
    there = members(company, view)
    if not queries or there is None:
        return None
    return {"active_users": min(1 + queries // 7, there["active"]), "connections": 1 + queries // 5}


def members(company: Company, view: DayView) -> Counts | None:
    """Returns the members ever and now; a level, not figures of a day."""
    if not company.is_customer(view.day):
        return None
    by_year = company.size * (0.3 + 0.01 * (view.day.year - 1990))
    ever = 3 + int(by_year + company.size * view.day.timetuple().tm_yday / 36_600)
    return {"ever": ever, "active": 1 + int(ever * (0.55 + 0.1 * company.docs))}


class ReportField(NamedTuple):
    """A field of a row at `path` (`name`, or `object.name`); without a description it is a label."""

    figure: str
    path: str
    description: str = ""
    unit: str = "integer"


class Part(Struct, frozen=True):
    """One list of companies in an answer, below `key`, its fields described below `described_by`.

    `figures` gives those of a company on a day, None or an empty tuple without a row; several form a list below
    `items`. A `level` has no days: the last one asked counts.
    """

    fields: tuple[ReportField, ...]
    figures: Callable[[World, Company, DayView], Figures | Use | tuple[Use, ...] | None]
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

    def _row(self, found: Figures | Use | tuple[Use, ...]) -> Document:
        if isinstance(found, tuple):
            return {self.items: [self._row(each) for each in found]}
        figures = asdict(found) if isinstance(found, Figures) else found
        row: dict[str, Document] = {"": {}}
        for each in self.fields:
            where, _, name = each.path.rpartition(".")
            value = figures[each.figure]
            row.setdefault(where, {})[name] = utc_text(value) if isinstance(value, datetime) else value
        return {**row.pop(""), **row}


class SimulatedReport(Struct, frozen=True):
    """One reporting endpoint; `truth` is what it should report of a company and day, by the exporter's names."""

    parts: tuple[Part, ...]
    truth: Callable[[World, Company, DayView], object]

    def answer(self, world: World, companies: Sequence[Company], views: Sequence[DayView]) -> Document:
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
    "chats-feedback": _alone(Part(_FEEDBACK, feedback)),
    "used-documents": _alone(Part(_DOCUMENTS, documents, items="documents")),
    "users": _alone(Part(_MEMBERS, lambda _, company, view: members(company, view), level=True)),
    "tools": _alone(Part(_TOOLS, tools, items="tools")),
    "user-activities": _alone(Part(_ACTIVITY, activity)),
}
