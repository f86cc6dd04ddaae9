"""Makes one line of each problem: where the value was set, which option it is, what is wrong and how to mend it."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from exporter.settings.document import Document
from exporter.settings.options import group_at, group_of, walk
from exporter.settings.words import Loc, MisfitError, is_name, quoted, remedy, shown

KNOWN = frozenset(part for way, _ in walk() for part in way)
"""Every word that is an option's name somewhere: never a secret."""

_LAST = 2**31
"""More lines than a file has: what the environment set comes after what the file set."""


class Problem(NamedTuple):
    """What is wrong with the value at a place, or with it and another one that it does not fit."""

    loc: Loc
    message: str
    other: Loc = ()


def found(error: ValidationError) -> Iterator[Problem]:
    """Yields what validation found, without any value that the message does not quote itself."""
    for detail in error.errors(include_url=False, include_input=False):
        yield _problem(detail)


def lines(problems: list[Problem], document: Document, variables: Mapping[Loc, str]) -> list[str]:
    """Returns a line for each problem, in the order of the file, those of the environment after them."""
    placed = [(*_place(problem, document, variables), problem) for problem in problems]
    placed.sort(key=lambda entry: (entry[0], entry[1]))
    return [f"{place}: {_option(problem.loc)}: {problem.message}" for _, place, problem in placed]


def _problem(detail: ErrorDetails) -> Problem:
    loc = detail["loc"]
    reason = detail.get("ctx", {}).get("error")
    if detail["type"] == "extra_forbidden":
        return Problem(loc, _unknown(loc))
    if detail["type"] == "missing":
        return Problem(loc, "is missing; add it")
    if isinstance(reason, MisfitError):
        return Problem(loc, str(reason), (*loc[:-1], *reason.other))
    if isinstance(reason, ValueError):
        return Problem(loc, str(reason))
    return Problem(loc, "expected options of its own, one per line below it")


def _unknown(loc: Loc) -> str:
    word = str(loc[-1])
    group = group_at(loc[:-1])
    deeper = (f"{name}.{word}" for name, field in group.model_fields.items() if _holds(group_of(field), word))
    if place := next(deeper, None):
        return f"unknown key here, did you mean {quoted(place)}?"
    return f"unknown key, {remedy(word, group.model_fields)}"


def _holds(group: object, word: str) -> bool:
    return word in getattr(group, "model_fields", {})


def _place(problem: Problem, document: Document, variables: Mapping[Loc, str]) -> tuple[int, str]:
    """Finds where a value was set; if it was not, where the other one was, else what is nearest around it."""
    around = [problem.loc[:depth] for depth in range(len(problem.loc) - 1, 0, -1)]
    for loc in (problem.loc, problem.other, *around):
        if loc in variables:
            return _LAST, variables[loc]
        if loc in document.lines:
            return document.lines[loc], f"{document.name}:{document.lines[loc]}"
        if inside := next((name for place, name in variables.items() if loc and place[: len(loc)] == loc), None):
            return _LAST, inside
    return 0, document.name


def _option(loc: Loc) -> str:
    return "".join(_word(part, named=depth == 1) for depth, part in enumerate(loc)).removeprefix(".")


def _word(part: str | int, *, named: bool) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if named and is_name(part) else f".{shown(part, KNOWN)}"
