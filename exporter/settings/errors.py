"""Makes one line of each problem: where the value is set, which option it is, what is wrong and how to fix it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from exporter.settings.environment import is_name
from exporter.settings.readers import Loc, OptionError, shown
from exporter.settings.yaml_file import Document

_LAST = 2**31
"""Sorts the environment's problems after those of the file."""
_PLAIN = {"missing": "is missing; add it", "tuple_type": 'expected a list of entries, each below a "-"'}


class Mistake(NamedTuple):
    """A problem with the value at `loc`, or with it and the `other` one that it does not fit."""

    loc: Loc
    message: str
    other: Loc = ()


def found(error: ValidationError) -> Iterator[Mistake]:
    """Yields validation errors without any value that the message does not quote itself."""
    for detail in error.errors(include_url=False, include_input=False):
        loc = tuple(each for each in detail["loc"] if each != "[key]")  # it is the name that is wrong
        reason = detail.get("ctx", {}).get("error")
        if isinstance(reason, OptionError):
            yield Mistake((*loc, *reason.inside), str(reason), (*loc[:-1], *reason.beside) if reason.beside else ())
        elif isinstance(reason, ValueError):
            yield Mistake(loc, str(reason))
        else:
            yield Mistake(loc, _PLAIN.get(detail["type"], "expected options of its own, one per line below it"))


def lines(problems: Sequence[Mistake], document: Document, variables: Mapping[Loc, str]) -> list[str]:
    """Returns a line for each problem, in the order of the file, then of the environment."""
    placed = [(*_place(problem, document, variables), problem) for problem in problems]
    placed.sort(key=lambda entry: (entry[0], entry[1]))
    return [f"{place}: {_option(problem.loc)}: {problem.message}" for _, place, problem in placed]


def _place(problem: Mistake, document: Document, variables: Mapping[Loc, str]) -> tuple[int, str]:
    around = (problem.loc[:depth] for depth in range(len(problem.loc) - 1, 0, -1))
    ways = (problem.loc, *([problem.other] if problem.other else []), *around)
    places = (place for way in ways for place in _places(way, document, variables))
    return next(places, (0, document.name))  # something is missing in a file that has nothing around it


def _places(way: Loc, document: Document, variables: Mapping[Loc, str]) -> Iterator[tuple[int, str]]:
    """Yields the places of an option: its variable, its line, and variables that set something inside it."""
    if way in variables:
        yield _LAST, variables[way]
    if way in document.lines:
        yield document.lines[way], f"{document.name}:{document.lines[way]}"
    yield from ((_LAST, name) for loc, name in variables.items() if loc[: len(way)] == way)


def _option(loc: Loc) -> str:
    """Names the option; apart from source and calendar names, only harmless words are shown."""
    return ".".join(
        str(part + 1) if isinstance(part, int) else part if depth == 1 and is_name(part) else shown(part)
        for depth, part in enumerate(loc)
    )
