"""Selectors: how an operator names things that have an id and a name, companies above all; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from exporter.domain.scope import Scope

EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Selection:
    """What is wanted, by id or by a case-sensitive glob of the name; `exclude` goes before `include`."""

    include: tuple[str, ...] = (EVERYTHING,)
    exclude: tuple[str, ...] = ()

    def wants(self, identity: str, name: str) -> bool:
        """Returns whether the thing is wanted."""
        included = identity in self.include or any(fnmatchcase(name, glob) for glob in self.include)
        return included and not (identity in self.exclude or any(fnmatchcase(name, glob) for glob in self.exclude))

    def unmatched(self, names: Mapping[str, str]) -> Mapping[str, int]:
        """Counts, for `include` and `exclude`, the selectors that match none of the things that exist (id to name)."""
        chosen = [each for each in self.include if each != EVERYTHING]
        return {
            option: sum(
                not (selector in names or any(fnmatchcase(name, selector) for name in names.values()))
                for selector in selectors
            )
            for option, selectors in (("include", chosen), ("exclude", self.exclude))
        }


@dataclass(frozen=True, slots=True)
class Companies(Selection):
    """Which companies are served; `expected` are ids that should be there, which widen nothing."""

    expected: tuple[str, ...] = ()

    def within(self, other: "Companies") -> bool:
        """Returns whether the selectors alone prove that everybody selected here is selected by `other`."""
        included = EVERYTHING in other.include or set(self.include) <= set(other.include)
        return included and set(other.exclude) <= set(self.exclude)

    @property
    def scope(self) -> Scope:
        """What may be asked of the platform at once: one company, if exactly one id is included."""
        only = self.include[0] if len(self.include) == 1 else ""
        return Scope(only if only.isascii() and only.isdecimal() else None)


def selects(selector: str, identity: str, name: str) -> bool:
    """Returns whether `id:17`, `name:Nor*`, or a glob on either selects a thing; case counts."""
    if selector.startswith("id:"):
        return fnmatchcase(identity, selector.removeprefix("id:"))
    if selector.startswith("name:"):
        return fnmatchcase(name, selector.removeprefix("name:"))
    return fnmatchcase(identity, selector) or fnmatchcase(name, selector)
