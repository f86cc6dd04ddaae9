"""What an undocumented value is: one number, a breakdown, a series; what is not clear is refused, and why is said."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from exporter.platforms.chatcaptain.read_component import Readable, Shape, UnreadableError, read
from exporter.platforms.chatcaptain.statistics_report import LocalDay

DAY = LocalDay(date(2026, 3, 3), ZoneInfo("Europe/Berlin"))
AUTUMN = LocalDay(date(2026, 10, 25), ZoneInfo("Europe/Berlin"))
MIDNIGHT = "2026-03-02T23:00:00.000Z"

WRAPPED: object = {"data": {}}
for _ in range(50):
    WRAPPED = {"data": WRAPPED}

NUMBERS = {
    "number": (5, 5.0),
    "whole-float": (5.0, 5.0),
    "object-with-one-number": ({"value": 5}, 5.0),
    "one-number-among-texts": ({"value": 5, "unit": "n", "new": True}, 5.0),
    "one-number-deeper": ({"conversations": {"total": 5}}, 5.0),
    "wrapped": ({"data": {"result": {"value": 5}}}, 5.0),
    "null-beside-the-number": ({"value": 5, "previous": None}, 5.0),
    "empty-list-beside": ({"value": 5, "series": []}, 5.0),
    "series": ([{"timestamp": MIDNIGHT, "count": 5}], 5.0),
    "series-of-seconds": ([{"t": 1772492400, "n": 5}], 5.0),
    "series-of-milliseconds": ([{"t": 1772492400000, "n": 5}], 5.0),
    "series-of-dates": ([{"date": "2026-03-03", "value": 5, "share": 0.5}], 5.0),
    "series-with-its-end": ([{"from": MIDNIGHT, "to": "2026-03-03T22:59:59.999Z", "value": 5}], 5.0),
    "series-under-times": ({MIDNIGHT: 5}, 5.0),
    "series-of-objects-wrapped": ({"data": [{"time": MIDNIGHT, "total": 5}]}, 5.0),
}


@pytest.mark.parametrize(("value", "expected"), NUMBERS.values(), ids=NUMBERS)
def test_one_number_is_found(value: object, expected: float) -> None:
    """In an object, below a wrapper, or as the only bucket of its day."""
    assert read(value, Shape.COUNT, DAY) == Readable(((None, (expected, None)),))


def test_buckets_of_a_day_of_25_hours_are_added_up() -> None:
    """The last hour is in a second bucket."""
    value = [{"ts": "2026-10-24T22:00:00Z", "n": 5}, {"ts": "2026-10-25T22:00:00Z", "n": 2}]

    assert read(value, Shape.COUNT, AUTUMN) == Readable(((None, (7.0, None)),))


@pytest.mark.parametrize(
    ("value", "figure", "leaf"),
    [
        pytest.param(None, Shape.MEDIAN, (None, None), id="median-null"),
        pytest.param({"value": None}, Shape.MEDIAN, (None, None), id="median-null-in-an-object"),
        pytest.param(0.25, Shape.MEDIAN, (0.25, None), id="median"),
        pytest.param(12.5, Shape.TOTAL, (12.5, None), id="total"),
        pytest.param(12.5, Shape.COUNT, (12.5, "retyped"), id="count-in-parts"),
        pytest.param(-1, Shape.COUNT, (None, "negative"), id="negative"),
        pytest.param(10**400, Shape.COUNT, (None, "retyped"), id="beyond-a-double"),
    ],
)
def test_a_number_is_read_as_it_is_and_null_is_no_median(value: object, figure: Shape, leaf: object) -> None:
    """A day without conversations has none."""
    assert read(value, figure, DAY) == Readable(((None, leaf),))  # type: ignore[arg-type]  # a leaf it is


NO_NUMBER = {
    "text": ("5", "expected a number, got string"),
    "boolean": (True, "expected a number, got boolean"),
    "wrapped-without-end": (WRAPPED, "expected one number, found 2"),
    "two-numbers": ({"value": 5, "previous": 4}, "expected one number, found 2"),
    "two-nulls": ({"value": None, "previous": None}, "expected one number, found 2"),
    "number-and-list": ({"value": 5, "days": [1]}, "expected one number, found 3"),
    "numbers": ([5, 6, 7], "expected one number, got a list that is not one of moments with a number each"),
    "no-moments": (
        [{"name": "de", "n": 5}],
        "expected one number, got a list that is not one of moments with a number each",
    ),
    "moments-unclear": (
        [{"a": MIDNIGHT, "b": MIDNIGHT, "n": 5}],
        "expected one number, got a list that is not one of moments with a number each",
    ),
    "no-number-in-buckets": ([{"ts": MIDNIGHT, "n": "x"}], "there is no number"),
    "unclear-in-buckets": ([{"ts": MIDNIGHT, "new": 5, "old": 6}], "it is unclear which number counts: new, old"),
    "text-in-a-bucket": ({MIDNIGHT: "5"}, "there is no number"),
    "without-an-offset": (
        [{"ts": "2026-03-03T00:00:00", "n": 5}],
        "the start of a bucket is neither ISO 8601 with an offset, nor a date, nor an epoch",
    ),
    "utc-buckets": (
        [{"ts": "2026-03-03T00:00:00Z", "n": 5}],
        "no bucket starts with the asked day in Europe/Berlin; check the source's timezone",
    ),
    "one-moment-in-two-rows": (
        [["2026-03-03", 4], ["2026-03-03", 4]],
        "two buckets start at the same moment; they may be parts or a repetition",
    ),
    "a-day-early": (
        [{"ts": MIDNIGHT, "n": 5}, {"ts": "2026-03-01T23:00:00Z", "n": 5}],
        "no bucket starts with the asked day in Europe/Berlin; check the source's timezone",
    ),
}


@pytest.mark.parametrize(("value", "why"), NO_NUMBER.values(), ids=NO_NUMBER)
def test_what_is_no_clear_number_is_refused(value: object, why: str) -> None:
    """Nothing is guessed; the reason names neither figures nor names."""
    with pytest.raises(UnreadableError) as raised:
        read(value, Shape.COUNT, DAY)
    assert str(raised.value) == why


def test_a_series_of_parts_of_a_day_is_no_median() -> None:
    """Medians of them make no median of it."""
    value = [{"ts": "2026-10-24T22:00:00Z", "n": 5}, {"ts": "2026-10-25T22:00:00Z", "n": 2}]

    with pytest.raises(UnreadableError):
        read(value, Shape.MEDIAN, AUTUMN)


ABSENT: dict[str, tuple[object, tuple[Shape, ...]]] = {
    "null": (None, (Shape.COUNT, Shape.TOTAL, Shape.BREAKDOWN)),
    "null-in-an-object": ({"value": None}, (Shape.COUNT, Shape.TOTAL)),
    "null-data": ({"data": None}, (Shape.COUNT, Shape.TOTAL, Shape.BREAKDOWN)),
    "null-in-a-list": ([None], (Shape.COUNT, Shape.TOTAL)),
    "null-in-a-bucket": ([{"ts": MIDNIGHT, "n": None}], (Shape.COUNT, Shape.TOTAL)),
    "null-in-one-of-two-buckets": ([{"ts": MIDNIGHT, "n": None}, {"ts": MIDNIGHT, "n": 3}], (Shape.COUNT,)),
    "null-under-a-time": ({MIDNIGHT: None}, (Shape.COUNT, Shape.TOTAL)),
    "null-in-the-only-record": ([{"_id": None, "n": None}], (Shape.COUNT, Shape.TOTAL, Shape.BREAKDOWN)),
    "null-now": ({"current": None, "previous": 4}, (Shape.COUNT, Shape.TOTAL)),
    "empty-object": ({}, (Shape.COUNT, Shape.TOTAL, Shape.MEDIAN)),
    "empty-list": ([], (Shape.COUNT, Shape.TOTAL, Shape.MEDIAN)),
    "empty-data": ({"data": {"result": []}}, (Shape.COUNT, Shape.TOTAL, Shape.MEDIAN)),
    "empty-text": ("", tuple(Shape)),
    "empty-table": ({"columns": ["day", "n"], "rows": []}, (Shape.COUNT, Shape.TOTAL, Shape.MEDIAN)),
}


@pytest.mark.parametrize(
    ("value", "figure"),
    [
        pytest.param(value, each, id=f"{name}-{each.value}")
        for name, (value, shapes) in ABSENT.items()
        for each in shapes
    ],
)
def test_what_is_null_or_empty_is_absent(value: object, figure: Shape) -> None:
    """Whether that is a fault is seen from the rest of the day."""
    with pytest.raises(UnreadableError) as raised:
        read(value, figure, DAY)
    assert raised.value.is_absent


MILLISECONDS = 1772492400000
TABLES = {
    "table": ({"columns": ["language", "n"], "rows": [["de", 5], ["en", 7]]}, Shape.BREAKDOWN, {"de": 5.0, "en": 7.0}),
    "table-of-described-columns": (
        {"columns": [{"name": "day"}, {"name": "n"}], "rows": [["2026-03-03", 5]]},
        Shape.COUNT,
        {None: 5.0},
    ),
    "labels": ({"labels": ["de", "en"], "data": [5, 7]}, Shape.BREAKDOWN, {"de": 5.0, "en": 7.0}),
    "labels-and-a-dataset": (
        {"labels": ["de"], "datasets": [{"label": "Conversations", "data": [5]}]},
        Shape.BREAKDOWN,
        {"de": 5.0},
    ),
    "days-as-labels": ({"labels": ["2026-03-03"], "data": [5]}, Shape.COUNT, {None: 5.0}),
    "pairs-of-time": ([[MIDNIGHT, 5]], Shape.COUNT, {None: 5.0}),
    "pairs-of-milliseconds": ([[MILLISECONDS, 5]], Shape.TOTAL, {None: 5.0}),
    "pairs-of-names": ([["de", 5], ["en", 7]], Shape.BREAKDOWN, {"de": 5.0, "en": 7.0}),
    "current": ({"current": 5, "previous": 4}, Shape.COUNT, {None: 5.0}),
    "current-and-the-change": ({"current": 5, "previous": 4, "change": 0.25}, Shape.TOTAL, {None: 5.0}),
    "current-breakdown": ({"current": {"de": 5}, "previous": {"de": 4}}, Shape.BREAKDOWN, {"de": 5.0}),
    "current-median": ({"current": 2.5, "previous": 4}, Shape.MEDIAN, {None: 2.5}),
    "grouped-by-nothing": ([{"_id": None, "count": 5}], Shape.COUNT, {None: 5.0}),
    "grouped": ([{"_id": {"language": "de"}, "count": 5}], Shape.BREAKDOWN, {"de": 5.0}),
    "one-part": ([5], Shape.COUNT, {None: 5.0}),
    "one-part-median": ([2.5], Shape.MEDIAN, {None: 2.5}),
    "hours": ([1] * 24, Shape.COUNT, {None: 24.0}),
}


@pytest.mark.parametrize(("value", "figure", "expected"), TABLES.values(), ids=TABLES)
def test_tables_are_read_and_said_to_be_a_guess(
    value: object, figure: Shape, expected: dict[str | None, float]
) -> None:
    """Where they can mean one thing alone."""
    found = read(value, figure, DAY)

    assert {name: number for name, (number, _) in found.figures} == expected
    assert found.guess


MEDIANS = {
    "under-a-date": {"2026-03-03": 2.5},
    "under-a-time": {MIDNIGHT: 2.5},
    "date": [{"date": "2026-03-03", "value": 2.5}],
    "iso": [{"timestamp": MIDNIGHT, "median": 2.5}],
    "milliseconds": [{"t": MILLISECONDS, "v": 2.5}],
    "seconds": [{"t": MILLISECONDS // 1000, "v": 2.5}],
    "grouped-by-day": [{"_id": "2026-03-03", "median": 2.5}],
}


@pytest.mark.parametrize("value", MEDIANS.values(), ids=MEDIANS)
def test_the_only_bucket_of_a_day_is_its_median(value: object) -> None:
    """As it is its count."""
    assert read(value, Shape.MEDIAN, DAY) == Readable(((None, (2.5, None)),))


UNCLEAR = {
    "rows-of-another-length": ({"columns": ["language", "n"], "rows": [["de"]]}, Shape.BREAKDOWN),
    "labels-of-another-length": ({"labels": ["de"], "data": [5, 7]}, Shape.BREAKDOWN),
    "two-datasets": ({"labels": ["de"], "datasets": [{"data": [5]}, {"data": [7]}]}, Shape.BREAKDOWN),
    "more-lists": ({"labels": ["de"], "data": [5], "shares": [1]}, Shape.BREAKDOWN),
    "hours-of-another-day": ([1] * 23, Shape.COUNT),
    "medians-of-hours": ([1.5] * 24, Shape.MEDIAN),
    "two-groups": ([{"_id": "web", "count": 5}, {"_id": "voice", "count": 7}], Shape.COUNT),
    "percentiles": ({"p50": 0.5, "p90": 0.9}, Shape.MEDIAN),
    "pairs-of-another-day": ([["2026-03-02", 5]], Shape.COUNT),
    "triples": ([["de", 5, 0.5]], Shape.BREAKDOWN),
}


@pytest.mark.parametrize(("value", "figure"), UNCLEAR.values(), ids=UNCLEAR)
def test_tables_that_may_mean_something_else_are_not_read(value: object, figure: Shape) -> None:
    """The operator's mapping is the last word."""
    with pytest.raises(UnreadableError):
        read(value, figure, DAY)


