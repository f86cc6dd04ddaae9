"""Makes text from outside safe to print: no control characters, one line, lists of a bounded length. Pure."""

from collections.abc import Sequence
from hashlib import blake2b

MOST_NAMED = 12
"""So many words of a list are named in a log message."""

LONGEST_LABEL = 1024
"""Letters of a label's value: a name stands in more than a hundred series of its company."""
DIGEST_BYTES = 8


def printable(text: str, replacement: str = "\N{REPLACEMENT CHARACTER}") -> str:
    """Replaces each character that would move a terminal's cursor or end a line."""
    return "".join(letter if letter.isprintable() else replacement for letter in text)


def one_line(text: str) -> str:
    """Returns the words of a text, printable, with one space between them."""
    return " ".join(printable(text, " ").split())


def label_value(text: str) -> str:
    """Returns a text as the value of a label: a longer one is cut, and ends in a digest that tells it from others."""
    if len(text) <= LONGEST_LABEL:
        return text
    digest = blake2b(text.encode(errors="surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()
    return f"{text[: LONGEST_LABEL - len(digest) - 1]}…{digest}"


def enumerated(words: Sequence[str], most: int = MOST_NAMED) -> str:
    """Lists the first words, and says how many more there are: `a, b and 3 more`."""
    rest = len(words) - most
    return ", ".join(words[:most]) + (f" and {rest} more" if rest > 0 else "")
