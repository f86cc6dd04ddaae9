"""Makes text from outside safe to print: no control characters, one line, lists of a bounded length. Pure."""

from collections.abc import Sequence

MOST_NAMED = 12
"""So many words of a list are named in a log message."""


def printable(text: str, replacement: str = "\N{REPLACEMENT CHARACTER}") -> str:
    """Replaces each character that would move a terminal's cursor or end a line."""
    return "".join(letter if letter.isprintable() else replacement for letter in text)


def one_line(text: str) -> str:
    """Returns the words of a text, printable, with one space between them."""
    return " ".join(printable(text, " ").split())


def enumerated(words: Sequence[str], most: int = MOST_NAMED) -> str:
    """Lists the first words, and says how many more there are: `a, b and 3 more`."""
    rest = len(words) - most
    return ", ".join(words[:most]) + (f" and {rest} more" if rest > 0 else "")
