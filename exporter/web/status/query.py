"""Which companies a reader of the status page asks for: text, source, activity, order, page."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

PER_PAGE = 50
ATTENTION = "attention"
COLUMNS = ("company", "last_day", "today", "usual", "share")
"""What can be sorted by, besides attention; "-" before it is the other way round."""
LONGEST_WORDS = 200


@dataclass(frozen=True, slots=True)
class CompanyQuery:
    """A query; what cannot be meant is taken for the default, since links to the page live long."""

    q: str = ""
    source: str = ""
    activity: str = ""
    broken: bool = False
    sort: str = ATTENTION
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "CompanyQuery":
        sort, page = query.get("sort", ATTENTION), query.get("page", "1")
        return cls(
            q=query.get("q", "").strip()[:LONGEST_WORDS],
            source=query.get("source", "")[:LONGEST_WORDS],
            activity=query.get("activity", "")[:LONGEST_WORDS],
            broken=query.get("show") == "broken",
            sort=sort if sort.removeprefix("-") in COLUMNS else ATTENTION,
            page=max(int(page), 1) if page.isascii() and page.isdecimal() and len(page) < len("1000000") else 1,
        )

    def link(self) -> str:
        given = {
            "q": self.q,
            "source": self.source,
            "activity": self.activity,
            "show": "broken" if self.broken else "",
            "sort": "" if self.sort == ATTENTION else self.sort,
            "page": "" if self.page == 1 else str(self.page),
        }
        return f"?{urlencode({name: value for name, value in given.items() if value})}#companies"

    def at(self, page: int) -> "CompanyQuery":
        return replace(self, page=page)

    def sorted_by(self, column: str) -> "CompanyQuery":
        """Returns the query that a click on a column's head makes: names from A on, figures from the largest on."""
        first, second = (column, f"-{column}") if column == "company" else (f"-{column}", column)
        return replace(self, sort=second if self.sort == first else first, page=1)

    def direction(self, column: str) -> str:
        """Returns how a column is sorted, as `aria-sort` has it; empty if it is not."""
        return {column: "ascending", f"-{column}": "descending"}.get(self.sort, "")
