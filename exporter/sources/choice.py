"""Which of the figures that an answer describes is the one that a report is after; guesses nothing."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from exporter.sources.described import LIST, NAMES, OBJECT, ROW, Place, Survey


class Wanted(NamedTuple):
    """What to look for: the likely names, best first, and whether each item of a list counts on its own.

    If it does, the only number that items have is taken whatever its name; if not, a number of the day, or else the
    number of different people in a list of people.
    """

    names: tuple[str, ...]
    of_items: bool


class Choice(NamedTuple):
    """The place in a row that is read, whether the people listed there are counted instead, and why it was chosen."""

    place: Place
    people: bool
    why: str


class Complaint(NamedTuple):
    """Why nothing was chosen."""

    words: str


def choose(found: Survey, wanted: Wanted) -> Choice | Complaint:
    """Chooses among the figures that were found."""
    places = _places(found, wanted)
    if wanted.of_items and len(places) == 1:
        return Choice(next(iter(places)), False, "the only described number of items")
    for name in wanted.names:
        named = [place for place, field in places.items() if field == name]
        if len(named) > 1:
            return _ambiguous(named)
        if named:
            return Choice(named[0], False, f"described as {name}")
    lists = set() if wanted.of_items else {name for sight in found.sights.values() for name in sight.people}
    people = [Place(name, LIST, "") for name in lists]
    if len(people) == 1:
        return Choice(people[0], True, "the number of different people listed there")
    return _ambiguous([*people, *places])


def _places(found: Survey, wanted: Wanted) -> Mapping[Place, str]:
    """Returns the field of each place of a figure; places without one readable number only if there are no others."""
    shapes = (LIST, NAMES) if wanted.of_items else (ROW, OBJECT)
    figures = [figure for sight in found.sights.values() for figure in sight.figures if figure.place.shape in shapes]
    readable = {figure.place: figure.field for figure in figures if figure.value is not None}
    return readable or {figure.place: figure.field for figure in figures}


def _ambiguous(places: Sequence[Place]) -> Complaint:
    if not places:
        return Complaint("no described figure found")
    return Complaint(f"described figures found, but none is clearly the one: {', '.join(sorted(map(str, places)))}")
