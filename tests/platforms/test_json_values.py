"""What a single JSON value is read as; whole answers are in the cases beside this file."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.errors import NotJsonError
from exporter.platforms import json_outline, json_values


@pytest.mark.parametrize(
    ("value", "identity", "flaw"),
    [
        (17, "17", None),
        (0, "0", None),
        (-4, "-4", None),
        (2**70, "1180591620717411303424", None),
        ("17", "17", "retyped"),
        ("a\x00b", "a\ufffdb", "retyped"),
        (17.0, "17", "retyped"),
        (17.5, None, "missing"),
        (1e300, None, "missing"),
        (True, None, "missing"),
        ("  ", None, "missing"),
        (None, None, "missing"),
        ([17], None, "missing"),
    ],
)
def test_ids(value: object, identity: str | None, flaw: str | None) -> None:
    """Every digit stays; what is no id at all leaves the entry out."""
    assert (identity, flaw) == json_values.identity(value)


@pytest.mark.parametrize(
    ("value", "seconds", "flaw"),
    [
        ("2026-03-02T17:41:09Z", 1772473269.0, None),
        ("2026-03-02T18:41:09+01:00", 1772473269.0, None),
        ("2026-03-02T17:41:09.250Z", 1772473269.25, None),
        ("2026-03-02T17:41:09", None, "retyped"),
        ("2026-03-02", None, "retyped"),
        ("soon", None, "retyped"),
        (1772473269, None, "retyped"),
        (None, None, "missing"),
    ],
)
def test_moments(value: object, seconds: float | None, flaw: str | None) -> None:
    """Without an offset it names no moment."""
    assert (seconds, flaw) == json_values.moment(value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"b": 1, "a": 2}, "an object with the keys a, b"),
        ({"Jane Doe": 1, "\x1b[2J": 2, "id": 3}, "an object with the keys *, id"),
        ({}, "{}"),
        ([1], "[integer]"),
        ("secret", "string"),
        (12.5, "number"),
        (True, "boolean"),
        (None, "null"),
    ],
)
def test_an_outline_says_what_came_and_not_what_is_in_it(value: object, words: str) -> None:
    """It goes into messages, where no data belong."""
    assert words == json_outline.summary(value)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        pytest.param(rb'"\ud83d\ude00"', "\U0001f600", id="a-pair"),
        pytest.param(rb'"\ud83d"', "\ufffd", id="a-high-half"),
        pytest.param(rb'"\ude00\ud83d"', "\ufffd\ufffd", id="both-halves-in-the-wrong-order"),
        pytest.param(rb'"\ud83d\n\ude00"', "\ufffd\n\ufffd", id="halves-apart"),
        pytest.param(rb'"\\ud83d"', r"\ud83d", id="no-escape-at-all"),
        pytest.param(rb'"\\\ud83d"', "\\\ufffd", id="after-an-escaped-backslash"),
        pytest.param(b'{"a": 1e999}', {"a": float("inf")}, id="beyond-a-double"),
    ],
)
def test_json_that_is_a_little_wrong_is_read(body: bytes, value: object) -> None:
    """Half a character, or a number too large, must not cost a whole answer."""
    assert value == json_values.parse(body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b'{"a": 1', "not JSON"),
        (b'{"a": -Infinity}', "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (rb'["\ud800", ' + b"[" * 100_000, "nested too deeply"),
    ],
    ids=["empty", "cut-short", "infinity", "no-utf-8", "nested", "nested-after-half-a-character"],
)
def test_what_is_no_json_says_why(body: bytes, reason: str) -> None:
    """In one line, without a piece of it."""
    with pytest.raises(NotJsonError, match=reason):
        json_values.parse(body)


jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("a", "b", "c")), inner, max_size=3),
    max_leaves=10,
)


def whole(value: object) -> object:
    """Reads what is left to be read."""
    if isinstance(value, dict):
        return {key: list(found) if isinstance(found, json_values.Listed) else found for key, found in value.items()}
    return value


@given(jsons, st.sampled_from((b"", b"\xef\xbb\xbf")))
def test_an_opened_answer_says_what_a_parsed_one_says(value: object, mark: bytes) -> None:
    """Whatever stands there, and however often it is read."""
    body = mark + json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")

    opened = json_values.opened(body, {"a", "b"})

    assert json_values.parse(body) == whole(opened)
    assert json_values.parse(body) == whole(opened)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        pytest.param(rb'{"a": ["\ud83d", 1e999, {"b": "\udc00"}]}', ["\ufffd", math.inf, {"b": "\ufffd"}], id="odd"),
        pytest.param(b'{"a": [1], "a": [2]}', [2], id="key-twice"),
        pytest.param(b' { "a" : [ 1 , [ ] ] } ', [1, []], id="white-space"),
    ],
)
def test_items_are_read_as_leniently_as_answers(body: bytes, value: object) -> None:
    """Half a character in one company's name costs nobody's figures."""
    assert {"a": value} == whole(json_values.opened(body, {"a"}))


@pytest.mark.parametrize("body", [b'{"a": ["\xff"]}', b'{"a": [1', b'{"a": [1,]}', b'{"a":' + b"[" * 100_000])
def test_what_is_no_json_is_refused_when_it_is_read(body: bytes) -> None:
    """At once, or where the item is come to."""
    with pytest.raises(NotJsonError):
        whole(json_values.opened(body, {"a"}))
