"""LightOn Paradigm: its reporting endpoints, how they are asked and how their answers are read.

Sources, for all facts here: the OpenAPI page of chat-sessions, release xenial-xerus
(docs.lighton.ai/api-reference-v2/reporting/get-company-chat-sessions-report.md) and the guide "Reporting". What they
leave open, and what is assumed instead, stands in docs/platform-apis.md under the same words.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from exporter.errors import SchemaError
from exporter.model import Column, Days, Kind, Measure, Reading, Row
from exporter.source import Platform, Request, Scope
from exporter.sources import leaves

API = "/api/v2"

Leaf = Callable[[object, Counter[str]], float | None]


class Field(NamedTuple):
    """One leaf of a row: its key, the column that it feeds, how it is read.

    Older releases lack an `optional` one: that is not counted as missing.
    """

    key: str
    column: Column
    read: Leaf
    optional: bool = False


class Array(NamedTuple):
    """One array of an answer: its key, the part that its rows belong to, and the fields by the object they lie in."""

    key: str
    part: str
    objects: Mapping[str, tuple[Field, ...]]


@dataclass(frozen=True, slots=True)
class DailyReport:
    """A report of the envelope `{<array>: [{company: {id, name}, dates: [{date, <object>: {<leaf>: ...}}]}]}`."""

    name: str
    path: str
    measures: tuple[Measure, ...]
    arrays: tuple[Array, ...]
    day_bytes: int

    @property
    def parts(self) -> Mapping[str, tuple[Column, ...]]:
        """The columns of each part, in the order of the documentation."""
        return {
            array.part: tuple(leaf.column for fields in array.objects.values() for leaf in fields)
            for array in self.arrays
        }

    def plan(self, days: Days, scope: Scope) -> tuple[Request, ...]:
        """Asks for all days at once, both ends included; without `end_date` the server would choose its own today.

        `company_id` "works for admin users only" (OpenAPI); what a company admin gets with it is unknown, so a refusal
        is followed by the question without it.
        """
        params = {"start_date": days.first.isoformat(), "end_date": days.last.isoformat()}
        everything = Request(self.name, self.path, params, days)
        if scope.company_id is None:
            return (everything,)
        return (Request(self.name, self.path, {**params, "company_id": scope.company_id}, days, instead=everything),)

    def decode(self, body: bytes, request: Request, today: date) -> Reading:
        """Reads one answer; see `exporter.source.Report.decode`."""
        root = leaves.parse(body)
        draft = _Draft(request.days, today)
        parts = frozenset(array.part for array in self.arrays if isinstance(root, dict) and array.key in root)
        if not isinstance(root, dict) or not parts:
            wanted = " or ".join(f'"{array.key}"' for array in self.arrays)
            raise SchemaError(f"expected an object with {wanted}, got {leaves.outline(root)}")
        for array in self.arrays:
            if array.part in parts:
                draft.read(array, root[array.key])
        return draft.reading(parts)


@dataclass(slots=True)
class _Draft:
    """A reading in the making; rows are merged by part, company and day, however often an entry is repeated."""

    days: Days
    today: date
    names: dict[str, str] = field(default_factory=dict)
    rows: dict[tuple[str, str, date], Mapping[Column, float]] = field(default_factory=dict)
    surprises: Counter[str] = field(default_factory=Counter)
    listed: int = 0  # rows that the answer lists, readable or not
    _dates: dict[object, date | None] = field(default_factory=dict)

    def read(self, array: Array, entries: object) -> None:
        """Reads one array of companies.

        Raises:
            SchemaError: it is no list.
        """
        if not isinstance(entries, list):
            raise SchemaError(f'"{array.key}" is {leaves.outline(entries)}, expected a list of companies')
        for entry in entries:
            company = self._company(entry)
            if company is not None:
                for day, row in self._dated(entry.get("dates")):
                    self._add((array.part, company, day), self._figures(array, row))

    def _company(self, entry: object) -> str | None:
        """Returns the id of an entry's company and learns its name; None for an entry that says neither."""
        company = entry.get("company") if isinstance(entry, dict) else None
        identity = leaves.company_id(company.get("id") if isinstance(company, dict) else None, self.surprises)
        if identity is None or not isinstance(company, dict):
            self.listed += 1
            return None
        # One answer may name a company twice, differently; which name is served must not hang on their order.
        self.names[identity] = max(self.names.get(identity, ""), leaves.name(company.get("name"), self.surprises))
        return identity

    def _dated(self, dates: object) -> Iterator[tuple[date, Mapping[str, object]]]:
        """Yields the rows of the asked days; the others are counted."""
        if not isinstance(dates, list):
            self.listed += 1
            self.surprises["missing" if dates is None else "retyped"] += 1
            return
        self.listed += len(dates)
        for row in dates:
            day = self._day(row.get("date")) if isinstance(row, dict) else None
            if day is None:
                self.surprises["retyped"] += 1
            elif day > self.today:
                self.surprises["future_date"] += 1
                self.listed -= 1
            elif day not in self.days:
                self.surprises["outside_range"] += 1
                self.listed -= 1
            else:
                yield day, row

    def _day(self, text: object) -> date | None:
        """Reads a date, each spelling once: thousands of companies list the same few."""
        if not isinstance(text, str):
            return None
        if text not in self._dates:
            self._dates[text] = leaves.day(text)
        return self._dates[text]

    def _figures(self, array: Array, row: Mapping[str, object]) -> Mapping[Column, float]:
        """Reads the leaves of one row; what is absent stays absent."""
        figures: dict[Column, float] = {}
        for key, fields in array.objects.items():
            holder = row.get(key)
            if not isinstance(holder, dict):
                self.surprises["missing" if holder is None else "retyped"] += 1
                continue
            for leaf in fields:
                value = holder.get(leaf.key)
                if value is None and leaf.optional:
                    continue
                figure = leaf.read(value, self.surprises)
                if figure is not None:
                    figures[leaf.column] = figure
        return figures

    def _add(self, key: tuple[str, str, date], figures: Mapping[Column, float]) -> None:
        """Files one row: an equal repetition counts once, of different ones the last, and the odd case is counted."""
        if self.rows.get(key, figures) != figures:
            self.surprises["duplicate_row"] += 1
        self.rows[key] = figures

    def reading(self, parts: frozenset[str]) -> Reading:
        """Closes the draft.

        Raises:
            SchemaError: rows are listed, and not one of them could be read.
        """
        if self.listed and not any(self.rows.values()):
            raise SchemaError(
                f"none of {self.listed} listed rows could be read; each needs company.id, a date (2026-03-02), figures"
            )
        rows = tuple(Row(part, day, company, figures) for (part, company, day), figures in self.rows.items())
        return Reading(self.names, parts, rows, dict(self.surprises))


