"""Where an answer says that it goes on, and how the next page is asked for."""

from dataclasses import dataclass
from urllib.parse import urlencode

from exporter.domain.errors import SchemaError
from exporter.platforms import json_values
from exporter.platforms.api import Expression, Request
from exporter.platforms.jmespath_fields import Search


@dataclass(frozen=True, slots=True)
class Paging:
    """Where an answer has the `link` to the next page, or the `cursor` that the `parameter` of the next question is."""

    link: Expression | None
    cursor: Expression | None
    parameter: str

    def next_page(self, root: object, request: Request, search: Search) -> str:
        """Returns the link to the next page, empty on the last one; raises SchemaError if what is found is neither."""
        where = self.link or self.cursor
        found = None if where is None else search.find(where, root)
        if not found:
            return ""
        if not isinstance(found, str) and not json_values.is_number(found):
            raise SchemaError("paging: what should lead to the next page is neither text nor a number")
        return str(found) if self.link else f"?{urlencode({**request.params, self.parameter: found})}"
