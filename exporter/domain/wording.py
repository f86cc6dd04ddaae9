"""Text for people: safe to print, of limited length, with suggestions for misspelt words; pure."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

MOST_NAMED = 12
"""How many words of a list a log message names."""


def printable(text: str, replacement: str = "\N{REPLACEMENT CHARACTER}") -> str:
    """Replaces characters that would move a terminal's cursor or end a line."""
    return "".join(letter if letter.isprintable() else replacement for letter in text)


def one_line(text: str) -> str:
    """Makes a text printable, with single spaces between its words."""
    return " ".join(printable(text, " ").split())


def enumerated(words: Sequence[str], most: int = MOST_NAMED) -> str:
    """Lists the first words and counts the rest: `a, b and 3 more`."""
    rest = len(words) - most
    return ", ".join(words[:most]) + (f" and {rest} more" if rest > 0 else "")


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