BREAKDOWNS = {
    "object": ({"de": 5, "en": 7}, {"de": 5.0, "en": 7.0}),
    "empty-object": ({}, {}),
    "empty-list": ([], {}),
    "a-year-is-a-name": ({"2024": 5}, {"2024": 5.0}),
    "a-year-is-a-name-in-a-list": ([{"language": "2024", "count": 5}], {"2024": 5.0}),
    "upper-case-number-empty": ({"WEB": 1, "6": 2, "": 3}, {"WEB": 1.0, "6": 2.0, "": 3.0}),
    "one-object": ({"de": {"count": 5}}, {"de": 5.0}),
    "objects": ({"de": {"n": 5, "share": 0.4}, "en": {"n": 7, "share": 0.6}}, {"de": 5.0, "en": 7.0}),
    "called-count": ({"de": {"rank": 1, "count": 5}, "en": {"rank": 2, "count": 7}}, {"de": 5.0, "en": 7.0}),
    "whole-floats-called-count": ([{"x": "de", "hits": 5.0, "share": 0.4}], {"de": 5.0}),
    "list": ([{"language": "de", "n": 5}, {"language": "en", "n": 7}], {"de": 5.0, "en": 7.0}),
    "share-beside": ([{"language": "de", "share": 0.4, "n": 5}], {"de": 5.0}),
    "id-beside": ([{"id": 17, "name": "Hello", "hits": 5}], {"Hello": 5.0}),
    "ids-beside": ([{"intentId": "i1", "name": "Hello", "stepId": 4, "n": 5}], {"Hello": 5.0}),
    "empty-name": ([{"type": "", "count": 5}], {"": 5.0}),
    "wrapped": ({"items": [{"key": "de", "value": 5}]}, {"de": 5.0}),
    "named-like-a-wrapper": ({"data": 5}, {"data": 5.0}),
}


