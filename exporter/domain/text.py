"""Makes outside text safe to print: no control characters, one line, bounded length; pure."""

from collections.abc import Sequence
from hashlib import blake2b

MOST_NAMED = 12
"""Words of a list in a log message."""

LONGEST_LABEL = 1024
"""Characters of a label value: a name is repeated in more than 100 series of its company."""
DIGEST_BYTES = 8


def printable(text: str, replacement: str = "\N{REPLACEMENT CHARACTER}") -> str:
    """Replaces each character that would move a terminal's cursor or end a line."""
    return "".join(letter if letter.isprintable() else replacement for letter in text)


def one_line(text: str) -> str:
    """Makes a text printable, with single spaces between its words."""
    return " ".join(printable(text, " ").split())


def label_value(text: str) -> str:
    """Cuts a long label value; it then ends in a digest that tells it from others."""
    if len(text) <= LONGEST_LABEL:
        return text
    digest = blake2b(text.encode(errors="surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()
    return f"{text[: LONGEST_LABEL - len(digest) - 1]}…{digest}"


def enumerated(words: Sequence[str], most: int = MOST_NAMED) -> str:
    """Lists the first words and counts the rest: `a, b and 3 more`."""
    rest = len(words) - most
    return ", ".join(words[:most]) + (f" and {rest} more" if rest > 0 else "")
