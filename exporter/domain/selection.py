"""Which companies an operator wants, and which of these words match nothing; pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.domain.scope import Scope
from exporter.domain.selectors import Selection


@dataclass(frozen=True, slots=True)
class Companies(Selection):
    """Which companies are served; `expected` are ids that should be there, which widen nothing."""

    expected: tuple[str, ...] = ()

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
        words = {f"companies.{option}": count for option, count in Selection.unmatched(self, names).items()}
        return {**words, "companies.expected": sum(each not in names for each in self.expected)}