@pytest.mark.parametrize(("value", "expected"), BREAKDOWNS.values(), ids=BREAKDOWNS)
def test_numbers_by_name_are_found(value: object, expected: dict[str, float]) -> None:
    """As an object or a list, with a share or an id beside the count."""
    found = read(value, Shape.BREAKDOWN, DAY)

    assert {name: leaf for name, (leaf, _) in found.figures} == expected


NOT_CLEAR = "expected a breakdown; it is unclear whether the outer or the inner keys are names"
NO_BREAKDOWN = {
    "number": (5, "expected a breakdown, got integer"),
    "one-name-in-a-holder": ({"languages": {"de": 5}}, NOT_CLEAR),
    "one-name-in-one-of-two-holders": ({"languages": {"de": 5}, "scripts": {}}, NOT_CLEAR),
    "fields": (
        {"count": 5, "total": 6},
        "expected a breakdown, got an object whose keys are times or counts, not names",
    ),
    "series": ({MIDNIGHT: 5}, "expected a breakdown, got an object whose keys are times or counts, not names"),
    "series-in-a-list": ([{"ts": MIDNIGHT, "n": 5}], "expected a breakdown, got a list without names"),
    "shares": (
        {"de": 0.5, "en": 0.5},
        "expected a breakdown, got an object whose values are not all whole numbers",
    ),
    "record": (
        {"name": "de", "n": 5},
        "expected a breakdown, got an object whose values are not all whole numbers",
    ),
    "list-of-numbers": ([5], "expected a breakdown, got [integer]"),
    "ambiguous": ([{"name": "de", "new": 5, "old": 6}], "it is unclear which number counts: new, old"),
    "ambiguous-secrets": ([{"name": "de", "Mr. X": 5, "Ms. Y": 6}], "it is unclear which number counts: *"),
    "counts-twice": ({"de": {"count": 5, "total": 6}}, "it is unclear which number counts: count, total"),
    "no-number": ([{"name": "de"}], "there is no number"),
}


@pytest.mark.parametrize(("value", "why"), NO_BREAKDOWN.values(), ids=NO_BREAKDOWN)
def test_what_is_no_clear_breakdown_is_refused(value: object, why: str) -> None:
    """A share is no count, and of two counts none is chosen."""
    with pytest.raises(UnreadableError) as raised:
        read(value, Shape.BREAKDOWN, DAY)
    assert str(raised.value) == why


def test_parts_of_a_breakdown_may_be_missing() -> None:
    """A null, or one without a name among others, is noted."""
    listed = [{"name": "de", "n": 5}, {"name": None, "n": 7}, {"name": "en", "n": None}]
    several = [{"name": "de", "title": "German", "n": 5}, {"name": " ", "title": " ", "n": 5}]

    assert read(listed, Shape.BREAKDOWN, DAY) == Readable(
        (("de", (5.0, None)), ("", (None, "missing")), ("en", (None, "missing")))
    )
    assert read(several, Shape.BREAKDOWN, DAY) == Readable((("de", (5.0, None)), ("", (None, "missing"))))
    assert read({"de": 5, "en": None}, Shape.BREAKDOWN, DAY) == Readable(
        (("de", (5.0, None)), ("en", (None, "missing")))
    )
