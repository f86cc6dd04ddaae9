"""How messages speak: quoting, suggesting; knows no option."""

import json
import re
from collections.abc import Iterable
from difflib import get_close_matches

from exporter.domain.text import printable

_LONGEST = 40
_NAME = re.compile(r"(?=.{1,63}$)[a-z0-9]+(?:[-_][a-z0-9]+)*")
_HARMLESS = re.compile(r"[A-Za-z_-]{1,24}")

Loc = tuple[str | int, ...]
"""The way to a value: keys, and numbers in lists."""


class MisfitError(ValueError):
    """Two options that do not fit; `other` is the way to the second one, from the group that both are in."""

    def __init__(self, message: str, *other: str) -> None:
        super().__init__(message)
        self.other = other


class InnerError(ValueError):
    """What is wrong somewhere inside a value; `way` leads there from it."""

    def __init__(self, message: str, *way: str) -> None:
        super().__init__(message)
        self.way = way


def quoted(text: str) -> str:
    """Quotes a value that is no secret, on one line and not longer than a line bears."""
    visible = printable(text)
    return json.dumps(visible if len(visible) <= _LONGEST else f"{visible[: _LONGEST - 1]}…", ensure_ascii=False)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Returns the known word that is most like `word`, whatever its case, or None when none is."""
    folded = {each.lower(): each for each in known}
    close = get_close_matches(word.lower(), folded, n=1)
    return folded[close[0]] if close else None


def remedy(word: str, known: Iterable[str]) -> str:
    """Returns what to try instead of `word`: the nearest known word, else all of them."""
    known = tuple(known)
    near = nearest(word, known)
    return f"did you mean {quoted(near)}?" if near else f"known: {', '.join(known) or 'none'}"


def shown(key: str) -> str:
    """Returns a key as it may be printed; with other signs, or long, it may be a secret (`{api_key:sk-1}`)."""
    return key if _HARMLESS.fullmatch(key) else "…"


def is_name(word: str) -> bool:
    """Tells whether `word` can name a source or a calendar: as a label and, folded, in an environment variable."""
    return bool(_NAME.fullmatch(word))
