"""Finds the next page of an answer: where a definition says that it is, else in the usual places; knows no report."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from exporter.domain.errors import SchemaError
from exporter.platforms import json_values
from exporter.platforms.api import Expression, Request
from exporter.platforms.jmespath_fields import Search

HOLDERS = ("links", "_links", "pagination", "meta")
"""Objects beside the rows that may hold the next page's link."""
LINKS = ("next", "next_page", "next_url", "next_link")
TOKENS = ("next_cursor", "next_page_token", "next_token", "has_more", "has_next")
"""Keys that say that there is more, but not where."""


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


def further_page(root: object) -> str:
    """Returns the link to the next page, if any; SchemaError if there is more without a link."""
    if not isinstance(root, dict):
        return ""
    for holder in (root, *(root[key] for key in HOLDERS if isinstance(root.get(key), dict))):
        for key in (*LINKS, *TOKENS):
            value = holder.get(key)
            link = value.get("href") if isinstance(value, Mapping) else value
            if key in LINKS and isinstance(link, str) and link.startswith(("http://", "https://", "/", "?")):
                return link
            if value:
                raise SchemaError(
                    f'the answer is one page of several ("{key}"), without a link to the next one; '
                    "ask the platform's operator for answers in one piece"
                )
    return ""
