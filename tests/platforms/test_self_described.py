"""An answer's own description leads to the figures of the documentation, where there is one; without one it decides."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.errors import SchemaError
from exporter.domain.model import Column, Days, FieldNote, Kind, Reading
from exporter.domain.scope import Scope
from exporter.platforms.api import Context
from exporter.platforms.paradigm import survey
from exporter.platforms.paradigm.documented_array import HERE, Array
from exporter.platforms.paradigm.platform import (
    CHAT_SESSIONS,
    CHATS_FEEDBACK,
    TOOLS,
    USED_DOCUMENTS,
    USER_ACTIVITIES,
    USERS,
)
from exporter.platforms.paradigm.report import ARRAYS, DocumentedReport
from exporter.platforms.paradigm.self_described import DescribedReport
from exporter.platforms.reading_builder import ReadingBuilder
from exporter.simulator.paradigm import reports
from exporter.simulator.paradigm.world import World

DOCUMENTED = [CHAT_SESSIONS, CHATS_FEEDBACK, USED_DOCUMENTS, USERS]
DAYS = Days(date(2026, 11, 1), date(2026, 11, 20))
CONTEXT = Context("s", DAYS.last, ZoneInfo("UTC"))
Rows = Mapping[tuple[str, str, date], Mapping[Column, float]]


def by_documentation(report: DocumentedReport, body: bytes) -> Rows:
    """Returns the figures, without times: they are described as well, but a time is no figure."""
    (request,) = report.plan(DAYS, Scope())
    moments = {measure.family for measure in report.measures if measure.kind is Kind.INSTANT}
    return {
        (row.part, row.company_id, row.day): {
            column: value for column, value in row.figures.items() if column.family not in moments
        }
        for row in report.decode(body, request, CONTEXT).rows
    }


def by_description(report: DocumentedReport, body: bytes) -> Rows:
    """Returns the figures that the description alone finds, under the columns of the documentation."""
    root = msgspec.json.decode(body)
    found = survey.survey(root, ReadingBuilder(DAYS, CONTEXT))
    arrays = {array.key: array for array in report.arrays}
    written = {
        (key, str(entry["company"]["id"]), row["date"]): row
        for key in arrays
        for entry in root[key]
        for row in entry.get("dates", ())
    }
    return {
        (arrays[part].part, company, day): figures(arrays[part], row, written.get((part, company, f"{day}"), {}))
        for (part, company, day), row in found.seen.items()
    }


def figures(array: Array, row: survey.RowSurvey, written: Mapping[str, Any]) -> Mapping[Column, float]:
    """Files what was found in one row under the columns of the documentation."""
    if array.items:
        uses = [figure for figure in row.figures if figure.value is not None]
        return {
            array.items.total: sum(figure.value or 0.0 for figure in uses),
            array.items.distinct: float(len({each[array.items.identity] for each in written[array.items.key]})),
        }
    columns = {leaf.key: leaf.column for fields in array.objects.values() for leaf in fields}
    return {columns[figure.field]: figure.value for figure in row.figures if figure.value is not None}


@pytest.mark.parametrize("seed", [1, 7, 2026])
@pytest.mark.parametrize("report", DOCUMENTED, ids=lambda report: report.name)
def test_simulated_answers_are_read_alike(report: DocumentedReport, seed: int) -> None:
    """Some weeks of plausible use, in the shapes that the documentation shows."""
    world, now = World.from_seed(seed, 12), datetime(2026, 11, 20, 12, tzinfo=UTC)
    answer = reports.REPORTS[report.name].answer(world, world.companies, world.views(DAYS.first, DAYS.last, now))
    body = msgspec.json.encode(answer)

    assert by_documentation(report, body) == by_description(report, body) != {}


COUNTS = st.integers(0, 2**53)
NAMES = st.text(max_size=8)


@st.composite
def rows(draw: st.DrawFn, array: Array) -> dict[str, object]:
    """Makes one row: each documented field with some number, in any order; each list with some documents."""
    row: dict[str, object] = {}
    for name, fields in array.objects.items():
        holder = {leaf.key: draw(COUNTS) for leaf in fields if not leaf.key.endswith("_date")}
        row |= holder if name == HERE else {name: holder}
    if array.items:
        document = {"document_id": st.integers(0, 9), "usage_count": st.integers(0, 2**30), "document_title": NAMES}
        row[array.items.key] = draw(st.lists(st.fixed_dictionaries(document), max_size=4))
    return {key: row[key] for key in draw(st.permutations(sorted(row)))}


@st.composite
def answers(draw: st.DrawFn, report: DocumentedReport) -> bytes:
    """Makes a whole answer of a documented shape: companies and days in any order, also twice."""
    root: dict[str, object] = {
        ARRAYS[array.key]: {field: {"description": field, "unit": ""} for field in array.described}
        for array in report.arrays
    }
    for array in report.arrays:
        entries: list[object] = []
        for identity in draw(st.lists(st.integers(0, 2**70), max_size=4)):
            company = {"company": {"id": identity, "name": draw(NAMES)}}
            days = draw(st.lists(st.sampled_from(sorted(DAYS)), max_size=3))
            dates = [{"date": day.isoformat(), **draw(rows(array))} for day in days]
            entries.append({**company, "dates": dates} if array.dated else {**company, **draw(rows(array))})
        root[array.key] = entries
    return msgspec.json.encode(root)


@pytest.mark.parametrize("report", DOCUMENTED, ids=lambda report: report.name)
@given(data=st.data())
def test_any_answer_of_a_documented_shape_is_read_alike(report: DocumentedReport, data: st.DataObject) -> None:
    """Whatever the numbers, names and order."""
    body = data.draw(answers(report))

    assert by_documentation(report, body) == by_description(report, body)


# The reports without a published shape.


def noted(**fields: str) -> Mapping[str, object]:
    """Returns a description of fields by their units."""
    return {field: {"description": f"The {field}", "unit": unit} for field, unit in fields.items()}


def answer(metadata: object, *days: object) -> bytes:
    """Returns an answer about one company."""
    entry = {"company": {"id": 17, "name": "Northwind"}, "dates": list(days)}
    return msgspec.json.encode({"metadata": metadata, "reporting": [entry]})


def decode(report: DescribedReport, body: bytes) -> Reading:
    """Reads an answer."""
    (request,) = report.plan(DAYS, Scope())
    return report.decode(body, request, CONTEXT)


def explain(report: DescribedReport, body: bytes) -> tuple[str, ...]:
    """Tells how an answer is read."""
    (request,) = report.plan(DAYS, Scope())
    return report.explain(body, request, CONTEXT)


def test_a_reading_can_be_explained() -> None:
    """What is described and where, what was chosen and why, what is left out, and what it feeds."""
    metadata = noted(calls_count="integer", latency_ms="ms")
    day = {"date": "2026-11-19", "tools": [{"tool_name": "Code", "calls_count": 3, "latency_ms": 9.5, "n": 1}]}

    assert explain(TOOLS, answer(metadata, day)) == (
        "paradigm_tool_uses is fed by tools[].calls_count: described as calls_count; "
        "described are calls_count (integer), latency_ms (ms)",
    )
    assert decode(TOOLS, answer(metadata, day)).drift["unknown"] == {"reporting[].dates[].tools[].n"}


def test_an_answer_without_figures_needs_no_explanation() -> None:
    """Nothing was chosen, and nothing is wrong."""
    assert explain(TOOLS, answer({}, {"date": "2026-11-19", "tools": []})) == ()


def test_the_message_about_an_unreadable_answer_says_what_helps() -> None:
    """Source and report, the keys of metadata, the numbers with their paths, the option, the place in the manual."""
    body = answer(noted(usage_count="integer"), {"date": "2026-11-19", "tools": [{"id": 5, "name": "Code", "n": 3}]})

    with pytest.raises(SchemaError) as caught:
        decode(TOOLS, body)

    assert str(caught.value) == (
        "s/tools: no described figure found. metadata describes: usage_count. "
        "Numbers found at: reporting[].dates[].tools[].n. Remedy: set sources.s.overrides.tools "
        '(see docs/development/platform-apis.md, "Reports without a published schema")'
    )


def test_a_message_stays_short() -> None:
    """However many fields an answer describes and numbers it has."""
    day = {"date": "2026-11-19", **{f"n_{n}": n for n in range(30)}}
    body = answer(noted(**{f"field_{n}": "" for n in range(30)}), day)

    with pytest.raises(SchemaError, match=r"field_0, .* and 18 more\. Numbers .*n_0, .* and 18 more\.") as caught:
        decode(TOOLS, body)

    assert len(str(caught.value)) < 1000


PEOPLE = {
    "listed": {"users": [{"user_id": 4711, "email": "grace@example.org", "name": "grace", "n": 3}]},
    "by name": {"users": {"grace@example.org": 3, "4711": 4, "grace": 5}},
    "beside": {"grace@example.org": 3, "active_users_count": 1},
    "in a map of objects": {"users": {"grace": {"4711": 3, "n": 5}}},
}


@pytest.mark.parametrize(
    "metadata", [noted(active_users_count="users"), noted(n="n", m="m"), {}], ids=["known", "odd", "no"]
)
@pytest.mark.parametrize("people", PEOPLE.values(), ids=PEOPLE)
def test_nobody_is_named(people: Mapping[str, object], metadata: Mapping[str, object]) -> None:
    """Neither in what is read nor in a message, however an answer lists people."""
    body = answer(metadata, {"date": "2026-11-19", **people})
    try:
        told = repr(decode(USER_ACTIVITIES, body)) + repr(explain(USER_ACTIVITIES, body))
    except SchemaError as error:
        told = str(error)

    assert not [secret for secret in ("4711", "grace@example.org", "grace") if secret in told]


NOTES = {
    "both arrays, each different note once": (
        {"metadata": noted(a="u", b="u"), "metadata_agent": noted(b="u", c="v")},
        [FieldNote("a", "u", "The a"), FieldNote("b", "u", "The b"), FieldNote("c", "v", "The c")],
    ),
    "another unit is another note": (
        {"metadata": noted(a="u"), "metadata_agent": noted(a="v")},
        [FieldNote("a", "u", "The a"), FieldNote("a", "v", "The a")],
    ),
    "long ones are cut": (
        {"metadata": {"a": {"unit": "u" * 300, "description": "d" * 300}}},
        [FieldNote("a", "u" * 200, "d" * 200)],
    ),
    "fit for a label": (
        {"metadata": {"a": {"unit": "a\x00b", "description": "\n"}}},
        [FieldNote("a", "a\ufffdb", "\n")],
    ),
    "not in words": (
        {"metadata": {"a": {"unit": 1, "description": "d"}, "b": "c", "d": {"unit": "u"}}, "metadata_agent": [1]},
        [],
    ),
    "absent": ({}, []),
}


@pytest.mark.parametrize(("metadata", "notes"), NOTES.values(), ids=NOTES)
def test_what_the_platform_says_of_its_fields_is_kept(metadata: Mapping[str, object], notes: list[FieldNote]) -> None:
    """In its own words."""
    body = msgspec.json.encode({**metadata, "reporting": [], "reporting_agents": []})
    (request,) = CHAT_SESSIONS.plan(DAYS, Scope())

    assert list(CHAT_SESSIONS.decode(body, request, CONTEXT).fields) == notes
    assert list(decode(TOOLS, body).fields) == notes
