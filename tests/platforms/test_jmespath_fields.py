"""An operator's expressions find figures wherever they stand, and say which one of them finds nothing."""

from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

import msgspec
import pytest

from exporter.domain.errors import SchemaError
from exporter.domain.model import READ_COMPLETELY, Column, Days, FieldNote, Reading
from exporter.domain.scope import Scope
from exporter.platforms.api import Context, Fields, Override
from exporter.platforms.jmespath_fields import Search, expression
from exporter.platforms.paradigm.platform import PLATFORM

DAYS = Days(date(2026, 3, 1), date(2026, 3, 3))
CONTEXT = Context("production", DAYS.last, ZoneInfo("UTC"))
TOOLS = {
    "entries": "data.customers",
    "company_id": "id",
    "company": "title",
    "days": "history",
    "date": "on",
    "items": "usage",
    "label": "what",
    "value": "n",
}
MEMBERS = {"entries": "data", "company_id": "id", "company": "title", "value": "seats.used"}
PEOPLE = {
    "entries": "data",
    "company_id": "id",
    "company": "title",
    "days": "days",
    "date": "on",
    "value": "length(who)",
}


def read(report: str, expressions: Mapping[str, str], answer: object) -> Reading:
    """Reads an answer by expressions."""
    fields = Fields(**{name: expression(text) for name, text in {"date": "date", **expressions}.items()})
    configured = PLATFORM.configured(report, Override(fields=fields))
    (request,) = configured.plan(DAYS, Scope())
    reading = configured.decode(msgspec.json.encode(answer), request, CONTEXT)
    assert isinstance(reading, Reading)
    return reading


def customers(*days: object) -> Mapping[str, object]:
    """Returns an answer in a shape of its own with one customer."""
    return {"data": {"customers": [{"id": 17, "title": "Northwind", "history": list(days)}]}}


def day(*usage: object, on: object = "2026-03-02") -> Mapping[str, object]:
    """Returns one day of it."""
    return {"on": on, "usage": list(usage)}


MARKER = Column("paradigm_tool_uses")


def figures(reading: Reading) -> Mapping[tuple[str, date, tuple[str, ...]], float]:
    """Returns the figures by company, day and label, without read markers."""
    return {
        (row.company_id, row.day, column.label_values): value
        for row in reading.rows
        for column, value in row.figures.items()
        if column != MARKER
    }


def test_items_are_counted_by_label() -> None:
    """Equal ones are added up; a number can be a label."""
    answer = customers(
        day({"what": "Code", "n": 3}, {"what": "Code", "n": 4}, {"what": 5, "n": 1}), day(on="2026-03-03")
    )

    reading = read("tools", TOOLS, answer)

    on = date(2026, 3, 2)
    assert figures(reading) == {("17", on, ("Code",)): 7.0, ("17", on, ("5",)): 1.0}
    assert [row.figures[MARKER] for row in reading.rows] == [READ_COMPLETELY, READ_COMPLETELY]
    assert reading.names == {"17": "Northwind"}
    assert [row.day for row in reading.rows] == [on, date(2026, 3, 3)]
    assert (reading.drift, reading.violations, reading.outside_range) == ({}, {}, 0)


def test_levels_are_filed_under_the_last_asked_day() -> None:
    """Without `days` an entry is one row of now."""
    reading = read("user-activities", MEMBERS, {"data": [{"id": 17, "title": "Northwind", "seats": {"used": 9}}]})

    assert figures(reading) == {("17", DAYS.last, ()): 9.0}


def test_an_expression_may_compute() -> None:
    """A function that is given what it does not take finds nothing there."""
    days = [{"on": "2026-03-01", "who": ["a", "b"]}, {"on": "2026-03-02"}]
    reading = read("user-activities", PEOPLE, {"data": [{"id": 17, "title": "Northwind", "days": days}]})

    assert figures(reading) == {("17", date(2026, 3, 1), ()): 2.0}
    assert reading.drift == {"missing": {"fields.value"}}


