"""An outline tells how an answer is built, for whoever describes it, and nothing that is in it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.platforms.json_outline import LONGEST, key, keys, outline

OUTLINES = {
    "fields": ({"data": {"conversations": {"total": 5}}}, "{data: {conversations: {total: integer}}}"),
    "ids": ({"1": 5, "22": 0.5, "23": 6}, "{1: integer, 22: number, … 1 name: integer}"),
    "names": ({"languages": {"de": 5, "en": 7, "x y": None}}, "{languages: {… 2 names: integer, … 1 name: null}}"),
    "list": ([{"language": "de", "count": 5}, {"language": "en", "count": 6}], "[{language: string, count: integer}]"),
    "mixed": ([1, "a", None, True, 0.5], "[integer or string or null or …]"),
    "empty": ({"data": [], "items": {}}, "{data: [], items: {}}"),
    "year": ({"2024": 5}, "{… 1 name: integer}"),
    "kinds": (
        {"A.": 1, "B.": "", "C.": None, "D.": []},
        "{… 1 name: integer, … 1 name: string, … 1 name: null, … 1 other kinds}",
    ),
    "deep": (
        {"data": {"data": {"data": {"data": {"data": {"data": {}}}}}}},
        "{data: {data: {data: {data: {data: {data: …}}}}}}",
    ),
}


@pytest.mark.parametrize(("value", "expected"), OUTLINES.values(), ids=OUTLINES)
def test_an_outline_shows_keys_that_name_fields_and_types(value: object, expected: str) -> None:
    """Other keys are counted."""
    assert outline(value) == expected


KEYS = {
    "fields": ({"data": 1, "perDay": 2}, "The answer has the keys data, perDay."),
    "names": (
        {"data": 1, "Peter": 2, "Paul": 3},
        "The answer has the keys data, … 2 not shown (possibly names).",
    ),
    "none": ({}, "The answer has the keys (none)."),
    "list": ([1], "The answer is [integer]."),
    "number": (5, "The answer is integer."),
}


@pytest.mark.parametrize(("value", "expected"), KEYS.values(), ids=KEYS)
def test_the_topmost_keys_are_named(value: object, expected: str) -> None:
    """So that a mapping can begin there."""
    assert keys(value) == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [("CONVERSATION_COUNT", True), ("conversationCount", True), ("per-day", True), ("greeting", False), ("a b", False)],
)
def test_a_key_is_shown_if_it_names_a_field(text: str, shown: bool) -> None:
    """By the words that it is made of."""
    assert key(text) == (text if shown else "*")


@given(st.dictionaries(st.text(alphabet="qkzjwé9 .", min_size=3), st.integers() | st.text(alphabet="qkzj", min_size=3)))
def test_no_name_and_no_value_gets_through(names: dict[str, int | str]) -> None:
    """Neither as a key nor as a text or a number."""
    told = outline({"data": names}) + keys(names)

    assert not any(name.strip(" .9") and name in told for name in names)
    assert not any(isinstance(value, str) and value in told for value in names.values())


def test_an_outline_is_short() -> None:
    """However large the answer is."""
    words = [{f"value_{'count_' * n}": n} for n in range(10)]
    wide = {f"{'value' * n}Count": words for n in range(1, 2)} | {"count_" * n: words for n in range(1, 11)}

    assert len(outline(msgspec.to_builtins(wide))) <= LONGEST + 1
