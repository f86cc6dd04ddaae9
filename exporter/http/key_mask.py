"""Masks the keys of all sources in everything that a platform sends."""

import re
from collections.abc import Mapping

SHORTEST = 8  # length of a key that is masked in answers; a shorter one could be part of any word
MASKED = b"[key]"
SHORT_ESCAPES = frozenset('"\\/')  # visible letters that JSON may write after a backslash
VISIBLE_ESCAPE = re.compile(rb"\\u00[2-7]")


class KeyMask:
    """Masks `keys`, users and passwords in them, and the words of `Authorization`, also where JSON escapes letters.

    A platform may echo a key in an error, a name or a field name, and what it sends ends in logs, on the status page,
    in /metrics, the API and files, each with its own escapes; so the keys of all sources are masked on arrival.
    `secrets` are the keys and headers that the mask is made of.
    """

    def __init__(self, keys: tuple[str, ...], headers: Mapping[str, str]) -> None:
        self.secrets = keys, dict(headers)
        sent = " ".join(value for name, value in headers.items() if name.lower() == "authorization")
        parts = (part for key in keys for part in key.split(":", 1) if ":" in key)
        self._all = sorted({*keys, *parts, *sent.split()}, key=len, reverse=True)
        self._words = tuple(word.encode() for word in self._all if len(word) >= SHORTEST)
        self._short = tuple(f"\\{letter}".encode() for letter in SHORT_ESCAPES.intersection("".join(self._all)))

    def in_body(self, body: bytes) -> bytes:
        """Returns a body without the keys; `body` itself if it holds none, which is fast."""
        if any(escape in body for escape in self._short) or VISIBLE_ESCAPE.search(body):
            return re.sub("|".join(map(_any_form, self._words)).encode(), MASKED, body) if self._words else body
        for word in self._words:
            if word in body:
                body = body.replace(word, MASKED)
        return body

    def in_text(self, text: str) -> str:
        return self.in_body(text.encode(errors="replace")).decode()

    def in_message(self, text: str) -> str:
        """Returns an error's text without the keys; a short key is masked where it is a word by itself."""
        text = self.in_text(text)
        short = "|".join(re.escape(word) for word in self._all if 0 < len(word) < SHORTEST)
        return re.sub(rf"(?<!\w)(?:{short})(?!\w)", MASKED.decode(), text) if short else text


def _any_form(word: bytes) -> str:
    """Returns a pattern for a word, each of its letters in all ways in which JSON may write it, the longest first."""
    pattern = ""
    for letter in word.decode():
        plain = re.escape(letter)
        short = rf"\\{plain}|" if letter in SHORT_ESCAPES else ""
        pattern += rf"(?:{short}\\u(?i:{ord(letter):04x})|{plain})"
    return pattern
