"""Makes one line of each problem: where the value is set, which option it is, what is wrong and how to fix it."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from exporter.domain.errors import ConfigError
from exporter.settings.environment import is_name
from exporter.settings.readers import Loc, OptionError, shown
from exporter.settings.yaml_file import Document, Place, Problem

Options = TypeVar("Options", bound=BaseModel)
_PLAIN = {"missing": "is missing; add it", "tuple_type": 'expected a list of entries, each below a "-"'}


def validated(kind: type[Options], document: Document, context: object = None) -> Options:
    """Validates a document; ConfigError has a line for each problem, those of the file before those of variables."""
    problems = [*document.problems]
    try:
        options = kind.model_validate(document.tree, context=context)
    except ValidationError as error:  # its details are read without any value that the message does not quote itself
        problems += (_problem(document, each) for each in error.errors(include_url=False, include_input=False))
    else:
        if not problems:
            return options
    problems.sort(key=lambda each: (isinstance(each[0], str), each[0]))
    raise ConfigError("\n".join(f"{_where(document, place)}: {message}" for place, message in problems))


def _problem(document: Document, detail: ErrorDetails) -> Problem:
    loc = tuple(each for each in detail["loc"] if each != "[key]")  # it is the name that is wrong
    reason = detail.get("ctx", {}).get("error")
    if reason is None:
        reason = _PLAIN.get(detail["type"], "expected options of its own, one per line below it")
    beside: Loc = ()
    if isinstance(reason, OptionError):
        beside = (*loc[:-1], *reason.beside) if reason.beside else ()
        loc = (*loc, *reason.inside)
    return located(document, loc, str(reason), beside)


def located(document: Document, loc: Loc, message: str, beside: Loc = ()) -> Problem:
    """Returns the problem of the option at `loc`, or of it and the one `beside` it that it does not fit.

    Its place is that of the option, of the other one, or of the nearest group around it that has one.
    """
    around = (loc[:depth] for depth in range(len(loc) - 1, 0, -1))
    places = (_place(document, each) for each in (loc, beside, *around) if each)
    # 0: something is missing in a file that has nothing around it
    return next((place for place in places if place), 0), f"{_option(loc)}: {message}"


def _place(document: Document, loc: Loc) -> Place:
    """Returns the place of an option, or of a variable that sets something inside it."""
    inside = (place for inner, place in document.places.items() if inner[: len(loc)] == loc)
    return document.places.get(loc) or next(inside, 0)


def _where(document: Document, place: Place) -> str:
    if isinstance(place, str):
        return place
    return f"{document.name}:{place}" if place else document.name


def _option(loc: Loc) -> str:
    """Names the option; apart from source and calendar names, only harmless words are shown."""
    return ".".join(
        str(part + 1) if isinstance(part, int) else part if depth == 1 and is_name(part) else shown(part)
        for depth, part in enumerate(loc)
    )
