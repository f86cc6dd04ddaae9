"""What was asked, as messages speak of it: the one place that makes a message out of a platform's text."""

from collections.abc import Mapping
from dataclasses import dataclass, field

SHOWN = 160
"""Characters of foreign text in a message."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it goes out.

    `url` is without query; `site` is its scheme, host and port, `proxy` the same of proxy_url, without its password.
    `remedies` say, by HTTP status, what the platform's documentation advises.
    """

    source: str
    report: str
    site: str
    url: str
    params: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    key: str = field(repr=False)
    key_place: str
    proxy: str | None
    remedies: Mapping[int, str] = field(default_factory=dict)
    method: str = "GET"

    def message(self, text: str) -> str:
        """Returns one line that says who asked for what."""
        return f"{self.source}: {self.report}: {text}"

    def quote(self, text: str) -> str:
        """Returns foreign text fit for a message: without the key, printable, in one line, cut."""
        text = text.replace(self.key, "[key]")
        text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
        return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
