"""Finds the next page of an answer in the usual places; knows no report."""

from collections.abc import Mapping

from exporter.domain.errors import SchemaError

HOLDERS = ("links", "_links", "pagination", "meta")
"""Objects beside the rows that may hold the next page's link."""
LINKS = ("next", "next_page", "next_url", "next_link")
TOKENS = ("next_cursor", "next_page_token", "next_token", "has_more", "has_next")
"""Keys that say that there is more, but not where."""


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
