"""Finds the next page of an answer in the usual places; knows no report."""

from collections.abc import Mapping

from exporter.domain.errors import SchemaError

HOLDERS = {"links", "pagination", "paging", "meta", "page", "pageinfo", "cursors"}
"""Objects beside the rows whose `next` is the next page."""
LINKS = {"next", "nextpage", "nexturl", "nextlink", "@odata.nextlink"}
TOKENS = {"nextcursor", "nextpagetoken", "nexttoken", "hasmore", "hasnext", "hasnextpage"}
"""Keys that say that there is more, but not where."""
COUNTS, NUMBERS = {"totalpages", "pagecount", "pages"}, {"page", "number", "currentpage", "pagenumber"}
"""A number of pages, and the number of this page; without the second, the first may be a figure."""
NO_SEPARATORS = str.maketrans("", "", "_-")
IN_ONE_PIECE = "ask the platform's operator for answers in one piece"


def further_page(root: object, remedy: str = IN_ONE_PIECE) -> str:
    """Returns the link to an answer's next page, if any; SchemaError if there is more without a link.

    Looks in an object and those in it. Keys are compared without case, `_` and `-`.
    """
    found: list[tuple[str, str, object]] = []  # what says that there is more: the key as compared, the key, its value
    for name, holder in (("", root), *root.items()) if isinstance(root, dict) else ():
        place = name.lower().translate(NO_SEPARATORS)
        if place == "links" and isinstance(holder, list):
            holder = {str(each.get("rel")): each for each in holder if isinstance(each, dict)}  # noqa: PLW2901 the same as an object
        if not isinstance(holder, dict):
            continue
        words = {key.lower().translate(NO_SEPARATORS): key for key in holder}
        signs = TOKENS | LINKS if not name or place in HOLDERS else TOKENS
        found += [(word, key, holder[key]) for word, key in words.items() if word in signs and holder[key]]
        if not words.keys().isdisjoint(NUMBERS):
            counts = [(word, key, holder[key]) for word, key in words.items() if word in COUNTS]
            found += [each for each in counts if isinstance(each[2], int) and each[2] > 1]
    for word, _, value in found:
        link = value.get("href") if isinstance(value, Mapping) else value
        if word in LINKS and isinstance(link, str) and link.startswith(("http://", "https://", "/", "?")):
            return link
    if found:
        key = found[0][1]
        raise SchemaError(f'the answer is one page of several ("{key}"), without a link to the next one; {remedy}')
    return ""