def test_items_without_a_label_are_added_up() -> None:
    """One figure per company and day."""
    people = {**PEOPLE, "items": "teams", "value": "n"}
    days = [{"on": "2026-03-01", "teams": [{"n": 2}, {"n": 3}]}]
    reading = read("user-activities", people, {"data": [{"id": 17, "title": "Northwind", "days": days}]})

    assert figures(reading) == {("17", date(2026, 3, 1), ()): 5.0}


ODD = {
    "label missing": (day({"n": 3}, {"what": "Code", "n": 4}), {"missing": {"fields.label"}}),
    "label blank": (day({"what": " ", "n": 3}, {"what": "Code", "n": 4}), {"retyped": {"fields.label"}}),
    "label retyped": (day({"what": ["x"], "n": 3}, {"what": "Code", "n": 4}), {"retyped": {"fields.label"}}),
    "number as text": (day({"what": "x", "n": "3"}, {"what": "Code", "n": 4}), {"retyped": {"fields.value"}}),
    "date malformed": (day({"what": "x", "n": 3}, on="02/03/2026"), {"retyped": {"fields.date"}}),
    "items missing": ({"on": "2026-03-01"}, {"missing": {"fields.items"}}),
    "items retyped": ({"on": "2026-03-01", "usage": 7}, {"retyped": {"fields.items"}}),
}


@pytest.mark.parametrize(("row", "drift"), ODD.values(), ids=ODD)
def test_what_is_odd_is_left_out_and_its_neighbours_count(row: object, drift: Mapping[str, set[str]]) -> None:
    """The option says where it was looked for."""
    reading = read("tools", TOOLS, customers(row, day({"what": "Code", "n": 4}, on="2026-03-03")))

    assert figures(reading)["17", date(2026, 3, 3), ("Code",)] == 4.0
    assert reading.drift == drift


def test_a_company_without_days_or_id_is_left_out() -> None:
    """The others count."""
    answer = customers(day({"what": "Code", "n": 4}))
    entries = [
        *msgspec.json.decode(msgspec.json.encode(answer))["data"]["customers"],
        {"title": "x"},
        {"id": 1, "history": 7},
    ]

    reading = read("tools", TOOLS, {"data": {"customers": entries}})

    assert figures(reading) == {("17", date(2026, 3, 2), ("Code",)): 4.0}
    assert reading.drift == {"missing": {"fields.company_id", "fields.company"}, "retyped": {"fields.days"}}


@pytest.mark.parametrize("option", TOOLS)
def test_an_expression_that_finds_nothing_is_named(option: str) -> None:
    """With what the answer holds, and the option to mend; no figure and no name of it."""
    with pytest.raises(SchemaError) as caught:
        read("tools", {**TOOLS, option: "nowhere"}, customers(day({"what": "Code", "n": 4})))

    message = str(caught.value)
    assert message.startswith(f'production/tools: fields.{option} ("nowhere") finds nothing. metadata is absent. ')
    assert "Numbers found at: data.customers[].history[].usage[].n. " in message
    assert f"Remedy: set sources.production.overrides.tools.fields.{option} " in message
    assert "(see docs/development/platform-apis.md" in message
    assert "Northwind" not in message


@pytest.mark.parametrize(
    "answer", [{"data": {"customers": []}}, customers(), customers(day())], ids=["companies", "days", "items"]
)
def test_an_empty_list_is_a_valid_answer(answer: object) -> None:
    """Nothing was there to be found."""
    assert not figures(read("tools", TOOLS, answer))


def test_notes_on_fields_are_read_beside_the_expressions() -> None:
    """They are the platform's own words."""
    metadata = {"n": {"unit": "uses", "description": "Uses"}}
    answer = {**customers(day({"what": "Code", "n": 4})), "metadata": metadata}

    assert read("tools", TOOLS, answer).fields == (FieldNote("n", "uses", "Uses"),)


def test_an_answer_that_is_no_object_holds_nothing() -> None:
    """JSON it is, but there is nothing to search in."""
    with pytest.raises(SchemaError, match=r"finds nothing\. The answer is \[integer\]\. Remedy"):
        read("tools", TOOLS, [1])


def test_text_in_backticks_without_quotes_is_still_read() -> None:
    """JMESPath had it once, and warns of it."""
    assert Search().find(expression("a || `none`"), {}) == "none"
