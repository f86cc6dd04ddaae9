"""Where an answer says that it goes on, and how the next page is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from exporter.domain.errors import SchemaError
from exporter.platforms import json_values
from exporter.platforms.api import Expression, Request
from exporter.platforms.jmespath_fields import Search


@dataclass(frozen=True, slots=True)
class Paging:
    """One of three: a `link` to the next page, a `cursor` for a `parameter`, or the number of `pages` that there are.

    Pages are numbered from 1 on, or from what the `parameter` is in the first question.
    """

    link: Expression | None = None
    cursor: Expression | None = None
    pages: Expression | None = None
    parameter: str = ""

    def next_page(self, root: object, request: Request, search: Search) -> str:
        """Returns the link to the next page, empty on the last one; raises SchemaError if what is found is neither."""
        if self.pages is not None:
            return self._numbered(search.find(self.pages, root), request)
        where = self.link or self.cursor
        found = None if where is None else search.find(where, root)
        if not found:
            return ""
        if not isinstance(found, str) and not json_values.is_number(found):
            raise SchemaError("paging: what should lead to the next page is neither text nor a number")
        return str(found) if self.link else self._with(request.params, str(found))

    def _numbered(self, pages: object, request: Request) -> str:
        if not isinstance(pages, int) or isinstance(pages, bool):
            raise SchemaError("paging.pages: what should be the number of pages is no whole number")
        first = request.params.get(self.parameter, "1")
        asked = parse_qs(urlsplit(request.link).query).get(self.parameter, [first])[0]
        return self._with(request.params, str(int(asked) + 1)) if int(asked) - int(first) + 1 < pages else ""

    def _with(self, params: Mapping[str, str], page: str) -> str:
        return f"?{urlencode({**params, self.parameter: page})}"
