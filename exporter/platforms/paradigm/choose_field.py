"""Chooses the figure of a report among those that an answer describes; never guesses."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from exporter.platforms.paradigm.survey import LIST, NAMES, OBJECT, PEOPLE, ROW, DescribedFigure, FieldSurvey, Place


class Wanted(NamedTuple):
    """What to look for: likely names, best first, and whether the figures are those `of_items` of a list.

    If so, the only number of the items is taken, whatever its name; if not, a number of the day, or else the number
    of different people in a list.
    """

    names: tuple[str, ...]
    of_items: bool


class Choice(NamedTuple):
    """The chosen place in a row, and why it was chosen."""

    place: Place
    why: str


class NoChoice(NamedTuple):
    """Why nothing was chosen."""

    words: str


def choose(found: FieldSurvey, wanted: Wanted) -> Choice | NoChoice:
    figures = _figures(found, wanted)
    readable = {figure.place for figure in figures if figure.value is not None}
    if wanted.of_items and len(readable) == 1:
        return Choice(readable.pop(), "the only described number of items")
    for name in wanted.names:
        named = {figure.place for figure in figures if figure.field == name}
        if len(named) == 1:
            return Choice(named.pop(), f"described as {name}")
        if named:
            return _ambiguous(named)
    lists = set() if wanted.of_items else {name for row in found.seen.values() for name in row.people}
    if len(lists) == 1:
        return Choice(Place(lists.pop(), PEOPLE, ""), "the number of different people listed there")
    return _ambiguous(readable | {Place(name, PEOPLE, "") for name in lists})


def _figures(found: FieldSurvey, wanted: Wanted) -> Sequence[DescribedFigure]:
    """Returns the figures of the wanted shapes; guessed ones only if there are no others."""
    shapes = (LIST, NAMES) if wanted.of_items else (ROW, OBJECT)
    figures = [figure for row in found.seen.values() for figure in row.figures if figure.place.shape in shapes]
    return [figure for figure in figures if not figure.is_guess] or figures


def _ambiguous(places: Collection[Place]) -> NoChoice:
    if not places:
        return NoChoice("no described figure found")
    return NoChoice(f"described figures found, but none is clearly the one: {', '.join(sorted(map(str, places)))}")
