"""Makes one line of each problem: where the value is set, which option it is, what is wrong and how to fix it."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from exporter.domain.errors import ConfigError
from exporter.settings.environment import is_name
from exporter.settings.readers import Loc, OptionError, shown
from exporter.settings.yaml_file import Document, Place

Options = TypeVar("Options", bound=BaseModel)
_PLAIN = {"missing": "is missing; add it", "tuple_type": 'expected a list of entries, each below a "-"'}


class Mistake(NamedTuple):
    """A problem with the value at `loc`, or with it and the `other` one that it does not fit."""

    loc: Loc
    message: str
    other: Loc = ()


def _found(error: ValidationError) -> Iterator[Mistake]:
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


def validated(kind: type[Options], document: Document, context: object = None, more: Iterable[Mistake] = ()) -> Options:
    """Validates a document; ConfigError has a line for each mistake, those of the file before those of variables."""
    mistakes = [*more]
    try:
        options = kind.model_validate(document.tree, context=context)
    except ValidationError as error:
        mistakes += _found(error)
    else:
        if not mistakes and not document.problems:
            return options
    located = [(_place(each, document), f"{_option(each.loc)}: {each.message}") for each in mistakes]
    lines = sorted((*document.problems, *located), key=lambda each: each[0])
    raise ConfigError("\n".join(f"{place.text}: {message}" for place, message in lines))


def _place(mistake: Mistake, document: Document) -> Place:
    """Returns the place of the option, of the other one, or of the nearest group around it that has one."""
    around = (mistake.loc[:depth] for depth in range(len(mistake.loc) - 1, 0, -1))
    for loc in (mistake.loc, *([mistake.other] if mistake.other else []), *around):
        if loc in document.places:
            return document.places[loc]
        for inner, place in document.places.items():  # of a group, a variable that sets something inside it
            if inner[: len(loc)] == loc:
                return place
    return Place(0, document.name)  # something is missing in a file that has nothing around it


def _option(loc: Loc) -> str:
    """Names the option; apart from source and calendar names, only harmless words are shown."""
    return ".".join(
        str(part + 1) if isinstance(part, int) else part if depth == 1 and is_name(part) else shown(part)
        for depth, part in enumerate(loc)
    )
