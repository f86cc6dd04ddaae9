"""Makes one line of each problem: where the value was set, which option it is, what is wrong and how to mend it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from exporter.settings.environment import is_name
from exporter.settings.readers import Loc, OptionError, shown
from exporter.settings.yaml_file import Document

_LAST = 2**31
"""More lines than a file has: what the environment set is sorted after what the file set."""
_PLAIN = {"missing": "is missing; add it", "tuple_type": 'expected a list of entries, each below a "-"'}


class Mistake(NamedTuple):
    """What is wrong with the value at a place, or with it and another one that it does not fit."""

    loc: Loc
    message: str
    other: Loc = ()


def found(error: ValidationError) -> Iterator[Mistake]:
    """Yields what validation found, without any value that the message does not quote itself."""
    for detail in error.errors(include_url=False, include_input=False):
        loc, reason = detail["loc"], detail.get("ctx", {}).get("error")
        if isinstance(reason, OptionError):
            yield Mistake((*loc, *reason.inside), str(reason), (*loc[:-1], *reason.beside) if reason.beside else ())
        elif isinstance(reason, ValueError):
            yield Mistake(loc, str(reason))
        else:
            yield Mistake(loc, _PLAIN.get(detail["type"], "expected options of its own, one per line below it"))


def lines(problems: Sequence[Mistake], document: Document, variables: Mapping[Loc, str]) -> list[str]:
    """Returns a line for each problem, in the order of the file, those of the environment after them."""
    placed = [(*_place(problem, document, variables), problem) for problem in problems]
    placed.sort(key=lambda entry: (entry[0], entry[1]))
    return [f"{place}: {_option(problem.loc)}: {problem.message}" for _, place, problem in placed]


def _place(problem: Mistake, document: Document, variables: Mapping[Loc, str]) -> tuple[int, str]:
    around = (problem.loc[:depth] for depth in range(len(problem.loc) - 1, 0, -1))
    ways = (problem.loc, *([problem.other] if problem.other else []), *around)
    return next(place for way in ways for place in _places(way, document, variables))


def _places(way: Loc, document: Document, variables: Mapping[Loc, str]) -> Iterator[tuple[int, str]]:
    """Yields the places of an option: its variable, its line, and the variables that set something inside it."""
    if way in variables:
        yield _LAST, variables[way]
    if way in document.lines:
        yield document.lines[way], f"{document.name}:{document.lines[way]}"
    yield from ((_LAST, name) for loc, name in variables.items() if loc[: len(way)] == way)


def _option(loc: Loc) -> str:
    """Names the option; of the words in it only names of sources and calendars, and options, are sure to be shown."""
    return ".".join(_word(part, depth) for depth, part in enumerate(loc))


def _word(part: str | int, depth: int) -> str:
    if isinstance(part, int):
        return str(part + 1)
    return part if depth == 1 and is_name(part) else shown(part)
