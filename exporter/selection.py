"""Which companies and families an operator wants, and which of these words match nothing; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from exporter.source import Scope

EVERYBODY = ("*",)


@dataclass(frozen=True, slots=True)
class Companies:
    """Which companies are served, by id or by a case-sensitive glob of the name; `exclude` goes before `include`.

    `expected` are ids that should be there; they widen nothing.
    """

    include: tuple[str, ...] = EVERYBODY
    exclude: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()

    def wants(self, company_id: str, name: str) -> bool:
        """Tells whether the company is served."""
        included = company_id in self.include or matches(name, self.include)
        return included and not (company_id in self.exclude or matches(name, self.exclude))

    def within(self, other: "Companies") -> bool:
        """Tells whether it is sure, by the words alone, that nobody is wanted whom `other` does not want."""
        included = "*" in other.include or set(self.include) <= set(other.include)
        return included and set(other.exclude) <= set(self.exclude)

    @property
    def scope(self) -> Scope:
        """What may be asked of the platform at once: one company, if exactly one id is included."""
        only = self.include[0] if len(self.include) == 1 else ""
        return Scope(only if only.isascii() and only.isdecimal() else None)

    def unmatched(self, names: Mapping[str, str]) -> Mapping[str, int]:
        """Counts, per option, the selectors that match none of the companies (id to name) that the platform lists."""
        return {
            "companies.include": _idle((each for each in self.include if each != "*"), names),
            "companies.exclude": _idle(self.exclude, names),
            "companies.expected": sum(each not in names for each in self.expected),
        }


def matches(name: str, globs: Iterable[str]) -> bool:
    """Tells whether a glob matches a name."""
    return any(fnmatchcase(name, glob) for glob in globs)


def _idle(selectors: Iterable[str], names: Mapping[str, str]) -> int:
    return sum(
        selector not in names and not any(fnmatchcase(name, selector) for name in names.values())
        for selector in selectors
    )
