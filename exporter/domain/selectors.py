"""Words by which an operator selects things that have an id and a name; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

EVERYTHING = ("*",)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is wanted, by id or by a case-sensitive glob of the name; `exclude` goes before `include`."""

    include: tuple[str, ...] = EVERYTHING
    exclude: tuple[str, ...] = ()

    def wants(self, identity: str, name: str) -> bool:
        """Tells whether the thing is wanted."""
        included = identity in self.include or matches(name, self.include)
        return included and not (identity in self.exclude or matches(name, self.exclude))

    def unmatched(self, names: Mapping[str, str]) -> Mapping[str, int]:
        """Counts, for `include` and `exclude`, the words that match none of the things that exist (id to name)."""
        include = (word for word in self.include if word not in EVERYTHING)
        return {"include": _idle(include, names), "exclude": _idle(self.exclude, names)}


def selects(selector: str, identity: str, name: str) -> bool:
    """Tells whether `id:17`, `name:Nor*`, or a glob on either selects a thing; case counts."""
    if selector.startswith("id:"):
        return fnmatchcase(identity, selector.removeprefix("id:"))
    if selector.startswith("name:"):
        return fnmatchcase(name, selector.removeprefix("name:"))
    return fnmatchcase(identity, selector) or fnmatchcase(name, selector)


def matches(name: str, globs: Iterable[str]) -> bool:
    """Tells whether a glob matches a name."""
    return any(fnmatchcase(name, glob) for glob in globs)


def _idle(words: Iterable[str], names: Mapping[str, str]) -> int:
    return sum(word not in names and not any(fnmatchcase(name, word) for name in names.values()) for word in words)
