"""Every shape that ChatCaptain's answers may have gives the same figures, windows, baselines and limits.

Each exposition is compared with that of the unchanged simulated platform, which
tests/pipeline/test_chatcaptain.py holds against the platform's own truth.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import NamedTuple

import anyio
import httpx
import pytest

from exporter.domain.clock import Clock
from exporter.platforms.chatcaptain.platform import PLATFORM
from exporter.platforms.chatcaptain.read_component import Shape as Component
from exporter.polling.probe import Content, LastCodes, probe
from tests.pipeline.pipeline import Pipeline
from tests.pipeline.test_chatcaptain import NOON, UTC_ZONE, Platform
from tests.pipeline.test_partial_answers import (
    MONDAY,
    REPORTED,
    UNREAD,
    Change,
    FaultyTransport,
    Page,
    answering,
    of_use,
    quiet_sunday,
    report_of,
    simulate,
    target_of,
    value_of,
)

REPORTS = tuple(REPORTED)
Number = int | float | None
Numbers = Mapping[str, int]


class Moment(NamedTuple):
    """Start of the requested day in several notations."""

    iso: str

    @property
    def date(self) -> str:
        return self.iso[:10]

    @property
    def seconds(self) -> int:
        return int(datetime.fromisoformat(self.iso).timestamp())


class Shape(NamedTuple):
    """How a number and numbers by name are written, and whether the meaning is inferred."""

    number: Callable[[Number, Moment], object]
    numbers: Callable[[Numbers], object] = dict
    is_guess: bool = True

    def means(self, figure: Component) -> bool:
        """Returns whether a component of this kind is written in another way than usual."""
        return figure is not Component.BREAKDOWN or self.numbers is not dict


def hours(number: Number, _: Moment) -> object:
    """Writes a count by hour; a median has none."""
    return [number // 24] * 23 + [number - number // 24 * 23] if isinstance(number, int) else [number]


SHAPES: Mapping[str, Shape] = {
    "columns-and-rows": Shape(
        lambda n, at: {"columns": ["day", "n"], "rows": [[at.date, n]]},
        lambda by_name: {"columns": ["name", "n"], "rows": [[*each] for each in by_name.items()]},
    ),
    "labels-and-data": Shape(
        lambda n, at: {"labels": [at.date], "data": [n]},
        lambda by_name: {"labels": list(by_name), "data": list(by_name.values())},
    ),
    "pairs": Shape(lambda n, at: [[at.iso, n]], lambda by_name: [[*each] for each in by_name.items()]),
    "pairs-of-an-epoch": Shape(lambda n, at: [[at.seconds * 1000, n]]),
    "current-and-previous": Shape(
        lambda n, _: {"current": n, "previous": 4}, lambda by_name: {"current": by_name, "previous": {"fr": 4}}
    ),
    "grouped": Shape(
        lambda n, _: [{"_id": None, "count": n}],
        lambda by_name: [{"_id": {"name": name}, "count": n} for name, n in by_name.items()],
    ),
    "grouped-by-day": Shape(
        lambda n, at: [{"_id": at.date, "count": n}],
        lambda by_name: [{"_id": name, "count": n} for name, n in by_name.items()],
        is_guess=False,
    ),
    "array-of-the-day": Shape(lambda n, _: [n]),
    "array-of-its-hours": Shape(hours),
    "under-a-date": Shape(lambda n, at: {at.date: n}, is_guess=False),
    "date": Shape(lambda n, at: [{"date": at.date, "n": n}], is_guess=False),
    "epoch": Shape(lambda n, at: [{"t": at.seconds, "n": n}], is_guess=False),
    "iso": Shape(lambda n, at: [{"timestamp": at.iso, "n": n}], is_guess=False),
}


def written(shape: Shape, request: httpx.Request, document: object) -> object:
    """Writes all components of a response in a shape; one day is quiet."""
    document = quiet_sunday(request, document)
    if report_of(request) not in REPORTS or not isinstance(document, dict):
        return document
    at = Moment(request.url.params["from"])
    return {
        "data": {
            name: shape.numbers(value) if isinstance(value, dict) else shape.number(value, at)
            for name, value in document["data"].items()
        }
    }


@pytest.fixture(scope="module")
def without_faults() -> tuple[Page, Page]:
    """Returns the samples of the unchanged platform."""
    return anyio.run(partial(simulate, REPORTS, FaultyTransport(change=quiet_sunday), begin=MONDAY))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_shape_changes_no_figure(shape: Shape, without_faults: tuple[Page, Page]) -> None:
    """Counts, totals, medians and breakdowns, also on a quiet day; nothing is unread."""
    pages = anyio.run(partial(simulate, REPORTS, FaultyTransport(change=partial(written, shape)), begin=MONDAY))

    for page, expected in zip(pages, without_faults, strict=True):
        assert of_use(page) == of_use(expected)
        assert not [series for series in page if series.name == UNREAD]
        assert value_of(page, "chat_usage_report_up") == 1.0
    assert {s.name.rpartition("_")[2] for s in of_use(pages[1])} >= {"28d", "7d", "day", "today", "baseline", "limit"}


async def probed(change: Change) -> Mapping[str, Content]:
    """Returns the result of a probe by report."""
    platform = Platform.of(UTC_ZONE, NOON, channels=2)
    transport, target = FaultyTransport(platform.transport, change), target_of(platform, REPORTS)
    async with Pipeline(
        transport, platform.clock, platform.bots.chatbots[0].key, target, platform=PLATFORM
    ) as pipeline:
        clock = Clock(platform.clock.now, platform.clock.seconds)
        findings = [
            await probe(target, report, pipeline.client, LastCodes(), pipeline.worker, clock)
            for report in target.reports
        ]
    return {each.report: each.content for each in findings if each.content is not None}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_probe_names_inferred_components(shape: Shape) -> None:
    """Each of them and no others."""
    for report, found in anyio.run(probed, partial(written, shape)).items():
        guesses = " ".join(note for note in found.notes if note.startswith("a guess"))
        named = {each.name for each in REPORTED[report].components if f"{each.name}:" in guesses}
        guessed = {each.name for each in REPORTED[report].components if shape.is_guess and shape.means(each.figure)}
        assert named == guessed
        assert not [note for note in found.notes if note.startswith("cannot be read")]


def test_a_probe_lists_unreadable_components_by_keys_and_types() -> None:
    """Once for all days, without figures and without keys that may be names."""
    found = anyio.run(probed, answering("INTENT_SCORE_MEDIAN", lambda _: {"p50": 0.25, "p90": 0.75}))

    (note,) = (note for note in found["overview"].notes if note.startswith("cannot be read"))
    outline = "{data: {INTENT_SCORE_MEDIAN: {… 2 names: number}}}"
    assert note == f"cannot be read: INTENT_SCORE_MEDIAN; where the answer is {outline}"
