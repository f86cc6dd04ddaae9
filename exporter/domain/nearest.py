"""Suggests a known word for an unknown one."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Returns the known word most like `word`, ignoring case, if there is one."""
    folded = {each.lower(): each for each in known}
    close = get_close_matches(word.lower(), folded, n=1)
    return folded[close[0]] if close else None


def remedy(word: str, known: Iterable[str]) -> str:
    """Returns a hint that names the nearest known word, or else all of them."""
    known = tuple(known)
    near = nearest(word, known)
    return f'did you mean "{near}"?' if near else f"known: {', '.join(known) or 'none'}"
