"""Finds the next page of an answer in the usual places; knows no report."""

from collections.abc import Iterator, Mapping

from exporter.domain.errors import SchemaError

HOLDERS = {"links", "pagination", "paging", "meta", "page", "pageinfo", "cursors"}
"""Objects beside the rows whose `next` is the next page."""
LINKS = {"next", "nextpage", "nexturl", "nextlink", "@odata.nextlink"}
TOKENS = {"nextcursor", "nextpagetoken", "nexttoken", "hasmore", "hasnext", "hasnextpage"}
"""Keys that say that there is more, but not where."""
COUNTS, NUMBERS = {"totalpages", "pagecount", "pages"}, {"page", "number", "currentpage", "pagenumber"}
"""A number of pages, and the number of this page; without the second, the first may be a figure."""
IN_ONE_PIECE = "ask the platform's operator for answers in one piece"


def further_page(root: object, remedy: str = IN_ONE_PIECE) -> str:
    """Returns the link to the next page, if any; SchemaError if there is more without a link.

    Keys are compared without case, `_` and `-`.
    """
    found = list(_signs(root)) if isinstance(root, dict) else []
    for key, value in found:
        link = value.get("href") if isinstance(value, Mapping) else value
        if _plain(key) in LINKS and isinstance(link, str) and link.startswith(("http://", "https://", "/", "?")):
            return link
    if found:
        key, _ = found[0]
        raise SchemaError(f'the answer is one page of several ("{key}"), without a link to the next one; {remedy}')
    return ""


def _signs(root: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yields the keys and values that say that there are further pages, of an object and of those in it."""
    for name, holder in (("", root), *root.items()):
        if _plain(name) == "links" and isinstance(holder, list):
            holder = {str(each.get("rel")): each for each in holder if isinstance(each, dict)}  # noqa: PLW2901 the same as an object
        if not isinstance(holder, dict):
            continue
        words = {_plain(key): key for key in holder}
        signs = TOKENS | LINKS if not name or _plain(name) in HOLDERS else TOKENS
        yield from ((key, holder[key]) for word, key in words.items() if word in signs and holder[key])
        if not words.keys().isdisjoint(NUMBERS):
            counts = ((key, holder[key]) for word, key in words.items() if word in COUNTS)
            yield from ((key, pages) for key, pages in counts if isinstance(pages, int) and pages > 1)


def _plain(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")
