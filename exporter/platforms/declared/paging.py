"""Finds the next page of an answer."""

from dataclasses import dataclass
from urllib.parse import urlencode

from exporter.domain.errors import SchemaError
from exporter.platforms import json_values
from exporter.platforms.api import Expression, Request
from exporter.platforms.jmespath_fields import Search


@dataclass(frozen=True, slots=True)
class Paging:
    """An answer has the `link` to the next page, or the `cursor` that goes into `parameter` of the next request."""

    link: Expression | None
    cursor: Expression | None
    parameter: str

    def next_page(self, root: object, request: Request, search: Search) -> str:
        """Returns the link to the next page, empty on the last one; SchemaError if the value found is neither."""
        where = self.link or self.cursor
        found = None if where is None else search.find(where, root)
        if not found:
            return ""
        if not isinstance(found, str) and not json_values.is_number(found):
            raise SchemaError("paging: the link or cursor of the next page is neither text nor a number")
        return str(found) if self.link else f"?{urlencode({**request.params, self.parameter: found})}"
