"""Finds the next page of an answer in the usual places; knows no report."""

from collections.abc import Mapping

from exporter.domain.errors import SchemaError

HOLDERS = {"links", "pagination", "paging", "meta", "pageinfo", "cursors"}
"""Objects beside the rows that may say where the next page is."""
LINKS = {"next", "nextpage", "nexturl", "nextlink", "@odata.nextlink"}
TOKENS = {"nextcursor", "nextpagetoken", "nexttoken", "hasmore", "hasnext", "hasnextpage"}
"""Keys that say that there is more, but not where."""
COUNTS = {"totalpages", "pagecount"}
IN_ONE_PIECE = "ask the platform's operator for answers in one piece"


def further_page(root: object, remedy: str = IN_ONE_PIECE) -> str:
    """Returns the link to the next page, if any; SchemaError if there is more without a link.

    Keys are compared without case, `_` and `-`.
    """
    if not isinstance(root, dict):
        return ""
    holders = [root, *(each for key, each in root.items() if _plain(key) in HOLDERS and isinstance(each, dict))]
    found = [(_plain(key), key, value) for holder in holders for key, value in holder.items() if value]
    for word, _, value in found:
        link = value.get("href") if isinstance(value, Mapping) else value
        if word in LINKS and isinstance(link, str) and link.startswith(("http://", "https://", "/", "?")):
            return link
    for word, key, value in found:
        if word in LINKS | TOKENS or (word in COUNTS and value not in (1, "1")):
            raise SchemaError(f'the answer is one page of several ("{key}"), without a link to the next one; {remedy}')
    return ""


def _plain(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")
