"""Makes text from outside safe to print: no control characters, one line, limited length; pure."""

from collections.abc import Sequence
from hashlib import blake2b

MOST_NAMED = 12
"""How many words of a list a log message names."""

LONGEST_LABEL = 1024
"""In characters; a name is in more than 100 series of its company."""
DIGEST_BYTES = 8


def printable(text: str, replacement: str = "\N{REPLACEMENT CHARACTER}") -> str:
    """Replaces characters that would move a terminal's cursor or end a line."""
    return "".join(letter if letter.isprintable() else replacement for letter in text)


def one_line(text: str) -> str:
    """Makes a text printable, with single spaces between its words."""
    return " ".join(printable(text, " ").split())


def label_value(text: str) -> str:
    """Cuts a long label value; a digest at its end keeps it unique."""
    if len(text) <= LONGEST_LABEL:
        return text
    digest = blake2b(text.encode(errors="surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()
    return f"{text[: LONGEST_LABEL - len(digest) - 1]}…{digest}"


def enumerated(words: Sequence[str], most: int = MOST_NAMED) -> str:
    """Lists the first words and counts the rest: `a, b and 3 more`."""
    rest = len(words) - most
    return ", ".join(words[:most]) + (f" and {rest} more" if rest > 0 else "")
