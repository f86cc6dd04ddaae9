"""Selectors of things with an id and a name, such as companies; pure.

`17` or a glob selects by id or name, `id:17` by id, `name:Nor*` by name; all are case-sensitive.
"""

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from msgspec import Struct

from exporter.domain.scope import Scope

EVERYTHING = "*"
_PREFIXED = re.compile(r"(id|name)\s*:\s*(.*)", re.IGNORECASE | re.DOTALL)


def selector(written: str) -> str:
    """Normalises a selector: `ID: 17` becomes `id:17`; ValueError if nothing follows the prefix."""
    written = written.strip()
    match = _PREFIXED.fullmatch(written)
    if match is None:
        return written
    if not match[2]:
        raise ValueError(f"has nothing after {match[1]}:; write id:17 or name:Nor*")
    return f"{match[1].lower()}:{match[2]}"


def selects(selector: str, identity: str, name: str) -> bool:
    """Returns whether a normalised selector matches a thing."""
    if selector.startswith("id:"):
        return _matches(selector.removeprefix("id:"), identity)
    if selector.startswith("name:"):
        return _matches(selector.removeprefix("name:"), name)
    return _matches(selector, identity) or _matches(selector, name)


def literal(selector: str) -> str:
    return selector.removeprefix("id:").removeprefix("name:")


def _matches(glob: str, text: str) -> bool:
    return glob == text or fnmatchcase(text, glob)  # equal first: "Acme [test]" is a name, not a glob


class Entry(NamedTuple):
    """A selector in the configuration, with its option and source (or a glob of sources)."""

    source: str
    option: str
    selector: str


def matches(selector: str, things: Mapping[str, str]) -> int:
    return sum(selects(selector, *thing) for thing in things.items())


def unmatched(entries: Iterable[Entry], things: Mapping[str, str]) -> tuple[Entry, ...]:
    """Returns the entries that match none of the existing things (id to name)."""
    rest = (each for each in entries if each.selector.removeprefix("id:") not in things)  # fast, since most name one id
    return tuple(each for each in rest if not any(selects(each.selector, *thing) for thing in things.items()))


class Selection(Struct, frozen=True):
    """Include and exclude selectors; `exclude` takes precedence."""

    include: tuple[str, ...] = (EVERYTHING,)
    exclude: tuple[str, ...] = ()

    def wants(self, identity: str, name: str) -> bool:
        """Returns whether the thing is wanted."""
        is_included = EVERYTHING in self.include or any(selects(each, identity, name) for each in self.include)
        return is_included and not any(selects(each, identity, name) for each in self.exclude)

    def entries(self, source: str, option: str) -> Mapping[str, tuple[Entry, ...]]:
        """Returns the selectors of a source by option, below the name `option`."""
        return {
            (name := f"{option}.{field}"): tuple(
                Entry(source, name, each) for each in getattr(self, field) if each != EVERYTHING
            )
            for field in self.__struct_fields__
        }


class Companies(Selection, frozen=True):
    """Which companies are served; `expected` ones should exist, and are not served because of that."""

    expected: tuple[str, ...] = ()

    def within(self, other: "Companies") -> bool:
        """Returns whether the selectors alone prove that this selection is a subset of `other`."""
        included = EVERYTHING in other.include or set(self.include) <= set(other.include)
        return included and set(other.exclude) <= set(self.exclude)

    @property
    def scope(self) -> Scope:
        """What to request: one company if exactly one id is included, else all."""
        only = self.include[0].removeprefix("id:") if len(self.include) == 1 else ""
        return Scope(only if only.isascii() and only.isdecimal() else None)

    def missing(self, held: Mapping[str, str], listed: Mapping[str, str]) -> tuple[str, ...]:
        """Returns the `expected` selectors that match neither a held company nor an excluded one.

        Both arguments map ids to names; `listed` are all companies of the platform, excluded or not.
        """
        seen = [*held.items(), *(each for each in listed.items() if not self.wants(*each))]
        return tuple(
            each
            for each in self.expected
            if not any(selects(each, *company) for company in seen)
            and not any(selects(other, literal(each), literal(each)) for other in self.exclude)
        )

    def expects(self, identity: str, name: str) -> bool:
        return any(selects(each, identity, name) for each in self.expected)
