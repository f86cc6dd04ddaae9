"""Figures of the smaller reports, derived from those of `world`; pure, never falling within a day."""

from collections.abc import Mapping
from itertools import takewhile
from math import ceil

from msgspec import Struct

from exporter.simulator.chance import draws
from exporter.simulator.paradigm.companies import Company
from exporter.simulator.paradigm.world import MODES, DayView, Figures, Mode, World

_SUBJECTS = (
    ("leave-policy.pdf", "Leave policy"),
    ("travel.docx", "Travel"),
    ("prix-été.xlsx", "Prix d'été"),
    ("betriebsanleitung.pdf", "Betriebsanleitung für Prüfstände"),
    ("contract.pdf", 'Contract "final"'),
    ("minutes.md", "Minutes"),
    ("tender.pdf", "Tender"),
)
_MOST_DOCUMENTS = 15
"""Documents per company and day: two years of 1,000 companies are an answer of about 35 MB."""
_TOOLS: Mapping[str, Mapping[Mode, float]] = {
    "Document search": {"chat": 0.35, "agent": 0.6},
    "Web search": {"chat": 0.15, "agent": 0.45},
    "Code execution": {"chat": 0.0, "agent": 0.2},
    "Image generation": {"chat": 0.02, "agent": 0.05},
    "Übersetzung": {"chat": 0.0, "agent": 0.08},
    "MCP: CRM": {"chat": 0.0, "agent": 0.12},
}
"""Uses of a tool per answer."""


class Feedback(Struct, frozen=True):
    model_responses: int
    likes: int
    dislikes: int
    copies: int


class DocumentUse(Struct, frozen=True):
    document_id: int
    filename: str
    title: str
    uses: int


class ToolUse(Struct, frozen=True):
    tool: str
    uses: int


class ActiveUsers(Struct, frozen=True):
    active_users: int
    connections: int


class Members(Struct, frozen=True):
    """Members ever and now; a level, not a figure of a day."""

    ever: int
    active: int


def use(world: World, company: Company, view: DayView) -> Mapping[Mode, Figures]:
    return {mode: figures for mode in MODES if (figures := world.figures(company, view, mode))}


def feedback(world: World, company: Company, view: DayView) -> Feedback | None:
    responses = sum(figures.model_responses for figures in use(world, company, view).values())
    if not responses:
        return None
    liked, disliked, copied, *_ = draws(world.seed, "feedback", company.id, view.day.toordinal())
    return Feedback(
        model_responses=responses,
        likes=int(responses * 0.1 * liked),
        dislikes=int(responses * 0.04 * disliked),
        copies=int(responses * 0.25 * copied),
    )


def documents(world: World, company: Company, view: DayView) -> tuple[DocumentUse, ...]:
    answers = sum(figures.model_responses_with_docs for figures in use(world, company, view).values())
    if not answers:
        return ()
    library = 5 + int(company.size / 4)
    first = view.day.toordinal() * 3  # another favourite every day
    # Zipf's law; the first share is rounded up, so that every answer with documents used at least one
    shares = (
        ceil(answers / 5) if rank == 0 else int(answers / (5 * (rank + 1)))
        for rank in range(min(library, _MOST_DOCUMENTS))
    )
    used = takewhile(bool, shares)
    return tuple(_document(company, (first + rank) % library, uses) for rank, uses in enumerate(used))


def _document(company: Company, number: int, uses: int) -> DocumentUse:
    filename, title = _SUBJECTS[number % len(_SUBJECTS)]
    edition = number // len(_SUBJECTS) + 1
    return DocumentUse(company.id * 10_000 + number, f"{edition:03}-{filename}", f"{title} {edition}", uses)


def tools(world: World, company: Company, view: DayView) -> tuple[ToolUse, ...]:
    responses = {mode: figures.model_responses for mode, figures in use(world, company, view).items()}
    uses = {name: sum(int(n * rates[mode]) for mode, n in responses.items()) for name, rates in _TOOLS.items()}
    return tuple(ToolUse(name, count) for name, count in uses.items() if count)


def activity(world: World, company: Company, view: DayView) -> ActiveUsers | None:
    queries = sum(figures.user_queries for figures in use(world, company, view).values())
    there = members(company, view)
    if not queries or there is None:
        return None
    return ActiveUsers(active_users=min(1 + queries // 7, there.active), connections=1 + queries // 5)


def members(company: Company, view: DayView) -> Members | None:
    if not company.is_customer(view.day):
        return None
    ever = 3 + int(
        company.size * (0.3 + 0.01 * (view.day.year - 1990)) + company.size * view.day.timetuple().tm_yday / 36_600
    )
    return Members(ever, active=1 + int(ever * (0.55 + 0.1 * company.docs)))
