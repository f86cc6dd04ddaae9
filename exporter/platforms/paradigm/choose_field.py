"""Chooses the figure of a report among those that an answer describes; never guesses."""

from collections.abc import Collection, Sequence

from exporter.platforms.paradigm.survey import LIST, NAMES, OBJECT, PEOPLE, ROW, FieldSurvey, Place


class UnclearError(Exception):
    """No described figure is clearly the one."""

    def __init__(self, places: Collection[Place]) -> None:
        listed = ", ".join(sorted(map(str, places)))
        super().__init__(
            f"described figures found, but none is clearly the one: {listed}" if places else "no described figure found"
        )


def choose(found: FieldSurvey, likely: Sequence[str], *, of_items: bool) -> tuple[Place, str]:
    """Returns the place of the figure in a row, and why it was chosen; raises UnclearError.

    Looks for `likely` names, best first. For figures `of_items` of a list the only number of the items is taken,
    whatever its name; else a number of the day, or the number of different people in a list.
    """
    shapes = (LIST, NAMES) if of_items else (ROW, OBJECT)
    all_figures = [figure for row in found.seen.values() for figure in row.figures if figure.place.shape in shapes]
    figures = [figure for figure in all_figures if not figure.is_guess] or all_figures
    readable = {figure.place for figure in figures if figure.value is not None}
    if of_items and len(readable) == 1:
        return readable.pop(), "the only described number of items"
    for name in likely:
        named = {figure.place for figure in figures if figure.field == name}
        if len(named) == 1:
            return named.pop(), f"described as {name}"
        if named:
            raise UnclearError(named)
    lists = set() if of_items else {Place(name, PEOPLE, "") for row in found.seen.values() for name in row.people}
    if len(lists) == 1:
        return lists.pop(), "the number of different people listed there"
    raise UnclearError(readable | lists)
