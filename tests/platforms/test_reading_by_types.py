"""Reading by types and reading value by value say the same of any answer of Paradigm."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.errors import SchemaError
from exporter.domain.model import Days, Reading
from exporter.domain.scope import Scope
from exporter.platforms import json_values
from exporter.platforms.api import Context, Report
from exporter.platforms.paradigm.alike import AlikeReader
from exporter.platforms.paradigm.platform import REPORTS as OURS
from exporter.platforms.paradigm.report import ARRAYS, ArrayReader, DocumentedReport
from exporter.platforms.paradigm.self_described import DescribedReport
from exporter.platforms.reading_builder import ReadingBuilder
from exporter.simulator.paradigm.reports import REPORTS
from exporter.simulator.paradigm.world import World

DAYS = Days(date(2026, 3, 1), date(2026, 3, 3))
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
ODD: tuple[object, ...] = (
    *(None, True, 0, -1, -0.0, 12.0, 12.5, 1e300, 2**53, 2**53 + 1, 2**70, "", "  ", "17", "a\x00b", "\ud800"),
    *([], {}, [[]], [None], {"id": 1}, "2026-03-02", "2026-02-01", "2026-03-04", "2026-03-02T23:59:60Z"),
    *("2026-03-02T12:00:00Z", "2026-03-02T12:00:00.9999999+01:00", "2026-03-02T12:00:00"),
)
"""Values that some field may have, be they right, wrong, or readable and wrong."""


@cache
def simulated(name: str) -> str:
    world = World.from_seed(3, 3)
    return json.dumps(REPORTS[name].answer(world, world.companies, world.views(DAYS.first, DAYS.last, NOON)))


def places(value: object) -> Iterator[tuple[dict[str, object] | list[object], str | int]]:
    """Yields every place in a JSON value, as what holds it and its key there."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield value, key  # type: ignore[misc]  # it is a dict or list
        yield from places(each)


def read(report: Report, body: bytes, *, by_types: bool) -> Reading | str:
    """Reads an answer; a list that is parsed already has no types to be read by."""
    context = Context("s", DAYS.last, ZoneInfo("UTC"))
    root = json_values.opened(body, ARRAYS) if by_types else json_values.parse(body)
    assert isinstance(root, dict)
    try:
        if isinstance(report, DescribedReport):
            return report.read(root, report.plan(DAYS, Scope())[0], context)
        assert isinstance(report, DocumentedReport)
        rows = ReadingBuilder(DAYS, context)
        for array in report.arrays:
            if array.key in root:
                ArrayReader(array, rows).read(root[array.key])
        return rows.reading(frozenset(), ())
    except SchemaError as error:
        return str(error)


@pytest.mark.parametrize("name", OURS)
@given(data=st.data())
def test_both_ways_of_reading_agree(name: str, data: st.DataObject) -> None:
    """Whatever is replaced, left out, added or said twice, in however many places."""
    report, root = OURS[name], json.loads(simulated(name))
    for _ in range(data.draw(st.integers(0, 3))):
        holder, key = data.draw(st.sampled_from(list(places(root)) or [(root, "")]))
        change = data.draw(st.sampled_from(("replace", "remove", "add", "repeat")))
        odd = copy.deepcopy(data.draw(st.sampled_from(ODD)))
        if change == "replace":
            holder[key] = odd
        elif isinstance(holder, dict):
            holder.pop(str(key), None) if change == "remove" else holder.update(new=odd)
        elif isinstance(key, int):
            holder.pop(key) if change == "remove" else holder.insert(key, copy.deepcopy(holder[key]))
    body = json.dumps(root).encode()

    assert read(report, body, by_types=True) == read(report, body, by_types=False)


@pytest.mark.parametrize("name", OURS)
def test_what_is_as_expected_is_read_by_types(name: str) -> None:
    """So that the law above has two ways to compare."""
    report, root = OURS[name], json_values.opened(simulated(name).encode(), ARRAYS)
    assert isinstance(root, dict)
    if isinstance(report, DescribedReport):
        rows = ReadingBuilder(DAYS, Context("s", DAYS.last, ZoneInfo("UTC")))
        AlikeReader(report.measure, report.likely, rows).read(root)
        assert rows.as_columns
    else:
        for array in report.arrays:
            assert not any(isinstance(entry, dict) for entry in root[array.key].by(array.decoder))