MODE = ("mode",)
SESSIONS = Measure("paradigm_sessions", "Chat sessions or agent threads", Kind.SUM, MODE)
QUERIES = Measure("paradigm_user_queries", "Queries that users sent", Kind.SUM, MODE)
RESPONSES = Measure("paradigm_model_responses", "Responses of the models", Kind.SUM, MODE)
GROUNDED = Measure("paradigm_model_responses_with_docs", "Responses grounded in documents", Kind.SUM, MODE)
MODELS = Measure("paradigm_unique_models", "Different models used", Kind.DISTINCT, MODE)
LENGTH = Measure(
    "paradigm_session_length_average",
    "Average length of a session or thread, in the unit that the platform reports",
    Kind.AVERAGE,
    MODE,
)
LAST_RESPONSE = Measure(
    "paradigm_last_model_response_timestamp_seconds", "Time of the newest model response held", Kind.INSTANT, MODE
)


def _mode(mode: str, opened: str, opened_object: str, counts_object: str) -> Mapping[str, tuple[Field, ...]]:
    """Returns the fields of a row: the two arrays have one skeleton and differ in names.

    The counts of agents lie in an object named `agents`; it lists no agents.
    """
    at = (mode,)
    return {
        f"{opened_object}s": (
            Field(f"{opened_object}s_count", Column(opened, at), leaves.count),
            Field("unique_models_count", Column(MODELS.family, at), leaves.count),
            Field(f"average_{opened_object}_length", Column(LENGTH.family, at), leaves.number),
        ),
        counts_object: (
            Field("user_queries_count", Column(QUERIES.family, at), leaves.count),
            # The guide's own sample, of an older release, lacks it.
            Field("model_responses_with_docs_count", Column(GROUNDED.family, at), leaves.count, optional=True),
            Field("model_responses_count", Column(RESPONSES.family, at), leaves.count),
            # "Required and not nullable", which a day without a response cannot fulfil.
            Field("last_model_response_date", Column(LAST_RESPONSE.family, at), leaves.moment, optional=True),
        ),
    }


CHAT_SESSIONS = DailyReport(
    name="chat-sessions",
    path=f"{API}/reporting/chat-sessions/",
    measures=(SESSIONS, QUERIES, RESPONSES, GROUNDED, MODELS, LENGTH, LAST_RESPONSE),
    arrays=(
        Array("reporting", "chat", _mode("chat", SESSIONS.family, "session", "chats")),
        Array("reporting_agents", "agent", _mode("agent", SESSIONS.family, "thread", "agents")),
    ),
    day_bytes=600,  # two rows as in the documentation's sample, without white space
)


def base_url(text: str) -> str:
    """Cleans a base URL: with or without `/api/v2`, a slash, a path prefix, capitals, it means the same instance.

    LightOn's own PARADIGM_BASE_URL includes `/api/v2`; the paths of the reports bring it along.
    """
    parts = urlsplit(text.strip())
    path = parts.path.rstrip("/").removesuffix(API).rstrip("/")
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), path, "", ""))


def headers(key: str) -> Mapping[str, str]:
    """Authenticates by an API key (OpenAPI: `http`, scheme `bearer`)."""
    return {"Authorization": f"Bearer {key}"}


def _by_name(reports: Sequence[DailyReport]) -> Mapping[str, DailyReport]:
    return {report.name: report for report in reports}


PLATFORM = Platform(
    name="paradigm",
    title="LightOn Paradigm",
    default_base_url="https://paradigm.lighton.ai",
    base_url=base_url,
    headers=headers,
    reports=_by_name((CHAT_SESSIONS,)),
)
